package node

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/supervision"
	"github.com/failshut/failshut/venues/sim"
)

// paperVenue makes the venue of a plan that fills from a book which somebody tells, as an actor of the node's own tree.
func paperVenue(plan *Plan, seed uint64, dedupe sim.Dedupe, faults []sim.Fault, out sim.Outlets) (supervision.Child, feeds.Sink, error) {
	cfg := paperConfig(plan, seed, dedupe, faults)
	x, paper, err := sim.NewPaperExchange(cfg, sim.PaperLatency, out)
	if err != nil {
		return supervision.Child{}, nil, err
	}
	return x.Child(exchangeName), paper.Feed(), nil
}

func paperConfig(plan *Plan, seed uint64, dedupe sim.Dedupe, faults []sim.Fault) sim.Config {
	cfg := sim.DefaultConfig()
	cfg.Venue, cfg.Seed, cfg.Dedupe, cfg.MarkEvery, cfg.Faults = plan.Venue, seed, dedupe, 0, faults
	for _, c := range plan.Contracts {
		cfg.Listings = append(cfg.Listings, sim.Listing{Contract: c})
	}
	for _, a := range plan.Accounts {
		session := sim.DefaultSession(a.Account)
		session.ID = sim.SessionID(a.Session)
		cfg.Sessions = append(cfg.Sessions, session)
	}
	return cfg
}

// paperWorld is where a replay and a trial take place: virtual clock, one deterministic thread, everything in memory, and one
// channel, which the paper venue reads ahead of the strategies: it sees each level before one of them can act on it.
func paperWorld(
	sys *actors.System, seed uint64, log *slog.Logger, exchange supervision.Child, book feeds.Sink,
	channel func(n *Node, readers *feeds.Fanout) supervision.Child,
) World {
	return World{
		System: sys, Disk: journal.NewMemFS(seed), Dir: "journal", Trips: &risk.MemTrips{}, Nonce: 1, Seed: seed, Log: log,
		Cluster: MemoryCluster, Port: sim.NewEntrance(actors.Follow[sim.ExchangeMessage](sys, exchangeName)),
		Before: []supervision.Child{exchange},
		Feeds: func(n *Node, subscribers Subscribers) ([]supervision.Child, error) {
			strategies, err := subscribers(0)
			if err != nil {
				return nil, err
			}
			all := append([]feeds.Subscriber{{Name: "paper", Kinds: feeds.Depths | feeds.Trades, Sink: book}}, strategies...)
			fanout, err := feeds.NewFanout(all...)
			if err != nil {
				return nil, err
			}
			return []supervision.Child{channel(n, fanout)}, nil
		},
	}
}

// openGates drives a node until its gates are open and its strategies are ready, within the lead.
func openGates(ctx context.Context, n *Node) error {
	return openUnless(ctx, n, func() bool { return false })
}

// openUnless is openGates that ends when over says so.
func openUnless(ctx context.Context, n *Node, over func() bool) error {
	limit := n.sys.Now().Add(lead)
	if err := n.sys.Drive(ctx, func() bool { return n.Up() || over() || !n.sys.Now().Before(limit) }); err != nil {
		return err
	}
	if !n.Up() && !over() {
		return fmt.Errorf("%w: %s", ErrNotOpen, n.WhyNotUp())
	}
	return nil
}

// takeDown stops a node in order, and drives it until it is down.
func takeDown(ctx context.Context, n *Node) error {
	n.Shutdown()
	var result *supervision.Result
	err := n.sys.Drive(ctx, func() bool {
		select {
		case x := <-n.Tree().Done():
			result = &x
		default:
		}
		return result != nil
	})
	if err != nil {
		return err
	}
	if result == nil || result.Code != supervision.CodeOrderly {
		return fmt.Errorf("the tree did not end in order: %+v", result)
	}
	return nil
}
