package orders

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/supervision"
)

// AccountConfig is what a node gives an account.
type AccountConfig struct {
	// Parts of the desk that each incarnation opens. Gateway, Log and Records are
	// the account's own and left empty.
	Parts Parts
	// Journal returns the open log and what its Replay gives. It is asked at each start of the owner, so that the log may be
	// opened by another child of the node.
	Journal func() (Log, iter.Seq2[journal.Record, error])
	// Dial makes the link for one incarnation of the owner, not yet logged on. It
	// is called in the session's turn and must not block.
	Dial func(Ear) (Line, error)
	// Opened is told when an incarnation of the owner has opened its desk; from
	// the second on, whoever listened has missed events and must start from
	// Recall again. It must not block. Nil tells nobody.
	Opened func(epoch uint64)
}

// Account is one venue account of a node: what its session, its owner and its
// reconciler share. Its methods are safe for any number of goroutines.
type Account struct {
	cfg     AccountConfig
	owner   atomic.Pointer[actors.Address[Message]]
	session atomic.Pointer[actors.Address[linkMessage]]
	line    atomic.Pointer[Line]
	status  atomic.Pointer[AccountStatus]
	blotter atomic.Pointer[Blotter]
	settled atomic.Pointer[settling] // what an owner that only closed has seen to be durable, for the next
}

// NewAccount makes an account that is to be put under a supervisor. What is
// missing in cfg is ErrParts.
func NewAccount(cfg AccountConfig) (*Account, error) {
	if !cfg.Parts.Options.Account.Valid() || cfg.Parts.Gate == nil || cfg.Journal == nil || cfg.Dial == nil {
		return nil, fmt.Errorf("%w: account %q, want an account, a gate, a journal and a dial", ErrParts, cfg.Parts.Options.Account)
	}
	a := &Account{cfg: cfg}
	a.blotter.Store(&Blotter{})
	a.status.Store(&AccountStatus{Account: cfg.Parts.Options.Account, Session: sessionNames[sessionDown]})
	return a, nil
}

// Child is the account's supervisor, for a roster to add: session, orders,
// reconciler, each started when the one before is, rest_for_one. It is up when
// the account is reconciled with its venue, for as long as that takes.
func (a *Account) Child() supervision.Child {
	again := supervision.Backoff{Base: 100 * time.Millisecond, Cap: 5 * time.Second, Reset: time.Minute}
	session := supervision.DefaultChild("session", a.StartSession)
	owner := supervision.DefaultChild("orders", a.StartOwner)
	owner.StartTimeout = time.Minute // it reads a journal
	reconciler := supervision.DefaultChild("reconciler", a.StartReconciler)
	reconciler.Class, reconciler.StartTimeout = supervision.OrdersClass, supervision.Infinity
	session.Backoff, owner.Backoff, reconciler.Backoff = again, again, again
	return supervision.SubTree(string(a.cfg.Parts.Options.Account), supervision.Spec{
		Strategy: supervision.RestForOne, Intensity: 3, Period: time.Minute,
		Children: []supervision.Child{session, owner, reconciler},
	})
}

// Tell hands a message to the present owner. The errors are those of
// actors.Address; cancels are taken also while the owner is started again.
func (a *Account) Tell(m Message) error {
	to := a.owner.Load()
	if to == nil {
		return fmt.Errorf("%w: orders of %s", actors.ErrUnknown, a.cfg.Parts.Options.Account)
	}
	return to.Tell(m)
}

// Durable tells the owner that the disk has every record up to lsn: what a
// node's journal calls in OnDurable, for each of its accounts. An owner that
// cannot take it now looks by itself within 100 ms.
func (a *Account) Durable(lsn journal.LSN) { _ = a.Tell(Durable{LSN: lsn}) }

// Status returns how the account stood at its owner's last look.
func (a *Account) Status() AccountStatus { return *a.status.Load() }

// Blotter returns the account's orders and positions at its owner's last tick,
// or its end. Before the first owner it is of generation 0 and holds nothing.
func (a *Account) Blotter() *Blotter { return a.blotter.Load() }

// StartOwner is the Start function of the child "orders": it opens the desk
// from the journal and spawns its single writer. It waits until what an
// earlier incarnation appended is durable, so that this one knows it; where the
// disk does not answer the desk only closes, until it has.
func (a *Account) StartOwner(ctx context.Context, b *supervision.Birth) error {
	out, ok := supervision.OutsideOf(ctx)
	if !ok {
		return actors.ErrInActor
	}
	parts := a.cfg.Parts
	parts.Log, parts.Records = a.cfg.Journal()
	if parts.Log == nil {
		return fmt.Errorf("%w: account %q has no journal yet", ErrParts, parts.Options.Account)
	}
	parts.Gateway, parts.Records = wire{account: a, fence: b.Fence()}, alive(out, parts.Records)
	before := a.before(parts.Log)
	unsettled := before.wait(ctx, out)
	if unsettled != nil && !errors.Is(unsettled, ErrUnsettled) {
		return unsettled
	}
	if unsettled == nil {
		parts.Settled, before = before.mark, nil
	}
	d, err := openAnyhow(fencedParts(parts, b.Fence()), unsettled, readingAt(b.System(), out.Now()), b.Log())
	if err != nil {
		return err
	}
	a.publish(b.Epoch(), d)
	a.show(b.Epoch(), d)
	if _, err := supervision.Spawn(b, &owner{account: a, desk: d, before: before}, actors.WithBox(ownerBox()), actors.WithLane(LaneOf), actors.WithKey(sameCancel)); err != nil {
		return err
	}
	to := actors.Follow[Message](b.System(), b.Path())
	a.owner.Store(&to)
	if a.cfg.Opened != nil {
		a.cfg.Opened(b.Epoch())
	}
	return nil
}

// alive shows the watchdog each record that is read: all of them together may
// take far longer than one message.
func alive(out actors.Outside, records iter.Seq2[journal.Record, error]) iter.Seq2[journal.Record, error] {
	if records == nil {
		return nil
	}
	return func(yield func(journal.Record, error) bool) {
		for r, err := range records {
			out.Beat()
			if !yield(r, err) {
				return
			}
		}
	}
}

// openAnyhow opens a desk that only closes where the journal is not settled,
// which passes, or not whole: what mends that is an operator's act and a restart
// of the node. Until then the account's cancels must go on.
func openAnyhow(p Parts, why error, now risk.Reading, log *slog.Logger) (*Desk, error) {
	if why == nil {
		var d *Desk
		if d, why = Open(p, now); !errors.Is(why, ErrPartial) {
			return d, why
		}
	}
	log.Error("the account only cancels", "event", "journal_partial", "account", p.Options.Account, "err", why)
	return OpenToClose(p, now, why)
}

// publish shows how the desk of an incarnation stands. One that was left
// behind does not overwrite what its successor has shown.
func (a *Account) publish(epoch uint64, d *Desk) {
	s := d.Status()
	s.Generation = epoch
	for {
		old := a.status.Load()
		if old.Generation > epoch || a.status.CompareAndSwap(old, &s) {
			return
		}
	}
}

// show is publish for the blotter.
func (a *Account) show(epoch uint64, d *Desk) {
	b := d.Blotter()
	b.Generation = epoch
	for {
		old := a.blotter.Load()
		if old.Generation > epoch || a.blotter.CompareAndSwap(old, b) {
			return
		}
	}
}
