package failshut

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/failshut/failshut/bench"
	"github.com/failshut/failshut/internal/node"
)

type pathFlags struct {
	recordingFlags
	replay     string
	strategy   string
	seed       uint64
	loops      int
	thresholds []string
}

func (c *cli) benchCommand() *cobra.Command {
	parent := &cobra.Command{Use: "bench", Short: "Measure, with the machine and the method beside each figure", Args: cobra.NoArgs, RunE: help}
	parent.AddCommand(c.benchMailboxCommand(), c.benchPathCommand(), c.benchJournalCommand())
	return parent
}

func (c *cli) benchPathCommand() *cobra.Command {
	var f pathFlags
	cmd := &cobra.Command{
		Use:     "path --replay FILE --format F",
		Short:   "Messages a second through the whole path, from packet to fill, on one core",
		Example: "  failshut bench path --replay day.pcap.gz --format iex-deep10 --loops 20 --threshold 'messages_per_s>=1000000'",
		RunE: func(cmd *cobra.Command, more []string) error {
			return c.benchPath(cmd.Context(), f, more)
		},
	}
	f.on(cmd)
	cmd.Flags().StringVar(&f.replay, "replay", "", "recording; further files of it are arguments")
	cmd.Flags().StringVar(&f.strategy, "strategy", "cross", "strategy of this binary")
	cmd.Flags().Uint64Var(&f.seed, "seed", 0, "order in which actors take turns")
	cmd.Flags().IntVar(&f.loops, "loops", 20, "how often the recording is replayed")
	cmd.Flags().StringArrayVar(&f.thresholds, "threshold", nil, "bound such as 'messages_per_s>=1000000' (repeatable); one that fails ends with 8")
	return cmd
}

func (c *cli) benchPath(ctx context.Context, f pathFlags, more []string) error {
	switch {
	case f.replay == "":
		return usagef("--replay is missing: the recording")
	case f.loops < 1:
		return usagef("--loops is %d, want at least 1", f.loops)
	}
	format, err := node.FormatOf(f.format)
	if err != nil {
		return endWith(ExitUsage, err)
	}
	if err := c.known(f.strategy); err != nil {
		return err
	}
	recording := node.ReplayConfig{
		Format: format, Files: append([]string{f.replay}, more...), Snapshots: f.snapshots, Strategy: f.strategy,
		Seed: f.seed, Defs: c.defs,
	}
	if err := readTwice(recording); err != nil {
		return err
	}
	result, err := bench.Path(ctx, bench.PathConfig{Replay: recording, Loops: f.loops, Thresholds: f.thresholds})
	if err != nil {
		return readingFailed(err)
	}
	if err := answer(c.stdout, c.output, result); err != nil {
		return err
	}
	if result.Failed() {
		return answered(ExitVerification, "a threshold was not met")
	}
	return nil
}
