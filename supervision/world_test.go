package supervision_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/supervision"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var began = time.Date(2026, 1, 5, 14, 30, 0, 0, time.UTC)

// world is a system under test and the trace of the tree in it.
type world struct {
	t      *testing.T
	sys    *actors.System
	bubble bool // the real clock is that of a bubble

	mu    sync.Mutex
	trace []string
	ends  []supervision.End
}

// worlds runs a test under both dispatches.
func worlds(t *testing.T, test func(w *world)) {
	t.Helper()
	for _, kind := range []string{"shared", "deterministic"} {
		t.Run(kind, func(t *testing.T) { worldOf(t, kind, test) })
	}
}

// worldOf runs a test under one of the dispatches.
func worldOf(t *testing.T, kind string, test func(w *world)) {
	t.Helper()
	cfg := actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(2)}
	if kind == "deterministic" {
		cfg.Clock, cfg.Dispatch = actors.Virtual(began), actors.Deterministic()
	}
	live(t, cfg, false, test)
}

// inBubble runs a test on the real clock and the shared dispatch in a bubble, where waiting takes no time.
func inBubble(t *testing.T, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		live(t, actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(2)}, true, test)
	})
}

func live(t *testing.T, cfg actors.Config, bubble bool, test func(w *world)) {
	t.Helper()
	cfg.PoisonAfter = -1 // these children are told the same thing until they break
	sys, err := actors.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	test(&world{t: t, sys: sys, bubble: bubble})
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := sys.Stop(ctx); err != nil {
		t.Errorf("Stop() error = %v", err)
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
		w.t.Fatalf("Start() error = %v\n%s", err, w.text())
	}
	return tree
}

func (w *world) lines() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.trace)
}

func (w *world) text() string { return strings.Join(w.lines(), "\n") }

// ended is the first end of a part of path that is known.
func (w *world) ended(path string, epoch uint64) (supervision.End, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.ends {
		if e.Path == path && e.Epoch == epoch && e.Part != "start" {
			return e, true
		}
	}
	return supervision.End{}, false
}

// until lets the world go on until the condition holds.
func (w *world) until(what string, cond func() bool) {
	w.t.Helper()
	switch {
	case w.sys.Deterministic():
		if err := w.sys.Drive(w.t.Context(), cond); err != nil {
			w.t.Fatal(err)
		}
		if !cond() {
			w.t.Fatalf("nothing is left to happen, and not: %s\n%s", what, w.text())
		}
	case w.bubble:
		for range 100_000 {
			synctest.Wait()
			if cond() {
				return
			}
			w.pass(time.Millisecond)
		}
		w.t.Fatalf("waited 100 s in vain for: %s\n%s", what, w.text())
	default:
		for limit := time.Now().Add(10 * time.Second); !cond(); runtime.Gosched() {
			if time.Now().After(limit) {
				w.t.Fatalf("waited 10 s in vain for: %s\n%s", what, w.text())
			}
		}
	}
}

// pass lets the time of a bubble, or of a deterministic world, go by.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	if w.sys.Deterministic() {
		if err := w.sys.Advance(w.t.Context(), d); err != nil {
			w.t.Fatal(err)
		}
		return
	}
	<-time.NewTimer(d).C
	synctest.Wait()
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

// wantTrace compares the trace behind the line from, "" for the whole.
func (w *world) wantTrace(from, want string) {
	w.t.Helper()
	got := w.lines()
	if from != "" {
		got = got[slices.Index(got, from)+1:]
	}
	if text := strings.Join(got, "\n"); text != strings.TrimSpace(want) {
		w.t.Errorf("trace:\n%s\nwant:\n%s", text, strings.TrimSpace(want))
	}
}

// never fails when a line begins so.
func (w *world) never(prefixes ...string) {
	w.t.Helper()
	for _, l := range w.lines() {
		for _, p := range prefixes {
			if strings.HasPrefix(l, p) {
				w.t.Errorf("line %q, want none that begins with %q", l, p)
			}
		}
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

// runner is a child that is one Run function.
func runner(name string, f func(ctx context.Context, out actors.Outside) error) supervision.Child {
	return supervision.Child{Name: name, Restart: supervision.Permanent, Start: func(_ context.Context, b *supervision.Birth) error {
		b.Run(f)
		return nil
	}}
}

// waits is a Run function that does nothing until it is to stop.
func waits(ctx context.Context, out actors.Outside) error {
	return out.Until(ctx, out.Now().Add(1000*time.Hour))
}

func (w *world) tell(path actors.Name, m string) {
	w.t.Helper()
	a := actors.Follow[string](w.sys, path)
	w.until("tell "+string(path), func() bool { return a.Tell(m) == nil })
}
