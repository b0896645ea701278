package actors_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
)

func begin(t *testing.T, s *actors.System, n actors.Name) *actors.Life {
	t.Helper()
	l, err := s.Begin(actors.Birth{Name: n})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func exits(s *actors.System) <-chan actors.Exit {
	ch := make(chan actors.Exit, 100)
	s.OnExit(func(x actors.Exit) { ch <- x })
	return ch
}

func TestEndsOfARunFunction(t *testing.T) {
	boom := errors.New("boom")
	tests := map[string]struct {
		run    func(ctx context.Context, out actors.Outside) error
		reason actors.Reason
		stack  string
	}{
		"nil is normal":      {func(context.Context, actors.Outside) error { return nil }, actors.ReasonNormal, ""},
		"an error is error":  {func(context.Context, actors.Outside) error { return boom }, actors.ReasonError, ""},
		"a word is its word": {func(context.Context, actors.Outside) error { return actors.ExitWith("port_in_use") }, "port_in_use", ""},
		"a panic is crash":   {func(context.Context, actors.Outside) error { panic(boom) }, actors.ReasonCrash, "work_test.go"},
		"Goexit is goexit":   {func(context.Context, actors.Outside) error { runtime.Goexit(); return nil }, actors.ReasonGoexit, "work_test.go"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
				ended := exits(s)
				l := begin(t, s, "w")
				if err := l.Run("part", tt.run); err != nil {
					t.Fatal(err)
				}
				x := await(t, s, ended)
				if x.Reason != tt.reason || x.Part != "part" || x.Name != "w" || x.Epoch != 1 || x.Left != 0 {
					t.Fatalf("exit = %+v, want reason %s of w#1 part", x, tt.reason)
				}
				if !strings.Contains(string(x.Stack), tt.stack) {
					t.Fatalf("stack does not name %s:\n%s", tt.stack, x.Stack)
				}
				l.End(false)
			})
		})
	}
}

func TestARunFunctionWaitsUntilATimeAndEndsAtStop(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		ended := exits(s)
		l := begin(t, s, "w")
		woke := make(chan time.Duration, 1)
		err := l.Run("part", func(ctx context.Context, out actors.Outside) error {
			before := out.Now()
			if err := out.Until(ctx, before.Add(3*time.Millisecond)); err != nil {
				return err
			}
			woke <- out.Now().Sub(before)
			return out.Until(ctx, before.Add(time.Hour))
		})
		if err != nil {
			t.Fatal(err)
		}
		if d := await(t, s, woke); d < 3*time.Millisecond || s.Deterministic() && d != 3*time.Millisecond {
			t.Fatalf("waited %s, want 3ms", d)
		}
		l.Stop()
		if x := await(t, s, ended); x.Reason != actors.ReasonShutdown {
			t.Fatalf("reason = %s, want shutdown", x.Reason)
		}
		l.End(false)
	})
}

func TestOfferWaitWaitsForRoomAndKeepsOrder(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		const n = 5000
		got := make(chan int, 1)
		next := 0
		box := mailbox.Config{}
		box.Lanes[mailbox.Reports-1] = mailbox.LaneConfig{Cap: 4, Policy: mailbox.Block}
		ref, err := actors.Spawn(s, actors.Spec[int]{
			Name: "orders", Box: box,
			Actor: actors.Func[int](func(_ *actors.Context[int], m int) error {
				if m != next {
					t.Errorf("got %d, want %d", m, next)
				}
				if next++; next == n {
					got <- next
				}
				return nil
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		l := begin(t, s, "session")
		err = l.Run("reader", func(ctx context.Context, out actors.Outside) error {
			for i := 0; i < n; {
				err := ref.OfferWait(ctx, out, i)
				if errors.Is(err, actors.ErrSuspended) {
					if err := out.Until(ctx, out.Now().Add(time.Microsecond)); err != nil {
						return err
					}
					continue
				}
				if err != nil {
					return err
				}
				i++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		await(t, s, got)
	})
}

func TestAPipeHandsOverToItsReader(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		p, err := actors.NewPipe[int](s, 3)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			if err := p.Offer(i); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Offer(3); !errors.Is(err, actors.ErrFull) {
			t.Fatalf("Offer() to a full pipe = %v, want ErrFull", err)
		}
		sum, reads := make(chan int, 1), make(chan int, 10)
		l := begin(t, s, "journal")
		err = l.Run("writer", func(ctx context.Context, out actors.Outside) error {
			total := 0
			for total < 103 {
				v, err := p.Next(ctx, out)
				if err != nil {
					return err
				}
				total += v
				reads <- v
			}
			sum <- total
			_, err := p.Next(ctx, out)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		await(t, s, reads)
		feeder, err := actors.Spawn(s, actors.Spec[int]{
			Name: "feeder", Box: mailbox.One(4, mailbox.Reject),
			Actor: actors.Func[int](func(_ *actors.Context[int], m int) error { return p.Offer(m) }),
		})
		if err != nil {
			t.Fatal(err)
		}
		tellOpen(t, s, feeder, 100)
		if n := await(t, s, sum); n != 103 {
			t.Fatalf("sum = %d, want 103", n)
		}
	})
}
