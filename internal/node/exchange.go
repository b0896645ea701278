package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"slices"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/feeds/itch"
	"github.com/failshut/failshut/feeds/mold"
	"github.com/failshut/failshut/internal/config"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/supervision"
	"github.com/failshut/failshut/venues/sim"
)

// Exchange is the embedded exchange as it runs: a system and a tree of its own, so that the node's failures are not its.
type Exchange struct {
	sys     *actors.System
	tree    *supervision.Tree
	feed    *sim.Feed
	lines   []sim.FeedLine
	request chan netip.AddrPort // where re-requests are answered, once it is bound
	ledger  *sim.Ledger
}

const exchangeName = "exchange"

// OpenExchange starts an exchange of a venue file, with a clock of its own, its feed on loopback addresses that are free
// now, and its ledger on w.
func OpenExchange(ctx context.Context, c *config.Exchange, seed uint64, w io.Writer, log *slog.Logger) (*Exchange, error) {
	sys, err := actors.New(systemConfig(exchangeName, actors.Real(), actors.Shared(0), seed, log))
	if err != nil {
		return nil, err
	}
	x := &Exchange{sys: sys, request: make(chan netip.AddrPort, 4), ledger: sim.NewLedger(w, c.Ledger.Sync)}
	if err := x.start(ctx, c, seed); err != nil {
		return nil, errors.Join(err, sys.Stop(context.WithoutCancel(ctx)))
	}
	return x, nil
}

func (x *Exchange) start(ctx context.Context, c *config.Exchange, seed uint64) error {
	cfg, err := exchangeConfig(c, seed)
	if err != nil {
		return err
	}
	engine, err := sim.NewEngine(cfg)
	if err != nil {
		return err
	}
	loopback := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	for _, l := range c.Feed.Lines {
		x.lines = append(x.lines, sim.FeedLine{Name: l.Name, Address: netip.AddrPortFrom(loopback, 0)})
	}
	if x.lines, err = sim.FreePorts(x.lines); err != nil {
		return err
	}
	f := sim.DefaultFeed()
	f.Session, f.Lines = sim.FeedSession(seed, market.StampOf(x.sys.Now())), x.lines
	f.Heartbeat, f.Packet, f.Flush = c.Feed.Heartbeat, c.Feed.Packet, c.Feed.Flush
	f.Hooks.Bound = func(at netip.AddrPort) {
		select {
		case x.request <- at:
		default: // bound again at the same place
		}
	}
	if x.feed, err = sim.NewFeed(cfg.Listings, f); err != nil {
		return err
	}
	actor := sim.NewExchange(engine, sim.Outlets{Ledger: x.ledger, Feed: x.feed.Publish})
	spec := supervision.DefaultSpec("root", supervision.SubTree("feed", x.feed.Spec()), actor.Child(exchangeName))
	spec.Strategy = supervision.RestForOne
	x.tree, err = supervision.Start(ctx, x.sys, spec, supervision.Options{})
	return err
}

// Port is the exchange's entrance.
func (x *Exchange) Port() sim.Port {
	return sim.NewEntrance(actors.Follow[sim.ExchangeMessage](x.sys, exchangeName))
}

// Stop ends the day in order, closes the ledger, and leaves nothing running.
func (x *Exchange) Stop(ctx context.Context) error {
	x.tree.Stop()
	select {
	case <-x.tree.Done():
	case <-ctx.Done():
	}
	return errors.Join(x.sys.Stop(ctx), x.ledger.Flush())
}

func exchangeConfig(c *config.Exchange, seed uint64) (sim.Config, error) {
	cfg := sim.DefaultConfig()
	cfg.Venue, cfg.Seed = c.Venue.Name, seed
	cfg.Dedupe, cfg.SelfTrade = sim.Dedupe(c.Orders.Dedupe), sim.SelfTrade(c.Orders.SelfTrade)
	cfg.MaxOpenPerAccount = c.Orders.MaxOpenPerAccount
	for _, q := range c.Instruments {
		i, err := market.Listed(c.Venue.Name, q.Symbol)
		if err != nil {
			return cfg, err
		}
		cfg.Listings = append(cfg.Listings, sim.Listing{Reference: q.Reference, Contract: market.Contract{
			Instrument: i, Currency: q.Currency, Tick: q.Tick, Lot: q.Lot, MinQty: q.MinQty, MaxQty: q.MaxQty, Multiplier: q.Multiplier,
		}})
	}
	for _, s := range c.Sessions {
		cfg.Sessions = append(cfg.Sessions, sim.SessionConfig{
			ID: sim.SessionID(s.Target), Account: s.Account, COD: sim.COD(s.CancelOnDisconnect), Grace: s.Grace,
			Takeover: s.Takeover, Reset: sim.Reset(s.Reset),
		})
	}
	for _, f := range c.Faults {
		cfg.Faults = append(cfg.Faults, f.Sim())
	}
	for _, p := range c.Phases {
		cfg.Phases = append(cfg.Phases, sim.PhaseAt{After: p.After, Phase: sim.Phase(p.Phase), Symbols: p.Symbols})
	}
	cfg.Refuses = refusals(c.Orders)
	cfg.Flow = sim.FlowConfig{
		Rate: c.Flow.Rate, Levels: c.Flow.Levels, MinQty: c.Flow.Qty.Min, MaxQty: c.Flow.Qty.Max, SpreadTicks: c.Flow.SpreadTicks,
		DriftBpsPerMinute: c.Flow.DriftBpsPerMinute, TradeShareBps: c.Flow.TradeShareBps, Participants: c.Flow.Participants,
	}
	return cfg, cfg.Validate()
}

// refusals is what a venue file leaves out of what its exchange takes.
func refusals(o config.ExchangeOrders) sim.Refusals {
	no := sim.Refusals{PostOnly: !slices.Contains(o.TIFs, "post_only"), MassStatus: !o.MassStatus, MassCancel: !o.MassCancel}
	for _, t := range []market.OrderType{market.Limit, market.Market, market.Stop} {
		if !slices.Contains(o.Types, t.String()) {
			no.Types = append(no.Types, t)
		}
	}
	for _, t := range []market.TIF{market.Day, market.GTC, market.IOC, market.FOK} {
		if !slices.Contains(o.TIFs, t.String()) {
			no.TIFs = append(no.TIFs, t)
		}
	}
	return no
}

// liveFeed is the channel of the exchange's feed as a node reads it by f: real UDP, recovery by re-request.
func (x *Exchange) liveFeed(ctx context.Context, venue market.Venue, f config.Feed) func(n *Node, subscribers Subscribers) ([]supervision.Child, error) {
	return func(n *Node, subscribers Subscribers) ([]supervision.Child, error) {
		strategies, err := subscribers(0)
		if err != nil {
			return nil, err
		}
		var request netip.AddrPort
		select {
		case request = <-x.request:
		case <-ctx.Done():
			return nil, fmt.Errorf("the exchange's re-request server is not bound: %w", context.Cause(ctx))
		}
		limits := feeds.DefaultLimits()
		limits.Silence = f.Staleness.Heartbeats
		cfg := feeds.ServiceConfig{
			Feed: feeds.Config{Venue: venue, Name: string(venue), Limits: limits, Seed: n.sys.Rand()},
			New: func(c feeds.Config) (feeds.Feed, error) {
				return feeds.NewChannel(c, mold.Transport{Heartbeat: f.Heartbeat}, itch.NewCodec(0))
			},
			Request: request, Ask: mold.AppendAsk, Board: n.Board, Subscribers: strategies,
		}
		for _, l := range x.lines {
			cfg.Lines = append(cfg.Lines, feeds.Line{Name: l.Name, Address: l.Address})
		}
		service, err := feeds.NewService(cfg)
		if err != nil {
			return nil, err
		}
		g := n.plan.Supervision.Groups.Channel
		watch := feeds.Watch{
			Intensity: g.Intensity, Period: g.Period, Backoff: backoffOf(g.Backoff),
			Shutdown: n.plan.Supervision.Shutdown.Feed, Watchdog: n.plan.Supervision.Watchdogs.Feed,
		}
		return []supervision.Child{supervision.SubTree(string(venue), service.Spec(watch))}, nil
	}
}
