package simtest_test

import (
	"iter"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/internal/simtest"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
)

// forgetful reads the journal and makes nothing of the newest intents. Their records are there: a gap would be noticed.
func forgetful(p *orders.Parts) {
	all := p.Records
	p.Records = func(yield func(journal.Record, error) bool) {
		n := count(all)
		for r, err := range all {
			if err == nil && r.Kind == orders.KindIntent {
				if n--; n < 6 {
					r.Kind = journal.KindEpoch
				}
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// nameless reads the journal and makes nothing of the names that were set aside.
func nameless(p *orders.Parts) {
	all := p.Records
	p.Records = func(yield func(journal.Record, error) bool) {
		for r, err := range all {
			if err == nil && r.Kind == orders.KindReserve {
				r.Kind = journal.KindEpoch
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

func count(all iter.Seq2[journal.Record, error]) (n int) {
	for r, err := range all {
		if err == nil && r.Kind == orders.KindIntent {
			n++
		}
	}
	return n
}

// mute is a journal that does not keep what the venue said.
type mute struct{ orders.Log }

func (m mute) Append(k journal.Kind, v uint8, body []byte) (journal.LSN, error) {
	if k == orders.KindEvidence {
		return m.Watermark(), nil
	}
	return m.Log.Append(k, v, body)
}

// stuck is a journal whose epoch does not move on.
type stuck struct{ orders.Log }

func (stuck) Epoch() uint32 { return 1 }

// careless is a gate that forgets what was held before.
type careless struct{ orders.Gate }

func (c careless) Restore([]risk.Position, []risk.Held) { c.Gate.Restore(nil, nil) }

// TestADefectIsFound builds defects into the node: runs that find nothing then would prove nothing without them.
func TestADefectIsFound(t *testing.T) {
	times := 0
	for name, tt := range map[string]struct {
		defect simtest.Defect
		want   string // in one finding at least
	}{
		"replay forgets armed intents":        {simtest.Defect{Parts: forgetful}, "want UNKNOWN"},
		"replay forgets what is held":         {simtest.Defect{Parts: forgetful}, "work at the venue, and 0 are held"},
		"forgotten orders are decided again":  {simtest.Defect{Parts: forgetful}, "under 2 ids"},
		"evidence is not journalled":          {simtest.Defect{Parts: func(p *orders.Parts) { p.Log = mute{p.Log} }, Counter: true}, "J4"},
		"evidence is not journalled, kept":    {simtest.Defect{Parts: func(p *orders.Parts) { p.Log = mute{p.Log} }}, "replayed state is another"},
		"the counter is ahead of evidence":    {simtest.Defect{Counter: true}, "J4"},
		"an execution counts twice":           {simtest.Defect{Ear: func(in orders.Inbound) orders.Inbound { times++; return renamed(in, times) }}, "J2"},
		"an order is sent again when unheard": {simtest.Defect{Resend: true}, "J1"},
		"orders leave ahead of the disk":      {simtest.Defect{Ahead: true}, "under 2 ids"},
		"ids come again":                      {simtest.Defect{Parts: func(p *orders.Parts) { p.Log = stuck{p.Log} }}, "given twice"},
		"the gate forgets what was held":      {simtest.Defect{Parts: func(p *orders.Parts) { p.Gate = careless{p.Gate} }}, "J3"},
	} {
		t.Run(name, func(t *testing.T) {
			var all []string
			for seed := *firstSeed; seed < *firstSeed+10; seed++ {
				for _, p := range simtest.Points() {
					r, err := simtest.Run(simtest.Config{Seed: seed, Point: p, Defect: tt.defect})
					if err != nil {
						all = append(all, err.Error())
					}
					all = append(all, r.Findings...)
					if slices.ContainsFunc(all, func(f string) bool { return strings.Contains(f, tt.want) }) {
						t.Logf("found at seed %d, point %d; %d findings by then", seed, p.Number, len(all))
						return
					}
				}
			}
			t.Errorf("nothing with %q among %d findings: %q", tt.want, len(all), all[:min(12, len(all))])
		})
	}
}

// renamed makes a report one that was never seen: what no venue tells twice is then never known again.
func renamed(in orders.Inbound, n int) orders.Inbound {
	if r, ok := in.(orders.Report); ok && r.ExecID != "" && r.Type == orders.ExecTrade {
		r.ExecID += "/" + strconv.Itoa(n)
		return r
	}
	return in
}

// blind reads two of three answers that an order was found as one that it was not, as a failed query that is taken for an empty list.
func blind() func(orders.Inbound) orders.Inbound {
	n := 0
	return func(in orders.Inbound) orders.Inbound {
		a, ok := in.(orders.Answer)
		if n++; ok && n%3 != 0 {
			return orders.Absent(a.ID())
		}
		return in
	}
}

// TestADefectIsFoundWhereOrdersLeaveAheadOfTheDisk is the same for horizon mode, in which the disk has lost what the venue has.
func TestADefectIsFoundWhereOrdersLeaveAheadOfTheDisk(t *testing.T) {
	for name, tt := range map[string]struct {
		parts func(p *orders.Parts)
		want  string // in one finding at least
	}{
		"names that were set aside are forgotten, one works":   {nameless, "and 0 are held"},
		"names that were set aside are forgotten, all of them": {nameless, "want UNKNOWN"},
	} {
		t.Run(name, func(t *testing.T) {
			findings := 0
			for seed := *firstSeed; seed < *firstSeed+40; seed++ {
				for _, p := range simtest.Points()[3:10] {
					r, _ := simtest.Run(simtest.Config{Seed: seed, Point: p, Horizon: true, Defect: simtest.Defect{Parts: tt.parts}}) // one that ends before its time has findings all the same
					findings += len(r.Findings)
					if slices.ContainsFunc(r.Findings, func(f string) bool { return strings.Contains(f, tt.want) }) {
						t.Logf("found at seed %d, point %d; %d findings by then", seed, p.Number, findings)
						return
					}
				}
			}
			t.Errorf("nothing with %q among %d findings", tt.want, findings)
		})
	}
}

// TestADefectIsFoundWhereAnswersAreLost is the same for runs without a point.
func TestADefectIsFoundWhereAnswersAreLost(t *testing.T) {
	ambiguous := func(d simtest.Defect) func(uint64) ([]string, error) {
		return func(seed uint64) ([]string, error) {
			r, err := simtest.Ambiguous(seed, 100, d)
			return r.Findings, err
		}
	}
	storm := func(d simtest.Defect) func(uint64) ([]string, error) {
		return func(seed uint64) ([]string, error) {
			r, err := simtest.FillsOnce(seed, d)
			return r.Findings, err
		}
	}
	times := 0
	for name, tt := range map[string]struct {
		run  func(uint64) ([]string, error)
		want string // in one finding at least
	}{
		"an order is sent again when unheard":  {ambiguous(simtest.Defect{Resend: true}), "J1"},
		"a failed query is an empty list":      {ambiguous(simtest.Defect{Ear: blind()}), "of it work at the venue"},
		"replay forgets what is held":          {ambiguous(simtest.Defect{Parts: forgetful}), "and 0 are held"},
		"an execution counts by another name":  {storm(simtest.Defect{Ear: func(in orders.Inbound) orders.Inbound { times++; return renamed(in, times) }}), "J2"},
		"evidence is not journalled":           {storm(simtest.Defect{Parts: func(p *orders.Parts) { p.Log = mute{p.Log} }, Counter: true}), "J4"},
		"the counter is ahead of the evidence": {storm(simtest.Defect{Counter: true}), "J4"},
	} {
		t.Run(name, func(t *testing.T) {
			var all []string
			for seed := *firstSeed; seed < *firstSeed+20; seed++ {
				found, err := tt.run(seed)
				if err != nil {
					found = append(found, err.Error())
				}
				all = append(all, found...)
				if slices.ContainsFunc(found, func(f string) bool { return strings.Contains(f, tt.want) }) {
					t.Logf("found at seed %d", seed)
					return
				}
			}
			t.Errorf("nothing with %q among %d findings: %q", tt.want, len(all), all[:min(12, len(all))])
		})
	}
}
