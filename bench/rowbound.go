package bench

import (
	"fmt"
	"slices"
	"strings"
)

// rowBound is a threshold on a figure of some rows.
type rowBound struct {
	bound
	system, kase string // "" is every case; the system is always named
}

// parseRowBound reads "[SYSTEM:][CASE:]FIGURE<=NUMBER". One name before the figure is a system if there is such a system,
// else a case of the system "failshut".
func parseRowBound(text string) (rowBound, error) {
	b, err := parseBound(text)
	if err != nil {
		return rowBound{}, err
	}
	out := rowBound{bound: b, system: Failshut{}.Name()}
	parts := strings.Split(b.name, ":")
	out.name = parts[len(parts)-1]
	switch len(parts) {
	case 1:
	case 2:
		if slices.Contains(systemNames(), parts[0]) {
			out.system = parts[0]
		} else {
			out.kase = parts[0]
		}
	case 3:
		out.system, out.kase = parts[0], parts[1]
	default:
		return rowBound{}, fmt.Errorf("%w: %q, want [SYSTEM:][CASE:]FIGURE", ErrThreshold, text)
	}
	if _, ok := (Row{Mailboxed: &Mailboxed{}}).figure(out.name); !ok {
		return rowBound{}, fmt.Errorf("%w: %q names no figure, want one of %s", ErrThreshold, text, strings.Join(rowFigures, " "))
	}
	return out, nil
}

func systemNames() []string {
	var out []string
	for _, m := range mailboxModes {
		for _, d := range m.systems {
			if !slices.Contains(out, d.Name()) {
				out = append(out, d.Name())
			}
		}
	}
	return out
}

var rowFigures = []string{
	"p50", "p90", "p99", "p999", "p9999", "max", "idle_p99", "ns_per_op", "vs_channel", "achieved", "allocs_per_op", "bytes_per_op",
	"cpu_ms", "goodput", "memory_growth", "starved", "behind",
}

// figure gives a figure of the row by its name in JSON; nil where it is void or was not measured. false: no such figure.
func (r Row) figure(name string) (*float64, bool) {
	whole := func(v *int64) *float64 {
		if v == nil {
			return nil
		}
		return new(float64(*v))
	}
	measured := func(v float64) *float64 {
		if r.Handled == 0 {
			return nil
		}
		return &v
	}
	switch name {
	case "p50":
		return whole(r.P50), true
	case "p90":
		return whole(r.P90), true
	case "p99":
		return whole(r.P99), true
	case "p999":
		return whole(r.P999), true
	case "p9999":
		return whole(r.P9999), true
	case "max":
		return whole(r.Max), true
	case "idle_p99":
		return whole(r.IdleP99), true
	case "ns_per_op":
		return r.NsPerOp, true
	case "vs_channel":
		return r.VsChannel, true
	case "achieved":
		return measured(float64(r.Achieved)), true
	case "allocs_per_op":
		return measured(r.AllocsPerOp), true
	case "bytes_per_op":
		return measured(r.BytesPerOp), true
	case "cpu_ms":
		return measured(float64(r.CPUms)), true
	case "goodput":
		return r.Goodput, true
	case "memory_growth":
		return whole(r.Memory), true
	case "starved":
		if r.Starved == nil {
			return nil, true
		}
		return new(float64(*r.Starved)), true
	case "behind":
		if r.Behind == nil {
			return nil, true
		}
		return new(float64(*r.Behind)), true
	}
	return nil, false
}

// judgeRows holds each threshold against the worst of the rows it means. Void rows are left out; where all are void nothing
// was shown, and the threshold is not met.
func judgeRows(texts []string, medians []Row) ([]Threshold, error) {
	out := []Threshold{}
	for _, text := range texts {
		b, err := parseRowBound(text)
		if err != nil {
			return nil, err
		}
		t, found := b.judge(medians)
		if !found {
			return nil, fmt.Errorf("%w: %q, and no row has the system %q and the case %q", ErrThreshold, text, b.system, b.kase)
		}
		out = append(out, t)
	}
	return out, nil
}

func (b rowBound) judge(medians []Row) (t Threshold, found bool) {
	t.Text = b.text
	shown := false
	for _, r := range medians {
		if r.System != b.system || b.kase != "" && r.Case != b.kase {
			continue
		}
		found = true
		v, _ := r.figure(b.name)
		if v == nil {
			continue
		}
		if !shown || b.atLeast == (*v < t.Value) {
			t.Value = *v
		}
		shown = true
	}
	t.Pass = shown && (b.atLeast && t.Value >= b.value || !b.atLeast && t.Value <= b.value)
	return t, found
}
