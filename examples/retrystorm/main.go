// Command retrystorm shows what retries do to a dependency that is dead: how many attempts reach it for each request, with
// the retry budgets of several libraries and with this one's, and what comes down on it when it is well again. Ours are the rows
// that caller.Caller makes, an actor on the virtual clock with the real breaker, budget, limit and backoff; the same seed gives
// the same figures.
//
//	go run ./examples/retrystorm
//	go run ./examples/retrystorm --rate 50 --outage 2m
//	go run ./examples/retrystorm --check
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/failshut/failshut/resilience"
)

func main() {
	err := run(os.Args[1:], os.Stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errCheck):
		fmt.Fprintln(os.Stderr, err)
		os.Exit(8) // verification failed
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var (
	errCheck = errors.New("the budget does not hold what it promises")
	errUsage = errors.New("usage")
)

// settings are the flags.
type settings struct {
	storm  storm
	svg    string
	output string
	check  bool
}

func parse(args []string) (settings, error) {
	s := settings{storm: storm{backoff: resilience.Backoff{Jitter: resilience.Full, First: resilience.Now}}}
	f := flag.NewFlagSet("retrystorm", flag.ContinueOnError)
	f.IntVar(&s.storm.rate, "rate", 1000, "requests a second, at most 1000")
	f.DurationVar(&s.storm.outage, "outage", 30*time.Second, "how long the dependency is dead")
	retries := f.Int("retries", 4, "retries of a request")
	f.DurationVar(&s.storm.backoff.Base, "base", 100*time.Millisecond, "bound of the first wait")
	f.DurationVar(&s.storm.backoff.Cap, "cap", 10*time.Second, "bound of every wait")
	f.Uint64Var(&s.storm.seed, "seed", 1, "seed")
	f.StringVar(&s.svg, "svg", "", "write the chart to this file")
	f.StringVar(&s.output, "output", "table", "table, json, or page (Markdown)")
	f.BoolVar(&s.check, "check", false, "end with 8 unless our budget lets at most 1.25 attempts through for each request")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	s.storm.backoff.Attempts = 1 + *retries
	// A breaker is open for at most OpenMax, and after that nothing is left of the outage.
	s.storm.after = resilience.DefaultBreaker().OpenMax + patience
	return s, s.validate()
}

// validate lists every mistake.
func (s settings) validate() error {
	var errs []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	want(1 <= s.storm.rate && s.storm.rate <= 1000, "--rate %d, want 1 to 1000", s.storm.rate)
	want(10*time.Second <= s.storm.outage && s.storm.outage <= time.Hour, "--outage %v, want 10s to an hour", s.storm.outage)
	want(1 <= s.storm.backoff.Attempts && s.storm.backoff.Attempts <= 11, "--retries %d, want 0 to 10", s.storm.backoff.Attempts-1)
	errs = append(errs, s.storm.backoff.Validate())
	want(s.output == "table" || s.output == "json" || s.output == "page", "--output %s, want table, json or page", s.output)
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	return nil
}

func run(args []string, out io.Writer) error {
	s, err := parse(args)
	if err != nil {
		return err
	}
	r, err := s.play()
	if err != nil {
		return err
	}
	if s.svg != "" {
		if err := os.WriteFile(s.svg, []byte(r.chart.SVG()), 0o644); err != nil {
			return fmt.Errorf("write the chart: %w", err)
		}
	}
	switch s.output {
	case "json":
		err = json.NewEncoder(out).Encode(r)
	case "page":
		_, err = io.WriteString(out, r.page(s))
	default:
		_, err = io.WriteString(out, r.text(s))
	}
	if err == nil && s.check {
		err = r.check()
	}
	return err
}
