package supervision_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/supervision"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var began = time.Date(2026, 1, 5, 14, 30, 0, 0, time.UTC)

// world is a system under test and the trace of the tree in it.
type world struct {
	t   *testing.T
	sys *actors.System

	mu    sync.Mutex
	trace []string
	ends  []supervision.End
}

// worlds runs a test under both dispatches.
func worlds(t *testing.T, test func(w *world)) {
	t.Helper()
	for _, kind := range []string{"shared", "deterministic"} {
		t.Run(kind, func(t *testing.T) {
			cfg := actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(2)}
			if kind == "deterministic" {
				cfg.Clock, cfg.Dispatch = actors.Virtual(began), actors.Deterministic()
			}
			sys, err := actors.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			test(&world{t: t, sys: sys})
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			if err := sys.Stop(ctx); err != nil {
				t.Errorf("Stop() error = %v", err)
			}
		})
	}
}

func (w *world) events() supervision.Events {
	return supervision.Events{
		Decision: func(_ time.Time, d supervision.Decision) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.trace = append(w.trace, d.String())
		},
		Ended: func(e supervision.End) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.ends = append(w.ends, e)
		},
	}
}

func (w *world) start(spec supervision.Spec, phases ...supervision.Phase) *supervision.Tree {
	w.t.Helper()
	tree, err := supervision.Start(w.t.Context(), w.sys, spec, supervision.Options{Phases: phases, Events: w.events()})
	if err != nil {
		w.t.Fatalf("Start() error = %v\n%s", err, strings.Join(w.lines(), "\n"))
	}
	return tree
}

func (w *world) lines() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.trace)
}

// until lets the world go on until the condition holds.
func (w *world) until(what string, cond func() bool) {
	w.t.Helper()
	if w.sys.Deterministic() {
		if err := w.sys.Drive(w.t.Context(), cond); err != nil {
			w.t.Fatal(err)
		}
		if !cond() {
			w.t.Fatalf("nothing is left to happen, and not: %s\n%s", what, strings.Join(w.lines(), "\n"))
		}
		return
	}
	for limit := time.Now().Add(10 * time.Second); !cond(); runtime.Gosched() {
		if time.Now().After(limit) {
			w.t.Fatalf("waited 10 s in vain for: %s\n%s", what, strings.Join(w.lines(), "\n"))
		}
	}
}

func (w *world) sees(line string) {
	w.t.Helper()
	w.until(line, func() bool { return slices.Contains(w.lines(), line) })
}

func (w *world) result(tree *supervision.Tree) (r supervision.Result) {
	w.t.Helper()
	got := false
	w.until("the tree is over", func() bool {
		select {
		case r = <-tree.Done():
			got = true
		default:
		}
		return got
	})
	return r
}

func (w *world) wantTrace(want string) {
	w.t.Helper()
	if got := strings.Join(w.lines(), "\n"); got != strings.TrimSpace(want) {
		w.t.Errorf("trace:\n%s\nwant:\n%s", got, strings.TrimSpace(want))
	}
}

// worker is a child whose actor does what it is told.
func worker(name string) supervision.Child {
	return supervision.Child{Name: name, Restart: supervision.Permanent, Start: func(_ context.Context, b *supervision.Birth) error {
		_, err := supervision.Spawn(b, actors.Func[string](func(_ *actors.Context[string], m string) error {
			switch m {
			case "panic":
				panic("told to")
			case "goexit":
				runtime.Goexit()
			case "error":
				return errors.New("told to")
			}
			return nil
		}))
		return err
	}}
}

func (w *world) tell(path actors.Name, m string) {
	w.t.Helper()
	a := actors.Follow[string](w.sys, path)
	w.until("tell "+string(path), func() bool { return a.Tell(m) == nil })
}

func TestATreeComesUpRestartsAndGoesDown(t *testing.T) {
	worlds(t, func(w *world) {
		var ran []string
		phase := func(name string) supervision.Phase {
			return supervision.Phase{Name: name, Run: func(context.Context) error { ran = append(ran, name); return nil }}
		}
		tree := w.start(supervision.Spec{
			Name: "root", Strategy: supervision.RestForOne, Intensity: 3, Period: time.Minute,
			Children: []supervision.Child{worker("a"), supervision.SubTree("m", supervision.DefaultSpec("m", worker("x"), worker("y"))), worker("b")},
		}, phase("trip"), phase("cancel_all"))
		w.tell("m/x", "panic")
		w.sees("started m/x#2")
		w.tell("m/y", "error")
		w.sees("started b#2")
		tree.Shutdown()
		r := w.result(tree)
		if r.Code != 0 || len(r.Unstopped) > 0 || len(r.Phases) != 2 || !slices.Equal(ran, []string{"trip", "cancel_all"}) {
			t.Errorf("result = %+v, phases run %v", r, ran)
		}
		w.wantTrace(`
start root#1
start a#1
started a#1
start m#1
start m/x#1
started m/x#1
start m/y#1
started m/y#1
started m#1
start b#1
started b#1
started root#1
reply start root ok root#1
exit m/x#1 crash
restart m m/x 1/1
start m/x#2
started m/x#2
exit m/y#1 error
escalate m intensity m/y
stop m/x#2
exit m/x#2 shutdown
exit m#1 intensity
restart root m 1/3
stop b#1
exit b#1 shutdown
start m#2
start m/x#3
started m/x#3
start m/y#2
started m/y#2
started m#2
start b#2
started b#2
phase trip
phase_ok trip
phase cancel_all
phase_ok cancel_all
stop b#2
exit b#2 shutdown
stop m#2
stop m/y#2
exit m/y#2 shutdown
stop m/x#3
exit m/x#3 shutdown
exit m#2 shutdown
stop a#1
exit a#1 shutdown
exit root#1 shutdown
halt 0`)
	})
}
