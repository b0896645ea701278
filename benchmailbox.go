package failshut

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/failshut/failshut/bench"
)

type mailboxFlags struct {
	bench.MailboxConfig
	compare, hgrm, html string
}

func (c *cli) benchMailboxCommand() *cobra.Command {
	f := mailboxFlags{MailboxConfig: bench.MailboxConfig{Mode: "throughput", Duration: 30 * time.Second, Warmup: 5 * time.Second, Runs: 5}}
	cmd := &cobra.Command{
		Use:     "mailbox [--mode M]",
		Short:   "Throughput and open-loop latency of mailboxes, beside Go channels in the same runs",
		Example: "  failshut bench mailbox --mode pingpong --duration 5s --runs 3 --threshold 'vs_channel<=1.5'",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.benchMailbox(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.Mode, "mode", f.Mode, "one of "+bench.MailboxModes())
	flags.Float64Var(&f.Rate, "rate", 0, "messages a second of the mode steady; 0: 10, 50 and 80 % of the capacity measured before")
	spanVar(flags, &f.Duration, "duration", f.Duration, time.Millisecond, time.Hour, "of each run")
	spanVar(flags, &f.Warmup, "warmup", f.Warmup, 0, time.Hour, "before each run, not measured")
	flags.IntVar(&f.Runs, "runs", f.Runs, "runs of each system and case; medians are shown")
	flags.Uint64Var(&f.Seed, "seed", 0, "order of the runs, and random schedules")
	flags.StringArrayVar(&f.Thresholds, "threshold", nil, "bound such as 'p99<=2us' or 'failshut pinned:4 senders:vs_channel<=0.8' (repeatable); one that fails ends with 8")
	flags.StringVar(&f.compare, "compare", "", "an earlier answer in JSON to compare with")
	flags.StringVar(&f.hgrm, "hgrm", "", "file for the distributions, in the form of HdrHistogram's plotter")
	flags.StringVar(&f.html, "html", "", "file for a report with plots, which needs no network")
	return cmd
}

func (c *cli) benchMailbox(ctx context.Context, f mailboxFlags) error {
	if err := f.Validate(); err != nil {
		return endWith(ExitUsage, err)
	}
	if f.compare != "" {
		base, err := readAnswer(f.compare)
		if err != nil {
			return err
		}
		f.Base = &base
	}
	f.Progress = c.progressOf("bench mailbox")
	result, err := bench.Mailbox(ctx, f.MailboxConfig)
	switch {
	case errors.Is(err, bench.ErrThreshold):
		return endWith(ExitUsage, err)
	case err != nil:
		return err
	}
	for _, out := range []struct {
		path  string
		write func(io.Writer) error
	}{{f.hgrm, result.WriteHgrm}, {f.html, result.WriteHTML}} {
		if err := writeReport(out.path, out.write); err != nil {
			return err
		}
	}
	var shown any = result
	if c.output != "json" {
		shown = result.View()
	}
	if err := answer(c.stdout, c.output, shown); err != nil {
		return err
	}
	if result.Failed() {
		return answered(ExitVerification, "a threshold was not met")
	}
	return nil
}

// progressOf tells a person at a terminal which run comes next; nil for anybody else.
func (c *cli) progressOf(what string) func(int, int, string) {
	file, ok := c.stderr.(*os.File)
	if !ok || c.quiet || !isTerminal(file) {
		return nil
	}
	const width = 30
	return func(run, of int, now string) {
		done := (run - 1) * width / of
		_, _ = fmt.Fprintf(c.stderr, "\r\033[K%s [%-*s] %d of %d: %s", what, width, bar[:done], run, of, now)
		if run == of {
			_, _ = fmt.Fprintln(c.stderr)
		}
	}
}

const bar = "=============================="

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// answerMost bounds an answer that is read back.
const answerMost = 8 << 20

// readAnswer reads what an earlier run printed with --output json.
func readAnswer(path string) (bench.Answer, error) {
	var a bench.Answer
	b, err := readSmall(path, answerMost)
	if err != nil {
		return a, err
	}
	if len(b) > answerMost {
		return a, endWith(ExitUsage, fmt.Errorf("--compare %s is longer than %d bytes, want an answer of bench mailbox", path, answerMost))
	}
	if err := json.Unmarshal(b, &a); err != nil {
		return a, endWith(ExitUsage, fmt.Errorf("--compare %s: %w", path, err))
	}
	if a.Schema != bench.Schema || a.Bench != "mailbox" {
		return a, endWith(ExitUsage, fmt.Errorf("--compare %s: schema %q of bench %q, want %s of mailbox", path, a.Schema, a.Bench, bench.Schema))
	}
	return a, nil
}

// writeReport writes a file whole or not at all; no path is no file.
func writeReport(path string, write func(io.Writer) error) error {
	if path == "" {
		return nil
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := errors.Join(write(f), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(path))
	}
	return nil
}
