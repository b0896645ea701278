package node

import (
	"context"
	"fmt"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/internal/config"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
	"github.com/failshut/failshut/supervision"
)

const strategyChild = "strategy"

func strategyName(name string) actors.Name { return path(inStrategies, name, strategyChild) }

// strategyChildren are the supervisors that the roster of strategies adds: one each, so that a bad one hurts itself alone.
func (n *Node) strategyChildren() []supervision.Child {
	g := n.plan.Supervision.Groups.Strategy
	s := n.plan.Supervision
	var out []supervision.Child
	for _, p := range n.plan.Strategies {
		c := timed(supervision.DefaultChild(strategyChild, func(_ context.Context, b *supervision.Birth) error {
			return n.startStrategy(b, p)
		}), s.Shutdown.Strategy, s.Watchdogs.Strategy)
		c.Class, c.StartTimeout, c.Backoff = supervision.StrategyClass, supervision.Infinity, backoffOf(g.Backoff)
		children := []supervision.Child{c}
		if k := n.kept[p.Name]; k != nil && k.wake != nil {
			children = []supervision.Child{n.keeperOf(p, k), c}
		}
		out = append(out, supervision.SubTree(p.Name, supervision.Spec{
			Strategy: supervision.OneForOne, Intensity: g.Intensity, Period: g.Period, Children: children,
		}))
	}
	return out
}

func (n *Node) startStrategy(b *supervision.Birth, p StrategyPlan) error {
	user, err := p.Fresh()
	if err != nil {
		return fmt.Errorf("strategy %s: %w", p.Name, err)
	}
	n.setAside(&p)
	fate := n.fates[p.Name]
	why := fate.begin(strategy.PolicyOf(user), b.Epoch())
	a := n.accountOf(p.Account)
	var asked strategy.Desk = desk{n, a, p.Name, b.Fence().Check}
	if n.world.Orders != nil {
		asked = n.world.Orders(p.Name, asked)
	}
	cfg := strategy.Config{
		Name: p.Name, Account: p.Account, Contracts: p.Contracts, Incarnation: n.lifeOfJournal(), TTL: n.plan.Orders.TTL,
		Desk: asked, World: world{n, &p}, Events: n.strategyEvents(),
		Params: paramsOf(&p, user), Seed: n.world.Seed, Interest: n.wants[p.Name], Books: n.books[p.Name], Meters: &n.meters, Show: n.shower(p.Name),
		Horizon: n.plan.Orders.Mode == modeHorizon,
	}
	cfg.Ear = ear{n.untold[p.Name], b.Fence().Check}
	if k := n.kept[p.Name]; k != nil {
		cfg.Memory = k.begin(b.Epoch())
	}
	shell := strategy.NewShell(cfg, user, why, func(evidence string) error {
		if show := n.shower(p.Name); show != nil {
			_ = show() // a channel that is down shows everything when it is Live again
		}
		fate.up()
		return b.Ready(supervision.Evidence(evidence))
	})
	if n.world.Strategy != nil {
		shell = n.world.Strategy(p.Name, shell)
	}
	_, err = supervision.Spawn[strategy.Message](b, shell, strategy.Options(strategy.Box(len(p.Contracts), max(1, n.feeds)))...)
	return err
}

// shower asks the feeds to show a strategy everything; nil where they cannot be asked.
func (n *Node) shower(name string) func() error {
	if n.world.Show == nil {
		return nil
	}
	return func() error { return n.world.Show(name) }
}

// paramsOf lists the parameters that a value of the strategy has in force, and where they came from.
func paramsOf(p *StrategyPlan, user any) []strategy.Param {
	var out []strategy.Param
	for _, x := range config.ParamsInForce(p.Params, user) {
		from := strategy.FromDefault
		if x.Set {
			from = p.From
		}
		out = append(out, strategy.Param{Name: x.Name, Text: x.Text, From: from})
	}
	return out
}

func (n *Node) lifeOfJournal() uint32 {
	if log := n.openedJournal(); log != nil {
		return log.Epoch()
	}
	return 0
}

func (n *Node) accountOf(a market.Account) *account {
	for _, acc := range n.accounts {
		if acc.plan.Account == a {
			return acc
		}
	}
	return nil
}

// subscriber is a strategy as the feed of that number sees it.
func (n *Node) subscriber(p StrategyPlan, feed uint8) (feeds.Subscriber, error) {
	user, err := p.Fresh()
	if err != nil {
		return feeds.Subscriber{}, fmt.Errorf("strategy %s: %w", p.Name, err)
	}
	needs := strategy.NeedsOf(user)
	needs.Interest, needs.Books = n.wants[p.Name], n.books[p.Name]
	var kinds feeds.Kinds
	if needs.Quotes {
		kinds |= feeds.Quotes
	}
	if needs.Trades {
		kinds |= feeds.Trades
	}
	if needs.Depths {
		kinds |= feeds.Depths | feeds.Quotes // which say how much of the book is known
	}
	var instruments []market.Instrument
	for _, c := range p.Contracts {
		instruments = append(instruments, c.Instrument)
	}
	to := actors.Follow[strategy.Message](n.sys, strategyName(p.Name))
	sink := strategy.Inlet(to, feed, p.Contracts, needs)
	if n.hooks.Delivered != nil {
		sink = both{n.hooks.Delivered, sink}
	}
	return feeds.Subscriber{Name: p.Name, Kinds: kinds, Instruments: instruments, Sink: sink}, nil
}

// both tells two sinks, one after the other.
type both struct{ first, second feeds.Sink }

// Quote tells both.
func (b both) Quote(q feeds.Quote) { b.first.Quote(q); b.second.Quote(q) }

// Depth tells both.
func (b both) Depth(d feeds.Depth) { b.first.Depth(d); b.second.Depth(d) }

// Trade tells both.
func (b both) Trade(t feeds.Trade) { b.first.Trade(t); b.second.Trade(t) }

// State tells both.
func (b both) State(s feeds.StateChange) { b.first.State(s); b.second.State(s) }

// desk is what a strategy asks of its account's orders: messages to the owner, whichever lives.
type desk struct {
	n    *Node
	a    *account
	name string
	// alive is nil while the incarnation lives: what one that was left behind still asks for is refused.
	alive func() error
}

// Place hands over an intent.
func (d desk) Place(in risk.Intent) error {
	if f := d.n.hooks.Intent; f != nil {
		f(in)
	}
	return d.a.Tell(orders.Place{Intent: in, Alive: d.alive})
}

// Cancel asks for the end of the order that a decision placed.
func (d desk) Cancel(name string, cause risk.Cause) error {
	return d.a.Tell(orders.CancelOrder{Strategy: name, Cause: cause})
}

// CancelAll asks for the end of every order of the strategy.
func (d desk) CancelAll(name string) error {
	return d.a.Tell(orders.CancelAll{Scope: orders.Scope{Strategy: name}, Why: "strategy"})
}

// Attach gives the strategy what journal and venue know of it. Orders of an incarnation before are cancelled first, unless they are
// kept by its policy.
func (d desk) Attach(name string, epoch uint64) error {
	if epoch > 1 && d.n.fates[name].withdraws(d.n.Now().Mono) {
		if err := d.CancelAll(name); err != nil {
			return err
		}
	}
	to := actors.Follow[strategy.Message](d.n.sys, strategyName(name))
	return d.a.Tell(orders.Recall{Strategy: name, Reply: func(r orders.Recalled) {
		state := restored(r)
		state.Seq = d.n.told[name].Load()
		state.Untold = d.n.untold[name].upTo(state.Seq) // in the turn that numbers: all that was told up to here is in it
		_ = to.Tell(strategy.Restored(state))           // not taken: the strategy asks again
	}})
}

func restored(r orders.Recalled) strategy.State {
	var out strategy.State
	for _, e := range r.Executions {
		out.Executions = append(out.Executions, strategy.Execution(e))
	}
	for _, o := range r.Orders {
		out.Working = append(out.Working, strategy.Working{
			Order: o.ID, Decision: strategy.DecisionOf(o.Cause), Instrument: o.Instrument, Side: o.Side, Qty: o.Total,
			Leaves: o.Leaves, Price: o.Limit, Unknown: o.Status == orders.StatusUnknown, Closing: o.Closing,
		})
	}
	return out
}

// world is what a strategy may look at.
type world struct {
	n    *Node
	plan *StrategyPlan
}

// Quote reads the board.
func (w world) Quote(i market.Instrument) (feeds.Quote, bool) { return w.n.Board.Read(i) }

// Gate reads the mode that touches the strategy in an instrument.
func (w world) Gate(i market.Instrument) strategy.Gate { return w.n.gateOf(w.plan, i, w.n.Now()) }
