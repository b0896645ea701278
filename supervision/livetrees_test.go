package supervision

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/failshut/failshut/actors"
)

var liveFlag = flag.Int("live", 15_000, "how many trees TestRandomTreesLive grows; so many are a million steps")

// TestRandomTreesLive plays random stories twice: once with fake children that the trunk alone decides about, and once in a living tree
// over actors. What the two say has to be the same, line for line; and the living one is held against the model besides, and its
// children against what they saw themselves.
func TestRandomTreesLive(t *testing.T) {
	n := *liveFlag
	if testing.Short() {
		n = min(n, 300)
	}
	sum, steps := &tally{}, 0
	for i := range n {
		g := &grower{r: rand.New(rand.NewPCG(*seedFlag, uint64(i))), tame: true}
		story, err := g.tell()
		if err == nil {
			err = story.live(t.Context(), sum)
		}
		if err != nil {
			t.Fatalf("-seed %d, tree %d: %v\n%s", *seedFlag, i, err, strings.Join(story.shortest(t.Context()), "\n"))
		}
		steps += story.steps
	}
	t.Logf("-seed %d -live %d: %d steps, %+v", *seedFlag, n, steps, *sum)
	for what, k := range map[string]int{
		"restarts": sum.Restarts, "escalations": sum.Escalations, "halts": sum.Halts, "zombies": sum.Zombies, "calls": sum.Calls,
		"ordered starts that children saw": sum.Seen.Ordered, "stops": sum.Seen.Stops, "restarts in a window": sum.Seen.Grants,
	} {
		if k < n/10 {
			t.Errorf("%d %s in %d trees: the trees are too tame", k, what, n)
		}
	}
}

// story is what the model said to each statement.
type story struct {
	g     *grower
	decls []statement
	told  []told
	steps int // inputs that were decided, and lines
	bug   bug
}

// bug is what a test plants in the living tree alone.
type bug struct {
	decls []statement              // what it is made of, where that is something else
	loses func(actors.Exit) bool   // ends that it does not hear of; may be nil
	says  func(line string) string // what it says instead of a line; may be nil
	blind bool                     // nobody compares lines: the children alone have to see it
}

type told struct {
	statement
	lines []string
}

// tell plays a random story on fake children.
func (g *grower) tell() (*story, error) {
	g.group = map[string]string{}
	y := &story{g: g, decls: g.sup("s0", "", 2)}
	for range g.r.IntN(3) {
		y.decls = append(y.decls, g.say("phase p%d %s timeout=2s", len(y.decls), g.pick("ok", "ok@1s", "error", "panic@300ms", "ok@3s")))
	}
	p, err := declare(&scriptCase{name: "random", decls: y.decls})
	if err != nil {
		return y, err
	}
	s := newStage(p)
	s.limit, s.apart = 100_000, true
	m := newModel(s)
	names := slices.Clone(g.kids)
	for i := range 8 {
		names = append(names, fmt.Sprintf("d%d", i))
	}
	play := func(st statement) error {
		over := len(y.told) > 0 && len(m.live) == 0 // a living tree has one life, and answers in another way behind it
		if over || !hears(s, st) {
			return nil
		}
		lines, err := s.play(st)
		if mistake := (*scriptError)(nil); errors.As(err, &mistake) {
			return nil // the target cannot have that now
		}
		lines = heard(m, lines)
		y.told = append(y.told, told{st, slices.Clone(lines)})
		y.steps += len(lines)
		m.wrong = nil // TestRandomTrees holds these
		return err
	}
	err = play(g.say("start s0"))
	for range 20 {
		if waiting := workers(m, m.waiting); len(waiting) > 0 && g.chance(95) {
			for _, evidence := range []string{"synced", "reconciled", "caught_up"} {
				err = errors.Join(err, play(g.say("ready %s %s", waiting[0], evidence)))
			}
		}
	}
	for range 20 + g.r.IntN(60) {
		err = errors.Join(err, play(g.command(names, workers(m, m.live), workers(m, m.waiting))))
	}
	for _, last := range []string{g.pick("stop s0", "shutdown"), "advance 10h"} {
		err = errors.Join(err, play(g.say("%s", last)))
	}
	y.steps += len(s.fed)
	return y, err
}

// hears reports whether a real child would do what a command says: one that stops listens no more, on a deterministic system no
// watchdog runs, and that a child hangs which is killed is seen only after a while.
func hears(s *stage, st statement) bool {
	switch st.words[0] {
	case "advance":
		return st.words[1] != "0s"
	case "crash", "exit", "hang", "unhang":
		id, err := s.incarnation(st.line, st.words[1])
		x := s.acts[id]
		switch {
		case err != nil || x == nil || x.child.Sub != nil:
			return true
		case st.words[0] == "hang":
			return x.child.Watchdog == 0 && x.child.Shutdown != Brutal && !x.told
		case st.words[0] == "unhang":
			return x.started && !x.ended && (x.hung || x.told && x.b.stop == "hang")
		}
		return !x.told
	case "set": // what it was told it has begun to do
		id, err := s.incarnation(st.line, st.words[1])
		if x := s.acts[id]; err == nil && x != nil {
			return !x.told && (x.child.Shutdown != Brutal || st.words[2] != "stop=hang")
		}
		return st.words[2] != "stop=hang"
	}
	return true
}

// heard leaves out the late ends behind the end of a tree, of which it tells nobody any more.
func heard(m *model, lines []string) []string {
	for n := len(lines); n > 0 && len(m.live) == 0 && strings.HasPrefix(lines[n-1], "late "); n-- {
		lines = lines[:n-1]
	}
	return lines
}

// live plays it in a living tree.
func (y *story) live(ctx context.Context, sum *tally) (err error) {
	p, err := declare(&scriptCase{name: "random", decls: y.decls})
	if err != nil {
		return err
	}
	meant := p.spec
	if y.bug.decls != nil {
		if p, err = declare(&scriptCase{name: "random", decls: y.bug.decls}); err != nil {
			return err
		}
	}
	sys, err := actors.New(actors.Config{Clock: actors.Virtual(caseBegan), Dispatch: actors.Deterministic()})
	if err != nil {
		return err
	}
	l := newLiveStage(p, sys)
	l.sees, l.loses = newWitness(meant), y.bug.loses
	defer func() {
		l.tree.Stop()
		drive := sys.Drive(context.WithoutCancel(ctx), nil)
		if stop := sys.Stop(context.WithoutCancel(ctx)); err == nil {
			err = errors.Join(drive, stop)
		}
	}()
	m := newModel(l.stage)
	for _, st := range y.told {
		l.lines = nil
		m.calls(st.statement, +1)
		l.sees.calls(st.statement)
		if err := l.command(ctx, st.statement); err != nil {
			return fmt.Errorf("%s: %w", strings.Join(st.words, " "), err)
		}
		lines := l.lines
		if says := y.bug.says; says != nil {
			lines = slices.Clone(lines)
			for i := range lines {
				lines[i] = says(lines[i])
			}
		}
		if y.bug.blind {
			if l.sees.wrong != nil {
				return l.sees.wrong
			}
			continue
		}
		if !slices.Equal(lines, st.lines) {
			return fmt.Errorf("%s: the living tree differs\n%s", strings.Join(st.words, " "), diff(st.lines, lines))
		}
		if err := errors.Join(m.check(), l.fenced(), l.sees.wrong); err != nil {
			return fmt.Errorf("%s: %w", strings.Join(st.words, " "), err)
		}
	}
	if sum == nil {
		return nil
	}
	m.add(sum)
	sum.Seen.add(l.sees.sum)
	return errors.Join(m.over(), l.sees.accounted())
}

// fenced holds what the children were given: of all incarnations of a path, at most the last may act.
func (l *liveStage) fenced() error {
	for id, f := range l.fences {
		if err := f.Check(); !errors.Is(err, actors.ErrFenced) && id.Epoch != l.t.ledger.epochs[id.Path] {
			return fmt.Errorf("%s#%d may act beside #%d", id.Path, id.Epoch, l.t.ledger.epochs[id.Path])
		}
	}
	return nil
}

// shortest drops statements for as long as the rest still fails, and returns it as a script.
func (y *story) shortest(ctx context.Context) []string {
	now := *y
	for again := true; again; {
		again = false
		for i := len(now.told) - 1; i > 0; i-- {
			less := now
			less.told = slices.Delete(slices.Clone(now.told), i, i+1)
			if again = less.retell() == nil && less.live(ctx, nil) != nil; again {
				now = less
				break
			}
		}
	}
	var text []string
	for _, st := range now.decls {
		text = append(text, strings.Join(st.words, " "))
	}
	for _, st := range now.told {
		text = append(text, strings.Join(st.words, " "))
		for _, l := range st.lines {
			text = append(text, "> "+l)
		}
	}
	return text
}

// retell has the model say anew what it says to the statements that are left.
func (y *story) retell() error {
	p, err := declare(&scriptCase{name: "random", decls: y.decls})
	if err != nil {
		return err
	}
	s := newStage(p)
	s.apart = true
	m := newModel(s)
	for i := range y.told {
		if !hears(s, y.told[i].statement) || i > 0 && len(m.live) == 0 {
			return errors.New("nobody hears it now")
		}
		lines, err := s.play(y.told[i].statement)
		if err != nil {
			return err
		}
		y.told[i].lines = slices.Clone(heard(m, lines))
	}
	return nil
}

// TestALivingTreeThatDiffersIsFound plants what the comparison has to find: a line that is not there, an order that is another, a fence
// that stays open.
func TestALivingTreeThatDiffersIsFound(t *testing.T) {
	g := &grower{r: rand.New(rand.NewPCG(1, 1)), tame: true}
	y, err := g.tell()
	if err != nil {
		t.Fatal(err)
	}
	if err := y.live(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	n := 0
	other := func(line string) string {
		if n++; n == 5 {
			return line + "0"
		}
		return line
	}
	y.bug.says = other
	if err := y.live(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "the living tree differs") {
		t.Errorf("one other line among all: %v", err)
	}
	y.bug.says = func(line string) string { return strings.Replace(line, "stop ", "start ", 1) }
	text := strings.Join(y.shortest(t.Context()), "\n")
	if !strings.Contains(text, "\n> stop ") || strings.Count(text, "\n> stop ") > 3 {
		t.Errorf("the shortest story that shows it is not short:\n%s", text)
	}

	p, err := declare(&scriptCase{name: "random", decls: y.decls})
	if err != nil {
		t.Fatal(err)
	}
	s := newStage(p)
	if _, err := s.play(statement{words: []string{"start", "s0"}}); err != nil {
		t.Fatal(err)
	}
	open := &liveStage{stage: s, fences: map[Incarnation]actors.Fence{}}
	sys, err := actors.New(actors.Config{Clock: actors.Virtual(caseBegan), Dispatch: actors.Deterministic()})
	if err != nil {
		t.Fatal(err)
	}
	life, err := sys.Begin(actors.Birth{Name: "old"})
	if err != nil {
		t.Fatal(err)
	}
	open.fences[Incarnation{"old", 1}] = life.Fence()
	if err := open.fenced(); err == nil {
		t.Error("an old incarnation that may act is not found")
	}
	life.End(false)
	if err := open.fenced(); err != nil {
		t.Error(err)
	}
	if err := sys.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
