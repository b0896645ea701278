package failshut

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/failshut/failshut/internal/node"
)

type replayFlags struct {
	recordingFlags
	strategy       string
	seed           uint64
	ledger, events string
}

func (c *cli) replayCommand() *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use:     "replay --format F --strategy S FILE...",
		Short:   "A recording through the same tree as a live node: paper fills, virtual time",
		Example: "  failshut replay --format iex-deep10 --strategy cross day.pcap.gz --output json",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			return c.replay(cmd.Context(), f, files)
		},
	}
	f.on(cmd)
	cmd.Flags().StringVar(&f.strategy, "strategy", "", "strategy of this binary")
	cmd.Flags().Uint64Var(&f.seed, "seed", 0, "order in which actors take turns: 0 by arrival, else drawn")
	cmd.Flags().StringVar(&f.ledger, "ledger", "", "file for the paper venue's ledger")
	cmd.Flags().StringVar(&f.events, "events", "", "file for the event log")
	return cmd
}

// known checks a strategy named by a flag.
func (c *cli) known(name string) error {
	names := c.defs.Names()
	if !slices.Contains(names, name) {
		slices.Sort(names)
		return usagef("--strategy is %q, want one of %s", name, strings.Join(names, ", "))
	}
	return nil
}

func (c *cli) replay(ctx context.Context, f replayFlags, files []string) error {
	format, err := node.FormatOf(f.format)
	if err != nil {
		return endWith(ExitUsage, err)
	}
	if err := c.known(f.strategy); err != nil {
		return err
	}
	cfg := node.ReplayConfig{
		Format: format, Files: files, Snapshots: f.snapshots, Strategy: f.strategy, Seed: f.seed, Defs: c.defs, Log: c.log(),
	}
	var made outputs
	cfg.Ledger, err = made.create(f.ledger)
	if err != nil {
		return err
	}
	if cfg.Events, err = made.create(f.events); err != nil {
		return err
	}
	result, err := node.Replay(ctx, cfg)
	if err = errors.Join(err, made.close()); err != nil {
		return readingFailed(err)
	}
	if err := answer(c.stdout, c.output, result); err != nil {
		return err
	}
	return verdictOf(result.Report)
}

// outputs are the files that a command writes beside its answer.
type outputs struct{ files []*os.File }

// create makes a file, or gives a nil Writer for no name.
func (o *outputs) create(name string) (io.Writer, error) {
	if name == "" {
		return nil, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, endWith(ExitFailure, fmt.Errorf("creating an output: %w", err))
	}
	o.files = append(o.files, f)
	return f, nil
}

func (o *outputs) close() error {
	var errs []error
	for _, f := range o.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}
