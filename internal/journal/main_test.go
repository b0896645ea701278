package journal_test

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

// seed of every random test in this package; a failure prints it.
var seed = flag.Uint64("seed", 1, "seed of the random tests")

// rounds scales the long random tests: the fixed number a normal run does, times this over ten.
var rounds = flag.Int("rounds", 1, "multiplies the rounds of the random tests")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
