package strategytest_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/failshut/failshut/internal/recordings"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(loud{m}) }

// loud says how many tests were skipped for want of a recording.
type loud struct{ m *testing.M }

// Run runs the tests.
func (l loud) Run() int { return recordings.Main(l.m) }
