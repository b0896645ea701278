package failshut

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/failshut/failshut/cluster"
	"github.com/failshut/failshut/internal/config"
	"github.com/failshut/failshut/internal/node"
	"github.com/failshut/failshut/supervision"
)

type runFlags struct{ file, venue, data string }

func (c *cli) runCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run --config FILE --venue FILE",
		Short: "One node, as its file says, until it is stopped",
		Long: "One node, as its file says, on the data directory that `failshut cluster init` has made. Order entry does not go over a wire yet,\n" +
			"so the exchange of a venue file stands in this process; it keeps nothing from one run to the next.",
		Example: "  failshut run --config node.yaml --venue venue.yaml",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.runNode(cmd.Context(), f) },
	}
	cmd.Flags().StringVar(&f.file, "config", "", "node file")
	cmd.Flags().StringVar(&f.venue, "venue", "", "venue file of the exchange in this process")
	cmd.Flags().StringVar(&f.data, "data", "", "data directory (node.data of the file without it)")
	return cmd
}

// dataOf is the data directory of a node file: what a flag says, else what the file says, which is relative to the file.
func dataOf(flag, name string, f *config.File) string {
	switch data := f.Node.Node.Data; {
	case flag != "":
		return flag
	case filepath.IsAbs(data):
		return data
	default:
		return filepath.Join(filepath.Dir(name), data)
	}
}

// fileOf reads a file of one kind that is to be used now, so any mistake of it is the end.
func (c *cli) fileOf(flag, name string, kind config.Kind) (*config.File, error) {
	if name == "" {
		return nil, usagef("--%s is missing, want a %s file", flag, kind)
	}
	f, err := readConfig(name, c.defs)
	if err != nil {
		return nil, err
	}
	if len(f.Mistakes) > 0 {
		return nil, endWith(ExitConfig, errors.New(f.Mistakes.Text(name)))
	}
	if f.Kind != kind {
		return nil, endWith(ExitConfig, fmt.Errorf("%s is a %s file, want a %s file", name, f.Kind, kind))
	}
	return f, nil
}

func (c *cli) runNode(ctx context.Context, f runFlags) error {
	file, err := c.fileOf("config", f.file, config.KindNode)
	if err != nil {
		return err
	}
	if f.venue == "" {
		return usagef("--venue is missing, want a venue file: order entry over a wire is not built, so the exchange stands in this process")
	}
	venue, err := c.fileOf("venue", f.venue, config.KindVenue)
	if err != nil {
		return err
	}
	signals := takeSignals()
	defer signals.leave()
	// Nothing is read again and nothing is dumped yet; a node must not die of being asked for it.
	signal.Ignore(syscall.SIGHUP, syscall.SIGUSR2)
	defer signal.Reset(syscall.SIGHUP, syscall.SIGUSR2)
	metrics, hooks := node.Measured()
	d, err := node.OpenDaemon(ctx, node.DaemonConfig{
		File: file, Venue: venue, Defs: c.defs, Dir: dataOf(f.data, f.file, file), Log: c.log(), Metrics: metrics, Hooks: hooks, Said: c.say,
	})
	switch {
	case err != nil && stoppedBy(ctx, err):
		c.say("stopped while it started: %v", err)
		return nil // undone in order: nothing was traded and nothing runs
	case errors.Is(err, cluster.ErrNotFounded):
		return endWith(ExitPrecondition, fmt.Errorf("%w; `failshut cluster init --config %s` makes it, once", err, f.file))
	case errors.Is(err, cluster.ErrIdentity), errors.Is(err, cluster.ErrConfig), errors.Is(err, node.ErrVoters), errors.Is(err, node.ErrKind):
		return endWith(ExitConfig, err)
	case err != nil:
		return bootFailed(err)
	}
	result, err := untilEnded(ctx, d, signals)
	if err != nil {
		return err
	}
	ended, err := d.Close(context.WithoutCancel(ctx), result)
	if err != nil {
		return endWith(ExitTripped, err)
	}
	if err := answer(c.stdout, c.output, ended); err != nil {
		return err
	}
	if result.Code != supervision.CodeOrderly {
		return answered(result.Code, unfinished(result, nil))
	}
	return nil
}
