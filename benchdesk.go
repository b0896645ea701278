package failshut

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/failshut/failshut/bench"
	"github.com/failshut/failshut/internal/config"
)

// deskFlags are those of `bench path` without a recording: orders through a whole node.
type deskFlags struct {
	bench.DeskConfig
	cancel, restart bool
}

// deskWords are the flags that mean nothing to a recording.
var deskWords = []string{"mode", "cancel", "restart", "rate", "duration", "runs", "orders", "dir"}

// replayWords are those that mean a recording and nothing else.
var replayWords = []string{"format", "snapshot", "strategy", "seed", "loops"}

func (f *deskFlags) on(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.Mode, "mode", "journal", "durability of the node: journal (an order leaves when its intent is durable) or horizon")
	flags.BoolVar(&f.cancel, "cancel", false, "how long the cancels of a cancel-all take, whatever else is broken")
	flags.BoolVar(&f.restart, "restart", false, "how long an account with working orders takes to be open again")
	flags.StringVar(&f.Dir, "dir", os.TempDir(), "folder on the disk to be measured")
	flags.IntVar(&f.Rate, "rate", 500, "decisions a second, at fixed times")
	spanVar(flags, &f.Duration, "duration", 5*time.Second, 100*time.Millisecond, time.Hour, "of each run")
	flags.IntVar(&f.Runs, "runs", 5, "of each; medians are shown")
	flags.IntVar(&f.Orders, "orders", 1000, "that work when all are cancelled, or the account starts anew")
}

// benchDesk measures what the flags ask for.
func (c *cli) benchDesk(ctx context.Context, f deskFlags, thresholds []string) error {
	if f.cancel && f.restart {
		return usagef("--cancel and --restart stand together, want one of them")
	}
	cfg := f.DeskConfig
	cfg.Defs, cfg.Thresholds, cfg.Progress, cfg.Files = c.defs, thresholds, c.progressOf("bench path"), shippedFiles
	measure := bench.DeskPath
	switch {
	case f.cancel:
		measure = bench.DeskCancel
	case f.restart:
		measure = bench.DeskRestart
	}
	result, err := measure(ctx, cfg)
	switch {
	case errors.Is(err, bench.ErrDesk):
		return endWith(ExitUsage, err)
	case err != nil:
		return err
	}
	var shown any = result
	if c.output != "json" {
		shown = result.DeskView()
	}
	if err := answer(c.stdout, c.output, shown); err != nil {
		return err
	}
	if result.Failed() {
		return answered(ExitVerification, "a threshold was not met")
	}
	return nil
}

// shippedFiles are the two example files as they are.
func shippedFiles() (nodeFile, venueFile *config.File, err error) {
	nodeFile = config.Read("node.example.yaml", exampleNode, nil)
	venueFile = config.Read("venue.example.yaml", exampleVenue, nil)
	return nodeFile, venueFile, errors.Join(nodeFile.Err(), venueFile.Err())
}
