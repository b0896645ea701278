package failshut_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/supervision"
)

// decided is a directory with the journal of a tree that came up and went down.
func decided(t *testing.T) string {
	t.Helper()
	sys, err := actors.New(actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(1)})
	if err != nil {
		t.Fatal(err)
	}
	idle := supervision.DefaultChild("idle", func(_ context.Context, b *supervision.Birth) error {
		b.Run(func(ctx context.Context, _ actors.Outside) error {
			<-ctx.Done()
			return nil
		})
		return nil
	})
	dir := filepath.Join(t.TempDir(), "supervision")
	tree, err := supervision.Start(t.Context(), sys, supervision.DefaultSpec("root", idle),
		supervision.Options{Journal: supervision.Journal{Dir: dir, Size: journal.SegmentMin}})
	if err != nil {
		t.Fatal(err)
	}
	tree.Shutdown()
	<-tree.Done()
	if err := sys.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	return dir
}

// changed is a copy of a journal of decisions in which change has a word on each record: nil leaves it out.
func changed(t *testing.T, from string, change func(n int, body []byte) []byte) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "changed")
	log, _, err := journal.Open(journal.OS(), dir, journal.Options{Node: "tree", Group: "supervision", Segment: journal.SegmentMin, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for r, err := range journal.Read(journal.OS(), from, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Kind < journal.KindFirst {
			continue
		}
		n++
		if body := change(n, r.Body); body != nil {
			if _, err := log.Append(r.Kind, r.Version, body); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestTreeReplayNamesWhatIsNotAsItWas(t *testing.T) {
	whole := decided(t)
	segment := filepath.Join(whole, "00000000000000000001.seg")
	altered := changed(t, whole, func(n int, body []byte) []byte {
		if n == 4 { // the first record is a state
			body[len(body)-1] ^= 1
		}
		return body
	})
	short := changed(t, whole, func(n int, body []byte) []byte {
		if n == 3 {
			return nil
		}
		return body
	})
	blind := changed(t, whole, func(n int, body []byte) []byte {
		if n == 1 {
			return nil
		}
		return body
	})
	for _, tt := range []struct {
		name, file    string
		code          int
		dropped, diff float64
	}{
		{"a whole journal", whole, 0, 0, 0},
		{"its only segment", segment, 0, 0, 0},
		{"an altered hash", altered, 8, 0, 3},
		{"a record that is missing", short, 7, 1, 0},
		{"no state to begin with", blind, 7, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := run("tree", "replay", tt.file, "--output", "json")
			if r.code != tt.code {
				t.Fatalf("exit %d, want %d: %v", r.code, tt.code, r)
			}
			v := object(t, r.stdout, "failshut.tree.replay/1")
			seq := 0.0
			if d, ok := v["first_difference"].(map[string]any); ok {
				seq = d["seq"].(float64)
			}
			if v["dropped"] != tt.dropped || seq != tt.diff {
				t.Errorf("%v missing and a difference at %v, want %v and %v: %s", v["dropped"], seq, tt.dropped, tt.diff, r.stdout)
			}
			if table := run("tree", "replay", tt.file); table.code != tt.code || table.stdout == "" {
				t.Errorf("as a table: %v", table)
			}
		})
	}
}

func TestTreeReplaySaysWhatAFileIsNot(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	orders := filepath.Join(t.TempDir(), "journal")
	log, _, err := journal.Open(journal.OS(), orders, journal.Options{Node: "n1", Group: "10", Segment: journal.SegmentMin})
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	for _, e := range []ends{
		{"no such file", []string{"tree", "replay", filepath.Join(dir, "none")}, 1, "none"},
		{"another name", []string{"tree", "replay", file("x.log", "")}, 1, "20 digits"},
		{"a directory of others", []string{"tree", "replay", t.TempDir()}, 1, "no segment"},
		{"a file of something else", []string{"tree", "replay", file("00000000000000000001.seg", "hello")}, 1, "segment header"},
		{"the journal of orders", []string{"tree", "replay", orders}, 1, `group "10", want "supervision"`},
		{"nothing named", []string{"tree", "replay"}, 2, "found no argument, want failshut tree replay FILE..."},
	} {
		t.Run(e.name, e.check)
	}
}
