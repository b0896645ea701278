package supervision

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/failshut/failshut/actors"
)

// TestBugsPlantedInALivingTreeAreFound breaks the living tree itself and holds it against the same random stories: an end that is
// lost is seen in the lines, an order that is another and a restart too many are seen by the children, with nobody looking at lines. What is found is told
// as a script that can be read again, and is no longer than the story was.
func TestBugsPlantedInALivingTreeAreFound(t *testing.T) {
	for _, c := range []struct {
		name, want string
		least      int                 // how many of a hundred it is seen in
		plant      func(y *story) bool // false: this tree cannot have it
	}{
		{"ends of second incarnations are lost", "the living tree differs", 80, func(y *story) bool {
			y.bug.loses = func(x actors.Exit) bool { return x.Epoch == 2 && x.Part != "" && x.Part != startPart }
			return slices.ContainsFunc(y.told, func(st told) bool { return slices.ContainsFunc(st.lines, endOfSecond) })
		}},
		{"two children change places", "seen by the children: ", 80, swapped},
		{"more restarts than are allowed", " has restarted ", 1, func(y *story) bool {
			y.bug.decls, y.bug.blind = slices.Clone(y.decls), true
			for i, st := range y.decls {
				y.bug.decls[i].words = slices.Clone(st.words)
				for j, w := range st.words {
					if strings.HasPrefix(w, "intensity=") {
						y.bug.decls[i].words[j] = "intensity=9"
					}
				}
			}
			return true
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			planted, found := 0, 0
			for i := range uint64(60) {
				g := &grower{r: rand.New(rand.NewPCG(1, i)), tame: true}
				y, err := g.tell()
				if err != nil {
					t.Fatal(err)
				}
				if !c.plant(y) {
					continue
				}
				planted++
				err = y.live(t.Context(), nil)
				if err == nil || !strings.Contains(err.Error(), c.want) {
					continue
				}
				if found++; found == 1 {
					readAgain(t, y)
				}
			}
			t.Logf("planted %d times, found %d times", planted, found)
			if planted < 10 || found*100 < planted*c.least || found == 0 {
				t.Errorf("planted %d times, found %d times, want %d of a hundred", planted, found, c.least)
			}
		})
	}
}

// endOfSecond is a line in which a second incarnation, of a worker, ends.
func endOfSecond(line string) bool {
	return (strings.HasPrefix(line, "exit c") || strings.HasPrefix(line, "exit d")) && strings.Contains(line, "#2 ")
}

// swapped has the living tree list two workers of one supervisor in the other order.
func swapped(y *story) bool {
	in := func(st statement) string { return st.words[2] }
	for i, st := range y.decls[:len(y.decls)-1] {
		next := y.decls[i+1]
		if st.words[0] == "child" && next.words[0] == "child" && in(st) == in(next) {
			y.bug.decls, y.bug.blind = slices.Clone(y.decls), true
			y.bug.decls[i], y.bug.decls[i+1] = next, st
			return true
		}
	}
	return false
}

// readAgain reads the shortest story that shows a bug as the runner of scripts does.
func readAgain(t *testing.T, y *story) {
	t.Helper()
	text := y.shortest(t.Context())
	path := filepath.Join(t.TempDir(), "found.txt")
	if err := os.WriteFile(path, []byte(strings.Join(text, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := readScript(path)
	if err != nil || len(s.cases) != 1 {
		t.Fatalf("what was found cannot be read: %v\n%s", err, strings.Join(text, "\n"))
	}
	if got := len(s.cases[0].steps); got > len(y.told) || got == 0 {
		t.Errorf("the shortest story has %d steps of %d", got, len(y.told))
	}
	t.Logf("%d of %d steps show it:\n%s", len(s.cases[0].steps), len(y.told), strings.Join(text, "\n"))
}
