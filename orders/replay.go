package orders

import (
	"errors"
	"fmt"
	"math"

	"github.com/failshut/failshut/internal/journal"
)

// ErrPartial is a journal that cannot be read whole: dead, corrupt, with a
// record that says nothing to us, or with fewer records than were durable. What
// it lacks may be fills, so no account opens on it.
var ErrPartial = errors.New("orders: the journal cannot be read whole")

// replay folds the journal: the state is a function of its records alone. Those
// behind the settled one do not count: the disk may not have them yet. The
// error is ErrPartial and says what was found.
func (d *Desk) replay() error {
	settled := d.p.Settled
	if settled == 0 {
		settled = d.p.Log.Watermark()
	}
	why := d.fold(settled)
	if why == nil && d.read < settled {
		why = fmt.Errorf("it ends at LSN %d, want %d", d.read, settled)
	}
	if s := d.p.Log.State(); s != journal.OK {
		why = errors.Join(fmt.Errorf("it is %v", s), why)
	}
	if why == nil {
		return nil
	}
	return fmt.Errorf("%w: account %s: %w", ErrPartial, d.p.Options.Account, why)
}

// fold reads the records up to the settled one, in order and without a gap.
func (d *Desk) fold(settled journal.LSN) error {
	if d.p.Records == nil || settled == 0 {
		return nil
	}
	for r, err := range d.p.Records {
		switch {
		case err != nil:
			return err
		case d.read == 0 && r.Kind == journal.KindCheckpoint:
			if err := d.load(r); err != nil {
				return err
			}
			if d.read >= settled { // all of the account is in it: what else it covers is of others
				return nil
			}
			continue
		case r.LSN > settled:
			return nil
		case r.LSN != d.read+1:
			return fmt.Errorf("LSN %d follows %d", r.LSN, d.read)
		}
		if err := d.foldRecord(r); err != nil {
			return err
		}
		if d.read = r.LSN; d.read == settled {
			return nil // what is behind is being written, and looks damaged to who reads it half-way
		}
	}
	return nil
}

// salvage folds whatever can be read, past what cannot: an order that is not
// known is not cancelled, and a desk that never opens has nothing to lose by
// knowing some of them wrongly.
func (d *Desk) salvage() {
	last := d.p.Log.Watermark()
	if d.p.Log.State() == journal.Corrupt {
		last = math.MaxUint64 // it knows of no record, and nobody writes one
	}
	if d.p.Records == nil {
		return
	}
	for r, err := range d.p.Records {
		if r.LSN > last {
			return
		}
		switch {
		case err == nil && d.read == 0 && r.Kind == journal.KindCheckpoint:
			_ = d.load(r) // without it there is what can be read behind it
			continue
		case err != nil || r.LSN <= d.read:
			continue
		}
		_ = d.foldRecord(r) // one that says nothing to us is passed over too
		if d.read = r.LSN; d.read == last {
			return
		}
	}
}

func (d *Desk) foldRecord(r journal.Record) error {
	if !isOrders(r) {
		return nil
	}
	account, now, in, err := decode(r)
	if err != nil {
		return err
	}
	if account == d.p.Options.Account {
		d.rows.at = stamp{r.LSN, r.Wall}
		(&past{m: d.m, nextIn: d.nextIn}).fold(r.Epoch, now, in)
		d.rows.take(d.m)
	}
	return nil
}

// load takes a part of the checkpoint that a journal begins with: what belongs
// to this account, and at its end the state.
func (d *Desk) load(r journal.Record) error {
	account, b, covers, err := partOf(r)
	switch {
	case err != nil:
		return err
	case covers == 0:
		if account == d.p.Options.Account {
			d.loading = append(d.loading, b...)
		}
		return nil
	}
	b, d.loading = d.loading, nil
	if len(b) > 0 { // else the account has no record up to there
		p := newPast(d.m.opt)
		if err := p.load(b); err != nil {
			return err
		}
		p.m.partial = d.m.partial
		d.m, d.nextIn = p.m, p.nextIn
		d.m.watched = true
		d.rows.begin(d.m) // when they came to be is not known any more
	}
	d.read = covers
	return nil
}

// count moves the inbound counter of a session, which is derived from the
// evidence, so that a report that was not journalled is asked for again.
func count(nextIn map[string]uint64, in Input) {
	o, ok := originOf(in)
	if ok && o.Session != "" && o.Seq > 0 {
		nextIn[o.Session] = o.Seq + 1
	}
}

func originOf(in Input) (Origin, bool) {
	switch v := in.(type) {
	case Report:
		return v.Origin, true
	case CancelReject:
		return v.Origin, true
	case BusinessReject:
		return v.Origin, true
	case SessionReject:
		return v.Origin, true
	case Answer:
		return v.report.Origin, v.kind == found
	case MassEnd:
		return v.Origin, true
	case MassCancelAck:
		return v.Origin, true
	case Link:
		return v.Origin, true
	default:
		return Origin{}, false
	}
}
