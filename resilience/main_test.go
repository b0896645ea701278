package resilience_test

import (
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/failshut/failshut/resilience"
)

var seedFlag = flag.Uint64("seed", 0, "seed of the random tests; 0 draws one")

// chance is a source whose seed a failure shows.
func chance(t testing.TB) *rand.Rand {
	t.Helper()
	s := *seedFlag
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("-seed %d", s)
	return rand.New(rand.NewPCG(s, 1))
}

func at(d time.Duration) resilience.Instant { return resilience.Instant(d) }

// fixed is a source that always says the same.
type fixed uint64

func (f fixed) Uint64() uint64 { return uint64(f) }

const (
	lowest  fixed = 0
	highest fixed = 1<<64 - 1
)
