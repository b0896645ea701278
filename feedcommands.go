package failshut

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/failshut/failshut/bench"
	"github.com/failshut/failshut/feeds/capture"
	"github.com/failshut/failshut/feeds/judge"
	"github.com/failshut/failshut/internal/node"
	"github.com/failshut/failshut/market"
)

type recordingFlags struct {
	format    string
	snapshots []string
}

func (f *recordingFlags) on(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.format, "format", "", "format of the recording, such as iex-deep10")
	cmd.Flags().StringArrayVar(&f.snapshots, "snapshot", nil, "file of snapshots to merge in by time (repeatable)")
}

func (c *cli) feedCommand() *cobra.Command {
	parent := &cobra.Command{Use: "feed", Short: "Judge and read recordings of market data", Args: cobra.NoArgs, RunE: help}
	parent.AddCommand(c.feedVerifyCommand(), c.feedBookCommand())
	return parent
}

func (c *cli) feedVerifyCommand() *cobra.Command {
	var flags recordingFlags
	cmd := &cobra.Command{
		Use:     "verify --format F FILE...",
		Short:   "Whether a recording's books can be trusted: gaps, resets, duplicates, malformed, oracle",
		Example: "  failshut feed verify --format iex-deep10 day.pcap.gz\n  failshut feed verify --format binance-spot --snapshot rest.gz ws.gz --output json",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			return c.feedVerify(cmd.Context(), flags, files)
		},
	}
	flags.on(cmd)
	return cmd
}

func (c *cli) feedVerify(ctx context.Context, flags recordingFlags, files []string) error {
	format, err := node.FormatOf(flags.format)
	if err != nil {
		return endWith(ExitUsage, err)
	}
	report, err := judge.Verify(ctx, format, files, flags.snapshots)
	if err != nil {
		return readingFailed(err)
	}
	if err := answer(c.stdout, c.output, report); err != nil {
		return err
	}
	if c.output == "table" && report.NeverLive() {
		_, _ = fmt.Fprintln(c.stdout, "\nno book was ever live: nothing in this recording can be traded on")
	}
	c.unknown(report)
	return verdictOf(report)
}

// unknown warns of a recording that may well have no gap, and of which nothing was understood.
func (c *cli) unknown(r judge.Report) {
	if r.Messages > 0 && r.UnknownTypes == r.Messages {
		c.say("none of the %d messages is known: is this a recording of %s?", r.Messages, r.Format)
	}
}

func verdictOf(r judge.Report) error {
	if r.Failed() {
		return answered(ExitVerification, "verification failed: "+strings.Join(r.Reasons, ", "))
	}
	return nil
}

// readingFailed tells a mistake of usage (files out of order, a threshold that is none, a window of nothing) from a recording
// that does not verify and from one that cannot be read.
func readingFailed(err error) error {
	switch {
	case errors.Is(err, capture.ErrOrder), errors.Is(err, bench.ErrThreshold), errors.Is(err, node.ErrWindow):
		return endWith(ExitUsage, err)
	case errors.Is(err, bench.ErrRecording):
		return endWith(ExitVerification, err)
	}
	return endWith(ExitFailure, err)
}

func (c *cli) feedBookCommand() *cobra.Command {
	var flags recordingFlags
	var symbol string
	var depth int
	cmd := &cobra.Command{
		Use:     "book --format F --symbol S --depth N FILE...",
		Short:   "The book after each event, as CSV",
		Example: "  failshut feed book --format iex-deep10 --symbol MSFT --depth 1 day.pcap.gz",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			return c.feedBook(cmd.Context(), flags, symbol, depth, files)
		},
	}
	flags.on(cmd)
	cmd.Flags().StringVar(&symbol, "symbol", "", "symbol, as the venue writes it")
	cmd.Flags().IntVar(&depth, "depth", 1, "levels a side")
	return cmd
}

func (c *cli) feedBook(ctx context.Context, flags recordingFlags, symbol string, depth int, files []string) error {
	format, err := node.FormatOf(flags.format)
	if err != nil {
		return endWith(ExitUsage, err)
	}
	if !market.Symbol(symbol).Valid() {
		return usagef("--symbol is %q, want a symbol as the venue writes it", symbol)
	}
	if depth < 1 || depth > judge.MaxDepth {
		return usagef("--depth is %d, want 1 to %d", depth, judge.MaxDepth)
	}
	out := bufio.NewWriterSize(c.stdout, 1<<16)
	report, err := judge.Book(ctx, out, format, market.Symbol(symbol), depth, files, flags.snapshots)
	if err != nil {
		return readingFailed(err) // what is held back stays so: an error alone is no book
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing the book: %w", err)
	}
	if !report.SymbolSeen {
		_, _ = fmt.Fprintf(c.stderr, "failshut: warning: the recording never speaks of %s\n", symbol)
	}
	return verdictOf(report)
}
