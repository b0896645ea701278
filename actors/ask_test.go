package actors_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
)

// call is a message of the callee: what it does with the place for its answer.
type call struct {
	lane  mailbox.Lane
	reply actors.ReplyTo[int]
	do    func(c *actors.Context[call], r actors.ReplyTo[int]) error
}

func callLane(m call) mailbox.Lane {
	if m.lane == 0 {
		return mailbox.Commands
	}
	return m.lane
}

func asked(do func(c *actors.Context[call], r actors.ReplyTo[int]) error) func(actors.ReplyTo[int]) call {
	return func(r actors.ReplyTo[int]) call { return call{reply: r, do: do} }
}

func answer(v int) func(actors.ReplyTo[int]) call {
	return asked(func(_ *actors.Context[call], r actors.ReplyTo[int]) error { return r.Send(v) })
}

// spawnCallee starts an actor that takes calls, and waits until it does.
func spawnCallee(t testing.TB, s *actors.System, name actors.Name) actors.Ref[call] {
	t.Helper()
	ref, err := actors.Spawn(s, actors.Spec[call]{
		Name: name, Class: "callee", Box: mailbox.DefaultConfig("callee"), Lane: callLane,
		Actor: actors.Func[call](func(c *actors.Context[call], m call) error { return m.do(c, m.reply) }),
	})
	if err != nil {
		t.Fatal(err)
	}
	opened(t, s, ref)
	return ref
}

// opened waits until ref takes messages.
func opened(t testing.TB, s *actors.System, ref interface{ Open() bool }) {
	t.Helper()
	if s.Deterministic() {
		if err := s.Drive(t.Context(), ref.Open); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(10 * time.Second); !ref.Open(); {
		if time.Now().After(deadline) {
			t.Fatal("not open after 10 s")
		}
	}
}

// inRun does f in a Run function and waits for it.
func inRun(t *testing.T, s *actors.System, f func(ctx context.Context, out actors.Outside)) {
	t.Helper()
	l, err := s.Begin(actors.Birth{Name: "asker"})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan bool, 1)
	err = l.Run("ask", func(ctx context.Context, out actors.Outside) error {
		f(ctx, out)
		done <- true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	await(t, s, done)
	l.End(false)
}

// A future of the engine waits for its whole timeout when the callee crashes.
func TestAskFailsAtOnce(t *testing.T) {
	keep := func(then func(c *actors.Context[call])) func(actors.ReplyTo[int]) call {
		return asked(func(c *actors.Context[call], r actors.ReplyTo[int]) error {
			r.Keep()
			then(c)
			return nil
		})
	}
	down := func(r actors.Reason) error { return actors.ErrDown{Name: "a", Epoch: 1, Reason: r} }
	for name, tt := range map[string]struct {
		ask  func(actors.ReplyTo[int]) call
		want error
	}{
		"answered":       {answer(7), nil},
		"no reply":       {asked(func(*actors.Context[call], actors.ReplyTo[int]) error { return nil }), actors.ErrNoReply},
		"error":          {asked(func(*actors.Context[call], actors.ReplyTo[int]) error { return errors.New("broken") }), down(actors.ReasonError)},
		"panic":          {asked(func(*actors.Context[call], actors.ReplyTo[int]) error { panic("broken") }), down(actors.ReasonCrash)},
		"kept, stopped":  {keep(func(c *actors.Context[call]) { _ = c.System().StopActor("a", 1) }), down(actors.ReasonShutdown)},
		"kept, killed":   {keep(func(c *actors.Context[call]) { _ = c.System().Kill("a", 1) }), down(actors.ReasonKilled)},
		"kept, left":     {keep(func(c *actors.Context[call]) { _ = c.System().Abandon("a", 1) }), down(actors.ReasonAbandoned)},
		"no such lane":   {func(actors.ReplyTo[int]) call { return call{lane: 9} }, mailbox.ErrPolicy},
		"done, no reply": {asked(func(*actors.Context[call], actors.ReplyTo[int]) error { return actors.ErrDone }), actors.ErrNoReply},
	} {
		t.Run(name, func(t *testing.T) {
			systems(t, actors.Config{AskMax: time.Hour}, func(t *testing.T, s *actors.System) {
				ref := spawnCallee(t, s, "a")
				inRun(t, s, func(ctx context.Context, out actors.Outside) {
					began := out.Instant()
					v, err := actors.AskWait(ctx, out, ref, tt.ask)
					if !errors.Is(err, tt.want) || tt.want == nil && v != 7 {
						t.Errorf("AskWait() = %d, %v, want error %v", v, err, tt.want)
					}
					if s.Deterministic() && out.Instant() != began {
						t.Errorf("the answer took %s of virtual time", time.Duration(out.Instant()-began))
					}
				})
				if s.Deterministic() {
					return
				}
				again := spawnCallee(t, s, "b")
				if v, err := actors.Ask(t.Context(), again, answer(9)); v != 9 || err != nil {
					t.Errorf("Ask() = %d, %v, want 9", v, err)
				}
			})
		})
	}
}

func TestAskFailsAtOnceInsideAnActorToo(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		callee := spawnCallee(t, s, "callee")
		got := make(chan string, 10)
		asker, err := actors.Spawn(s, actors.Spec[string]{
			Name: "asker", Box: mailbox.DefaultConfig("asker"), Lane: func(string) mailbox.Lane { return mailbox.Data },
			Actor: actors.Func[string](func(c *actors.Context[string], m string) error {
				got <- m
				if m != "go" {
					return nil
				}
				crash := asked(func(*actors.Context[call], actors.ReplyTo[int]) error { panic("broken") })
				if err := actors.AskThen(c, callee, crash, time.Time{}, said); err != nil {
					t.Errorf("AskThen() = %v", err)
				}
				return c.Self().Tell("next")
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		tellOpen(t, s, asker, "go")
		await(t, s, got)
		first, second := await(t, s, got), await(t, s, got)
		want := "0 actors: callee#1 is down: crash"
		if s.Deterministic() && first != want { // Reports go before Data
			t.Errorf("first came %q, want the answer before the next message", first)
		}
		if first != want && second != want {
			t.Errorf("got %q and %q, want the answer %q", first, second, want)
		}
	})
}

func said(v int, err error) string {
	if err != nil {
		return fmt.Sprint(v, " ", err)
	}
	return fmt.Sprint(v)
}

// A second reply to a future of the engine overwrites the first, and one of several waiters is woken.
func TestT15OneReplyIsTheAnswerAndTheSecondIsRefused(t *testing.T) {
	const asks = 10_000
	s, err := actors.New(actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(2)})
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, s)
	ref := spawnCallee(t, s, "a")
	var replied atomic.Int64
	var wg sync.WaitGroup
	for g := range 10 {
		wg.Go(func() {
			for i := range asks / 10 {
				want := g*asks + i
				v, err := actors.Ask(t.Context(), ref, asked(func(_ *actors.Context[call], r actors.ReplyTo[int]) error {
					var two sync.WaitGroup
					for range 2 {
						two.Go(func() {
							if errors.Is(r.Send(want), actors.ErrReplied) {
								replied.Add(1)
							}
						})
					}
					two.Wait()
					return nil
				}))
				if v != want || err != nil {
					t.Errorf("Ask() = %d, %v, want %d", v, err, want)
					return
				}
			}
		})
	}
	wg.Wait()
	if _, err := actors.Ask(t.Context(), ref, answer(1)); err != nil { // the last handler has returned
		t.Fatal(err)
	}
	if n := replied.Load(); n != asks {
		t.Errorf("%d second replies were refused, want %d", n, asks)
	}
}

func TestAnAskEndsWithItsTimeAndALateReplyIsCounted(t *testing.T) {
	var late atomic.Int64
	events := actors.Events{LateReply: func(actors.Class) { late.Add(1) }}
	systems(t, actors.Config{Events: events, AskMax: time.Millisecond}, func(t *testing.T, s *actors.System) {
		late.Store(0)
		ref := spawnCallee(t, s, "a")
		var kept []actors.ReplyTo[int]
		keep := asked(func(_ *actors.Context[call], r actors.ReplyTo[int]) error {
			r.Keep()
			kept = append(kept, r)
			return nil
		})
		inRun(t, s, func(ctx context.Context, out actors.Outside) {
			if _, err := actors.AskWait(ctx, out, ref, keep); !errors.Is(err, actors.ErrExpired) {
				t.Errorf("AskWait() error = %v, want ErrExpired after AskMax", err)
			}
			v, err := actors.AskWait(ctx, out, ref, asked(func(_ *actors.Context[call], r actors.ReplyTo[int]) error {
				if err := kept[0].Send(1); !errors.Is(err, actors.ErrLate) {
					t.Errorf("Send() to nobody = %v, want ErrLate", err)
				}
				return r.Send(2)
			}))
			if v != 2 || err != nil {
				t.Errorf("AskWait() = %d, %v, want 2", v, err)
			}
		})
		if late.Load() != 1 {
			t.Errorf("%d late replies counted, want 1", late.Load())
		}
	})
}

func TestAskByAContext(t *testing.T) {
	s, err := actors.New(actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(2)})
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, s)
	ref := spawnCallee(t, s, "a")
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	_, err = actors.Ask(ctx, ref, asked(func(_ *actors.Context[call], r actors.ReplyTo[int]) error {
		r.Keep()
		cancel(gone)
		return nil
	}))
	if !errors.Is(err, gone) {
		t.Errorf("Ask() error = %v, want the cause of its context", err)
	}
	inside := make(chan error, 1)
	_, err = actors.Ask(t.Context(), ref, asked(func(c *actors.Context[call], r actors.ReplyTo[int]) error {
		_, err := actors.Ask(c.Context(), ref, answer(1))
		inside <- err
		return r.Send(1)
	}))
	if err != nil {
		t.Fatal(err)
	}
	if err := <-inside; !errors.Is(err, actors.ErrInActor) {
		t.Errorf("Ask() in a handler = %v, want ErrInActor", err)
	}
	if _, err := actors.Ask(t.Context(), actors.Ref[call]{}, answer(1)); !errors.Is(err, actors.ErrUnknown) {
		t.Errorf("Ask() of the zero Ref = %v, want ErrUnknown", err)
	}
	if err := (actors.ReplyTo[int]{}).Send(1); !errors.Is(err, actors.ErrUnknown) {
		t.Errorf("Send() of the zero ReplyTo = %v, want ErrUnknown", err)
	}
}

func TestOpenAsksOfACalleeAreBounded(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		ref := spawnCallee(t, s, "a")
		answers := make(chan string, 2000)
		asker, err := actors.Spawn(s, actors.Spec[string]{
			Name: "asker", Box: mailbox.One(10, mailbox.Reject),
			Actor: actors.Func[string](func(c *actors.Context[string], m string) error {
				if m != "go" {
					answers <- m
					return nil
				}
				keep := asked(func(_ *actors.Context[call], r actors.ReplyTo[int]) error { r.Keep(); return nil })
				for range 1024 {
					if err := actors.AskThen(c, ref, keep, time.Time{}, said); err != nil {
						t.Errorf("AskThen() = %v", err)
						break
					}
				}
				if err := actors.AskThen(c, ref, keep, time.Time{}, said); !errors.Is(err, actors.ErrFull) {
					t.Errorf("AskThen() number 1025 = %v, want ErrFull", err)
				}
				return nil
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		// Its box has room for 10 messages in another lane, and yet no answer is lost.
		tellOpen(t, s, asker, "go")
		_ = s.Drive(t.Context(), func() bool { return s.Boxes()[0].Total().Handled == 1024 })
		if !s.Deterministic() {
			for s.Boxes()[0].Total().Handled < 1024 {
				continue
			}
		}
		if err := s.Kill("a", 1); err != nil {
			t.Fatal(err)
		}
		for range 1024 {
			if m, want := await(t, s, answers), "0 actors: a#1 is down: killed"; m != want {
				t.Fatalf("answer %q, want %q", m, want)
			}
		}
	})
}

// A continuation of the engine overtakes what waits, and runs while its actor is suspended.
func TestT26AnswersStandInTheOrderOfReportsAndNoneIsHandledBeforeTheActorIsOpen(t *testing.T) {
	for name, bound := range map[string]int{"room": 100, "no room": 1} {
		t.Run(name, func(t *testing.T) {
			systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
				callee := spawnCallee(t, s, "callee")
				l, err := s.Begin(actors.Birth{Name: "asker"})
				if err != nil {
					t.Fatal(err)
				}
				a := &ordered{t: t, callee: callee, got: make(chan string, 10), begun: make(chan bool, 1)}
				box := mailbox.DefaultConfig("asker")
				box.Lanes[mailbox.Reports-1].Cap = bound
				ref, err := actors.Spawn(s, actors.Spec[string]{
					Life: l, Box: box, Lane: func(string) mailbox.Lane { return mailbox.Reports }, Actor: a,
				})
				if err != nil {
					t.Fatal(err)
				}
				await(t, s, a.begun)
				_ = s.Drive(t.Context(), func() bool { return s.Boxes()[1].Total().Handled == 1 })
				if len(a.got) > 0 {
					t.Fatalf("%q was handled before the actor was open", <-a.got)
				}
				l.Open()
				if m := await(t, s, a.got); m != "1" {
					t.Fatalf("first came %q, want the answer", m)
				}
				tellOpen(t, s, ref, "go")
				for _, want := range []string{"go", "before", "2", "after"} {
					if m := await(t, s, a.got); m != want {
						t.Fatalf("got %q, want %q", m, want)
					}
				}
				l.Kill()
				_ = s.Drive(t.Context(), nil)
				l.End(false)
			})
		})
	}
}

// ordered asks while it starts, and again between two messages to itself.
type ordered struct {
	t      *testing.T
	callee actors.Ref[call]
	got    chan string
	begun  chan bool
}

func (a *ordered) Starting(c *actors.Context[string]) error {
	err := actors.AskThen(c, a.callee, answer(1), time.Time{}, said)
	a.begun <- true
	return err
}

func (a *ordered) Receive(c *actors.Context[string], m string) error {
	if m == "go" {
		a.tell(c, "before")
		var reply actors.ReplyTo[int]
		err := actors.AskThen(c, a.callee, func(r actors.ReplyTo[int]) call {
			reply = r
			return call{do: func(*actors.Context[call], actors.ReplyTo[int]) error { r.Keep(); return nil }}
		}, time.Time{}, said)
		if err != nil {
			a.t.Errorf("AskThen() = %v", err)
		}
		if err := reply.Send(2); err != nil {
			a.t.Errorf("Send() = %v", err)
		}
	}
	if m == "before" {
		a.tell(c, "after")
	}
	a.got <- m
	return nil
}

func (a *ordered) tell(c *actors.Context[string], m string) {
	if err := c.Self().Tell(m); err != nil {
		a.t.Errorf("Tell() = %v", err)
	}
}

func TestAnAskWhoseMessageIsDroppedFailsAtOnce(t *testing.T) {
	systems(t, actors.Config{AskMax: time.Hour}, func(t *testing.T, s *actors.System) {
		hold := make(chan bool)
		ref, err := actors.Spawn(s, actors.Spec[call]{
			Name: "a", Box: mailbox.One(1, mailbox.DropOldest),
			Actor: actors.Func[call](func(c *actors.Context[call], m call) error { return m.do(c, m.reply) }),
		})
		if err != nil {
			t.Fatal(err)
		}
		opened(t, s, ref)
		if !s.Deterministic() {
			held := make(chan bool)
			tellOpen(t, s, ref, call{do: func(*actors.Context[call], actors.ReplyTo[int]) error { held <- true; <-hold; return nil }})
			<-held
		}
		l, err := s.Begin(actors.Birth{Name: "asker"})
		if err != nil {
			t.Fatal(err)
		}
		got := make(chan error, 1)
		err = l.Run("ask", func(ctx context.Context, out actors.Outside) error {
			_, err := actors.AskWait(ctx, out, ref, func(r actors.ReplyTo[int]) call {
				return call{reply: r, do: func(_ *actors.Context[call], r actors.ReplyTo[int]) error { return r.Send(1) }}
			})
			got <- err
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		nothing := call{do: func(*actors.Context[call], actors.ReplyTo[int]) error { return nil }}
		queued := func() bool { return s.Boxes()[0].Total().Queued > 0 }
		_ = s.Drive(t.Context(), queued)
		for !queued() {
			continue
		}
		if err := ref.Tell(nothing); err != nil {
			t.Fatal(err)
		}
		if err := await(t, s, got); !errors.Is(err, actors.ErrFull) {
			t.Errorf("ask whose message made room = %v, want ErrFull", err)
		}
		close(hold)
		l.End(false)
	})
}

func TestAnAskKeepsNoTimerThatMovesTheVirtualClock(t *testing.T) {
	s, err := actors.New(actors.Config{Clock: actors.Virtual(start), Dispatch: actors.Deterministic()})
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, s)
	ref := spawnCallee(t, s, "a")
	inRun(t, s, func(ctx context.Context, out actors.Outside) {
		if _, err := actors.AskWait(ctx, out, ref, answer(1)); err != nil {
			t.Error(err)
		}
	})
	if err := s.Drive(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if !s.Now().Equal(start) {
		t.Errorf("the clock stands at %s, want %s", s.Now(), start)
	}
}

func TestAnAskAllocatesAtMostThreeTimes(t *testing.T) {
	s, err := actors.New(actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(2)})
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, s)
	ref := spawnCallee(t, s, "a")
	build := answer(1)
	n := testing.AllocsPerRun(1000, func() {
		if _, err := actors.Ask(t.Context(), ref, build); err != nil {
			t.Fatal(err)
		}
	})
	if n > 3 {
		t.Errorf("an ask allocates %.1f times, want at most 3", n)
	}
}

func BenchmarkAsk(b *testing.B) {
	s := newBench(b, false)
	ref := spawnCallee(b, s, "a")
	build := answer(1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := actors.Ask(b.Context(), ref, build); err != nil {
			b.Fatal(err)
		}
	}
}
