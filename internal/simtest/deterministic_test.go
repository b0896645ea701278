package simtest_test

import (
	"testing"

	"github.com/failshut/failshut/internal/simtest"
)

// TestDeterministic runs each seed twice: every byte of journal and ledger is the same, and another seed gives others.
func TestDeterministic(t *testing.T) {
	seen := map[[32]byte]uint64{}
	for seed := *firstSeed; seed < *firstSeed+max(5, *seeds); seed++ {
		points := simtest.Points()
		cfg := simtest.Config{Seed: seed, Point: points[seed%uint64(len(points))]}
		a, err := simtest.Run(cfg)
		if err != nil {
			t.Fatal(err)
		}
		b, err := simtest.Run(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if a.Journal != b.Journal || a.Ledger != b.Ledger {
			t.Errorf("seed %d, point %d: journals equal %v, ledgers equal %v, want both", seed, cfg.Point.Number, a.Journal == b.Journal, a.Ledger == b.Ledger)
		}
		if other, again := seen[a.Journal]; again {
			t.Errorf("seeds %d and %d gave the same journal", other, seed)
		}
		seen[a.Journal] = seed
	}
}
