package orders

import "github.com/failshut/failshut/internal/journal"

// The counter of a session is derived from the evidence in the journal, and the
// newest record rules. So a report that the journal had no room for must never
// be behind one that it has: the venue would not be asked for it again, and a
// fill would be lost over a restart (P4). And no order leaves meanwhile: a crash
// would forget what it rests on.

// owedMost is how many reports wait for room in the journal. Behind them none
// is journalled for the rest of this life: the next one asks from the gap on.
const owedMost = 1024

// witness journals what the venue said, in the order in which it was said, and
// returns its LSN: 0 while it waits for room, or where the log takes nothing any
// more.
func (d *Desk) witness(in Inbound) journal.LSN {
	d.writeOwed()
	if d.deaf {
		return 0
	}
	if len(d.owed) == 0 {
		if lsn, err := d.append(in); err == nil {
			return lsn
		}
	}
	switch {
	case d.p.Log.State() != journal.OK:
	case len(d.owed) == owedMost:
		d.deaf = true
	default:
		d.owed = append(d.owed, in)
	}
	return 0
}

// writeOwed journals what waits for room, oldest first, as far as there is any.
func (d *Desk) writeOwed() {
	for len(d.owed) > 0 {
		if _, err := d.append(d.owed[0]); err != nil {
			return
		}
		d.owed[0] = nil
		d.owed = d.owed[1:]
	}
}

// unwitnessed reports whether the venue has said something that is not
// journalled.
func (d *Desk) unwitnessed() bool {
	d.writeOwed()
	return d.deaf || len(d.owed) > 0
}

// relieved reports whether a deaf desk has outlived what made it so: the log
// takes records again, and the next incarnation asks the venue from the gap on.
func (d *Desk) relieved() bool {
	if !d.deaf || d.partial != nil {
		return false
	}
	_, err := d.append(Timeout{}) // which changes nothing
	return err == nil
}
