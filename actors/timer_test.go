package actors_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
)

// clockwork is an actor whose messages are functions of its context.
type clockwork func(c *actors.Context[clockwork])

func spawnClockwork(t *testing.T, s *actors.System, n actors.Name) actors.Ref[clockwork] {
	t.Helper()
	ref, err := actors.Spawn(s, actors.Spec[clockwork]{
		Name: n, Class: "clock", Box: mailbox.One(100, mailbox.Reject),
		Actor: actors.Func[clockwork](func(c *actors.Context[clockwork], do clockwork) error { do(c); return nil }),
	})
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// bubbles runs a test on the virtual clock and on the real one inside a bubble; advance lets time pass.
func bubbles(t *testing.T, cfg actors.Config, test func(t *testing.T, s *actors.System, advance func(time.Duration))) {
	t.Helper()
	t.Run("virtual", func(t *testing.T) {
		c := cfg
		c.Clock, c.Dispatch = actors.Virtual(start), actors.Deterministic()
		s, err := actors.New(c)
		if err != nil {
			t.Fatal(err)
		}
		test(t, s, func(d time.Duration) {
			if err := s.Advance(t.Context(), d); err != nil {
				t.Fatal(err)
			}
		})
		stop(t, s)
	})
	t.Run("bubble", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := cfg
			c.Clock, c.Dispatch = actors.Real(), actors.Shared(2)
			s, err := actors.New(c)
			if err != nil {
				t.Fatal(err)
			}
			test(t, s, func(d time.Duration) {
				synctest.Wait()
				pass := time.NewTimer(d)
				<-pass.C
				synctest.Wait()
			})
			stop(t, s)
		})
	})
}

func TestTimers(t *testing.T) {
	tests := map[string]struct {
		set  func(c *actors.Context[clockwork], tick func(string) clockwork)
		want string // after 10 s
	}{
		"after": {func(c *actors.Context[clockwork], tick func(string) clockwork) {
			c.After("a", 2*time.Second, tick("a"))
			c.After("b", time.Second, tick("b"))
		}, "[1s b 2s a]"},
		"same key replaces": {func(c *actors.Context[clockwork], tick func(string) clockwork) {
			c.After("a", 2*time.Second, tick("old"))
			c.After("a", 3*time.Second, tick("new"))
		}, "[3s new]"},
		"every": {func(c *actors.Context[clockwork], tick func(string) clockwork) {
			c.Every("a", 3*time.Second, tick("a"))
		}, "[3s a 6s a 9s a]"},
		"every of no time": {func(c *actors.Context[clockwork], tick func(string) clockwork) {
			c.Every("a", 0, tick("a"))
		}, "[]"},
		"at once": {func(c *actors.Context[clockwork], tick func(string) clockwork) {
			c.After("a", -time.Second, tick("a"))
		}, "[0s a]"},
		"cancelled": {func(c *actors.Context[clockwork], tick func(string) clockwork) {
			c.After("a", time.Second, tick("a"))
			c.Every("b", time.Second, tick("b"))
			if !c.Cancel("a") || !c.Cancel("b") || c.Cancel("a") || c.Cancel("never set") {
				tick("wrong answer of Cancel")(c)
			}
		}, "[]"},
		"cancelled by an earlier tick of the same instant": {func(c *actors.Context[clockwork], tick func(string) clockwork) {
			c.After("a", time.Second, func(c *actors.Context[clockwork]) {
				tick("a")(c)
				c.Cancel("b")
			})
			c.After("b", time.Second, tick("b"))
			c.After("c", time.Second, tick("c"))
		}, "[1s a 1s c]"},
		"order of arming at one instant": {func(c *actors.Context[clockwork], tick func(string) clockwork) {
			for _, k := range []string{"c", "a", "b"} {
				c.After(k, time.Second, tick(k))
			}
		}, "[1s c 1s a 1s b]"},
		"set by a tick": {func(c *actors.Context[clockwork], tick func(string) clockwork) {
			c.After("a", time.Second, func(c *actors.Context[clockwork]) {
				c.After("a", time.Second, tick("again"))
			})
		}, "[2s again]"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bubbles(t, actors.Config{}, func(t *testing.T, s *actors.System, advance func(time.Duration)) {
				var log []string
				var begin time.Time
				tick := func(word string) clockwork {
					return func(c *actors.Context[clockwork]) {
						log = append(log, fmt.Sprint(c.Now().Sub(begin).Round(time.Millisecond), " ", word))
					}
				}
				ref := spawnClockwork(t, s, "a")
				advance(time.Millisecond)
				err := ref.Tell(func(c *actors.Context[clockwork]) {
					begin = c.Now()
					tt.set(c, tick)
				})
				if err != nil {
					t.Fatal(err)
				}
				advance(10 * time.Second)
				if got := fmt.Sprint(log); got != tt.want {
					t.Fatalf("ticks = %s, want %s", got, tt.want)
				}
			})
		})
	}
}

// A tick that has fallen due while its actor was busy is still taken back by Cancel, and at most one of a key
// waits: the others are counted.
func TestADueTickIsCancelledAndMissedOnesAreCounted(t *testing.T) {
	missed := 0
	cfg := actors.Config{Events: actors.Events{TimerMissed: func(_ actors.Class, n int) { missed += n }}}
	synctest.Test(t, func(t *testing.T) {
		cfg.Clock, cfg.Dispatch = actors.Real(), actors.Shared(2)
		s, err := actors.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		ref := spawnClockwork(t, s, "a")
		synctest.Wait()
		var ticks, cancelled int
		_ = ref.Tell(func(c *actors.Context[clockwork]) {
			c.Every("every", time.Second, func(*actors.Context[clockwork]) { ticks++ })
			c.After("once", time.Second, func(*actors.Context[clockwork]) { cancelled++ })
			busy := time.NewTimer(4500 * time.Millisecond)
			<-busy.C
			c.Cancel("once")
		})
		pass := time.NewTimer(4600 * time.Millisecond)
		<-pass.C
		synctest.Wait()
		if ticks != 1 || missed != 3 || cancelled != 0 {
			t.Errorf("ticks %d, missed %d, cancelled ones delivered %d, want 1, 3 and 0", ticks, missed, cancelled)
		}
		stop(t, s)
	})
}

func TestNoTickOutlivesItsIncarnation(t *testing.T) {
	bubbles(t, actors.Config{}, func(t *testing.T, s *actors.System, advance func(time.Duration)) {
		ticks := 0
		ref := spawnClockwork(t, s, "a")
		advance(0)
		_ = ref.Tell(func(c *actors.Context[clockwork]) {
			c.Every("a", time.Second, func(*actors.Context[clockwork]) { ticks++ })
			panic("end")
		})
		advance(time.Second)
		spawnClockwork(t, s, "a")
		advance(time.Minute)
		if ticks != 0 {
			t.Fatalf("%d ticks after the end", ticks)
		}
		if n := actors.ArmedTimers(s); n != 0 {
			t.Fatalf("%d timers still armed", n)
		}
	})
}

func TestATickGoesBeforeItsLaneAndAfterHigherOnes(t *testing.T) {
	s, err := actors.New(actors.Config{Clock: actors.Virtual(start), Dispatch: actors.Deterministic()})
	if err != nil {
		t.Fatal(err)
	}
	type m struct {
		lane mailbox.Lane
		n    int
	}
	var got []int
	ref, err := actors.Spawn(s, actors.Spec[m]{
		Name: "a", Box: mailbox.DefaultConfig("t"), Lane: func(x m) mailbox.Lane { return x.lane },
		Actor: actors.Func[m](func(c *actors.Context[m], x m) error {
			if got = append(got, x.n); x.n == 0 {
				c.After("t", 0, m{mailbox.Commands, 3})
			}
			return nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Drive(t.Context(), ref.Open)
	_ = ref.Tell(m{mailbox.Data, 0})
	_ = s.Drive(t.Context(), func() bool { return len(got) == 1 })
	for _, x := range []m{{mailbox.Data, 5}, {mailbox.Commands, 4}, {mailbox.Reports, 2}, {mailbox.Control, 1}} {
		_ = ref.Tell(x)
	}
	// The tick falls due only when nothing is ready, so the first message waits for it.
	_ = s.Drive(t.Context(), nil)
	if want := []int{0, 1, 2, 4, 5, 3}; !slices.Equal(got, want) {
		t.Fatalf("order = %v, want %v", got, want)
	}
	stop(t, s)
}

func TestADayOfVirtualTimers(t *testing.T) {
	s, err := actors.New(actors.Config{Clock: actors.Virtual(start), Dispatch: actors.Deterministic()})
	if err != nil {
		t.Fatal(err)
	}
	ticks, clocks := 0, 10
	if testing.Short() {
		clocks = 1
	}
	for i := range clocks {
		ref := spawnClockwork(t, s, actors.Name(fmt.Sprint("a", i)))
		_ = s.Drive(t.Context(), ref.Open)
		_ = ref.Tell(func(c *actors.Context[clockwork]) {
			c.Every("t", time.Second, func(*actors.Context[clockwork]) { ticks++ })
		})
	}
	before := time.Now()
	if err := s.Advance(t.Context(), 24*time.Hour); err != nil {
		t.Fatal(err)
	}
	if ticks != clocks*24*3600 || !s.Now().Equal(start.Add(24*time.Hour)) {
		t.Fatalf("%d ticks until %s, want %d until a day later", ticks, s.Now(), clocks*24*3600)
	}
	if took := time.Since(before); !testing.Short() && !raceDetector && took > 5*time.Second {
		t.Errorf("a day of timers took %s", took)
	}
	stop(t, s)
}

func TestDriveEndsWithItsContextAndWhenNothingIsLeft(t *testing.T) {
	s, err := actors.New(actors.Config{Clock: actors.Virtual(start), Dispatch: actors.Deterministic()})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Drive(t.Context(), func() bool { return false }); err != nil {
		t.Fatalf("nothing left: %v, want nil", err)
	}
	ref := spawnClockwork(t, s, "a")
	_ = s.Drive(t.Context(), ref.Open)
	_ = ref.Tell(func(c *actors.Context[clockwork]) {
		c.Every("t", time.Second, func(*actors.Context[clockwork]) {})
	})
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	err = s.Drive(ctx, func() bool {
		if n++; n == 5000 {
			cancel()
		}
		return false
	})
	if err != context.Canceled { //nolint:errorlint // the cause itself is promised
		t.Fatalf("Drive() = %v, want the cause of its context", err)
	}
	stop(t, s)
	shared, err := actors.New(actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(1)})
	if err != nil {
		t.Fatal(err)
	}
	if err := shared.Drive(t.Context(), nil); err == nil {
		t.Fatal("a shared system let itself be driven")
	}
	stop(t, shared)
}
