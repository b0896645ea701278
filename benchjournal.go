package failshut

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/failshut/failshut/bench"
)

func (c *cli) benchJournalCommand() *cobra.Command {
	f := bench.JournalConfig{Dir: os.TempDir(), Producers: 64, Bytes: 256, Duration: 2 * time.Second, Runs: 5}
	cmd := &cobra.Command{
		Use:     "journal",
		Short:   "Durable records a second of the journal, beside a bare fdatasync in the same runs",
		Example: "  failshut bench journal --dir . --duration 5s --threshold 'achieved>=30000'",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.benchJournal(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.Dir, "dir", f.Dir, "folder on the disk to be measured")
	flags.IntVar(&f.Producers, "producers", f.Producers, "each waits until its record is durable")
	flags.IntVar(&f.Bytes, "bytes", f.Bytes, "of a record")
	spanVar(flags, &f.Duration, "duration", f.Duration, time.Millisecond, time.Hour, "of each run")
	flags.IntVar(&f.Runs, "runs", f.Runs, "of each; medians are shown")
	flags.StringArrayVar(&f.Thresholds, "threshold", nil, "bound such as 'achieved>=30000' (repeatable); one that fails ends with 8")
	return cmd
}

func (c *cli) benchJournal(ctx context.Context, f bench.JournalConfig) error {
	f.Progress = c.progressOf("bench journal")
	result, err := bench.Journal(ctx, f)
	switch {
	case errors.Is(err, bench.ErrJournal):
		return endWith(ExitUsage, err)
	case err != nil:
		return err
	}
	var shown any = result
	if c.output != "json" {
		shown = result.JournalView()
	}
	if err := answer(c.stdout, c.output, shown); err != nil {
		return err
	}
	if result.Failed() {
		return answered(ExitVerification, "a threshold was not met")
	}
	return nil
}
