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
			{"run", supervision.Fail, supervision.ErrFault},
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
