package failshut

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/failshut/failshut/internal/config"
	"github.com/failshut/failshut/internal/node"
	"github.com/failshut/failshut/market"
)

type replayFlags struct {
	recordingFlags
	strategy       string
	params         string
	seed           uint64
	ledger, events string
	config         string
	from, until    string
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
	cmd.Flags().StringVar(&f.params, "params", "", "its parameters, as params of a node file: '{fast: 5, slow: 20}'")
	cmd.Flags().Uint64Var(&f.seed, "seed", 0, "order in which actors take turns: 0 by arrival, else drawn")
	cmd.Flags().StringVar(&f.config, "config", "", "node file whose orders, instruments, risk, strategies and supervision count; venues are paper")
	cmd.Flags().StringVar(&f.from, "from", "", "leave out what was received before: RFC 3339 or nanoseconds")
	cmd.Flags().StringVar(&f.until, "until", "", "end here: RFC 3339 or nanoseconds")
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
	cfg := node.ReplayConfig{
		Format: format, Files: files, Snapshots: f.snapshots, Strategy: f.strategy, Seed: f.seed, Defs: c.defs, Log: c.log(),
	}
	if err := c.window(&cfg, f); err != nil {
		return err
	}
	if err := readTwice(cfg); err != nil {
		return err
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
	c.unknown(result.Report)
	if result.Report.NeverLive() {
		c.say("no book was ever live: nothing in this recording can be traded on")
	}
	return verdictOf(result.Report)
}

// readTwice wants files that can be: a recording is judged before it is run, and of a pipe nothing would be left by then.
func readTwice(cfg node.ReplayConfig) error {
	if err := regular(append(slices.Clone(cfg.Files), cfg.Snapshots...)...); err != nil {
		return endWith(ExitFailure, fmt.Errorf("a recording is read twice: %w", err))
	}
	return nil
}

// window takes what a replay is bounded by and whom it runs: one strategy by name, or those of a file.
func (c *cli) window(cfg *node.ReplayConfig, f replayFlags) (err error) {
	if cfg.From, err = instantOf("--from", f.from); err != nil {
		return err
	}
	if cfg.Until, err = instantOf("--until", f.until); err != nil {
		return err
	}
	if cfg.From > 0 && cfg.Until > 0 && cfg.From >= cfg.Until {
		return usagef("--from is %s and --until %s, want from before until", f.from, f.until)
	}
	if f.config == "" {
		return c.givenBy(cfg, f)
	}
	if f.params != "" {
		return usagef("--params is %q beside --config, want one of them: the file has its strategies' parameters", f.params)
	}
	if f.strategy != "" {
		return usagef("--strategy is %q beside --config, want one of them: the file names its strategies", f.strategy)
	}
	file, err := readConfig(f.config, c.defs)
	if err != nil {
		return err
	}
	if file.Kind != config.KindNode && len(file.Mistakes) == 0 {
		return endWith(ExitConfig, fmt.Errorf("%s is a %s file, want a node file", f.config, file.Kind))
	}
	cfg.Config = file
	return endWith(ExitConfig, file.Err())
}

// givenBy takes a strategy and its parameters from flags.
func (c *cli) givenBy(cfg *node.ReplayConfig, f replayFlags) error {
	if err := c.known(f.strategy); err != nil {
		return err
	}
	if err := config.ReadParams(f.params, c.defs.Params(f.strategy)); err != nil {
		if wrong, ok := errors.AsType[config.Mistakes](err); ok {
			return usagef("%s", wrong.Text("--params"))
		}
		return usagef("--params: %v", err)
	}
	cfg.Params = f.params
	return nil
}

// instantOf reads a time of a recording.
func instantOf(flag, text string) (market.Timestamp, error) {
	if text == "" {
		return 0, nil
	}
	if ns, err := strconv.ParseInt(text, 10, 64); err == nil && ns > 0 {
		return market.Timestamp(ns), nil
	}
	t, err := market.ParseTimestamp(text)
	if err != nil || t <= 0 {
		return 0, usagef("%s is %q, want a time such as 2017-04-25T15:00:00Z, or nanoseconds since 1970", flag, text)
	}
	return t, nil
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
