package supervision_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/supervision"
)

// keeps is a worker that hands out the Birth of each of its incarnations.
func keeps(c supervision.Child, births *[]*supervision.Birth) supervision.Child {
	start := c.Start
	c.Start = func(ctx context.Context, b *supervision.Birth) error {
		*births = append(*births, b)
		return start(ctx, b)
	}
	return c
}

func TestAPanicRestartsUnderTheNextEpochAndFencesTheLast(t *testing.T) {
	worlds(t, func(w *world) {
		var births []*supervision.Birth
		tree := w.start(supervision.DefaultSpec("root", keeps(worker("a"), &births)))
		first := births[0].Fence()
		if err := first.Check(); err != nil {
			t.Errorf("fence of a ready child = %v, want nil", err)
		}
		w.tell("a", "panic")
		w.sees("started a#2")
		if err := first.Check(); !errors.Is(err, actors.ErrFenced) {
			t.Errorf("fence of the last incarnation = %v, want ErrFenced", err)
		}
		if err := births[1].Fence().Check(); err != nil || births[1].Epoch() != 2 || births[1].Path() != "a" {
			t.Errorf("the next is %s#%d with fence %v, want a#2 and nil", births[1].Path(), births[1].Epoch(), err)
		}
		e, ok := w.ended("a", 1)
		if !ok || e.Reason != actors.ReasonCrash || e.MessageType != "string" || !strings.Contains(string(e.Stack), "world_test.go") {
			t.Errorf("end = %+v, want a crash in a string with its stack", e)
		}
		tree.Stop()
		w.result(tree)
	})
}

// In the engine an escalation that reaches the guardian ends the process.
func TestT12EscalationThroughThreeLevelsEndsItsTreeAndNotTheProcess(t *testing.T) {
	worlds(t, func(w *world) {
		below := func(name string, children ...supervision.Child) supervision.Spec {
			s := supervision.DefaultSpec(name, children...)
			s.Intensity = 0
			return s
		}
		two := supervision.SubTree("two", below("two", worker("three")))
		one := supervision.SubTree("one", below("one", two))
		tree := w.start(below("root", one))
		w.tell("one/two/three", "panic")
		if r := w.result(tree); r.Code != 70 {
			t.Errorf("result = %+v, want code 70", r)
		}
		w.sees("exit one/two#1 intensity")
		w.sees("exit one#1 intensity")
	})
}

func TestAChildThatHangsIsAbandonedFencedAndReplaced(t *testing.T) {
	hold := func(release chan struct{}) map[string]supervision.Child {
		hung := supervision.DefaultChild("h", func(_ context.Context, b *supervision.Birth) error {
			_, err := supervision.Spawn(b, actors.Func[string](func(*actors.Context[string], string) error { <-release; return nil }))
			return err
		})
		deaf := runner("h", func(context.Context, actors.Outside) error { <-release; return nil })
		return map[string]supervision.Child{"in a message": hung, "in a run function": deaf}
	}
	for _, name := range []string{"in a message", "in a run function"} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				release := make(chan struct{})
				c := hold(release)[name]
				c.Watchdog = time.Second
				c.Shutdown = time.Second
				var births []*supervision.Birth
				spec := supervision.DefaultSpec("root", keeps(c, &births), worker("b"))
				spec.Strategy, spec.Intensity = supervision.RestForOne, 1
				tree := w.start(spec)
				if name == "in a message" {
					w.tell("h", "a message")
				}
				w.pass(900 * time.Millisecond)
				w.never("abandon")
				w.sees("abandon h#1 hung")
				w.sees("started b#2")
				if err := births[0].Fence().Check(); !errors.Is(err, actors.ErrFenced) {
					t.Errorf("fence = %v, want ErrFenced", err)
				}
				if z := tree.Snapshot().Zombies; len(z) != 1 || z[0].Path != "h" || z[0].Epoch != 1 {
					t.Errorf("zombies = %v, want h#1", z)
				}
				tree.Stop()
				r := w.result(tree)
				if r.Code != supervision.CodePartial || !slices.Contains(r.Unstopped, supervision.Incarnation{Path: "h", Epoch: 1}) {
					t.Errorf("result = %+v, want 7 with h#1 unstopped", r)
				}
				close(release)
			})
		})
	}
}

func TestAStopGoesInReverseAndWaitsForNobodyForEver(t *testing.T) {
	inBubble(t, func(w *world) {
		release := make(chan struct{})
		deaf := func(name string, limit time.Duration) supervision.Child {
			c := runner(name, func(context.Context, actors.Outside) error { <-release; return nil })
			c.Shutdown = limit
			return c
		}
		spec := supervision.DefaultSpec("root", worker("a"), deaf("b", 2*time.Second),
			supervision.SubTree("m", supervision.DefaultSpec("m", worker("x"), deaf("y", 3*time.Second))), worker("z"))
		tree := w.start(spec)
		from := time.Now()
		tree.Stop()
		r := w.result(tree)
		if took := time.Since(from); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("the stop took %v, want the 5 s of two children that do not", took)
		}
		want := []supervision.Incarnation{{Path: "m/y", Epoch: 1}, {Path: "b", Epoch: 1}}
		if r.Code != supervision.CodePartial || !slices.Equal(r.Unstopped, want) {
			t.Errorf("result = %+v, want 7 with %v unstopped", r, want)
		}
		w.wantTrace("reply start root ok root#1", `
stop z#1
exit z#1 shutdown
stop m#1
stop m/y#1
abandon m/y#1 stop
stop m/x#1
exit m/x#1 shutdown
exit m#1 shutdown
stop b#1
abandon b#1 stop
stop a#1
exit a#1 shutdown
exit root#1 shutdown
unstopped m/y#1 b#1
reply stop root ok`)
		close(release)
	})
}

func TestPhasesRunWhileEverythingLivesAndNoneStopsTheNext(t *testing.T) {
	inBubble(t, func(w *world) {
		var births []*supervision.Birth
		var lived []bool
		see := func(do func(ctx context.Context) error) func(context.Context) error {
			return func(ctx context.Context) error {
				lived = append(lived, births[0].Fence().Check() == nil)
				return do(ctx)
			}
		}
		wait := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		tree := w.start(supervision.DefaultSpec("root", keeps(worker("a"), &births)),
			supervision.Phase{Name: "trip", Run: see(func(context.Context) error { return nil })},
			supervision.Phase{Name: "cancel_all", Timeout: 2 * time.Second, Run: see(wait)},
			supervision.Phase{Name: "confirm", Run: see(func(context.Context) error { panic("no") })},
			supervision.Phase{Name: "report", Run: see(func(context.Context) error { return errors.New("no") })},
			supervision.Phase{Name: "flush", Run: see(wait)},
			supervision.Phase{Name: "never", Run: func(context.Context) error { t.Error("a phase that was skipped ran"); return nil }},
		)
		from := time.Now()
		tree.Shutdown()
		tree.Shutdown()
		w.sees("phase flush")
		w.tell("a", "panic") // frozen: nothing is restarted
		w.sees("exit a#1 crash")
		tree.SkipPhases()
		r := w.result(tree)
		if took := time.Since(from); took < 2*time.Second || took > 3*time.Second {
			t.Errorf("the shutdown took %v, want the 2 s of the phase that waits", took)
		}
		if r.Code != supervision.CodePartial || len(r.Phases) != 5 || slices.Contains(lived, false) {
			t.Errorf("result = %+v, children lived %v", r, lived)
		}
		w.wantTrace("reply start root ok root#1", `
phase trip
phase_ok trip
phase cancel_all
phase_failed cancel_all timeout
phase confirm
phase_failed confirm panic
phase report
phase_failed report error
phase flush
exit a#1 crash
phase_failed flush skipped
exit root#1 shutdown
halt 7`)
	})
}

func TestGivingUpClimbsToTheRootAndHalts(t *testing.T) {
	worlds(t, func(w *world) {
		level := func(name string, kids ...supervision.Child) supervision.Child {
			return supervision.SubTree(name, supervision.Spec{Strategy: supervision.OneForOne, Period: time.Hour, Children: kids})
		}
		spec := supervision.DefaultSpec("root", worker("a"), level("one", level("two", level("three", worker("x")))))
		spec.Intensity = 0
		tripped := false
		tree := w.start(spec, supervision.Phase{Name: "trip", Run: func(context.Context) error { tripped = true; return nil }})
		w.tell("one/two/three/x", "goexit")
		r := w.result(tree)
		if r.Code != supervision.CodeTripped || r.Reason != supervision.Intensity || !tripped {
			t.Errorf("result = %+v, tripped %v, want code 70 of intensity after the phase", r, tripped)
		}
		w.wantTrace("reply start root ok root#1", `
exit one/two/three/x#1 goexit
escalate one/two/three intensity one/two/three/x
exit one/two/three#1 intensity
escalate one/two intensity one/two/three
exit one/two#1 intensity
escalate one intensity one/two
exit one#1 intensity
escalate root intensity one
phase trip
phase_ok trip
stop a#1
exit a#1 shutdown
exit root#1 intensity
halt 70`)
	})
}

func TestHowARunFunctionEndsIsHowItsChildEnds(t *testing.T) {
	tests := map[string]struct {
		run  func(context.Context, actors.Outside) error
		want string
	}{
		"nil":             {func(context.Context, actors.Outside) error { return nil }, "normal"},
		"error":           {func(context.Context, actors.Outside) error { return errors.New("told to") }, "error"},
		"a word":          {func(context.Context, actors.Outside) error { return actors.ExitWith("port_in_use") }, "port_in_use"},
		"foreign context": {func(context.Context, actors.Outside) error { return fmt.Errorf("dial: %w", context.Canceled) }, "error"},
		"panic":           {func(context.Context, actors.Outside) error { panic("told to") }, "crash"},
		"goexit":          {func(context.Context, actors.Outside) error { runtime.Goexit(); return nil }, "goexit"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			worlds(t, func(w *world) {
				c := worker("c") // its actor is asked to stop when its Run function has ended
				start := c.Start
				c.Start = func(ctx context.Context, b *supervision.Birth) error {
					if b.Epoch() == 1 {
						b.Run(tt.run)
					} else {
						b.Run(waits)
					}
					return start(ctx, b)
				}
				tree := w.start(supervision.DefaultSpec("root", c))
				w.sees("started c#2")
				w.sees("exit c#1 " + tt.want)
				tree.Stop()
				if r := w.result(tree); r.Code != 0 || len(r.Unstopped) > 0 {
					t.Errorf("result = %+v", r)
				}
			})
		})
	}
}

func TestThePartsOfAChildThatEndsHaveItsShutdown(t *testing.T) {
	inBubble(t, func(w *world) {
		release := make(chan struct{})
		c := runner("c", func(context.Context, actors.Outside) error { <-release; return nil })
		c.Shutdown = 2 * time.Second
		start := c.Start
		c.Start = func(ctx context.Context, b *supervision.Birth) error {
			if b.Epoch() == 1 {
				b.Run(func(_ context.Context, out actors.Outside) error {
					if err := out.Until(context.Background(), out.Now().Add(time.Second)); err != nil {
						return err
					}
					return errors.New("told to")
				})
				return start(ctx, b)
			}
			b.Run(waits)
			return nil
		}
		tree := w.start(supervision.DefaultSpec("root", c))
		from := time.Now()
		w.sees("abandon c#1 stop")
		if took := time.Since(from); took < 3*time.Second || took > 4*time.Second {
			t.Errorf("abandoned after %v, want the second of the error and the 2 s of the stop", took)
		}
		w.sees("started c#2")
		close(release)
		w.sees("late c#1")
		tree.Stop()
		if r := w.result(tree); r.Code != 0 {
			t.Errorf("result = %+v", r)
		}
	})
}
