package resilience_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/resilience"
)

func limit(t *testing.T, c resilience.LimitConfig) *resilience.Limit {
	t.Helper()
	l, err := resilience.NewLimit(c)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// burst is how many go at one instant.
func burst(l *resilience.Limit, now time.Duration, c resilience.Class) int {
	for n := 0; ; n++ {
		if ok, _ := l.Take(at(now), 1, c); !ok || n == 10_000 {
			return n
		}
	}
}

func TestOrdersAndQuestionsShareFourFifths(t *testing.T) {
	l := limit(t, resilience.LimitConfig{Rate: 100, Per: time.Second, Burst: 10, Share: 80, Clean: time.Second})
	if n := burst(l, 0, resilience.Order); n != 8 {
		t.Fatalf("%d orders at once, want 8", n)
	}
	if n := burst(l, 0, resilience.Question); n != 0 {
		t.Fatalf("%d questions beside, want none", n)
	}
	ok, again := l.Take(0, 1, resilience.Order)
	if ok || again != at(12500*time.Microsecond) {
		t.Fatalf("Take() = %t, %v, want again after 1/80 s", ok, again)
	}
	if ok, _ := l.Take(again-1, 1, resilience.Order); ok {
		t.Fatal("it went before its time")
	}
	if ok, _ := l.Take(again, 1, resilience.Order); !ok {
		t.Fatal("it did not go at its time")
	}
	n := 0
	for now := time.Duration(0); now < 10*time.Second; now += ms {
		n += burst(l, time.Second+now, resilience.Order)
	}
	if n < 800 || n > 808 {
		t.Fatalf("%d orders in ten seconds, want 800 and a burst at most", n)
	}
}

func TestACancelIsNeverToldNo(t *testing.T) {
	l := limit(t, resilience.DefaultLimit())
	l.Learn(0, resilience.Hint{After: time.Minute}, lowest)
	for range 10_000 {
		if ok, _ := l.Take(0, 1, resilience.Cancel); !ok {
			t.Fatal("a cancel was refused")
		}
	}
	if l.Overruns() != 10_000 {
		t.Fatalf("%d overruns, want 10000", l.Overruns())
	}
	if _, again := l.Take(0, 1, resilience.Order); again <= at(time.Minute) || again > at(resilience.HintMax) {
		t.Fatalf("an order goes at %v, want behind hint and cancels, in at most ten minutes", again)
	}
	var zero resilience.Limit
	if ok, _ := zero.Take(0, 1, resilience.Cancel); !ok {
		t.Fatal("the zero limit refuses a cancel")
	}
}

func TestCancelsAreCountedAgainstTheVenuesLimit(t *testing.T) {
	l := limit(t, resilience.LimitConfig{Rate: 100, Per: time.Second, Burst: 10, Share: 80, Clean: time.Second})
	for range 10 {
		l.Take(0, 1, resilience.Cancel)
	}
	if l.Overruns() != 0 {
		t.Fatalf("%d overruns within the limit", l.Overruns())
	}
	if n := burst(l, 0, resilience.Order); n != 0 {
		t.Fatalf("%d orders behind ten cancels, want none", n)
	}
}

func TestAHintClosesAndSlowsUntilAllIsClean(t *testing.T) {
	l := limit(t, resilience.LimitConfig{Rate: 100, Per: time.Second, Burst: 1, Share: 100, Clean: 5 * time.Second})
	l.Learn(0, resilience.Hint{After: 2 * time.Second}, lowest)
	l.Learn(0, resilience.Hint{After: time.Second}, lowest) // the latest counts
	l.Learn(0, resilience.Hint{After: -time.Hour}, lowest)
	if _, again := l.Take(0, 1, resilience.Question); again != at(2*time.Second) {
		t.Fatalf("again at %v, want 2 s", again)
	}
	count := func(from time.Duration) int {
		n := 0
		for now := time.Duration(0); now < time.Second; now += ms {
			n += burst(l, from+now, resilience.Order)
		}
		return n
	}
	if n := count(2 * time.Second); n != 25 {
		t.Fatalf("%d in a second after two hints, want a quarter of 100", n)
	}
	if n := count(8 * time.Second); n != 100 {
		t.Fatalf("%d in a second when all is clean, want 100", n)
	}
	for range 100 {
		l.Learn(at(10*time.Second), resilience.Hint{After: math.MaxInt64, Spread: math.MaxInt64}, highest)
	}
	if _, again := l.Take(at(10*time.Second), 1, resilience.Order); again != at(10*time.Second+2*resilience.HintMax) {
		t.Fatalf("again at %v, want a hint of ten minutes and its spread of as many", again)
	}
}

func TestMoreThanABurstNeverFits(t *testing.T) {
	l := limit(t, resilience.DefaultLimit())
	for _, n := range []int{11, math.MaxInt, 0, -1, math.MinInt} {
		if ok, again := l.Take(0, n, resilience.Order); ok || again != resilience.Never {
			t.Errorf("Take(%d) = %t, %v, want never", n, ok, again)
		}
	}
	if ok, _ := l.Take(0, 8, resilience.Order); !ok {
		t.Error("a burst at once does not fit")
	}
	l.Take(0, math.MaxInt, resilience.Cancel)
	l.Take(0, math.MinInt, resilience.Cancel)
}

func TestWhatWasNotSentIsGivenBack(t *testing.T) {
	l := limit(t, resilience.DefaultLimit())
	for range 1000 {
		if ok, _ := l.Take(0, 1, resilience.Order); !ok {
			t.Fatal("refused though all was given back")
		}
		l.Refund(1, resilience.Order)
	}
}

// FuzzLimit holds the limit to its promise: in any stretch of time no more orders and questions go than the rate and a burst.
func FuzzLimit(f *testing.F) {
	f.Add(1, int64(1), 1, uint64(0))
	f.Add(50, int64(time.Second), 10, uint64(1))
	f.Add(math.MaxInt, int64(math.MaxInt64), math.MaxInt, uint64(2))
	f.Add(1_000_000_000, int64(time.Second), 1_000_000_000, uint64(3))
	f.Fuzz(func(t *testing.T, rate int, per int64, most int, gaps uint64) {
		c := resilience.LimitConfig{Rate: rate, Per: time.Duration(per), Burst: most, Share: 100, Clean: 1}
		l, err := resilience.NewLimit(c)
		if err != nil {
			return
		}
		var went []resilience.Instant
		now := resilience.Instant(0)
		for i := range 200 {
			now = now.Add(time.Duration(gaps >> (i % 60) & 0xffff))
			if ok, again := l.Take(now, 1, resilience.Order); ok {
				went = append(went, now)
			} else if again <= now {
				t.Fatalf("refused at %d until %d", now, again)
			}
		}
		for i := range went {
			for j := i; j < len(went); j++ {
				fit := float64(went[j]-went[i])*float64(rate)/float64(per) + float64(most)
				if float64(j-i+1) > fit+1e-6*fit {
					t.Fatalf("%d went within %d of %+v", j-i+1, went[j]-went[i], c)
				}
			}
		}
	})
}

func TestTheZeroLimitRefusesOrders(t *testing.T) {
	var l resilience.Limit
	l.Learn(1, resilience.Hint{After: 1}, lowest)
	l.Refund(1, resilience.Order)
	for _, c := range []resilience.Class{resilience.Order, resilience.Question, 0, 99} {
		if ok, again := l.Take(1, 1, c); ok || again != resilience.Never {
			t.Errorf("class %d: %t, %v", c, ok, again)
		}
	}
	err := resilience.LimitConfig{Share: 101}.Validate()
	for _, want := range []string{"rate = 0 in 0s", "burst = 0", "share = 101 %", "clean = 0s"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate() = %v, want %q in it", err, want)
		}
	}
}
