package actorstest_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/actors/actorstest"
	"github.com/failshut/failshut/mailbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo tells the probe what it is told, a second later.
func echo(t *testing.T, s *actors.System, to actors.Ref[string]) actors.Ref[string] {
	t.Helper()
	ref, err := actors.Spawn(s, actors.Spec[string]{
		Name: "echo", Box: mailbox.One(10, mailbox.Reject),
		Actor: actors.Func[string](func(c *actors.Context[string], m string) error {
			if m == "tick" {
				return to.Tell(fmt.Sprint(c.Now().Unix() % 100))
			}
			c.After("t", time.Second, "tick")
			return to.Tell(m)
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func TestAProbeRecordsUnderTheVirtualClock(t *testing.T) {
	s := actorstest.NewSystem(t, 0)
	p := actorstest.NewProbe[string](t, s, "probe")
	ref := echo(t, s, p.Ref())
	actorstest.Settle(t, s, 0)
	if err := ref.Tell("hello"); err != nil {
		t.Fatal(err)
	}
	if m := p.Next(t); m != "hello" {
		t.Fatalf("Next() = %q", m)
	}
	actorstest.Settle(t, s, 999*time.Millisecond)
	p.None(t)
	if m := p.Next(t); m != "1" {
		t.Fatalf("Next() = %q, want the tick of second 1", m)
	}
	if got := p.Got(); len(got) != 2 {
		t.Fatalf("Got() = %v", got)
	}
}

func TestAProbeRecordsInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := actorstest.NewShared(t)
		p := actorstest.NewProbe[string](t, s, "probe")
		ref := echo(t, s, p.Ref())
		synctest.Wait()
		if err := ref.Tell("hello"); err != nil {
			t.Fatal(err)
		}
		if m := p.Next(t); m != "hello" {
			t.Fatalf("Next() = %q", m)
		}
		p.Next(t)
	})
}
