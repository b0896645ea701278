package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
)

// How often it is looked whether a checkpoint is due or a segment old enough to go, and how a checkpoint is written: a few parts, and
// then a wait until they are durable, so that the records of orders never stand behind more than that.
const (
	checkpointEvery = time.Second
	retireEvery     = time.Minute
	partsAtOnce     = 8
	durableEvery    = time.Millisecond // between two looks at the watermark
)

// errGivenUp is a checkpoint that was not finished: its journal is not OK any more.
var errGivenUp = errors.New("the journal takes no record")

// archive makes the checkpoints of one opening of the journal and lets go what nobody needs any more. It runs beside the
// committer and the owners of the orders, and neither waits for it.
type archive struct {
	n       *Node
	log     *journal.Log
	failed  journal.LSN // what could not be covered: tried again when there is more
	whole   journal.LSN // the end of the segments that were whole at the last look at what is old
	retired int64       // instant of that look
}

// run looks until ctx ends. What goes wrong is said and tried again: trading goes on without a checkpoint, and a start reads more.
func (a *archive) run(ctx context.Context, out actors.Outside) error {
	for {
		if err := out.Until(ctx, out.Now().Add(checkpointEvery)); err != nil {
			return err
		}
		covers, due := a.log.Due()
		if due && covers > a.failed {
			began := out.Now()
			err := a.checkpoint(ctx, out, covers)
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil:
				a.failed = covers
				a.n.log.Error("no checkpoint was made", "event", "checkpoint", "covers", covers, "err", err)
			default:
				c := a.log.Checkpoint()
				a.n.log.Info("checkpoint", "event", "checkpoint", "covers", c.Covers, "parts", c.Parts, "bytes", c.Size, "took", out.Now().Sub(began))
			}
		}
		a.retire(out, covers)
	}
}

// checkpoint folds the journal up to covers and writes what that gives.
func (a *archive) checkpoint(ctx context.Context, out actors.Outside, covers journal.LSN) error {
	state := orders.NewCheckpoint(a.n.optionsOf)
	for r, err := range a.log.Replay() {
		out.Beat()
		if err != nil {
			return err
		}
		if err := state.Fold(r); err != nil {
			return err
		}
		if ctx.Err() != nil || state.At() >= covers {
			break
		}
	}
	if state.At() != covers {
		return fmt.Errorf("the journal was read up to LSN %d, want %d", state.At(), covers)
	}
	w, err := a.log.BeginCheckpoint(covers)
	if err != nil {
		return err
	}
	n := 0
	for part, err := range state.Parts(journal.MaxPart) {
		if err != nil {
			return err
		}
		n++
		if err := a.append(ctx, out, n%partsAtOnce == 0, func() (journal.LSN, error) { return w.Part(part) }); err != nil {
			return err
		}
	}
	return a.append(ctx, out, true, w.Close)
}

// append appends one record of a checkpoint, as soon as there is room, and waits until it is durable if it is to.
func (a *archive) append(ctx context.Context, out actors.Outside, wait bool, do func() (journal.LSN, error)) error {
	lsn, err := do()
	for errors.Is(err, journal.ErrFull) {
		if err := out.Until(ctx, out.Now().Add(durableEvery)); err != nil {
			return err
		}
		lsn, err = do()
	}
	for err == nil && wait && a.log.Watermark() < lsn {
		if a.log.State() != journal.OK {
			return errGivenUp
		}
		err = out.Until(ctx, out.Now().Add(durableEvery))
	}
	return err
}

// retire lets the segments go that are older than the audit wants them: it looks when one was begun, since only then a restart
// needs less, and every minute, since they age.
func (a *archive) retire(out actors.Outside, whole journal.LSN) {
	now := out.Instant()
	if whole == a.whole && now-a.retired < int64(retireEvery) {
		return
	}
	a.whole, a.retired = whole, now
	gone, err := a.log.Retire(out.Now().UnixNano(), a.n.plan.Journal.Keep)
	if gone > 0 {
		a.n.log.Info("segments of the journal are gone", "event", "retire", "segments", gone, "keep", a.n.plan.Journal.Keep)
	}
	if err != nil {
		a.n.log.Error("segments of the journal cannot go", "event", "retire", "err", err)
	}
}

// optionsOf are those under which the records of an account are folded, whether this node owns it or not.
func (n *Node) optionsOf(a market.Account) orders.Options {
	o := n.plan.Orders
	return orders.Options{
		Account: a, AbsentNeeded: o.AbsentNeeded, AbsentSpacing: o.AbsentSpacing,
		NoMassStatus: !n.plan.MassStatus, BlockUnknown: blockUnknown(o.BlockUnknown),
	}
}
