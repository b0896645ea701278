package resilience_test

import (
	"testing"
	"time"

	"github.com/failshut/failshut/resilience"
)

func TestADeadlineIsPastAfterItsMoment(t *testing.T) {
	for _, tt := range []struct {
		d    resilience.Deadline
		now  resilience.Instant
		past bool
	}{
		{10, 9, false},
		{10, 10, false},
		{10, 11, true},
		{0, 1 << 62, false}, // without end
		{resilience.Deadline(resilience.Never), 1 << 62, false},
	} {
		if got := tt.d.Past(tt.now); got != tt.past {
			t.Errorf("Deadline(%d).Past(%d) = %t", tt.d, tt.now, got)
		}
	}
}

func TestAHopShortensAndNeverLengthens(t *testing.T) {
	for _, tt := range [][3]resilience.Deadline{{10, 5, 5}, {5, 10, 5}, {0, 5, 5}, {5, 0, 5}, {0, 0, 0}} {
		if got := tt[0].Sooner(tt[1]); got != tt[2] {
			t.Errorf("Deadline(%d).Sooner(%d) = %d, want %d", tt[0], tt[1], got, tt[2])
		}
	}
}

// TestADeadlineCrossesALink has two nodes whose clocks show nothing alike.
func TestADeadlineCrossesALink(t *testing.T) {
	const here, there = resilience.Instant(1_000 * time.Second), resilience.Instant(3 * time.Second)
	for _, tt := range []struct {
		name string
		d    resilience.Deadline
		left time.Duration
		ok   bool
		past bool // at once, over there
	}{
		{"a second", resilience.Deadline(here.Add(time.Second)), 999 * ms, true, false},
		{"just what the link takes", resilience.Deadline(here.Add(ms)), 0, false, true},
		{"over already", resilience.Deadline(here - 5), 0, false, true},
		{"without end", 0, 0, true, false},
	} {
		left, ok := tt.d.Left(here, resilience.LinkAllowance)
		if left != tt.left || ok != tt.ok {
			t.Errorf("%s: Left() = %v, %t, want %v, %t", tt.name, left, ok, tt.left, tt.ok)
		}
		if !ok {
			left = -1 // what is not worth sending is past at once where it is sent nevertheless
		}
		if got := resilience.Arrived(there, left); got.Past(there) != tt.past {
			t.Errorf("%s: arrived as %d at %d", tt.name, got, there)
		}
	}
	if got := resilience.Arrived(0, -1); !got.Past(2) {
		t.Errorf("what is past arrives as %d, which has no end", got)
	}
}

func TestInstantsNeitherWrapNorGoBelowZero(t *testing.T) {
	for _, tt := range []struct {
		i    resilience.Instant
		d    time.Duration
		want resilience.Instant
	}{
		{0, -1, 0},
		{5, -3, 2},
		{5, 0, 5},
		{resilience.Never - 1, 1, resilience.Never},
		{resilience.Never, 1 << 62, resilience.Never},
		{resilience.Never, -1, resilience.Never - 1},
	} {
		if got := tt.i.Add(tt.d); got != tt.want {
			t.Errorf("Instant(%d).Add(%d) = %d, want %d", tt.i, tt.d, got, tt.want)
		}
	}
}
