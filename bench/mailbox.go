package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/failshut/failshut/bench/load"
)

// ErrMailbox says that a benchmark of mailboxes was asked for something that there is not.
var ErrMailbox = errors.New("bench mailbox")

// MailboxConfig is a benchmark of mailboxes.
type MailboxConfig struct {
	// Mode is one of MailboxModes.
	Mode string
	// Rate is that of the mode steady in messages a second; 0: 10, 50 and 80 percent of what the slowest system was
	// measured to handle.
	Rate     float64
	Duration time.Duration // of each run
	Warmup   time.Duration // before each run
	Runs     int
	Seed     uint64 // of the order of runs, and of random schedules
	// Thresholds bound figures: "[SYSTEM:][CASE:]FIGURE<=NUMBER". Without a system it is that of "failshut". Every row
	// that is meant must hold.
	Thresholds []string
	// Base is an earlier answer to compare with; nil: none.
	Base *Answer
	// Progress is told before each run; never while one is measured. nil: nobody.
	Progress func(run, of int, what string)
}

// Validate lists every mistake.
func (c MailboxConfig) Validate() error {
	var errs []error
	if _, err := mailboxModeOf(c.Mode); err != nil {
		errs = append(errs, err)
	}
	switch {
	case c.Rate < 0:
		errs = append(errs, fmt.Errorf("rate = %v, want 0 or more", c.Rate))
	case c.Rate > 0 && c.Mode != "steady":
		errs = append(errs, fmt.Errorf("rate = %v, want none: the mode %s has its own, and steady alone takes one", c.Rate, c.Mode))
	}
	if c.Duration <= 0 || c.Warmup < 0 {
		errs = append(errs, fmt.Errorf("duration = %s and warmup = %s, want more than 0 and at least 0", c.Duration, c.Warmup))
	}
	if c.Runs < 1 {
		errs = append(errs, fmt.Errorf("runs = %d, want at least 1", c.Runs))
	}
	for _, t := range c.Thresholds {
		if _, err := parseRowBound(t); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrMailbox, errors.Join(errs...))
}

// floorTime is how long the machine's own stalls are measured.
const floorTime = time.Second

// Mailbox runs every system through every case of the mode, Runs times, each time in another order, and gives medians.
func Mailbox(ctx context.Context, cfg MailboxConfig) (Answer, error) {
	if err := cfg.Validate(); err != nil {
		return Answer{}, err
	}
	mode, _ := mailboxModeOf(cfg.Mode)
	a := Answer{
		Schema: Schema, Bench: "mailbox", Mode: cfg.Mode, Seed: cfg.Seed, Machine: machine(), Runs: []Row{},
		Notes: slices.Clone(mode.notes), Thresholds: []Threshold{},
	}
	floor := load.Floor(floorTime, mode.closed)
	a.Floor = floorOf(floor)
	cases, err := mode.cases(ctx, cfg)
	if err != nil {
		return Answer{}, err
	}
	s := series{mode: mode, cfg: cfg, floor: floor, cases: cases}
	if err := s.run(ctx); err != nil {
		return Answer{}, err
	}
	a.Runs, a.Medians, a.distributions = s.rows, s.medians(), s.distributions
	a.Median = a.Medians[0]
	a.Targets = mode.targets(a.Medians)
	if a.Thresholds, err = judgeRows(cfg.Thresholds, a.Medians); err != nil {
		return Answer{}, err
	}
	if cfg.Base != nil {
		a.Notes = append(a.Notes, compare(*cfg.Base, a)...)
	}
	return a, nil
}

func floorOf(l *load.Latencies) *Floor {
	p, _ := l.Percentiles()
	return &Floor{P50: p.P50, P99: p.P99, Max: p.Max}
}

// mailboxCase is one load of a mode.
type mailboxCase struct {
	name string
	plan load.Plan
}

// series are the runs of a benchmark.
type series struct {
	mode  mailboxMode
	cfg   MailboxConfig
	floor *load.Latencies
	cases []mailboxCase

	rows          []Row
	distributions []distribution
}

// distribution is what all runs of a system and case recorded together.
type distribution struct {
	system, kase string
	latencies    *load.Latencies
}

func (s *series) run(ctx context.Context) error {
	draw := rand.New(rand.NewPCG(s.cfg.Seed, 0x72756e73))
	of := s.cfg.Runs * len(s.cases) * len(s.mode.systems)
	for range s.cfg.Runs {
		for _, c := range s.cases {
			for _, at := range draw.Perm(len(s.mode.systems)) {
				d := s.mode.systems[at]
				if s.cfg.Progress != nil {
					s.cfg.Progress(len(s.rows)+1, of, d.Name()+", "+c.name)
				}
				if err := s.one(ctx, d, c); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (s *series) one(ctx context.Context, d load.Driver, c mailboxCase) error {
	row := Row{System: d.Name(), Case: c.name, Mailboxed: &Mailboxed{}}
	o, err := s.mode.run(ctx, d, c.plan)
	switch {
	case errors.Is(err, load.ErrNoSpareCore), errors.Is(err, load.ErrNotPossible):
		row.Note = noteOf(err)
	case err != nil:
		return fmt.Errorf("%s, %s: %w", d.Name(), c.name, err)
	default:
		s.fill(&row, o)
		s.keep(row, o.Latencies)
	}
	s.rows = append(s.rows, row)
	return nil
}

func noteOf(err error) string {
	if errors.Is(err, load.ErrNoSpareCore) {
		return load.ErrNoSpareCore.Error()
	}
	return err.Error()
}

func (s *series) fill(row *Row, o load.Outcome) {
	row.Achieved, row.Overloaded = int64(o.AchievedRate), o.Overloaded()
	if o.OfferedRate > 0 {
		row.Offered = new(int64(o.OfferedRate))
	}
	row.AllocsPerOp, row.BytesPerOp = o.AllocsPerOp(), o.BytesPerOp()
	row.CPUms, row.GC = o.CPU.Milliseconds(), o.GC
	row.Refused, row.Dropped, row.Handled = o.Refused, o.Dropped, o.Handled
	if o.Handled == 0 {
		row.Note = "nothing was handled in this time"
	}
	s.mode.fill(row, o)
	if o.Latencies != nil {
		row.quote(o.Latencies, s.floor)
	}
}

// quote gives the row its percentiles, and voids those under the floor.
func (r *Row) quote(l, floor *load.Latencies) {
	for _, q := range []struct {
		name    string
		percent float64
		into    **int64
	}{
		{"p50", 50, &r.P50},
		{"p90", 90, &r.P90},
		{"p99", 99, &r.P99},
		{"p999", 99.9, &r.P999},
		{"p9999", 99.99, &r.P9999},
		{"max", 100, &r.Max},
	} {
		v := l.At(q.percent)
		if l.Count() == 0 || v < floor.At(q.percent) {
			r.Void = append(r.Void, q.name)
			continue
		}
		*q.into = &v
	}
}

func (s *series) keep(row Row, l *load.Latencies) {
	if l == nil {
		return
	}
	for _, d := range s.distributions {
		if d.system == row.System && d.kase == row.Case {
			d.latencies.Merge(l)
			return
		}
	}
	s.distributions = append(s.distributions, distribution{row.System, row.Case, l})
}

// medians gives the run in the middle for each system and case, by its first figure.
func (s *series) medians() []Row {
	var out []Row
	for _, c := range s.cases {
		var channel *float64
		for _, d := range s.mode.systems {
			var of []Row
			for _, r := range s.rows {
				if r.System == d.Name() && r.Case == c.name {
					of = append(of, r)
				}
			}
			m := middle(of)
			own := *m.Mailboxed
			m.Mailboxed = &own
			figure, ok := m.first()
			if ok && d.Name() == (load.Channel{}).Name() {
				channel = &figure
			}
			if ok && channel != nil && *channel > 0 {
				m.VsChannel = new(figure / *channel)
			}
			out = append(out, m)
		}
	}
	return out
}

// middle is the row in the middle. Rows without a figure come last.
func middle(rows []Row) Row {
	sorted := slices.Clone(rows)
	slices.SortStableFunc(sorted, func(a, b Row) int {
		x, hasX := a.first()
		y, hasY := b.first()
		switch {
		case !hasX && !hasY:
			return 0
		case !hasX:
			return 1
		case !hasY || x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	return sorted[(len(sorted)-1)/2]
}

// first is the figure by which rows of a mode are compared.
func (r Row) first() (float64, bool) {
	switch {
	case r.NsPerOp != nil:
		return *r.NsPerOp, true
	case r.P50 != nil:
		return float64(*r.P50), true
	}
	return 0, false
}

// compare tells the first figure of each row beside that of an earlier answer.
func compare(base, now Answer) []string {
	var out []string
	if base.Machine != now.Machine {
		out = append(out, "compared with an answer of another machine: "+base.Machine.CPU+", "+base.Machine.Go)
	}
	for _, r := range now.Medians {
		at := slices.IndexFunc(base.Medians, func(b Row) bool { return b.System == r.System && b.Case == r.Case })
		name := r.System + ", " + r.Case
		if at < 0 {
			out = append(out, name+": not in the base")
			continue
		}
		was, had := base.Medians[at].first()
		is, has := r.first()
		if !had || !has || was == 0 {
			out = append(out, name+": nothing to compare")
			continue
		}
		out = append(out, fmt.Sprintf("%s: %.0f ns, was %.0f ns, %.2f times", name, is, was, is/was))
	}
	return out
}

// mailboxModeNames lists the modes in the order of the documentation.
func mailboxModeNames() []string {
	out := make([]string, 0, len(mailboxModes))
	for _, m := range mailboxModes {
		out = append(out, m.name)
	}
	return out
}

// MailboxModes lists the modes.
func MailboxModes() string { return strings.Join(mailboxModeNames(), ", ") }

func mailboxModeOf(name string) (mailboxMode, error) {
	for _, m := range mailboxModes {
		if m.name == name {
			return m, nil
		}
	}
	return mailboxMode{}, fmt.Errorf("mode = %q, want one of %s", name, MailboxModes())
}
