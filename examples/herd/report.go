package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/failshut/failshut/examples"
)

// figures are the means of several runs of one policy.
type figures struct {
	Policy   string  `json:"policy"`
	Attempts int     `json:"attempts"`
	After    int     `json:"after_recovery"`
	Peak     int     `json:"peak_per_second"`
	Refused  int     `json:"refused"`
	P50      float64 `json:"p50_seconds"`
	P99      float64 `json:"p99_seconds"`
}

// report is everything that is shown.
type report struct {
	Herd   []figures `json:"herd"`
	First  []figures `json:"first_attempt"`
	Limits []figures `json:"limits"`
	Seeds  int       `json:"seeds"`

	chart examples.Chart
}

// play runs every scene.
func (s settings) play() (*report, error) {
	r := &report{Seeds: s.seeds, chart: s.chart()}
	var err error
	r.Herd, err = s.means(s.scene, s.seeds, policies(s.base, s.cap), func(p policy, one *score, f figures) {
		r.chart.Rows = append(r.chart.Rows, examples.ChartRow{Name: p.name, Counts: one.byBucket, Refused: one.refusedBy, Notes: []string{
			fmt.Sprintf("%d refused", f.Refused), fmt.Sprintf("p99 %.1f s", f.P99),
		}})
		last := time.Duration(len(one.byBucket)) * bucket
		r.chart.Span = max(r.chart.Span, (last + 5*time.Second).Truncate(5*time.Second))
	})
	if err != nil {
		return nil, err
	}
	back := s.scene
	back.outage = 0
	fair := s.fair()
	r.First, err = s.means(back, s.seeds, spreads(s.base, s.cap, 0, max(s.base, fair/5), max(s.base, fair), max(s.base, 2*fair)), nil)
	if err != nil {
		return nil, err
	}
	big := s.scene
	big.clients *= 5
	few := max(1, s.seeds/5)
	for _, most := range []time.Duration{s.cap, 5 * s.cap} {
		full := policies(s.base, most)[4]
		full.name = fmt.Sprintf("%d clients, cap %v", big.clients, most)
		rows, err := s.means(big, few, []policy{full}, nil)
		if err != nil {
			return nil, err
		}
		r.Limits = append(r.Limits, rows...)
	}
	return r, nil
}

// fair is N/C, the time that the gateway needs for all of the herd.
func (s settings) fair() time.Duration {
	return time.Duration(s.scene.clients) * time.Second / time.Duration(s.scene.capacity)
}

func (s settings) chart() examples.Chart {
	return examples.Chart{
		Title: fmt.Sprintf("%d clients come back to a gateway that serves %d a second", s.scene.clients, s.scene.capacity),
		Caption: fmt.Sprintf("login attempts in %v, heights are square roots; grey: gateway away; red: refused for want of room; dashed: capacity; seed %d",
			bucket, s.scene.seed),
		Bucket: bucket, Outage: s.scene.outage, Capacity: int(time.Duration(s.scene.capacity) * bucket / time.Second),
	}
}

// means plays a scene with each policy; first, if set, sees its first run with the means of all.
func (s settings) means(in scene, seeds int, policies []policy, first func(policy, *score, figures)) ([]figures, error) {
	out := make([]figures, 0, len(policies))
	for _, p := range policies {
		in.policy = p
		f := figures{Policy: p.name}
		var one *score
		for i := range seeds {
			in.seed = s.scene.seed + uint64(i)
			got, err := in.run()
			if err != nil {
				return nil, fmt.Errorf("%s, seed %d: %w", p.name, in.seed, err)
			}
			if one == nil {
				one = got
			}
			f.add(got)
		}
		f.over(seeds)
		if first != nil {
			first(p, one, f)
		}
		out = append(out, f)
	}
	return out, nil
}

func (f *figures) add(s *score) {
	f.Attempts += s.attempts
	f.After += s.after
	f.Peak += s.peak()
	f.Refused += s.refused
	f.P50 += s.percentile(50).Seconds()
	f.P99 += s.percentile(99).Seconds()
}

func (f *figures) over(n int) {
	for _, sum := range []*int{&f.Attempts, &f.After, &f.Peak, &f.Refused} {
		*sum = (*sum + n/2) / n
	}
	f.P50 /= float64(n)
	f.P99 /= float64(n)
}

func table(of string, rows []figures) examples.Table {
	t := examples.Table{Head: []string{of, "attempts", "after recovery", "peak/s", "refused", "p50 s", "p99 s"}}
	for _, f := range rows {
		t.Rows = append(t.Rows, []string{
			f.Policy, strconv.Itoa(f.Attempts), strconv.Itoa(f.After), strconv.Itoa(f.Peak), strconv.Itoa(f.Refused),
			strconv.FormatFloat(f.P50, 'f', 1, 64), strconv.FormatFloat(f.P99, 'f', 1, 64),
		})
	}
	return t
}

// The words beside the tables.
func (s settings) intro() string {
	return fmt.Sprintf("%d clients lose their sessions at once. The gateway is away for %v, refuses everybody until then, and after it serves "+
		"%d logins a second, with room for %d that wait. Waits begin at %v and end at %v. Means of %d seeds; p50 and p99 are the time "+
		"from its return until that share of the herd is logged in, and the peak is that of a whole second since then.",
		s.scene.clients, s.scene.outage, s.scene.capacity, s.scene.queue, s.base, s.cap, s.seeds)
}

func (s settings) firstWords() string {
	return fmt.Sprintf("The gateway is back before the herd notices, so the first attempt decides. It is made within the spread, and what is "+
		"refused comes again with full jitter. A spread of N/C = %v is what the gateway can take.", s.fair())
}

func (s settings) limitWords() string {
	return fmt.Sprintf("Jitter alone does not save a gateway from any herd: the mean wait at the cap, half of it with full jitter, must be at least "+
		"N/C, which is %v here. Better is a hint of the server, spread over N/C. Seeds here: %d.", 5*s.fair(), max(1, s.seeds/5))
}

func (r *report) text(s settings) string {
	return strings.Join([]string{
		examples.Wrap(s.intro()), table("policy", r.Herd).Text(), examples.Wrap(s.firstWords()), table("first attempt", r.First).Text(),
		examples.Wrap(s.limitWords()), table("full jitter", r.Limits).Text(),
	}, "\n")
}

// page is docs/herd.md.
func (r *report) page(s settings) string {
	return "# A herd comes back\n\n" +
		"Written by `make charts`: `go run ./examples/herd` prints the same tables, with any other figures too (`--help`). The schedules are " +
		"`resilience.Backoff`, the herd and its gateway are actors on the virtual clock, and a test holds this page against what the code " +
		"writes.\n\n" + s.intro() + "\n\n" + table("policy", r.Herd).Markdown() +
		"\n![attempts of each policy over time](herd.svg)\n\n" +
		"## The first attempt\n\n" + s.firstWords() + "\n\n" + table("first attempt", r.First).Markdown() +
		"\n## Limits\n\n" + s.limitWords() + "\n\n" + table("full jitter", r.Limits).Markdown()
}

// check holds full jitter to what it promises.
func (r *report) check(s settings) error {
	for _, f := range r.Herd {
		if f.Policy != "full" {
			continue
		}
		most := 1.2 * max(s.cap, s.fair()).Seconds()
		if f.Refused > 0 || f.P99 > most {
			return fmt.Errorf("%w: %d refused, p99 %.1f s, want 0 and at most %.1f s", errCheck, f.Refused, f.P99, most)
		}
		return nil
	}
	return fmt.Errorf("%w: it was not played", errCheck)
}
