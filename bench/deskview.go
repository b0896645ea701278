package bench

import (
	"fmt"
	"strconv"
)

// DeskView is an answer about the way of orders as a person reads it.
type DeskView struct {
	Bench   string        `json:"bench"`
	Machine string        `json:"machine"`
	Rows    []DeskViewRow `json:"rows"`
	Targets []ViewTarget  `json:"targets"`
	Bounds  []ViewTarget  `json:"thresholds"`
	Notes   []ViewNote    `json:"notes"`
}

// DeskViewRow is a median.
type DeskViewRow struct {
	System string `json:"system"`
	Rate   string `json:"ops/s"`
	P50    string `json:"p50"`
	P90    string `json:"p90"`
	P99    string `json:"p99"`
	Max    string `json:"max"`
	Allocs string `json:"allocs/op"`
}

// DeskView draws the answer for a terminal.
func (a Answer) DeskView() DeskView {
	v := a.View()
	out := DeskView{
		Bench: fmt.Sprintf("path, %s; %s", a.Mode, a.runsEach()), Machine: v.Machine, Rows: []DeskViewRow{}, Targets: v.Targets, Bounds: v.Bounds, Notes: v.Notes,
	}
	for _, r := range a.Medians {
		out.Rows = append(out.Rows, DeskViewRow{
			System: r.System, Rate: strconv.FormatInt(r.Achieved, 10), P50: nanos(r.P50), P90: nanos(r.P90), P99: nanos(r.P99), Max: nanos(r.Max),
			Allocs: strconv.FormatFloat(r.AllocsPerOp, 'f', 0, 64),
		})
	}
	return out
}
