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
	var d deskFlags
	cmd := &cobra.Command{
		Use:   "path [--mode journal|horizon | --cancel | --restart | --replay FILE --format F]",
		Short: "The way of an order through a whole node; or a recording's messages a second through the whole path",
		Long: "The way of an order through a whole node, on a real disk with the embedded exchange in the process: from the decision to the\n" +
			"hand-over to the venue's link, beside a bare fdatasync (--mode); from a cancel-all to each cancel's hand-over with quorum, mailboxes and\n" +
			"journal broken (--cancel); from the end of an account's session to its being open again (--restart). With --replay a recording is\n" +
			"replayed from memory, on one core: messages a second from packet to fill.",
		Example: "  failshut bench path --replay day.pcap.gz --format iex-deep10 --loops 20 --threshold 'messages_per_s>=1000000'",
		RunE: func(cmd *cobra.Command, more []string) error {
			words := deskWords
			if f.replay == "" {
				words = replayWords
			}
			for _, word := range words {
				switch {
				case !cmd.Flags().Changed(word):
				case f.replay == "":
					return usagef("--%s is of a recording, and --replay is missing: the recording", word)
				default:
					return usagef("--%s is of orders through a node, want it without --replay", word)
				}
			}
			if f.replay != "" {
				return c.benchPath(cmd.Context(), f, more)
			}
			if len(more) > 0 {
				return usagef("%q stands behind the flags, and --replay is missing: the recording", more[0])
			}
			return c.benchDesk(cmd.Context(), d, f.thresholds)
		},
	}
	f.on(cmd)
	d.on(cmd)
	cmd.Flags().StringVar(&f.replay, "replay", "", "recording; further files of it are arguments")
	cmd.Flags().StringVar(&f.strategy, "strategy", "cross", "strategy of this binary")
	cmd.Flags().Uint64Var(&f.seed, "seed", 0, "order in which actors take turns")
	cmd.Flags().IntVar(&f.loops, "loops", 20, "how often the recording is replayed")
	cmd.Flags().StringArrayVar(&f.thresholds, "threshold", nil, "bound such as 'messages_per_s>=1000000' (repeatable); one that fails ends with 8")
	return cmd
}

func (c *cli) benchPath(ctx context.Context, f pathFlags, more []string) error {
	if f.loops < 1 {
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
