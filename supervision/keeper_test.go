package supervision

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
)

func deterministic(t *testing.T) *actors.System {
	t.Helper()
	sys, err := actors.New(actors.Config{Clock: actors.Virtual(caseBegan), Dispatch: actors.Deterministic()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sys.Stop(context.Background()); err != nil {
			t.Errorf("Stop() error = %v", err)
		}
	})
	return sys
}

// TestAKeeperThatBreaksShutsTheTree: nobody decides any more, and still the phases run, all are fenced, and the code is 70.
func TestAKeeperThatBreaksShutsTheTree(t *testing.T) {
	sys := deterministic(t)
	var fences []actors.Fence
	child := func(name string) Child {
		return DefaultChild(name, func(_ context.Context, b *Birth) error {
			fences = append(fences, b.Fence())
			b.Run(func(ctx context.Context, out actors.Outside) error { return out.Until(ctx, out.Now().Add(time.Hour)) })
			return nil
		})
	}
	var ran []string
	phase := func(name string, err error) Phase {
		return Phase{Name: name, Timeout: time.Second, Run: func(context.Context) error {
			if fences[0].Check() == nil {
				ran = append(ran, name)
			}
			return err
		}}
	}
	tree, err := Start(t.Context(), sys, DefaultSpec("root", child("a"), child("b")), Options{
		Phases: []Phase{phase("trip", errors.New("no")), phase("cancel_all", nil)},
	})
	if err != nil {
		t.Fatal(err)
	}
	var minded []Reason
	up := false
	tree.StartChild("", child("d"), func(Answer) { up = true }, func(r Reason) { minded = append(minded, r) })
	if err := sys.Drive(t.Context(), func() bool { return up }); err != nil {
		t.Fatal(err)
	}
	tree.keeper.draw = func() float64 { panic("the keeper breaks") }
	asked := make(chan Answer, 1)
	tree.StartChild("", child("c"), func(a Answer) { asked <- a }, nil)
	if err := sys.Drive(t.Context(), func() bool { return len(tree.Done()) > 0 }); err != nil {
		t.Fatal(err)
	}
	r := <-tree.Done()
	if r.Code != CodeTripped || len(r.Unstopped) != 3 || r.Unstopped[1].Path != "b" {
		t.Errorf("result = %+v, want 70 with d, b and a", r)
	}
	if len(ran) != 2 {
		t.Errorf("phases %v ran while all lived, want both", ran)
	}
	for i, f := range fences {
		if err := f.Check(); !errors.Is(err, actors.ErrFenced) {
			t.Errorf("fence %d = %v, want ErrFenced", i, err)
		}
	}
	if a := <-asked; a.Word != "not_running" {
		t.Errorf("the call over which it broke = %+v, want not_running", a)
	}
	tree.TerminateChild("", "a", func(a Answer) { asked <- a })
	if a := <-asked; a.Word != "not_running" {
		t.Errorf("a call after the end = %+v, want not_running", a)
	}
	if len(minded) != 1 || minded[0] != Crashed {
		t.Errorf("who minds d was told %q, want that it crashed", minded)
	}
}

// TestAHookThatPanicsHarmsNobody: hooks are other people's code.
func TestAHookThatPanicsHarmsNobody(t *testing.T) {
	sys := deterministic(t)
	idle := DefaultChild("a", func(context.Context, *Birth) error { return nil })
	tree, err := Start(t.Context(), sys, DefaultSpec("root", idle), Options{Events: Events{
		Decision: func(time.Time, Decision) { panic("no") },
		Ready:    func(string, uint64, time.Duration) { panic("no") },
	}})
	if err != nil {
		t.Fatal(err)
	}
	tree.StartChild("", DefaultChild("b", idle.Start), func(Answer) { panic("no") }, nil)
	tree.Shutdown()
	if err := sys.Drive(t.Context(), func() bool { return len(tree.Done()) > 0 }); err != nil {
		t.Fatal(err)
	}
	if r := <-tree.Done(); r.Code != CodeOrderly {
		t.Errorf("result = %+v, want 0", r)
	}
}
