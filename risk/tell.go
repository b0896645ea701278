package risk

import (
	"sync"
	"sync/atomic"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/market"
)

// told is what others said that holds until they say otherwise. The desk keeps it, so that a holder that starts later knows it, and so
// that no full or suspended mailbox can lose it: the mailbox only carries a Wake. It is bounded by the accounts.
type told struct {
	count atomic.Uint64 // changes, so that a holder without news takes no lock

	mu       sync.Mutex
	journal  heard[Journal]
	leading  heard[Leading]
	accounts map[market.Account]*toldAccount
}

// heard is a value, and which change it came with; 0: never said.
type heard[T any] struct {
	value T
	at    uint64
}

// toldAccount is the newest word on an account's session, and on the comparison with its venue made in that session.
type toldAccount struct {
	session heard[Session]
	report  heard[Reconciled]
}

// Tell gives a message to the holder, from any goroutine, without waiting.
//
// Journal, Leading, Session, Reconciled and Stop are states: the newest of each, per account, is kept and taken by the holder that
// lives or by the next one, so Tell answers nil for them. A Stop shuts every gate before Tell returns. Sessions and reports end with
// the holder that they were told to; whoever owns a session starts after it, and tells them anew.
//
// Anything else goes to the mailbox of the living holder, and the error is that mailbox's: then nothing was done, and Done is not
// called.
func (d *Desk) Tell(m Message) error {
	switch m := m.(type) {
	case Journal, Leading, Session, Reconciled:
		d.keepWord(m)
	case Stop:
		d.stopping.Store(true)
	case Wake:
	case Reset, SetLimit, Allow, Tripped, Renew, Tick, proposed:
		return d.post(m)
	}
	d.wake()
	return nil
}

func (d *Desk) keepWord(m Message) {
	t := &d.told
	t.mu.Lock()
	defer t.mu.Unlock()
	at := t.count.Load() + 1
	switch m := m.(type) {
	case Journal:
		t.journal = heard[Journal]{m, at}
	case Leading:
		t.leading = heard[Leading]{m, at}
	case Session:
		if a := t.account(d, m.Account); a != nil {
			a.session, a.report = heard[Session]{m, at}, heard[Reconciled]{}
		}
	case Reconciled:
		if a := t.account(d, m.Account); a != nil {
			a.report = heard[Reconciled]{m, at}
		}
	}
	t.count.Store(at)
}

// account returns what is kept of an account, nil for one without a gate.
func (t *told) account(d *Desk, name market.Account) *toldAccount {
	if d.gates[name] == nil {
		return nil
	}
	if t.accounts == nil {
		t.accounts = map[market.Account]*toldAccount{}
	}
	if t.accounts[name] == nil {
		t.accounts[name] = &toldAccount{}
	}
	return t.accounts[name]
}

// forgetSessions drops what was said of sessions: to a former holder.
func (t *told) forgetSessions() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.accounts = nil
}

// hear takes what was said since this holder last listened, the journal first, then accounts in order.
func (h *Holder) hear(l *ledger) {
	t := &h.desk.told
	if t.count.Load() == h.heard {
		return
	}
	t.mu.Lock()
	var news []Message
	if t.journal.at > h.heard {
		news = append(news, t.journal.value)
	}
	if t.leading.at > h.heard {
		news = append(news, t.leading.value)
	}
	for _, name := range h.desk.accounts {
		a := t.accounts[name]
		if a == nil {
			continue
		}
		if a.session.at > h.heard {
			news = append(news, a.session.value)
		}
		if a.report.at > h.heard {
			news = append(news, a.report.value)
		}
	}
	h.heard = t.count.Load()
	t.mu.Unlock()
	for _, m := range news {
		h.take(l, m)
	}
}

// Post sets where messages of the desk go: the mailbox of the holder, whichever lives. The function must not block; what it says of a
// message is the answer of Tell. A Wake or a Tripped that it cannot deliver is not missed, since the holder looks by itself at each
// renewal.
func (d *Desk) Post(f func(Message) error) { d.poster.Store(&f) }

func (d *Desk) post(m Message) error {
	if f := d.poster.Load(); f != nil {
		return (*f)(m)
	}
	return actors.ErrUnknown
}

// wake tells the holder to look again, once until it has.
func (d *Desk) wake() {
	if d.woken.CompareAndSwap(false, true) && d.post(Wake{}) != nil {
		d.woken.Store(false)
	}
}
