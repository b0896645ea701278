package supervision_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/supervision"
)

// both is a child with an actor and a Run function.
func both(name string) supervision.Child {
	c := worker(name)
	start := c.Start
	c.Start = func(ctx context.Context, b *supervision.Birth) error {
		b.Run(waits)
		return start(ctx, b)
	}
	return c
}

// bare is a child without any part.
func bare(name string) supervision.Child {
	return supervision.Child{Name: name, Restart: supervision.Permanent, Start: func(context.Context, *supervision.Birth) error { return nil }}
}

func drilled() supervision.Spec {
	spec := supervision.DefaultSpec("root", worker("actor"), runner("run", waits), both("both"), bare("bare"),
		supervision.SubTree("sup", supervision.DefaultSpec("sup", worker("x"))))
	spec.Intensity = 100
	return spec
}

func TestADrillBreaksAnyChild(t *testing.T) {
	tests := map[string]struct {
		path   string
		fault  supervision.Fault
		asks   bool   // it needs a message
		reason string // of the exit
		stack  bool   // the end carries a stack
	}{
		"panic of an actor":           {"actor", supervision.Panic, true, "crash", true},
		"error of an actor":           {"actor", supervision.Fail, true, "error", false},
		"panic of a run function":     {"run", supervision.Panic, false, "crash", true},
		"the run of a child of both":  {"both", supervision.PanicRun, false, "crash", false},
		"the actor of a child of two": {"both", supervision.Panic, true, "crash", true},
		"a child without a part":      {"bare", supervision.Panic, false, "crash", false},
		"error of a run function":     {"run", supervision.Fail, false, "error", false},
		"error without a part":        {"bare", supervision.Fail, false, "error", false},
		"goexit of an actor":          {"actor", supervision.Goexit, true, "goexit", true},
		"goexit of a run function":    {"run", supervision.Goexit, false, "goexit", true},
		"nil map of an actor":         {"actor", supervision.NilMap, true, "crash", true},
		"nil map of a run function":   {"run", supervision.NilMap, false, "crash", true},
		"an index of an actor":        {"actor", supervision.Runtime, true, "crash", true},
		"an index of a run function":  {"run", supervision.Runtime, false, "crash", true},
		"a supervisor":                {"sup", supervision.Panic, false, "crash", false},
		"a child below":               {"sup/x", supervision.Panic, true, "crash", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			worlds(t, func(w *world) {
				tree := w.start(drilled())
				if err := tree.Inject(tt.path, tt.fault); err != nil {
					t.Fatal(err)
				}
				if tt.asks {
					w.tell(actors.Name(tt.path), "a message")
				}
				w.sees("started " + tt.path + "#2")
				if !strings.Contains(w.text(), "exit "+tt.path+"#1 "+tt.reason) {
					t.Errorf("no exit of %s#1 with %s:\n%s", tt.path, tt.reason, w.text())
				}
				if e, ok := w.ended(tt.path, 1); tt.stack && (!ok || !strings.Contains(string(e.Stack), "fault.go")) {
					t.Errorf("end = %+v, want one with the stack of the fault", e)
				}
				if err := tree.Inject(tt.path, tt.fault); err != nil {
					t.Errorf("Inject() of the next incarnation = %v", err)
				}
				if tt.asks {
					w.tell(actors.Name(tt.path), "a message")
				}
				w.sees("started " + tt.path + "#3")
				tree.Stop()
				if r := w.result(tree); r.Code != 0 || len(r.Unstopped) > 0 {
					t.Errorf("result = %+v", r)
				}
			})
		})
	}
}

func TestADrillThatCannotBeIsRefused(t *testing.T) {
	worlds(t, func(w *world) {
		tree := w.start(drilled())
		for _, tt := range []struct {
			path  string
			fault supervision.Fault
			want  error
		}{
			{"actor", 0, supervision.ErrFault},
			{"actor", 99, supervision.ErrFault},
			{"bare", supervision.Hang, supervision.ErrFault},
			{"bare", supervision.PanicStop, supervision.ErrFault},
			{"sup", supervision.PanicStart, supervision.ErrFault},
			{"sup", supervision.PanicRun, supervision.ErrFault},
			{"", supervision.Fail, supervision.ErrFault},
			{"nobody", supervision.Panic, supervision.ErrNotFound},
		} {
			if err := tree.Inject(tt.path, tt.fault); !errors.Is(err, tt.want) {
				t.Errorf("Inject(%q, %s) = %v, want %v", tt.path, tt.fault, err, tt.want)
			}
		}
		tree.Stop()
		w.result(tree)
		w.never("exit actor#1 crash", "restart")
		if err := tree.Inject("actor", supervision.Panic); !errors.Is(err, supervision.ErrNotFound) {
			t.Errorf("Inject() into a tree that is over = %v, want ErrNotFound", err)
		}
	})
}

func TestADrillOfARunThatHeedsNothingIsAbandoned(t *testing.T) {
	inBubble(t, func(w *world) {
		hold := make(chan struct{})
		c := runner("deaf", func(ctx context.Context, out actors.Outside) error {
			if out.Epoch() > 1 {
				return waits(ctx, out)
			}
			<-hold
			return nil
		})
		c.Shutdown = 2 * time.Second
		tree := w.start(supervision.DefaultSpec("root", c))
		if err := tree.Inject("deaf", supervision.Panic); err != nil {
			t.Fatal(err)
		}
		w.pass(1900 * time.Millisecond)
		w.never("abandon")
		w.sees("abandon deaf#1 stop")
		w.sees("started deaf#2")
		close(hold)
		w.sees("late deaf#1")
		tree.Stop()
		w.result(tree)
	})
}

func TestTheRootBreaksAndTheTreeIsHalted(t *testing.T) {
	worlds(t, func(w *world) {
		tripped := false
		tree := w.start(drilled(), supervision.Phase{Name: "trip", Run: func(context.Context) error { tripped = true; return nil }})
		if err := tree.Inject("", supervision.Panic); err != nil {
			t.Fatal(err)
		}
		if r := w.result(tree); r.Code != supervision.CodeTripped || r.Reason != supervision.Crashed || !tripped {
			t.Errorf("result = %+v, tripped %v, want code 70 after the phase", r, tripped)
		}
		w.sees("escalate root crash")
	})
}

func TestADrillOfAStartMakesTheNextStartPanicOnce(t *testing.T) {
	worlds(t, func(w *world) {
		tree := w.start(drilled())
		for _, path := range []string{"run", "bare", "sup/x"} {
			if err := tree.Inject(path, supervision.PanicStart); err != nil {
				t.Fatal(err)
			}
			if err := tree.Inject(path, supervision.Panic); err != nil {
				t.Fatal(err)
			}
			if path == "sup/x" {
				w.tell(actors.Name(path), "a message")
			}
			w.sees("failed " + path + "#2 panic")
			w.sees("started " + path + "#3")
		}
		tree.Stop()
		w.result(tree)
	})
}

func TestADrillOfAStopBreaksItAndTheStopGoesOn(t *testing.T) {
	worlds(t, func(w *world) {
		tree := w.start(drilled())
		for _, path := range []string{"actor", "run", "both", "sup/x"} {
			if err := tree.Inject(path, supervision.PanicStop); err != nil {
				t.Fatal(err)
			}
		}
		tree.Stop()
		if r := w.result(tree); r.Code != supervision.CodeOrderly || len(r.Unstopped) > 0 {
			t.Errorf("result = %+v, want an orderly stop", r)
		}
		for _, path := range []string{"actor", "run", "both", "sup/x"} {
			w.sees("exit " + path + "#1 crash")
		}
		w.never("restart")
	})
}

func TestADrillThatHangsIsFoundByTheWatchdogAndNamed(t *testing.T) {
	for _, path := range []string{"actor", "run"} {
		t.Run(path, func(t *testing.T) {
			inBubble(t, func(w *world) {
				spec := drilled()
				for i := range spec.Children {
					spec.Children[i].Watchdog = time.Second
				}
				tree := w.start(spec)
				if err := tree.Inject(path, supervision.Hang); err != nil {
					t.Fatal(err)
				}
				if path == "actor" {
					w.tell("actor", "a message")
				}
				w.pass(900 * time.Millisecond)
				w.never("abandon")
				w.sees("abandon " + path + "#1 hung")
				w.sees("started " + path + "#2")
				if z := tree.Snapshot().Zombies; len(z) != 1 || z[0].Path != path || z[0].Epoch != 1 {
					t.Errorf("the zombies are %v, want %s#1", z, path)
				}
				tree.Release()
				w.sees("late " + path + "#1")
				if z := tree.Snapshot().Zombies; len(z) != 0 {
					t.Errorf("the zombies are %v after the release, want none", z)
				}
				tree.Stop()
				w.result(tree)
			})
		})
	}
}

func TestADrillThatHangsUnwatchedIsLeftByTheStopAndNamed(t *testing.T) {
	inBubble(t, func(w *world) {
		tree := w.start(drilled())
		if err := tree.Inject("actor", supervision.Hang); err != nil {
			t.Fatal(err)
		}
		w.tell("actor", "a message")
		tree.Stop()
		r := w.result(tree)
		if r.Code != supervision.CodePartial || len(r.Unstopped) != 1 || r.Unstopped[0].Path != "actor" {
			t.Errorf("result = %+v, want a partial stop that names the actor", r)
		}
		tree.Release()
	})
}

func TestADrillDoesNotHangADeterministicSystem(t *testing.T) {
	worlds(t, func(w *world) {
		tree := w.start(drilled())
		if !w.sys.Deterministic() {
			tree.Stop()
			w.result(tree)
			return
		}
		for _, path := range []string{"actor", "run"} {
			if err := tree.Inject(path, supervision.Hang); !errors.Is(err, supervision.ErrFault) {
				t.Errorf("Inject(%q, hang) = %v, want ErrFault", path, err)
			}
		}
		tree.Stop()
		w.result(tree)
	})
}
