package bench

import "github.com/failshut/failshut/bench/load"

// What tests may see of the rules.
var (
	JudgeRows = judgeRows
	Middle    = middle
	Compare   = compare
)

// Quote gives a row its percentiles over a floor.
func Quote(l, floor *load.Latencies) Row {
	r := Row{Mailboxed: &Mailboxed{}}
	r.quote(l, floor)
	return r
}

// Targets are those of a mode.
func Targets(mode string, medians []Row) []Target {
	m, err := mailboxModeOf(mode)
	if err != nil {
		panic(err)
	}
	return m.targets(medians)
}
