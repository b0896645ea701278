package supervision_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/supervision"
)

func TestTheNextStartsOnlyWhenTheOneBeforeIsReady(t *testing.T) {
	worlds(t, func(w *world) {
		said := make(chan error, 8)
		risk := runner("risk", func(ctx context.Context, out actors.Outside) error { return nil })
		risk.Class = supervision.RiskClass
		risk.Start = func(_ context.Context, b *supervision.Birth) error {
			said <- b.Fence().Check()
			b.Run(func(ctx context.Context, out actors.Outside) error {
				if err := out.Until(ctx, out.Now().Add(5*time.Millisecond)); err != nil {
					return err
				}
				said <- b.Ready(supervision.Synced)
				said <- b.Fence().Check()
				said <- b.Ready(supervision.CaughtUp)
				return waits(ctx, out)
			})
			return nil
		}
		spec := supervision.DefaultSpec("root", risk, worker("orders"))
		spec.Strategy, spec.Intensity = supervision.RestForOne, 3
		tree := w.start(spec)
		for _, want := range []error{actors.ErrNotReady, supervision.ErrEvidence, actors.ErrNotReady, nil} {
			if err := <-said; !errors.Is(err, want) {
				t.Errorf("said %v, want %v", err, want)
			}
		}
		if err := tree.Inject("risk", supervision.Panic); err != nil {
			t.Fatal(err)
		}
		w.sees("started orders#2")
		tree.Stop()
		w.result(tree)
		w.wantTrace("", `
start root#1
start risk#1
started risk#1
refuse risk#1 synced
ready risk#1
start orders#1
started orders#1
started root#1
reply start root ok root#1
exit risk#1 crash
restart root risk 1/3
stop orders#1
exit orders#1 shutdown
start risk#2
started risk#2
refuse risk#2 synced
ready risk#2
start orders#2
started orders#2
stop orders#2
exit orders#2 shutdown
stop risk#2
exit risk#2 shutdown
exit root#1 shutdown
reply stop root ok`)
	})
}

func TestAStartThatFailsUndoesTheBootAndIsNamed(t *testing.T) {
	tests := map[string]struct {
		start supervision.StartFunc
		class supervision.Class
		want  string
	}{
		"error":  {func(context.Context, *supervision.Birth) error { return errors.New("no") }, supervision.Plain, "error"},
		"a word": {func(context.Context, *supervision.Birth) error { return actors.ExitWith("port_in_use") }, supervision.Plain, "port_in_use"},
		"panic":  {func(context.Context, *supervision.Birth) error { panic("no") }, supervision.Plain, "panic"},
		"goexit": {func(context.Context, *supervision.Birth) error { runtime.Goexit(); return nil }, supervision.Plain, "goexit"},
		"waits too long": {
			func(ctx context.Context, _ *supervision.Birth) error {
				out, _ := supervision.OutsideOf(ctx)
				return waits(ctx, out)
			}, supervision.Plain, "timeout",
		},
		"is never ready": {
			func(_ context.Context, b *supervision.Birth) error { b.Run(waits); return nil }, supervision.OrdersClass, "not_ready",
		},
		"ends before it is ready": {
			func(_ context.Context, b *supervision.Birth) error {
				b.Run(func(context.Context, actors.Outside) error { return nil })
				return nil
			}, supervision.FeedClass, "normal",
		},
		"actor that does not come up": {
			func(_ context.Context, b *supervision.Birth) error {
				_, err := supervision.Spawn(b, actors.Func[string](func(*actors.Context[string], string) error { return nil }))
				if err == nil {
					_, err = supervision.Spawn(b, actors.Func[string](func(*actors.Context[string], string) error { return nil }))
				}
				return err
			}, supervision.Plain, "error",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			worlds(t, func(w *world) {
				bad := supervision.Child{Name: "bad", Restart: supervision.Permanent, Start: tt.start, Class: tt.class, StartTimeout: 5 * time.Millisecond}
				spec := supervision.DefaultSpec("root", worker("a"), supervision.SubTree("m", supervision.DefaultSpec("m", worker("x"), bad, worker("y"))), worker("b"))
				tree, err := supervision.Start(w.t.Context(), w.sys, spec, supervision.Options{Events: w.events()})
				if tree != nil || !errors.Is(err, supervision.ErrStartFailed) || !strings.Contains(err.Error(), "m/bad: "+tt.want) {
					t.Fatalf("Start() = %v, %v, want ErrStartFailed of m/bad: %s", tree, err, tt.want)
				}
				w.never("start m/y", "start b", "restart", "halt")
				for _, l := range []string{"exit m/x#1 shutdown", "failed m#1 start_failed", "exit a#1 shutdown", "failed root#1 start_failed"} {
					w.sees(l)
				}
			})
		})
	}
}

func TestAStartThatAsksToBeLeftOutIsNoFailure(t *testing.T) {
	worlds(t, func(w *world) {
		out := supervision.DefaultChild("out", func(context.Context, *supervision.Birth) error { return supervision.ErrIgnore })
		tree := w.start(supervision.DefaultSpec("root", out, worker("b")))
		if e, ok := tree.Snapshot().Find("out"); !ok || e.Status != supervision.Excused || e.Epoch != 0 {
			t.Errorf("entry = %+v, want one that is ignored", e)
		}
		tree.Stop()
		w.result(tree)
	})
}

func TestAStartThatIsGivenUpStopsWhatItHadStarted(t *testing.T) {
	inBubble(t, func(w *world) {
		late := runner("late", waits)
		late.Class, late.StartTimeout = supervision.FeedClass, supervision.Infinity
		ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
		defer cancel()
		tree, err := supervision.Start(ctx, w.sys, supervision.DefaultSpec("root", worker("a"), late), supervision.Options{Events: w.events()})
		if tree != nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Start() = %v, %v, want the deadline of its ctx", tree, err)
		}
		w.sees("exit a#1 shutdown")
	})
}

func TestAWrongSpecIsNamedBeforeAnythingStarts(t *testing.T) {
	worlds(t, func(w *world) {
		two := supervision.DefaultSpec("root", worker("a"), supervision.SubTree("m", supervision.DefaultSpec("m", worker("x"), worker("x"))))
		_, err := supervision.Start(w.t.Context(), w.sys, two, supervision.Options{Events: w.events()})
		if !errors.Is(err, supervision.ErrBadSpec) || !strings.Contains(err.Error(), "x: duplicate") {
			t.Errorf("Start() = %v, want ErrBadSpec: x: duplicate", err)
		}
		if l := w.lines(); len(l) > 0 {
			t.Errorf("trace = %v, want none", l)
		}
	})
}

func TestOneNameUnderTwoSupervisorsHasTwoLives(t *testing.T) {
	worlds(t, func(w *world) {
		var one, two []*supervision.Birth
		tree := w.start(supervision.DefaultSpec("root",
			supervision.SubTree("a1", supervision.DefaultSpec("a1", keeps(worker("orders"), &one))),
			supervision.SubTree("a2", supervision.DefaultSpec("a2", keeps(worker("orders"), &two)))))
		w.tell("a1/orders", "panic")
		w.sees("started a1/orders#2")
		if one[0].Fence().Check() == nil || one[1].Fence().Check() != nil || two[0].Fence().Check() != nil || len(two) != 1 {
			t.Errorf("an end of one account's orders touched the other's")
		}
		tree.Stop()
		w.result(tree)
	})
}

func TestAConsoleThatGivesUpTakesNobodyWithIt(t *testing.T) {
	worlds(t, func(w *world) {
		control := supervision.SubTree("control", supervision.DefaultSpec("control", worker("http")))
		control.Restart = supervision.Temporary
		spec := supervision.DefaultSpec("root", control, worker("journal"), worker("venues"))
		spec.Strategy = supervision.RestForOne
		tree := w.start(spec)
		for range 2 {
			n := strings.Count(w.text(), "started control/http#")
			w.tell("control/http", "panic")
			w.until("the console ends", func() bool {
				return strings.Count(w.text(), "exit control/http#") == n
			})
			if n == 1 {
				w.sees("started control/http#2")
			}
		}
		w.sees("exit control#1 intensity")
		w.never("stop", "restart root", "escalate root")
		if e, ok := tree.Snapshot().Find("control"); ok {
			t.Errorf("control is still in the list: %+v", e)
		}
		tree.Shutdown()
		if r := w.result(tree); r.Code != 0 {
			t.Errorf("result = %+v", r)
		}
	})
}

func TestASnapshotNeedsNoMessageAndOutlivesItsTree(t *testing.T) {
	worlds(t, func(w *world) {
		tree := w.start(supervision.DefaultSpec("root", worker("a")))
		v := tree.Snapshot()
		if e, ok := v.Find("a"); !v.Up || !ok || e.Status != supervision.Running || !e.Ready {
			t.Errorf("snapshot = %+v, want a tree that is up with a running child", v)
		}
		if n := testing.AllocsPerRun(100, func() { _ = tree.Snapshot() }); n != 0 {
			t.Errorf("a snapshot costs %v allocations, want 0", n)
		}
		tree.Stop()
		w.result(tree)
		if e, ok := v.Find("a"); !ok || e.Status != supervision.Running {
			t.Errorf("a snapshot that was taken has changed: %+v", e)
		}
		if v := tree.Snapshot(); v.Up || v.Epoch != 0 || len(v.Sups) != 0 {
			t.Errorf("snapshot of a dead tree = %+v", v)
		}
	})
}
