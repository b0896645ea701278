package actorstest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/actors/actorstest"
	"github.com/failshut/failshut/mailbox"
)

// counting starts an actor that says what it handled, with faults, and gives how its incarnations end.
func counting(t testing.TB, s *actors.System, f *actorstest.Faults) (spawn func() actors.Ref[int], said *actorstest.Probe[string]) {
	t.Helper()
	said = actorstest.NewProbe[string](t, s, "said")
	s.OnExit(func(x actors.Exit) {
		if x.Name == "a" {
			_ = said.Ref().Tell(fmt.Sprint("end ", x.Reason, " ", errors.Is(x.Err, actorstest.ErrFault)))
		}
	})
	return func() actors.Ref[int] {
		ref, err := actors.Spawn(s, actors.Spec[int]{
			Name: "a", Box: mailbox.One(8, mailbox.Reject), Watchdog: 100 * time.Millisecond,
			Actor: actorstest.Faulty(f, actors.Func[int](func(_ *actors.Context[int], n int) error {
				return said.Ref().Tell(fmt.Sprint(n))
			})),
		})
		if err != nil {
			t.Fatal(err)
		}
		return ref
	}, said
}

func TestFaultsHitTheMessageThatTheyNameOverAllIncarnations(t *testing.T) {
	s := actorstest.NewSystem(t, 0)
	f := actorstest.NewFaults(t, actorstest.PanicAt(2), actorstest.GoexitAt(3), actorstest.FailAt(5))
	spawn, said := counting(t, s, f)
	for _, want := range [][]string{{"1", "end crash false"}, {"end goexit false"}, {"1", "end error true"}} {
		ref := spawn()
		actorstest.Settle(t, s, 0)
		_, _ = ref.TellAll(1, 2)
		for _, line := range want {
			said.Expect(t, line)
		}
	}
	said.ExpectNone(t, time.Hour)
	if f.Seen() != 5 {
		t.Errorf("%d messages seen, want 5", f.Seen())
	}
}

func TestAHangIsAbandonedAndEndsWithTheTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := actorstest.NewShared(t)
		spawn, said := counting(t, s, actorstest.NewFaults(t, actorstest.HangAt(2)))
		ref := spawn()
		synctest.Wait()
		_, _ = ref.TellAll(1, 2)
		said.Expect(t, "1")
		said.Expect(t, "end hung false")
	})
}

func TestASlowHandlerTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := actorstest.NewShared(t)
		spawn, said := counting(t, s, actorstest.NewFaults(t, actorstest.Slow(10*time.Millisecond)))
		ref := spawn()
		synctest.Wait()
		start := time.Now()
		_, _ = ref.TellAll(1, 2, 3)
		for _, want := range []string{"1", "2", "3"} {
			said.Expect(t, want)
		}
		if took := time.Since(start); took != 30*time.Millisecond {
			t.Errorf("three messages took %s, want 30 ms", took)
		}
	})
}

func TestWhatCannotHangSaysSo(t *testing.T) {
	for _, f := range []actorstest.Fault{actorstest.HangAt(1), actorstest.Slow(time.Second)} {
		s := actorstest.NewSystem(t, 0)
		spawn, said := counting(t, s, actorstest.NewFaults(t, f))
		ref := spawn()
		actorstest.Settle(t, s, 0)
		_ = ref.Tell(1)
		said.Expect(t, "end crash false")
	}
}

// cleaned is an outer whose cleanups are run by the test.
type cleaned struct {
	outer
	cleanups []func()
}

func (c *cleaned) Cleanup(f func()) { c.cleanups = append(c.cleanups, f) }

func (c *cleaned) Errorf(format string, args ...any) {
	fmt.Fprintf(&c.said, format, args...)
	c.failed = true
}

func TestAFaultThatDidNotHappenFailsTheTest(t *testing.T) {
	for _, tt := range []struct {
		name     string
		faults   []actorstest.Fault
		messages int
		want     []string
	}{
		{"none came", []actorstest.Fault{actorstest.PanicAt(3)}, 0, []string{"panic at message 3"}},
		{"each that did not", []actorstest.Fault{actorstest.GoexitAt(2), actorstest.PanicAt(3)}, 1, []string{"goexit at message 2", "panic at message 3"}},
		{"one of each message too", []actorstest.Fault{actorstest.Slow(time.Second)}, 0, []string{"slow at any message"}},
		{"one behind another of its message", []actorstest.Fault{actorstest.FailAt(1), actorstest.PanicAt(1)}, 1, []string{"panic at message 1"}},
		{"the last alone came", []actorstest.Fault{actorstest.FailAt(2), actorstest.FailAt(1), actorstest.PanicAt(2)}, 2, []string{"panic at message 2"}},
		{"all came", []actorstest.Fault{actorstest.FailAt(2), actorstest.FailAt(1)}, 2, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := actorstest.NewSystem(t, 0)
			c := &cleaned{outer: outer{TB: t}}
			f := actorstest.NewFaults(c, tt.faults...)
			spawn, _ := counting(t, s, f)
			for range tt.messages {
				ref := spawn()
				actorstest.Settle(t, s, 0)
				_ = ref.Tell(1)
				actorstest.Settle(t, s, 0)
			}
			for _, f := range c.cleanups {
				f()
			}
			if text := c.said.String(); strings.Count(text, "did not happen") != len(tt.want) || c.failed != (len(tt.want) > 0) {
				t.Errorf("said %q, want %q not to have happened", text, tt.want)
			}
			for _, want := range tt.want {
				if !strings.Contains(c.said.String(), want+" did not happen") {
					t.Errorf("said %q, want that %s did not happen", c.said.String(), want)
				}
			}
		})
	}
}
