package resilience_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/failshut/failshut/resilience"
)

func bulkhead(t *testing.T, permits, waiting int) *resilience.Bulkhead {
	t.Helper()
	k, err := resilience.NewBulkhead(resilience.BulkheadConfig{Permits: permits, Waiting: waiting})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestABulkheadThatIsFullSaysSoAtOnce(t *testing.T) {
	k := bulkhead(t, 2, 0)
	a := resilience.Owner{Name: "a", Epoch: 1}
	first, err := k.Acquire(0, a)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Acquire(0, a); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Acquire(0, a); !errors.Is(err, resilience.ErrFull) {
		t.Fatalf("third Acquire() = %v, want ErrFull", err)
	}
	if err := k.Wait(0, resilience.Waiter{Owner: a, Until: 9}); !errors.Is(err, resilience.ErrFull) {
		t.Fatalf("Wait() without a list = %v, want ErrFull", err)
	}
	k.Release(first)
	if _, err := k.Acquire(0, a); err != nil {
		t.Fatal(err)
	}
}

func TestTheEndOfAnIncarnationGivesItsPermitsBackAndItsLateReleaseDoesNothing(t *testing.T) {
	k := bulkhead(t, 2, 4)
	old, young := resilience.Owner{Name: "a", Epoch: 1}, resilience.Owner{Name: "a", Epoch: 2}
	p, _ := k.Acquire(0, old)
	_, _ = k.Acquire(0, young)
	if err := k.Wait(0, resilience.Waiter{Owner: old, Until: 100}); err != nil {
		t.Fatal(err)
	}
	if n := k.ReleaseAll(old); n != 1 {
		t.Fatalf("%d permits back, want 1", n)
	}
	if _, w, ok := k.Next(0); ok {
		t.Fatalf("%+v waits still", w)
	}
	again, err := k.Acquire(0, young)
	if err != nil {
		t.Fatal(err)
	}
	k.Release(p) // late: the place is another's
	if _, err := k.Acquire(0, young); !errors.Is(err, resilience.ErrFull) {
		t.Fatalf("a late release gave a permit: %v", err)
	}
	k.Release(again)
	k.Release(again)
	if out, _, strays := k.Counts(); out != 1 || strays != 2 {
		t.Fatalf("%d out and %d strays, want 1 and 2", out, strays)
	}
}

func TestWhoWaitsIsServedByDeadlineAndNeverAfterIt(t *testing.T) {
	k := bulkhead(t, 1, 3)
	p, _ := k.Acquire(0, resilience.Owner{})
	for i, until := range []resilience.Instant{50, 30, 40} {
		if err := k.Wait(0, resilience.Waiter{Until: until, Key: uint64(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.Wait(0, resilience.Waiter{Until: 99}); !errors.Is(err, resilience.ErrFull) {
		t.Fatalf("fourth Wait() = %v, want ErrFull", err)
	}
	k.Release(p)
	p, w, ok := k.Next(30)
	if !ok || w.Until != 30 {
		t.Fatalf("Next() = %+v, %t, want the one until 30", w, ok)
	}
	if _, _, ok := k.Next(30); ok {
		t.Fatal("a second permit of one")
	}
	k.Release(p)
	if _, err := k.Acquire(31, resilience.Owner{}); !errors.Is(err, resilience.ErrFull) {
		t.Fatalf("Acquire() before those who wait = %v, want ErrFull", err)
	}
	if _, w, ok := k.Next(41); !ok || w.Until != 50 {
		t.Fatalf("Next() = %+v, %t, want the one until 50: the other's time is over", w, ok)
	}
	if err := k.Wait(60, resilience.Waiter{Until: 59}); !errors.Is(err, resilience.ErrFull) {
		t.Fatalf("Wait() past its own deadline = %v, want ErrFull", err)
	}
}

// TestPermitsAreConserved crashes owners at random, while those left behind release late.
func TestPermitsAreConserved(t *testing.T) {
	r := chance(t)
	for range 2000 {
		permits, waiting := 1+r.IntN(6), r.IntN(5)
		k := bulkhead(t, permits, waiting)
		var epochs [3]uint64
		held := map[resilience.Permit]resilience.Owner{} // by owners that live
		var lost []resilience.Permit
		now := resilience.Instant(0)
		owner := func(i int) resilience.Owner { return resilience.Owner{Name: fmt.Sprint(i), Epoch: epochs[i]} }
		for range 100 {
			now += resilience.Instant(r.IntN(3))
			switch i := r.IntN(3); r.IntN(6) {
			case 0, 1:
				if p, err := k.Acquire(now, owner(i)); err == nil {
					held[p] = owner(i)
				}
			case 2:
				_ = k.Wait(now, resilience.Waiter{Owner: owner(i), Until: now + resilience.Instant(r.IntN(5))})
			case 3:
				for p := range held {
					k.Release(p)
					delete(held, p)
					break
				}
			case 4:
				n := 0
				for p, o := range held {
					if o == owner(i) {
						lost = append(lost, p)
						delete(held, p)
						n++
					}
				}
				if got := k.ReleaseAll(owner(i)); got != n {
					t.Fatalf("%d permits back, want %d", got, n)
				}
				epochs[i]++
			case 5:
				if len(lost) > 0 {
					k.Release(lost[r.IntN(len(lost))])
				}
			}
			for {
				p, w, ok := k.Next(now)
				if !ok {
					break
				}
				if w.Until < now || w.Owner.Epoch != epochs[w.Owner.Name[0]-'0'] {
					t.Fatalf("at %d a permit for %+v", now, w)
				}
				held[p] = w.Owner
			}
			if out, _, _ := k.Counts(); out != len(held) || out > permits {
				t.Fatalf("%d out of %d, want %d", out, permits, len(held))
			}
		}
	}
}

func TestTheZeroBulkheadRefuses(t *testing.T) {
	var k resilience.Bulkhead
	if _, err := k.Acquire(1, resilience.Owner{}); !errors.Is(err, resilience.ErrFull) {
		t.Fatalf("Acquire() = %v", err)
	}
	if err := k.Wait(1, resilience.Waiter{Until: 2}); !errors.Is(err, resilience.ErrFull) {
		t.Fatalf("Wait() = %v", err)
	}
	k.Release(resilience.Permit{})
	if k.ReleaseAll(resilience.Owner{}) != 0 {
		t.Fatal("permits of nothing")
	}
	err := resilience.BulkheadConfig{Waiting: 65}.Validate()
	for _, want := range []string{"permits = 0", "waiting = 65"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate() = %v, want %q in it", err, want)
		}
	}
	if err := resilience.DefaultBulkhead().Validate(); err != nil {
		t.Error(err)
	}
}
