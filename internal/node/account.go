package node

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/supervision"
	"github.com/failshut/failshut/venues/sim"
)

// account is one venue account of the node over all incarnations of its parts: its gate, its link, and what its owner
// last published.
type account struct {
	n      *Node
	plan   AccountPlan
	gate   *risk.Gate
	owner  actors.Address[orders.Message]
	status atomic.Pointer[orders.AccountStatus]
	nextIn atomic.Uint64
	listed atomic.Int64 // instant at which the venue's list of orders was last whole
	link   link
	calls  *actors.Pipe[call]
}

// call is what the session's keeper is told.
type call uint8

const (
	ownerUp  call = iota + 1 // an owner waits for the venue
	linkLost                 // the venue, or the way to it, hung up
)

// reconnect bounds the wait before a lost session is made again.
const (
	reconnectBase = 250 * time.Millisecond
	reconnectCap  = 30 * time.Second
)

func newAccount(n *Node, p AccountPlan) (*account, error) {
	a := &account{n: n, plan: p, gate: n.Desk.Gate(p.Account)}
	if a.gate == nil {
		return nil, fmt.Errorf("account %s has no entitlement, want one: its gate would not exist", p.Account)
	}
	calls, err := actors.NewPipe[call](n.sys, 64)
	if err != nil {
		return nil, err
	}
	a.calls = calls
	a.owner = actors.Follow[orders.Message](n.sys, path(inVenues, string(p.Account), "orders"))
	return a, nil
}

// accountChildren are the supervisors that the roster of venues adds: session, then orders, then reconciler, each of
// which cannot outlive the one before.
func (n *Node) accountChildren() []supervision.Child {
	s := n.plan.Supervision
	var out []supervision.Child
	for _, a := range n.accounts {
		session := timed(supervision.DefaultChild("session", a.startSession), s.Shutdown.Session, s.Watchdogs.Session)
		owner := timed(supervision.DefaultChild("orders", a.startOwner), s.Shutdown.Orders, s.Watchdogs.Orders)
		owner.Class, owner.StartTimeout = supervision.OrdersClass, supervision.Infinity
		reconciler := timed(supervision.DefaultChild("reconciler", a.startReconciler), s.Shutdown.Reconciler, s.Watchdogs.Reconciler)
		spec := supervision.Spec{
			Strategy: supervision.RestForOne, Intensity: s.Groups.Account.Intensity, Period: s.Groups.Account.Period,
			Children: []supervision.Child{session, owner, reconciler},
		}
		for i := range spec.Children {
			spec.Children[i].Backoff = backoffOf(s.Groups.Account.Backoff)
		}
		out = append(out, supervision.SubTree(string(a.plan.Account), spec))
	}
	return out
}

// startSession starts the keeper of the venue session: it logs on when an owner is up, and again when the link is lost.
func (a *account) startSession(_ context.Context, b *supervision.Birth) error {
	b.Run(func(ctx context.Context, out actors.Outside) error {
		defer a.hangUp()
		return a.keep(ctx, out)
	})
	return nil
}

func (a *account) keep(ctx context.Context, out actors.Outside) error {
	lost := 0
	for {
		c, err := a.calls.Next(ctx, out)
		if err != nil {
			return err
		}
		switch c {
		case ownerUp:
			lost = 0
		case linkLost:
			if a.link.up() {
				continue // an old call: the link was made again since
			}
			wait := min(reconnectCap, reconnectBase<<min(lost, 20))
			lost++
			if err := out.Until(ctx, out.Now().Add(time.Duration(out.System().Rand()%uint64(wait)))); err != nil {
				return err
			}
		}
		if err := a.connect(out); err != nil {
			out.Log().Warn("logon was not sent", "event", "session", "account", a.plan.Account, "err", err)
			_ = a.calls.Offer(linkLost)
		}
	}
}

// connect makes a gateway for the owner that lives now and logs on. What the owner's journal does not know is asked for
// again by the number it wants next.
func (a *account) connect(out actors.Outside) error {
	next := uint64(1)
	if old := a.link.gateway.Load(); old != nil {
		_ = old.Disconnect("another owner")
		next, _ = old.Counters()
	}
	gw, err := sim.NewGateway(sim.GatewayConfig{
		Port: a.n.world.Port, Session: sim.SessionID(a.plan.Session), Node: a.n.plan.Node, Venue: a.n.plan.Venue,
		NextOut: max(next, a.n.world.nextOut(a.plan.Session)), NextIn: a.nextIn.Load(),
		Now: a.n.Now, Fence: out.Fence().Check, Hand: a.hand,
		Broken: func(error) { _ = a.calls.Offer(linkLost) },
	})
	if err != nil {
		return err
	}
	a.link.gateway.Store(gw)
	return gw.Connect()
}

// nextOut is the first number that no earlier life of this node has used towards a venue that remembers them.
func (w World) nextOut(session string) uint64 {
	if w.NextOut == nil {
		return 1
	}
	return w.NextOut(session)
}

// hand takes what the venue says, on its goroutine. An owner that has no room breaks the link; what it did not take is
// asked for again.
func (a *account) hand(in orders.Inbound) error {
	if l, ok := in.(orders.Link); ok {
		a.link.connected.Store(l.Event != orders.LinkLogout)
		if l.Event == orders.LinkLogout {
			_ = a.calls.Offer(linkLost)
		}
	}
	return a.owner.Tell(orders.Received{In: in})
}

func (a *account) hangUp() {
	if gw := a.link.gateway.Load(); gw != nil {
		if a.n.stopping.Load() {
			_ = gw.Logout()
			return
		}
		_ = gw.Disconnect("session ended")
	}
}

// startOwner starts the single writer of the account. It is ready when its orders are reconciled with the venue, however
// long the venue is away; meanwhile it cancels.
func (a *account) startOwner(_ context.Context, b *supervision.Birth) error {
	owner := orders.NewOwner(&a.status, func(now risk.Reading, _ actors.Fence) (*orders.Desk, error) {
		return a.open(now, b)
	})
	_, err := supervision.Spawn[orders.Message](b, owner, actors.WithBox(orders.Box("orders")), actors.WithLane(orders.LaneOf))
	if err != nil {
		return err
	}
	idle, err := actors.NewPipe[struct{}](a.n.sys, 1)
	if err != nil {
		return err
	}
	b.Run(func(ctx context.Context, out actors.Outside) error {
		if err := a.calls.Offer(ownerUp); err != nil {
			return err
		}
		_, err := idle.Next(ctx, out) // nothing more to say: wait for the end
		return err
	})
	return nil
}

func (a *account) open(now risk.Reading, b *supervision.Birth) (*orders.Desk, error) {
	n, o := a.n, a.n.plan.Orders
	log := n.journal.Load()
	if log == nil {
		return nil, errors.New("the journal is not open")
	}
	d, err := orders.Open(orders.Parts{
		Options: orders.Options{
			Account: a.plan.Account, AbsentNeeded: o.AbsentNeeded, AbsentSpacing: o.AbsentSpacing,
			NoMassStatus: !n.plan.MassStatus, BlockUnknown: blockUnknown(o.BlockUnknown),
		},
		Gate: a.gate, Gateway: &a.link, Log: log, Records: journal.Read(n.world.Disk, n.world.Dir, 0),
		Listener: a.told, Risk: n.tellRisk, Events: a.events(b),
		TTL: o.TTL, AnswerAfter: o.AnswerAfter, QuietAfter: o.QuietAfter,
	}, now)
	if err != nil {
		return nil, err
	}
	a.nextIn.Store(d.NextIn(a.plan.Session))
	return d, nil
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

func (a *account) startReconciler(_ context.Context, b *supervision.Birth) error {
	b.Run(orders.Reconciler(&a.status, a.owner))
	return nil
}

// link is the Gateway an owner keeps over all logons of its account.
type link struct {
	gateway   atomic.Pointer[sim.Gateway]
	connected atomic.Bool
}

func (l *link) up() bool { return l.connected.Load() }

func (l *link) now() (orders.Gateway, error) {
	if gw := l.gateway.Load(); gw != nil {
		return gw, nil
	}
	return nil, sim.ErrLinkDown
}

// Place hands a new order to the present link.
func (l *link) Place(p risk.Permit, n orders.New) error {
	gw, err := l.now()
	if err != nil {
		return err
	}
	return gw.Place(p, n)
}

// Replace hands other terms to the present link.
func (l *link) Replace(p risk.Permit, r orders.Replace) error {
	gw, err := l.now()
	if err != nil {
		return err
	}
	return gw.Replace(p, r)
}

// Cancel hands a cancel to the present link.
func (l *link) Cancel(c orders.Cancel) error {
	gw, err := l.now()
	if err != nil {
		return err
	}
	return gw.Cancel(c)
}

// MassCancel hands a mass cancel to the present link.
func (l *link) MassCancel(s orders.Scope) error {
	gw, err := l.now()
	if err != nil {
		return err
	}
	return gw.MassCancel(s)
}

// Ask hands a question to the present link.
func (l *link) Ask(q orders.Question) error {
	gw, err := l.now()
	if err != nil {
		return err
	}
	return gw.Ask(q)
}

// box is the mailbox of a strategy: all lanes, full is an answer.
func box(class string) mailbox.Config { return mailbox.DefaultConfig(class) }
