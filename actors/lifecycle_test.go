package actors_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
)

// script is an actor that does what its message says, and writes down what happens to it.
type script struct {
	starting func(c *actors.Context[func() error]) error
	stopping func(r actors.Reason) error
	log      chan string
}

func (s *script) note(format string, args ...any) {
	if s.log != nil {
		s.log <- fmt.Sprintf(format, args...)
	}
}

func (s *script) Starting(c *actors.Context[func() error]) error {
	s.note("starting")
	if s.starting != nil {
		return s.starting(c)
	}
	return nil
}

func (s *script) Receive(_ *actors.Context[func() error], do func() error) error { return do() }

func (s *script) Stopping(_ *actors.Context[func() error], r actors.Reason) error {
	s.note("stopping %s", r)
	if s.stopping != nil {
		return s.stopping(r)
	}
	return nil
}

func spawnScript(t *testing.T, s *actors.System, n actors.Name, a *script) actors.Ref[func() error] {
	t.Helper()
	place, _ := places.Load(s)
	at, _ := place.(actors.Place)
	ref, err := actors.Spawn(s, actors.Spec[func() error]{
		Name: n, Class: "script", Box: mailbox.One(1000, mailbox.Reject), Actor: a, Place: at,
	})
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func TestEndsOfAnActor(t *testing.T) {
	boom := errors.New("boom")
	tests := map[string]struct {
		actor  script
		do     func() error // nil: it is stopped
		reason actors.Reason
		stack  bool
	}{
		"stopped":            {script{}, nil, actors.ReasonShutdown, false},
		"done":               {script{}, func() error { return actors.ErrDone }, actors.ReasonNormal, false},
		"error":              {script{}, func() error { return boom }, actors.ReasonError, false},
		"word":               {script{}, func() error { return actors.ExitWith("diverged") }, "diverged", false},
		"panic":              {script{}, func() error { panic(boom) }, actors.ReasonCrash, true},
		"nil panic":          {script{}, func() error { panic(nil) }, actors.ReasonCrash, true},
		"goexit":             {script{}, func() error { runtime.Goexit(); return nil }, actors.ReasonGoexit, true},
		"error in starting":  {script{starting: func(*actors.Context[func() error]) error { return boom }}, nil, actors.ReasonError, false},
		"panic in starting":  {script{starting: func(*actors.Context[func() error]) error { panic(boom) }}, nil, actors.ReasonCrash, true},
		"goexit in starting": {script{starting: func(*actors.Context[func() error]) error { runtime.Goexit(); return nil }}, nil, actors.ReasonGoexit, true},
		"error in stopping":  {script{stopping: func(actors.Reason) error { return boom }}, nil, actors.ReasonError, false},
		"panic in stopping":  {script{stopping: func(actors.Reason) error { panic(boom) }}, nil, actors.ReasonCrash, true},
		"goexit in stopping": {script{stopping: func(actors.Reason) error { runtime.Goexit(); return nil }}, nil, actors.ReasonGoexit, true},
		"error, then panic in stopping": {
			script{stopping: func(actors.Reason) error { panic("second") }},
			func() error { return boom }, actors.ReasonError, true,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
				ended := exits(s)
				a := tt.actor
				ref := spawnScript(t, s, "a", &a)
				switch {
				case tt.do != nil:
					tellOpen(t, s, ref, tt.do)
				case a.starting == nil:
					started := make(chan int, 1)
					tellOpen(t, s, ref, func() error { started <- 1; return nil })
					await(t, s, started)
					if err := s.StopActor("a", 1); err != nil {
						t.Fatal(err)
					}
				}
				x := await(t, s, ended)
				if x.Reason != tt.reason || x.Part != "" || x.Left != 0 || x.Late {
					t.Fatalf("exit = %+v, want reason %s", x, tt.reason)
				}
				if has := strings.Contains(string(x.Stack), "lifecycle_test.go"); has != tt.stack {
					t.Fatalf("stack names the place: %v, want %v\n%s", has, tt.stack, x.Stack)
				}
				if err := ref.Tell(nil); !errors.Is(err, actors.ErrFenced) {
					t.Fatalf("Tell() after the end = %v, want ErrFenced", err)
				}
				// The next incarnation of the name is as good as new.
				next := spawnScript(t, s, "a", &script{})
				handled := make(chan int, 1)
				tellOpen(t, s, next, func() error { handled <- 1; return nil })
				await(t, s, handled)
				if next.Epoch() != 2 {
					t.Fatalf("epoch = %d, want 2", next.Epoch())
				}
				if err := ref.Tell(nil); !errors.Is(err, actors.ErrFenced) {
					t.Fatalf("Tell() to the old incarnation = %v, want ErrFenced", err)
				}
			})
		})
	}
}

func TestNamesThatLeadNowhereAndToOtherTypes(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		ended := exits(s)
		a := actors.Follow[func() error](s, "a")
		want := func(when string, want error) {
			t.Helper()
			if err := a.Tell(nil); !errors.Is(err, want) {
				t.Fatalf("%s: Tell() = %v, want %v", when, err, want)
			}
		}
		want("never begun", actors.ErrUnknown)
		l := begin(t, s, "a")
		want("begun", actors.ErrSuspended)
		if err := l.Fence().Check(); !errors.Is(err, actors.ErrNotReady) {
			t.Fatalf("fence of one that is not ready: %v", err)
		}
		ref, err := actors.Spawn(s, actors.Spec[func() error]{Life: l, Box: mailbox.One(5, mailbox.Reject), Actor: &script{}})
		if err != nil {
			t.Fatal(err)
		}
		want("spawned, not open", actors.ErrSuspended)
		if err := actors.Follow[int](s, "a").Tell(1); !errors.Is(err, actors.ErrType) {
			t.Fatalf("Tell() of another type = %v, want ErrType", err)
		}
		l.Open()
		l.Ready()
		handled := make(chan int, 1)
		tellOpen(t, s, a, func() error { handled <- 1; return nil })
		await(t, s, handled)
		if err := l.Fence().Check(); err != nil {
			t.Fatalf("fence of one that is ready: %v", err)
		}
		tellOpen(t, s, ref, func() error { return errors.New("boom") })
		await(t, s, ended)
		want("failed, its life not over", actors.ErrSuspended)
		if err := l.Fence().Check(); err != nil {
			t.Fatalf("fence before the life is over: %v", err)
		}
		l.End(true)
		want("expected back", actors.ErrSuspended)
		s.Expect("a", false)
		want("given up", actors.ErrUnknown)
		if err := l.Fence().Check(); !errors.Is(err, actors.ErrFenced) {
			t.Fatalf("fence of an old incarnation: %v", err)
		}
		if _, err := s.Begin(actors.Birth{Name: "a", Epoch: 1}); !errors.Is(err, actors.ErrEpoch) {
			t.Fatalf("Begin() of an old epoch = %v, want ErrEpoch", err)
		}
		l.Ready()
		if err := l.Fence().Check(); !errors.Is(err, actors.ErrFenced) {
			t.Fatalf("fence made ready after the end: %v", err)
		}
	})
}

func TestAKilledActorIsFencedAtOnceAndNotToldToStop(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		ended := exits(s)
		a := &script{log: make(chan string, 5)}
		ref := spawnScript(t, s, "a", a)
		tellOpen(t, s, ref, func() error { return nil })
		if err := s.Kill("a", 1); err != nil {
			t.Fatal(err)
		}
		if err := ref.Tell(nil); !errors.Is(err, actors.ErrFenced) {
			t.Fatalf("Tell() = %v, want ErrFenced", err)
		}
		if x := await(t, s, ended); x.Reason != actors.ReasonKilled {
			t.Fatalf("reason = %s, want killed", x.Reason)
		}
		if len(a.log) != 1 {
			t.Fatalf("%d notes, want starting only", len(a.log))
		}
		if err := s.Kill("a", 1); !errors.Is(err, actors.ErrFenced) {
			t.Fatalf("second Kill() = %v, want ErrFenced", err)
		}
	})
}

func TestOneLifeOfAnActorAndARunFunction(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		ended := exits(s)
		l := begin(t, s, "session")
		_, err := actors.Spawn(s, actors.Spec[func() error]{Life: l, Box: mailbox.One(5, mailbox.Reject), Actor: &script{}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := actors.Spawn(s, actors.Spec[int]{Life: l, Box: mailbox.One(5, mailbox.Reject), Actor: actors.Func[int](nil)}); !errors.Is(err, actors.ErrNameTaken) {
			t.Fatalf("second actor of one life: %v, want ErrNameTaken", err)
		}
		err = l.Run("reader", func(ctx context.Context, out actors.Outside) error {
			return out.Until(ctx, out.Now().Add(24*time.Hour))
		})
		if err != nil {
			t.Fatal(err)
		}
		l.Stop()
		parts := map[string]actors.Reason{}
		for i := range 2 {
			x := await(t, s, ended)
			parts[x.Part] = x.Reason
			if x.Left != 1-i {
				t.Errorf("left = %d, want %d", x.Left, 1-i)
			}
		}
		if parts[""] != actors.ReasonShutdown || parts["reader"] != actors.ReasonShutdown {
			t.Fatalf("ends = %v", parts)
		}
		if err := l.Run("late", nil); !errors.Is(err, actors.ErrFenced) {
			t.Fatalf("Run() on a stopping life = %v, want ErrFenced", err)
		}
		l.End(false)
	})
}

func TestAnAbandonedRunFunctionIsFencedInEveryCall(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		ended := exits(s)
		l := begin(t, s, "w")
		running := make(chan int, 1)
		got, looked := make(chan []error, 1), make(chan int)
		p, err := actors.NewPipe[int](s, 1)
		if err != nil {
			t.Fatal(err)
		}
		err = l.Run("deaf", func(_ context.Context, out actors.Outside) error {
			running <- 1
			_, first := p.Next(context.WithoutCancel(t.Context()), out) // ignores its own context
			<-looked
			got <- []error{
				first,
				out.Until(t.Context(), out.Now().Add(time.Hour)),
				actors.Follow[int](s, "other").OfferWait(t.Context(), out, 1),
				out.Fence().Check(),
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		await(t, s, running)
		l.Stop()
		l.Abandon()
		if z := s.Zombies(); len(z) != 1 || z[0].Parts[0] != "deaf" {
			t.Fatalf("Zombies() = %+v", z)
		}
		close(looked)
		for i, err := range await(t, s, got) {
			if !errors.Is(err, actors.ErrFenced) {
				t.Errorf("call %d = %v, want ErrFenced", i, err)
			}
		}
		if x := await(t, s, ended); !x.Late {
			t.Errorf("exit = %+v, want a late one", x)
		}
		// The name was free at once.
		begin(t, s, "w").End(false)
	})
}

func TestAPanickingHookStopsNothing(t *testing.T) {
	cfg := actors.Config{Events: actors.Events{
		Ended:      func(actors.Exit) { panic("hook") },
		DeadLetter: func(actors.Letter) { panic("hook") },
	}}
	systems(t, cfg, func(t *testing.T, s *actors.System) {
		ended := exits(s)
		ref := spawnScript(t, s, "a", &script{})
		tellOpen(t, s, ref, func() error { return actors.ErrDone })
		if x := await(t, s, ended); x.Reason != actors.ReasonNormal {
			t.Fatalf("reason = %s, want normal", x.Reason)
		}
	})
}

func TestInvalidConfigurationsAndSpecsAreRefused(t *testing.T) {
	for name, cfg := range map[string]actors.Config{
		"empty":                     {},
		"no clock":                  {Dispatch: actors.Shared(0)},
		"no dispatch":               {Clock: actors.Real()},
		"real clock, deterministic": {Clock: actors.Real(), Dispatch: actors.Deterministic()},
		"fewer than no workers":     {Clock: actors.Real(), Dispatch: actors.Shared(-1)},
	} {
		if _, err := actors.New(cfg); !errors.Is(err, actors.ErrConfig) {
			t.Errorf("%s: New() error = %v, want ErrConfig", name, err)
		}
	}
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		f := actors.Func[int](func(*actors.Context[int], int) error { return nil })
		for name, sp := range map[string]actors.Spec[int]{
			"no actor":                {Name: "a", Box: mailbox.One(1, mailbox.Reject)},
			"no name":                 {Actor: f, Box: mailbox.One(1, mailbox.Reject)},
			"no box":                  {Name: "a", Actor: f},
			"no lane":                 {Name: "a", Actor: f, Box: mailbox.DefaultConfig("")},
			"conflating, undescribed": {Name: "a", Actor: f, Box: conflating(1, 1)},
		} {
			if _, err := actors.Spawn(s, sp); !errors.Is(err, actors.ErrConfig) {
				t.Errorf("%s: Spawn() error = %v, want ErrConfig", name, err)
			}
		}
		sp, err := actors.Spec[int]{Name: "a"}.With(actors.WithBox(mailbox.One(3, mailbox.Reject)), actors.WithLane(func(int) mailbox.Lane { return mailbox.Data }))
		if err != nil || sp.Box.Lanes[3].Cap != 3 || sp.Lane == nil {
			t.Errorf("With() = %+v, %v", sp, err)
		}
		if _, err := sp.With(actors.WithLane(func(string) mailbox.Lane { return 0 })); !errors.Is(err, actors.ErrConfig) {
			t.Errorf("With() of another type = %v, want ErrConfig", err)
		}
	})
}
