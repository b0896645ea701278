package node

import (
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/internal/config"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/resilience"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
	"github.com/failshut/failshut/supervision"
	"github.com/failshut/failshut/venues/sim"
)

const (
	sessionChild = "session"
	modeHorizon  = "horizon" // orders leave ahead of the disk
)

func sessionName(a market.Account) actors.Name { return path(inVenues, string(a), sessionChild) }

// account is one venue account of the node over all incarnations of its parts.
type account struct {
	*orders.Account
	n       *Node
	plan    AccountPlan
	breaker atomic.Uint32 // state of the one before questions to the venue
	listed  atomic.Int64  // instant at which the venue's list of orders was last whole
	once    sync.Once
	dial    func(orders.Ear) (orders.Line, error)
}

func newAccount(n *Node, p AccountPlan) (*account, error) {
	gate := n.Desk.Gate(p.Account)
	if gate == nil {
		return nil, fmt.Errorf("account %s has no entitlement, want one: its gate would not exist", p.Account)
	}
	a := &account{n: n, plan: p}
	a.breaker.Store(uint32(resilience.BreakerClosed))
	o := n.plan.Orders
	account, err := orders.NewAccount(orders.AccountConfig{
		Parts: orders.Parts{
			Options: n.optionsOf(p.Account), Gate: gate, Listener: a.told, Risk: n.tellRisk, Events: a.events(),
			Closed: a.closed, TTL: o.TTL, AnswerAfter: o.AnswerAfter, QuietAfter: o.QuietAfter,
			CancelOnDisconnect: n.plan.CancelsCut, Block: ahead(o),
		},
		Journal: n.openJournal, Opened: a.opened, Dial: a.dialled,
	})
	a.Account = account
	return a, err
}

// dialled makes lines of in-process order entry: the counterpart of a FIX initiator, with the same numbers and faults. The
// first number lies above all that an earlier life of this journal can have used; the venue fills the gap.
func (a *account) dialled(ear orders.Ear) (orders.Line, error) {
	a.once.Do(func() {
		a.dial = sim.Dial(sim.GatewayConfig{
			Port: a.n.world.Port, Session: sim.SessionID(a.plan.Session), Node: a.n.plan.Node, Venue: a.n.plan.Venue, Now: a.n.Now,
			NextOut: uint64(a.n.lifeOfJournal()-min(1, a.n.lifeOfJournal()))<<32 + 1,
		})
	})
	return a.dial(ear)
}

// closed lists what may not work now: the whole account by its effective mode, what latches of narrower scopes hold CLOSED, and
// strategies that are down and keep nothing.
func (a *account) closed(now risk.Reading) []risk.Scope {
	if mode, _ := a.n.Desk.Mode(a.plan.Account, now); mode == risk.Closed {
		return []risk.Scope{risk.AccountScope(a.plan.Account)}
	}
	out := a.n.withdrawn(a.plan.Account, now)
	for _, l := range a.n.Desk.Latches() {
		if l.Mode == risk.Closed {
			out = append(out, l.Scope)
		}
	}
	return out
}

// ahead is how many names an owner sets aside at once: none where orders wait for the disk.
func ahead(o config.Orders) int {
	if o.Mode != modeHorizon {
		return 0
	}
	return o.Block
}

func blockUnknown(word string) orders.BlockUnknown {
	switch word {
	case "account":
		return orders.BlockAccount
	case "none":
		return orders.BlockNone
	}
	return orders.BlockInstrument
}

// openJournal gives an owner the log that the journal's child has opened.
func (n *Node) openJournal() (orders.Log, iter.Seq2[journal.Record, error]) {
	log := n.openedJournal()
	if log == nil {
		return nil, nil
	}
	return log, log.Replay()
}

// accountChildren are the supervisors that the roster of venues adds, with the times of the configuration.
func (n *Node) accountChildren() []supervision.Child {
	s := n.plan.Supervision
	var out []supervision.Child
	for _, a := range n.accounts {
		c := a.Child()
		c.Sub.Intensity, c.Sub.Period = s.Groups.Account.Intensity, s.Groups.Account.Period
		for i := range c.Sub.Children {
			part := &c.Sub.Children[i]
			part.Backoff = backoffOf(s.Groups.Account.Backoff)
			switch part.Name {
			case sessionChild:
				*part = timed(*part, s.Shutdown.Session, s.Watchdogs.Session)
			case "orders":
				*part = timed(*part, s.Shutdown.Orders, s.Watchdogs.Orders)
			case "reconciler":
				*part = timed(*part, s.Shutdown.Reconciler, s.Watchdogs.Reconciler)
			}
		}
		out = append(out, c)
	}
	return out
}

// opened tells the account's strategies that a new owner speaks: what the last one knew and did not tell is missed, so who
// is up starts again from the journal, and who is not takes no state that the last one gave.
func (a *account) opened(epoch uint64) {
	if epoch == 1 {
		return
	}
	for _, s := range a.n.plan.Strategies {
		if s.Account != a.plan.Account {
			continue
		}
		err := actors.Follow[strategy.Message](a.n.sys, strategyName(s.Name)).Tell(strategy.Missed(a.n.told[s.Name].Add(1)))
		if errors.Is(err, actors.ErrFull) {
			a.n.restart(s.Name)
		}
	}
}

// restart ends the present incarnation of a strategy; its supervisor starts the next.
func (n *Node) restart(name string) {
	_ = n.sys.StopActor(strategyName(name), 0) // none lives: the next one starts from the journal anyway
}
