package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/failshut/failshut/examples"
)

// figures are those of one way to bound retries.
type figures struct {
	Way   string    `json:"way"`
	Load  []float64 `json:"load_by_failure_time"` // in the order of failing
	Burst int       `json:"burst"`
	First float64   `json:"first_answer_seconds"`
	Rates []float64 `json:"load_by_rate"` // in the order of rates
}

// failing is how long the dependency takes to fail, in the columns of the first table.
var failing = []time.Duration{0, 100 * time.Millisecond, 500 * time.Millisecond}

// rates are how many requests a second there are, in those of the second; the first is that of the flags.
func (s settings) rates() []int {
	out := []int{s.storm.rate}
	for _, n := range []int{100, 10, 1} {
		if n < s.storm.rate {
			out = append(out, n)
		}
	}
	return out
}

// report is everything that is shown.
type report struct {
	Ways  []figures `json:"ways"`
	Rates []int     `json:"rates"`

	chart examples.Chart
}

// play runs every storm.
func (s settings) play() (*report, error) {
	r := &report{Rates: s.rates(), chart: examples.Chart{
		Title: fmt.Sprintf("%d requests a second to a dependency that is dead", s.storm.rate),
		Caption: fmt.Sprintf("attempts in %v, heights are square roots; grey: dead, fails at once; dashed: what is asked when all is well; seed %d",
			bucket, s.storm.seed),
		Bucket: bucket, Outage: s.storm.outage, Span: s.storm.outage + s.storm.after,
		Capacity: max(1, int(time.Duration(s.storm.rate)*bucket/time.Second)),
	}}
	for _, w := range ways() {
		f := figures{Way: w.name}
		in := s.storm
		in.way = w
		for _, in.took = range failing {
			got, err := in.run()
			if err != nil {
				return nil, fmt.Errorf("%s, failing after %v: %w", w.name, in.took, err)
			}
			f.Load = append(f.Load, got.load())
			if in.took == 0 {
				f.Burst, f.First = got.burst(), got.first.Sub(got.back).Seconds()
				f.Rates = append(f.Rates, got.load())
				r.chart.Rows = append(r.chart.Rows, examples.ChartRow{Name: w.name, Counts: got.byBucket, Notes: []string{
					fmt.Sprintf("load %.2fx", got.load()), fmt.Sprintf("then %d in %v", got.burst(), bucket),
				}})
			}
		}
		in.took = 0
		for _, in.rate = range r.Rates[1:] {
			got, err := in.run()
			if err != nil {
				return nil, fmt.Errorf("%s, %d a second: %w", w.name, in.rate, err)
			}
			f.Rates = append(f.Rates, got.load())
		}
		r.Ways = append(r.Ways, f)
	}
	return r, nil
}

func times(x float64) string { return strconv.FormatFloat(x, 'f', 2, 64) + "x" }

func (r *report) loads() examples.Table {
	t := examples.Table{Head: []string{"retries bounded by"}}
	for _, took := range failing {
		name := "after " + took.String()
		if took == 0 {
			name = "fails at once"
		}
		t.Head = append(t.Head, name)
	}
	t.Head = append(t.Head, "then at most in "+bucket.String(), "first answer s")
	for _, f := range r.Ways {
		row := []string{f.Way}
		for _, x := range f.Load {
			row = append(row, times(x))
		}
		t.Rows = append(t.Rows, append(row, strconv.Itoa(f.Burst), strconv.FormatFloat(f.First, 'f', 1, 64)))
	}
	return t
}

func (r *report) byRate() examples.Table {
	t := examples.Table{Head: []string{"retries bounded by"}}
	for _, n := range r.Rates {
		t.Head = append(t.Head, fmt.Sprintf("%d/s", n))
	}
	for _, f := range r.Ways {
		row := []string{f.Way}
		for _, x := range f.Rates {
			row = append(row, times(x))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func (s settings) intro() string {
	return fmt.Sprintf("A dependency is dead for %v, and asked %d times a second. A request that fails is tried again up to %d times, with full jitter "+
		"from %v to %v. The load is what reaches the dependency while it is dead, for each request, by how long it takes to fail. Then it is well, and the last columns "+
		"are, of the case that fails at once, the most that reaches it in %v and when it first answers.",
		s.storm.outage, s.storm.rate, s.storm.backoff.Attempts-1, s.storm.backoff.Base, s.storm.backoff.Cap, bucket)
}

const (
	rateWords = "With few requests a reserve is most of the budget. These are the loads of a dependency that fails at once, by requests a second."
	endWords  = "A budget of what is in flight bounds nothing when calls fail at once, for then nothing is in flight. A breaker takes the load " +
		"away altogether, and has two prices: what was asked waits, and comes down at once when it closes, which is what the rate " +
		"limit is for; and it may be some time before it asks again."
)

func (r *report) text(s settings) string {
	return strings.Join([]string{
		examples.Wrap(s.intro()), r.loads().Text(), examples.Wrap(endWords), examples.Wrap(rateWords), r.byRate().Text(),
	}, "\n")
}

// page is docs/retrystorm.md.
func (r *report) page(s settings) string {
	return "# A storm of retries\n\n" +
		"Written by `make charts`: `go run ./examples/retrystorm` prints the same tables, with any other figures too (`--help`). Rows but those of Envoy and gRPC " +
		"are `caller.Caller`, an actor on the virtual clock with the real breaker, budget, limit and backoff (Finagle's budget differs from ours in " +
		"its figures alone); the budgets of Envoy and gRPC are small models of theirs beside the same backoff. A test holds this page against what the code " +
		"writes.\n\n" + s.intro() + "\n\n" + r.loads().Markdown() +
		"\n![attempts over time](retrystorm.svg)\n\n" + endWords + "\n\n## Few requests\n\n" + rateWords + "\n\n" + r.byRate().Markdown()
}

// check holds our budget to what it promises: from ten requests a second on, 1.25 attempts for each.
func (r *report) check() error {
	for _, f := range r.Ways {
		if f.Way != "ours" {
			continue
		}
		loads := slices.Clone(f.Load)
		for i, rate := range r.Rates {
			if rate >= 10 {
				loads = append(loads, f.Rates[i])
			}
		}
		if most := slices.Max(loads); most > 1.25 {
			return fmt.Errorf("%w: load %s, want at most 1.25x", errCheck, times(most))
		}
		return nil
	}
	return fmt.Errorf("%w: it was not played", errCheck)
}
