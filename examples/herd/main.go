// Command herd shows what a gateway lives through when everybody comes back at once: a thousand clients lose their sessions,
// the gateway is away for half a minute, and each tries again by one of six schedules. Clients and gateway are actors with
// mailboxes on the virtual clock, and the schedules are resilience.Backoff itself; the same seed gives the same figures.
//
//	go run ./examples/herd
//	go run ./examples/herd --n 5000 --cap 50s --seeds 3
//	go run ./examples/herd --check
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
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
	errCheck = errors.New("full jitter does not hold what it promises")
	errUsage = errors.New("usage")
)

// settings are the flags.
type settings struct {
	scene     scene
	base, cap time.Duration
	seeds     int
	svg       string
	output    string
	check     bool
}

func parse(args []string) (settings, error) {
	var s settings
	f := flag.NewFlagSet("herd", flag.ContinueOnError)
	f.IntVar(&s.scene.clients, "n", 1000, "clients, at most 100000")
	f.IntVar(&s.scene.capacity, "capacity", 200, "logins that the gateway serves in a second")
	f.IntVar(&s.scene.queue, "queue", 100, "logins that may wait at the gateway")
	f.DurationVar(&s.scene.outage, "outage", 30*time.Second, "how long the gateway is away")
	f.DurationVar(&s.scene.timeout, "timeout", time.Second, "after which a client gives a login up")
	f.DurationVar(&s.base, "base", 100*time.Millisecond, "bound of the first wait")
	f.DurationVar(&s.cap, "cap", 10*time.Second, "bound of every wait")
	f.Uint64Var(&s.scene.seed, "seed", 1, "seed of the first run")
	f.IntVar(&s.seeds, "seeds", 20, "runs with seeds that follow each other, whose mean is shown")
	f.StringVar(&s.svg, "svg", "", "write the chart of the first run to this file")
	f.StringVar(&s.output, "output", "table", "table, json, or page (Markdown)")
	f.BoolVar(&s.check, "check", false, "end with 8 unless full jitter is refused nothing and is done in 1.2 × max(cap, N/C)")
	if err := f.Parse(args); err != nil {
		return s, err
	}
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
	want(1 <= s.scene.clients && s.scene.clients <= 100_000, "--n %d, want 1 to 100000", s.scene.clients)
	want(1 <= s.scene.capacity && s.scene.capacity <= 1_000_000, "--capacity %d, want 1 to 1000000", s.scene.capacity)
	want(0 <= s.scene.queue && s.scene.queue <= 1_000_000, "--queue %d, want 0 to 1000000", s.scene.queue)
	want(0 <= s.scene.outage && s.scene.outage <= time.Hour, "--outage %v, want 0 to an hour", s.scene.outage)
	want(s.scene.timeout > 0, "--timeout %v, want more than 0", s.scene.timeout)
	wait := time.Duration(s.scene.queue+1) * time.Second / time.Duration(max(s.scene.capacity, 1))
	want(wait < s.scene.timeout, "--queue %d at --capacity %d: the last one waits %v, want less than --timeout %v: else the gateway "+
		"serves those who have gone, for ever", s.scene.queue, s.scene.capacity, wait, s.scene.timeout)
	want(s.base >= time.Millisecond && s.cap >= s.base && s.cap <= time.Hour, "--base %v --cap %v, want 1ms ≤ base ≤ cap ≤ 1h", s.base, s.cap)
	want(1 <= s.seeds && s.seeds <= 1000, "--seeds %d, want 1 to 1000", s.seeds)
	want(s.output == "table" || s.output == "json" || s.output == "page", "--output %s, want table, json or page", s.output)
	if len(errs) > 0 {
		return fmt.Errorf("%w: %w", errUsage, errors.Join(errs...))
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
		err = r.check(s)
	}
	return err
}
