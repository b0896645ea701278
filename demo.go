package failshut

import (
	"context"
	_ "embed" // the two example files are the demo's configuration
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/failshut/failshut/internal/config"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/internal/node"
	"github.com/failshut/failshut/supervision"
)

//go:embed examples/cluster/node.example.yaml
var exampleNode []byte

//go:embed examples/cluster/venue.example.yaml
var exampleVenue []byte

// longestDemo is no limit to be met: it keeps a mistyped duration from meaning for ever.
const longestDemo = 30 * 24 * time.Hour

type demoFlags struct {
	length time.Duration
	seed   uint64
	listen string
	data   string
	keep   bool
}

func (c *cli) demoCommand() *cobra.Command {
	var f demoFlags
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Everything in one process on an embedded exchange: watch a strategy trade",
		Long: "Everything in one process: the embedded exchange with its ITCH feed over UDP on loopback, a node with a one-member\n" +
			"Raft log and a journal on disk, and the shipped strategies. Ends by --for or by Ctrl-C, in order, and prints a summary.",
		Example: "  failshut demo --for 20s --output json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.demo(cmd.Context(), f)
		},
	}
	spanVar(cmd.Flags(), &f.length, "for", 0, 0, longestDemo, "how long; until stopped without it")
	cmd.Flags().Uint64Var(&f.seed, "seed", 1, "of the exchange's flow")
	cmd.Flags().StringVar(&f.listen, "listen", "127.0.0.1:0", "admin listener")
	cmd.Flags().StringVar(&f.data, "data", "", "data directory, absent or empty (a temporary one without it)")
	cmd.Flags().BoolVar(&f.keep, "keep", false, "keep the temporary directory")
	return cmd
}

// demoConfig is the two example files, cut to what this binary holds.
func (c *cli) demoConfig() (nodeFile, venueFile *config.File, err error) {
	nodeFile = config.Read("node.example.yaml", exampleNode, nil)
	venueFile = config.Read("venue.example.yaml", exampleVenue, nil)
	if err := errors.Join(nodeFile.Err(), venueFile.Err()); err != nil {
		return nil, nil, err
	}
	c.demoStrategies(nodeFile)
	return nodeFile, venueFile, nil
}

// demoStrategies has the demo run every strategy of this binary: those that the example file uses as it says, unless its
// parameters are not theirs, the others beside the first of them, with the parameters they come with.
func (c *cli) demoStrategies(f *config.File) {
	n := f.Node
	first := n.Strategies[0]
	var kept []config.Strategy
	used := map[string]bool{}
	for _, s := range n.Strategies {
		params := c.defs.Params(s.Use)
		if params == nil {
			continue
		}
		if f.Params(s.Params, params) != nil {
			s.Params = config.Raw{}
		}
		kept = append(kept, s)
		used[s.Use] = used[s.Use] || s.Account == first.Account // the other accounts are not this node's
	}
	for _, use := range c.defs.Names() {
		if used[use] {
			continue
		}
		own := config.Strategy{Name: use + "1", Use: use, Account: first.Account, Feeds: first.Feeds, Instruments: first.Instruments}
		kept = append(kept, own)
		entitled := n.Risk.Controls.Entitlements
		for i := range entitled {
			if entitled[i].Account == own.Account {
				entitled[i].Strategies = append(entitled[i].Strategies, own.Name)
			}
		}
	}
	n.Strategies = kept
}

func (c *cli) demo(ctx context.Context, f demoFlags) error {
	if at, err := netip.ParseAddrPort(f.listen); err != nil || !at.Addr().IsLoopback() {
		return usagef("--listen is %q, want a loopback address and a port such as 127.0.0.1:0: there is no TLS here", f.listen)
	}
	nodeFile, venueFile, err := c.demoConfig()
	if err != nil {
		return err
	}
	dir := f.data
	if dir == "" {
		if dir, err = os.MkdirTemp("", "failshut-demo-"); err != nil {
			return endWith(ExitFailure, fmt.Errorf("making a data directory: %w", err))
		}
		if !f.keep {
			defer func() { _ = os.RemoveAll(dir) }()
		}
	}
	signals := takeSignals()
	defer signals.leave()
	metrics, hooks := node.Measured()
	d, err := node.OpenDemo(ctx, node.DemoConfig{
		Node: nodeFile, Venue: venueFile, Defs: c.defs, Seed: f.seed, Listen: f.listen, Dir: dir, Log: c.log(),
		Metrics: metrics, Hooks: hooks, Said: c.say,
	})
	if err != nil && stoppedBy(ctx, err) {
		c.say("stopped while it started: %v", err)
		return nil // undone in order: nothing was traded and nothing runs
	}
	if err != nil {
		return bootFailed(err)
	}
	if f.length > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.length)
		defer cancel()
	}
	began := c.clock()
	result, err := untilEnded(ctx, d, signals)
	if err != nil {
		return err
	}
	summary, err := d.Close(context.WithoutCancel(ctx), result)
	if err != nil {
		return endWith(ExitTripped, err)
	}
	if err := answer(c.stdout, c.output, summary); err != nil {
		return err
	}
	return demoEnding(summary, c.clock().Sub(began))
}

// signals are what a demo is told from outside, from before it starts: none is lost, and none ends it in another way.
type signals struct{ end, trip chan os.Signal }

func takeSignals() signals {
	s := signals{end: make(chan os.Signal, 4), trip: make(chan os.Signal, 1)}
	signal.Notify(s.end, os.Interrupt, syscall.SIGTERM)
	signal.Notify(s.trip, syscall.SIGUSR1)
	return s
}

func (s signals) leave() {
	signal.Stop(s.end)
	signal.Stop(s.trip)
}

// process is what signals speak to.
type process interface {
	Node() *node.Node
	Ended() <-chan supervision.Result
	Shutdown()
	Skip()
}

// untilEnded waits for the first reason to stop, and then for the tree; SIGUSR1 trips meanwhile, and the process stays up.
// The first signal ends ctx, as the end of its time does; the next skips what is left of the phases, and one more ends the
// process at once. Signals are those since the process began, so that three within a moment are three.
func untilEnded(ctx context.Context, d process, signals signals) (supervision.Result, error) {
	for waiting := true; waiting; {
		select {
		case result := <-d.Ended():
			return result, nil
		case <-signals.trip:
			d.Node().TripFirm("signal", "signal")
		case <-ctx.Done():
			waiting = false
		}
	}
	d.Shutdown()
	asked := 0
	if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		asked = 1 // the end of the time stands for the first signal
	}
	for {
		select {
		case result := <-d.Ended():
			return result, nil
		case <-signals.end:
		}
		switch asked++; asked {
		case 2:
			d.Skip()
		case 3:
			return supervision.Result{}, endWith(ExitInterrupted, errors.New("interrupted"))
		}
	}
}

// demoEnding is the code a demo ends with: what does not balance first, then how the tree ended, then whether it traded.
func demoEnding(a node.DemoAnswer, ran time.Duration) error {
	switch {
	case len(a.Differences) > 0:
		return answered(ExitVerification, "does not balance: "+strings.Join(a.Differences, "; "))
	case a.Result.Code != supervision.CodeOrderly:
		return answered(a.Result.Code, unfinished(a.Result, a.Unheard))
	case a.Fills == 0 && ran >= 10*time.Second:
		return answered(ExitFailure, "nothing was filled")
	}
	return nil
}

// unfinished says in what a tree's end was no orderly one.
func unfinished(r supervision.Result, unheard []string) string {
	why := []string{fmt.Sprintf("the tree ended with %s", r.Reason)}
	for _, p := range r.Phases {
		if !p.OK {
			why = append(why, fmt.Sprintf("phase %s: %s", p.Name, p.Reason))
		}
	}
	if len(r.Unstopped) > 0 {
		why = append(why, fmt.Sprintf("unstopped %v", r.Unstopped))
	}
	for _, u := range unheard {
		why = append(why, "unheard "+u)
	}
	return strings.Join(why, "; ")
}

// bootFailed gives the code of a start that failed.
func bootFailed(err error) error {
	var locked *journal.LockedError
	switch {
	case errors.Is(err, node.ErrLocked), errors.Is(err, node.ErrUsed), errors.As(err, &locked):
		return endWith(ExitPrecondition, err)
	}
	return endWith(ExitFailure, err)
}
