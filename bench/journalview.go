package bench

import (
	"fmt"
	"strconv"
)

// JournalView is an answer about the journal as a person reads it.
type JournalView struct {
	Bench   string           `json:"bench"`
	Machine string           `json:"machine"`
	Rows    []JournalViewRow `json:"rows"`
	Targets []ViewTarget     `json:"targets"`
	Bounds  []ViewTarget     `json:"thresholds"`
	Notes   []ViewNote       `json:"notes"`
}

// JournalViewRow is a median.
type JournalViewRow struct {
	System  string `json:"system"`
	Rate    string `json:"records/s"`
	PerSync string `json:"records/sync"`
	P50     string `json:"p50"`
	P99     string `json:"p99"`
	Max     string `json:"max"`
	Allocs  string `json:"allocs/op"`
}

// JournalView draws the answer for a terminal.
func (a Answer) JournalView() JournalView {
	v := a.View()
	out := JournalView{
		Bench: fmt.Sprintf("journal, %s; %s", a.Mode, a.runsEach()), Machine: v.Machine, Rows: []JournalViewRow{},
		Targets: v.Targets, Bounds: v.Bounds, Notes: v.Notes,
	}
	for _, r := range a.Medians {
		out.Rows = append(out.Rows, JournalViewRow{
			System: r.System, Rate: strconv.FormatInt(r.Achieved, 10), PerSync: number(new(journalFigures(r)["records_per_sync"])),
			P50: nanos(r.P50), P99: nanos(r.P99), Max: nanos(r.Max), Allocs: strconv.FormatFloat(r.AllocsPerOp, 'f', 2, 64),
		})
	}
	return out
}
