package orders

import (
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// AccountStatus is how an account stood at its owner's last look.
type AccountStatus struct {
	Account    market.Account
	Session    string       // down, recovering, reconciling or open
	ListWhole  bool         // the venue's list of orders was whole since the logon
	Unknown    int          // orders that are UNKNOWN
	Reserved   int          // of these, ids of a former life that may have been used without a record (horizon mode)
	Differing  []Difference // what the venue holds and the journal cannot explain
	Live       int          // orders that are not closed
	Books      []Book       // the same by strategy and instrument
	ByStatus   [StatusSent + 1]int
	Waiting    int // orders that wait for the disk
	Journal    journal.State
	Partial    error // why the account can only cancel: until the disk answers (ErrUnsettled), or for good; nil: it may open
	At         risk.Reading
	Positions  []Position
	Generation uint64 // epoch of the incarnation that wrote this; 0 before the first
}

// Book is what a strategy has live in one instrument.
type Book struct {
	Strategy   string // empty for orders that only the venue knows
	Instrument market.Instrument
	Live       int
}

// Status returns how the account stands.
func (d *Desk) Status() AccountStatus {
	s := AccountStatus{
		Account: d.p.Options.Account, Session: d.m.Session(), ListWhole: d.m.listWhole, Unknown: d.m.Unknown(),
		Waiting: d.waiting(), Journal: d.p.Log.State(), Partial: d.partial, At: d.now, Positions: d.m.Positions(),
		Differing: d.m.Differing(),
	}
	at := map[Book]int{} // in which Live is 0
	for _, o := range d.m.sweep() {
		if o.phantom {
			s.Reserved++
			continue
		}
		s.Live++
		s.ByStatus[o.status()]++
		b := Book{Strategy: o.Strategy, Instrument: o.Instrument}
		n, ok := at[b]
		if !ok {
			n = len(s.Books)
			at[b] = n
			s.Books = append(s.Books, b)
		}
		s.Books[n].Live++
	}
	return s
}

// LiveIn counts the orders within a scope that are not closed, those of unknown
// state included. One that only the venue knows may be any strategy's.
func (s AccountStatus) LiveIn(k risk.Scope) (n int) {
	for _, b := range s.Books {
		of := risk.Scope{Account: string(s.Account), Strategy: b.Strategy, Instrument: b.Instrument.String()}
		if b.Strategy == "" {
			of.Strategy = k.Strategy
		}
		if k.Covers(of) {
			n += b.Live
		}
	}
	return n
}

// waiting counts the orders that leave when the disk has them. One that was withdrawn meanwhile never will.
func (d *Desk) waiting() (n int) {
	for _, w := range d.pending {
		if o := d.m.ids[w.id]; o != nil && o.waits() {
			n++
		}
	}
	return n
}
