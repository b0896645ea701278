package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/resilience"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
	"github.com/failshut/failshut/supervision"
)

// OrderTold is one event of an order, as its owner told it.
type OrderTold struct {
	Account market.Account
	Event   orders.Event
}

// told takes each event of the account's orders, in the owner's turn: the strategy hears of its own.
func (a *account) told(e orders.Event) {
	n := a.n
	if f := n.hooks.Order; f != nil {
		f(OrderTold{a.plan.Account, e})
	}
	if count := n.told[e.Strategy]; count != nil {
		number := count.Add(1)
		n.untold[e.Strategy].add(number, e)
		err := actors.Follow[strategy.Message](n.sys, strategyName(e.Strategy)).Tell(strategy.Told(e, number))
		if errors.Is(err, actors.ErrFull) {
			n.lostEvent(e.Strategy, err)
		}
	}
	n.stirred()
}

// lostEvent ends a strategy that did not hear of its own order: it comes back with its state from the journal, which
// knows (P8).
func (n *Node) lostEvent(name string, err error) {
	n.log.Error("a strategy did not hear of its order", "event", "lost", "strategy", name, "err", err)
	if f := n.hooks.Lost; f != nil {
		f(name, err)
	}
	n.restart(name)
}

func (a *account) events() orders.Events {
	return orders.Events{
		Sent: func(n orders.New, _ risk.Reading) {
			if f := a.n.hooks.Sent; f != nil {
				f(a.plan.Account, n)
			}
		},
		CloseStep: func(id market.ClOrdID, _ string) {
			if f := a.n.hooks.Cancelling; f != nil {
				f(a.plan.Account, id)
			}
		},
		Report: func(in orders.Inbound) {
			if _, ok := in.(orders.MassEnd); ok {
				a.listed.Store(a.n.Now().Mono)
			}
		},
		ReconcileDone: func(differences int, _ time.Duration) {
			a.n.log.Info("reconciled", "event", "reconcile", "account", a.plan.Account, "differences", differences)
			a.n.stirred()
		},
		Flag: func(f orders.Flag, e orders.Event) {
			a.n.log.Warn("odd report", "event", "flag", "account", a.plan.Account, "order", e.Order, "code", f.String())
		},
		Unknown: func(e orders.Event) {
			a.n.log.Warn("order is of unknown state", "event", "unknown", "account", a.plan.Account, "order", e.Order)
		},
		Survived: func(e orders.Event) {
			a.n.log.Warn("order was not cancelled with its session", "event", "survived", "account", a.plan.Account, "order", e.Order)
		},
		Breaker: func(from, to resilience.State) {
			a.breaker.Store(uint32(to))
			a.n.log.Warn("breaker of questions to the venue", "event", "breaker", "account", a.plan.Account, "from", from.String(), "code", to.String())
		},
		LinkState: func(e orders.LinkEvent, why string) {
			a.n.log.Info("venue session", "event", "session", "account", a.plan.Account, "code", e.String(), "why", why)
		},
	}
}

// leftMost is how many goroutines an incarnation of a strategy may leave behind before it is an error.
const leftMost = 100

// strategyEvents are the hooks of the node's strategies, and a line of the log where somebody ought to look.
func (n *Node) strategyEvents() strategy.Events {
	e := n.hooks.Strategy
	left := e.Goroutines
	if left == nil {
		return e // to count them stops the world: not for nobody
	}
	e.Goroutines = func(name string, count int) {
		left(name, count)
		switch {
		case count > leftMost:
			n.log.Error("a strategy leaves goroutines behind", "event", "goroutines", "strategy", name, "count", count)
		case count > 0:
			n.log.Warn("a strategy leaves goroutines behind", "event", "goroutines", "strategy", name, "count", count)
		}
	}
	return e
}

// policyTaken counts the working orders of a strategy that has ended, before the cancel that its policy may mean.
func (n *Node) policyTaken(s *StrategyPlan, kept bool) {
	told := n.hooks.Strategy.Policy
	if told == nil {
		return
	}
	_ = n.accountOf(s.Account).Tell(orders.Recall{Strategy: s.Name, Reply: func(r orders.Recalled) {
		if kept {
			told(s.Name, 0, len(r.Orders))
		} else {
			told(s.Name, len(r.Orders), 0)
		}
	}})
}

func (n *Node) riskEvents() risk.Events {
	return risk.Events{
		Checked: func(in risk.Intent, err error) {
			if f := n.hooks.Check; f != nil {
				f(in, err)
			}
		},
		Mode: n.modeChanged, Looked: n.gatesLooked,
		Tripped: func(l risk.Latch) {
			n.log.Warn("tripped", "event", "trip", "scope", l.Scope.String(), "code", l.Mode.String(), "trip", l.ID, "reason", l.Reason)
		},
		Reset: func(id string) { n.log.Warn("latch cleared", "event", "reset", "trip", id) },
		Term:  func(term uint64) { n.log.Info("new term", "event", "term", "term", term) },
		Stuck: func(k risk.Scope, why risk.Code, since time.Duration) {
			n.log.Warn("opening makes no progress", "event", "gate", "scope", k.String(), "code", why, "since", since)
		},
		Refused: func(command, result string) {
			n.log.Warn("the ledger refused a command", "event", "refused", "command", command, "code", result)
		},
		Fatal: func(err error) {
			n.log.Error("the replica may not go on", "event", "divergence", "err", err)
			if f := n.hooks.Fatal; f != nil {
				f(err)
			}
		},
	}
}

// modeChanged cancels at once when an account is CLOSED.
func (n *Node) modeChanged(k risk.Scope, from, to risk.Mode, why risk.Code) {
	if from != to {
		n.log.Info("gate", "event", "gate", "scope", k.String(), "from", from.String(), "to", to.String(), "code", why)
	}
	if f := n.hooks.Mode; f != nil {
		f(k, from, to, why)
	}
	a := n.accountOf(market.Account(k.Account))
	if a == nil {
		return
	}
	if to == risk.Closed {
		_ = a.Tell(orders.CancelAll{Why: "closed"}) // one that is down has no link either: the next one looks at its logon
	}
}

// onTrip cancels everything in the scope of a latch that closes, at once; under the milder modes working orders stay. This is
// the edge: each owner looks by itself at what is held CLOSED, for what the venue shows later.
func (n *Node) onTrip(l risk.Latch) {
	for _, a := range n.accounts {
		if l.Scope.Account != risk.All && l.Scope.Account != string(a.plan.Account) {
			continue
		}
		scope := orders.Scope{}
		if l.Scope.Strategy != risk.All {
			scope.Strategy = l.Scope.Strategy
		}
		if l.Scope.Instrument != risk.All {
			scope.Instrument = n.instrumentOf(l.Scope.Instrument)
			if !scope.Instrument.Valid() {
				continue // no order here can be in it, and no instrument would mean all of them
			}
		}
		if l.Mode == risk.Closed {
			_ = a.Tell(orders.CancelAll{Scope: scope, Why: "trip"})
		}
		_ = a.Tell(orders.Reconcile{}) // the venue's answer to it is what confirms
	}
}

func (n *Node) instrumentOf(text string) market.Instrument {
	for _, c := range n.plan.Contracts {
		if c.Instrument.String() == text || string(c.Instrument.Symbol()) == text {
			return c.Instrument
		}
	}
	return market.Instrument{}
}

// treeEvents log the tree's decisions, one line each, and carry out what the end of a strategy means for its orders.
func (n *Node) treeEvents() supervision.Events {
	return supervision.Events{
		Decision: func(_ time.Time, d supervision.Decision) {
			n.judgesSeen()
			if f := n.hooks.Line; f != nil {
				f(d.String())
			}
			n.log.Debug("tree", "event", "tree", "line", d.String())
			n.strategyGone(d)
		},
		Ended: func(e supervision.End) {
			if f := n.hooks.Ended; f != nil {
				f(e)
			}
			if e.Reason.Abnormal() {
				n.log.Warn("a part ended", "event", "restart", "actor", e.Path, "epoch", e.Epoch, "code", e.Reason, "stack", e.Stack)
			}
			n.wrecks.panicked(e.Path, e.Stack)
			n.strategyEnded(e)
		},
		Escalated: func(sup, child string) {
			n.log.Error("a supervisor gave up", "event", "escalate", "actor", sup, "child", child)
		},
		GaveUp: func(path string, times int) {
			n.log.Error("left down", "event", "gave_up", "actor", path, "times", times)
		},
		Late: func(path string, epoch uint64) { n.wrecks.late(supervision.Incarnation{Path: path, Epoch: epoch}) },
		Zombie: func(path string, epoch uint64, cause supervision.Reason) {
			n.wrecks.leave(supervision.Incarnation{Path: path, Epoch: epoch}, cause, n.sys.Now())
			n.log.Error("abandoned", "event", "abandon", "actor", path, "epoch", epoch, "code", cause)
		},
		Phase: func(name string, ok bool, why supervision.Reason, took time.Duration) {
			n.log.Info("phase", "event", "phase", "phase", name, "ok", ok, "code", why, "took", took)
		},
		JournalDropped: func(decisions int) {
			n.log.Warn("decisions of the tree are not in its journal", "event", "tree_journal", "dropped", decisions)
		},
	}
}

// look is how often a phase looks whether what it waits for has come.
const look = 5 * time.Millisecond

// phases are the steps of an orderly stop, while sessions still live: shut, cancel, confirm.
func (n *Node) phases() []supervision.Phase {
	p := n.plan.Supervision.Phases
	return []supervision.Phase{
		{Name: "trip", Timeout: p.Trip, Run: n.shut},
		{Name: "cancel_all", Timeout: p.CancelAll, Run: n.cancelAll},
		{Name: "confirm", Timeout: p.Confirm, Run: n.confirm},
	}
}

// shut closes the gates. An orderly stop leaves no latch behind; a tree that gave up does, for whoever starts the node again
// must look first.
func (n *Node) shut(ctx context.Context) error {
	if !n.stopping.Swap(true) {
		n.TripFirm("supervision", "the tree gave up")
	}
	n.tellRisk(risk.Stop{})
	return n.until(ctx, func() bool {
		for _, a := range n.accounts {
			if mode, _ := n.Desk.Mode(a.plan.Account, n.Now()); mode != risk.Closed {
				return false
			}
		}
		return true
	})
}

func (n *Node) cancelAll(context.Context) error {
	var errs []error
	for _, a := range n.accounts {
		if err := a.Tell(orders.CancelAll{Why: "shutdown"}); err != nil {
			errs = append(errs, fmt.Errorf("account %s: %w", a.plan.Account, err))
		}
	}
	return errors.Join(errs...)
}

// confirm waits for each order's own report. What is left is named.
func (n *Node) confirm(ctx context.Context) error {
	since := n.Now().Mono
	err := n.until(ctx, func() bool { return len(n.open(since)) == 0 })
	if left := n.open(since); len(left) > 0 {
		return fmt.Errorf("orders are left: %s", strings.Join(left, ", "))
	}
	return err
}

// open names the accounts that have orders which are not closed, or have not looked since.
func (n *Node) open(since int64) []string {
	var out []string
	for _, a := range n.accounts {
		s := a.Status()
		if s.At.Mono < since || s.Live > 0 || s.Unknown > 0 || s.Waiting > 0 {
			out = append(out, string(a.plan.Account))
		}
	}
	return out
}

// until waits for a condition as a phase may: in the system's own time.
func (n *Node) until(ctx context.Context, ok func() bool) error {
	out, in := supervision.OutsideOf(ctx)
	if !in {
		return errors.New("not in a phase")
	}
	for !ok() {
		if err := out.Until(ctx, out.Now().Add(look)); err != nil {
			return err
		}
	}
	return nil
}
