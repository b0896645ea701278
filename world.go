package failshut

import (
	"github.com/failshut/failshut/internal/node"
	"github.com/failshut/failshut/strategy"
)

// World runs strategies for tests: the wiring of replay, the real tree on a virtual clock, with a venue that fills from the book
// that the test tells. Package strategytest drives it.
func World() strategy.Trials { return node.Trials{Tapes: &node.Tapes{}} }
