package actors_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
)

// order is a message that fails its actor when it says so.
type order struct {
	lane mailbox.Lane
	n    int
	fail bool
}

// TestCancelsAreHandedOnToTheNextIncarnation follows the cancels of a supervised name over a failure: what waited,
// what came while nobody was there, and nothing of any other lane.
func TestCancelsAreHandedOnToTheNextIncarnation(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		ended := exits(s)
		handled := make(chan int, 100)
		hold, held := make(chan int), make(chan int, 1)
		up := func() *actors.Life {
			l := begin(t, s, "orders")
			_, err := actors.Spawn(s, actors.Spec[order]{
				Life: l, Box: mailbox.DefaultConfig("orders"), Lane: func(o order) mailbox.Lane { return o.lane },
				Actor: actors.Func[order](func(_ *actors.Context[order], o order) error {
					if o.fail {
						held <- 1
						if !s.Deterministic() {
							<-hold
						}
						return errors.New("boom")
					}
					handled <- o.n
					return nil
				}),
			})
			if err != nil {
				t.Fatal(err)
			}
			l.Open()
			return l
		}
		to := actors.Follow[order](s, "orders")
		first := up()
		tellOpen(t, s, to, order{lane: mailbox.Data, fail: true})
		if !s.Deterministic() {
			await(t, s, held)
		}
		// Under the deterministic dispatch the failing message would wait behind the cancels.
		if s.Deterministic() {
			_ = s.Drive(t.Context(), func() bool { return len(held) > 0 })
		}
		for i := range 4 {
			if err := to.Tell(order{lane: mailbox.Lane(1 + i), n: i}); err != nil {
				t.Fatal(err)
			}
		}
		close(hold)
		if x := await(t, s, ended); x.Reason != actors.ReasonError {
			t.Fatalf("reason = %s, want error", x.Reason)
		}
		tell := func(when string, lane mailbox.Lane, n int, want error) {
			t.Helper()
			if err := to.Tell(order{lane: lane, n: n}); !errors.Is(err, want) {
				t.Fatalf("%s: Tell() on %s = %v, want %v", when, lane, err, want)
			}
		}
		tell("after its end", mailbox.Control, 10, nil)
		first.End(true)
		tell("backing off", mailbox.Control, 11, nil)
		tell("backing off", mailbox.Data, 99, actors.ErrSuspended)
		second := up()
		tell("started again", mailbox.Control, 12, nil)
		var got []int
		for range 4 {
			got = append(got, await(t, s, handled))
		}
		if want := "[0 10 11 12]"; fmt.Sprint(got) != want {
			t.Fatalf("the next incarnation handled %v, want %s", got, want)
		}
		// Given up: what still waits becomes dead letters.
		second.Stop()
		await(t, s, ended)
		tell("stopped", mailbox.Control, 13, nil)
		second.End(false)
		tell("given up", mailbox.Control, 14, actors.ErrUnknown)
		dead := s.DeadCounts()
		if n := dead[actors.DeadCount{Reason: mailbox.Stopped}]; n != 1 {
			t.Fatalf("dead letters = %v, want one stopped", dead)
		}
		total := s.Boxes()[0].Total()
		if total.Queued != 0 || total.Dropped.Of(mailbox.HandedOn) != 3 || total.Dropped.Of(mailbox.Restarted) != 3 {
			t.Fatalf("counts over both incarnations: %+v", total)
		}
	})
}

// TestAnOldRefNeverReachesWhatTheNextIncarnationInherits fails a supervised actor and stops the system while nobody
// is there: what was told to the name becomes a dead letter, the old Ref is fenced.
func TestAnOldRefNeverReachesWhatTheNextIncarnationInherits(t *testing.T) {
	systems(t, actors.Config{}, func(t *testing.T, s *actors.System) {
		ended := exits(s)
		l := begin(t, s, "orders")
		ref, err := actors.Spawn(s, actors.Spec[order]{
			Life: l, Box: mailbox.DefaultConfig("orders"), Lane: func(o order) mailbox.Lane { return o.lane },
			Actor: actors.Func[order](func(*actors.Context[order], order) error { return errors.New("boom") }),
		})
		if err != nil {
			t.Fatal(err)
		}
		l.Open()
		tellOpen(t, s, ref, order{lane: mailbox.Data})
		await(t, s, ended)
		l.End(true)
		if err := ref.Tell(order{lane: mailbox.Control}); !errors.Is(err, actors.ErrFenced) {
			t.Fatalf("Tell() to the old Ref = %v, want ErrFenced", err)
		}
		if err := actors.Follow[order](s, "orders").Tell(order{lane: mailbox.Control}); err != nil {
			t.Fatalf("Tell() to the name = %v, want nil", err)
		}
		stop(t, s)
		if n := s.DeadCounts()[actors.DeadCount{Reason: mailbox.Shutdown}]; n != 1 || s.Boxes()[0].Live {
			t.Fatalf("dead letters = %v, boxes = %+v, want one of shutdown and no mailbox", s.DeadCounts(), s.Boxes())
		}
	})
}
