package resilience_test

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/resilience"
)

// TestAnOrderCannotBeHedged builds a program that tries.
func TestAnOrderCannotBeHedged(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "vet", "./testdata/hedge_order").CombinedOutput()
	if err == nil {
		t.Fatal("a program that hedges an order builds")
	}
	for _, want := range []string{"cannot use order", "missing method read"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the compiler says %s\nwant %q", out, want)
		}
	}
}

func seasoned(t *testing.T) (*resilience.Hedge, *resilience.Budget) {
	t.Helper()
	g, err := resilience.NewBudget(resilience.DefaultBudget())
	if err != nil {
		t.Fatal(err)
	}
	h := new(resilience.Hedge)
	for i := range 1000 {
		r := h.Begin(0, resilience.StatusRead{})
		h.Answered(&r, time.Duration(i+1)*ms)
	}
	return h, g
}

func TestASlowReadIsAskedOnceMore(t *testing.T) {
	h, g := seasoned(t)
	r := h.Begin(0, resilience.GapRead{Channel: "c", From: 1, To: 2})
	if r.At != at(950*ms) {
		t.Fatalf("the extra goes at %v, want the p95 of 950 ms", time.Duration(r.At))
	}
	if h.Extra(r.At-1, &r, g) {
		t.Fatal("an extra before its time")
	}
	if !h.Extra(r.At, &r, g) || h.Extra(r.At+1, &r, g) {
		t.Fatal("want one extra and no second")
	}
	if loser, counts := h.Answered(&r, time.Second); !loser || !counts {
		t.Fatalf("first answer: %t, %t, want a loser to cancel, and that it counts", loser, counts)
	}
	if loser, counts := h.Answered(&r, time.Second); loser || counts {
		t.Fatalf("second answer: %t, %t, want neither", loser, counts)
	}
	if h.Extra(resilience.Never-1, &r, g) {
		t.Fatal("an extra after the answer")
	}
}

func TestAnExtraCostsATokenAndIsNotSoonerThanTheFloor(t *testing.T) {
	h, g := seasoned(t)
	for g.Withdraw(0) {
		continue
	}
	r := h.Begin(0, resilience.SnapshotRead{})
	if h.Extra(at(2*time.Second), &r, g) {
		t.Fatal("an extra without a token")
	}
	for range 2000 {
		q := h.Begin(0, resilience.ReferenceRead{})
		h.Answered(&q, 0)
	}
	if r := h.Begin(0, resilience.SnapshotRead{}); r.At != at(5*ms) {
		t.Fatalf("the extra goes at %v, want the floor", time.Duration(r.At))
	}
}

func TestNothingIsHedgedBeforeEnoughWasSeen(t *testing.T) {
	var h resilience.Hedge
	for range 19 {
		r := h.Begin(0, resilience.StatusRead{})
		if r.At != resilience.Never {
			t.Fatal("an extra from too few answers")
		}
		h.Answered(&r, ms)
	}
	r := h.Begin(0, resilience.StatusRead{})
	if h.Extra(at(time.Hour), &r, new(resilience.Budget)) {
		t.Fatal("an extra without an hour to go")
	}
	h.Answered(&r, ms)
	if r := h.Begin(0, resilience.StatusRead{}); r.At != at(5*ms) {
		t.Fatalf("after 20 answers the extra goes at %v", time.Duration(r.At))
	}
}
