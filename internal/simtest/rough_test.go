package simtest_test

import (
	"flag"
	"testing"

	"github.com/failshut/failshut/internal/simtest"
)

var outcomes = flag.Int("outcomes", 10_000, "requests of unknown outcome of TestAmbiguous; acceptance is 100000")

var stormRuns = flag.Uint64("storms", 1000, "runs of TestFillsOnce; acceptance is 10000")

// ambiguousRun is how many outcomes one seed makes.
const ambiguousRun = 250

func TestAmbiguous(t *testing.T) {
	var sum simtest.Outcome
	seed := *firstSeed
	for ; sum.Ambiguous < *outcomes; seed++ {
		r, err := simtest.Ambiguous(seed, min(ambiguousRun, *outcomes), simtest.Defect{})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for _, f := range r.Findings {
			t.Errorf("%s", f)
		}
		if len(r.Findings) > 0 {
			t.Fatalf("go test ./internal/simtest -run Ambiguous -seed %d -outcomes %d", seed, ambiguousRun)
		}
		sum.Ambiguous += r.Ambiguous
		sum.News, sum.Cancels, sum.Replaces = sum.News+r.News, sum.Cancels+r.Cancels, sum.Replaces+r.Replaces
		sum.Lines, sum.Lives, sum.Orders, sum.Fills = sum.Lines+r.Lines, sum.Lives+r.Lives, sum.Orders+r.Orders, sum.Fills+r.Fills
	}
	t.Logf("seeds %d to %d: %d outcomes unknown (%d orders, %d cancels, %d replaces) in %d lives, %d orders, %d fills; held compared %d times",
		*firstSeed, seed-1, sum.Ambiguous, sum.News, sum.Cancels, sum.Replaces, sum.Lives, sum.Orders, sum.Fills, sum.Lines)
	if sum.News == 0 || sum.Cancels == 0 || sum.Replaces == 0 || sum.Fills == 0 || sum.Lines < sum.Ambiguous {
		t.Errorf("vacuous: %+v", sum)
	}
}

func TestFillsOnce(t *testing.T) {
	var sum simtest.Storm
	for seed := *firstSeed; seed < *firstSeed+*stormRuns; seed++ {
		r, err := simtest.FillsOnce(seed, simtest.Defect{})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for _, f := range r.Findings {
			t.Errorf("%s", f)
		}
		if len(r.Findings) > 0 {
			t.Fatalf("go test ./internal/simtest -run FillsOnce -seed %d -storms 1", seed)
		}
		sum.Fills, sum.Resent, sum.Lives = sum.Fills+r.Fills, sum.Resent+r.Resent, sum.Lives+r.Lives
	}
	t.Logf("seeds %d to %d: %d fills in %d lives, %d reports told again behind those of the venue and of its replays",
		*firstSeed, *firstSeed+*stormRuns-1, sum.Fills, sum.Lives, sum.Resent)
	if *stormRuns > 10 && (sum.Fills < int(*stormRuns) || sum.Resent < sum.Fills) {
		t.Errorf("vacuous: %+v", sum)
	}
}
