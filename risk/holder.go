package risk

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/failshut/failshut/market"
)

// Holder is what one node does to be allowed to trade: it binds its life to the ledger, keeps its permission alive, asks for capacity,
// posts facts, has its accounts fenced and reconciled, and, while it leads, opens the term. It is a step function: it is given one
// message and the time, and returns what to propose. Everything it proposes may be lost, late or doubled without harm; it looks at its
// own replica and proposes again what is not there.
//
// It is used by one goroutine at a time. Of the gates it reads what they publish, and to them it hands finished tables.
type Holder struct {
	desk     *Desk
	log      Log
	life     uint64 // of holders of this desk: a former one's sessions are not this one's
	build    string
	now      Reading
	out      []Proposal
	busy     map[string]bool  // proposals under way
	failed   map[string]int64 // instants before which the log is not asked again for what it did not take
	due      int64            // instant of the next step that waits for time; 0: none
	journal  Journal
	rejected bool // the ledger does not take this journal's identity
	lead     bool
	ended    bool
	heard    uint64 // changes of what the desk was told that are taken
	inc      uint64

	sessions map[market.Account]*session
	allowed  map[Scope]string // operators' consents
	trades   map[market.Account]*plan

	lastSync int64 // instant at which this holder first sent one
	synced   bool
	lastTry  int64 // instant at which it last sent the one under way
	tried    bool
	more     bool // the last Sync had no room for all that was planned: the next may follow at once

	clock    clockWatch
	lostAt   int64 // instant at which the permission was seen missing; 0: it is there
	progress map[Scope]stuck
	waiting  map[string]func(answer, error)
	seen     seenState
}

// NewHolder returns the holder of a desk. build is recorded. A holder that follows another in the same process finds everything shut
// again, the Sync that is under way, what the desk was told of journal and leadership, and no session. A former holder does nothing
// any more.
func NewHolder(d *Desk, log Log, build string) *Holder {
	h := &Holder{
		desk: d, log: log, build: build, busy: map[string]bool{}, failed: map[string]int64{}, sessions: map[market.Account]*session{},
		allowed: map[Scope]string{}, trades: map[market.Account]*plan{}, progress: map[Scope]stuck{},
		waiting: map[string]func(answer, error){},
	}
	d.machine.mu.Lock() // a former holder's step is over, and its next one does nothing
	h.life = d.lives.Add(1)
	for _, a := range d.accounts {
		d.gates[a].local.Store(0) // what a former holder knew is not known any more
	}
	d.told.forgetSessions()
	d.machine.mu.Unlock()
	return h
}

// Step takes one message at one reading of the clocks, and returns what to propose, in order. The slice is good until the next Step.
func (h *Holder) Step(now Reading, m Message) []Proposal {
	h.desk.woken.Store(false)
	h.now, h.out, h.due = now, h.out[:0], 0
	mach := h.desk.machine
	mach.mu.Lock()
	defer mach.mu.Unlock()
	if h.ended || h.life != h.desk.lives.Load() {
		return nil // left behind: another one holds the desk, or nobody
	}
	l := mach.ledger
	h.hear(l)
	h.take(l, m)
	h.answerWaiting()
	h.watch()
	if l.frozen == "" {
		if h.lead {
			h.leadTerm(l)
		}
		h.carryTrips(l)
		h.bind(l)
		if h.inc > 0 && !h.desk.stopping.Load() {
			h.accounts(l)
			h.sync(l)
		}
	}
	h.refresh(l)
	return h.out
}

// Close ends the holder: whoever waits for an answer gets ErrFateUnknown, and every gate is CLOSED until another holder has opened it.
func (h *Holder) Close(now Reading) {
	mach := h.desk.machine
	mach.mu.Lock()
	defer mach.mu.Unlock()
	h.now = now
	for _, key := range slices.Sorted(maps.Keys(h.waiting)) {
		h.waiting[key](answer{}, ErrFateUnknown)
	}
	clear(h.waiting)
	if !h.ended && h.life == h.desk.lives.Load() {
		h.ended = true
		h.refresh(mach.ledger)
	}
}

// Wait returns how long until the holder wants a Step by itself, or 0 when the next renewal is soon enough.
func (h *Holder) Wait() time.Duration {
	if h.due == 0 {
		return 0
	}
	return time.Duration(max(1, h.due-h.now.Mono))
}

func (h *Holder) at(instant int64) {
	if h.due == 0 || instant < h.due {
		h.due = instant
	}
}

// take brings one message into the holder's state.
func (h *Holder) take(l *ledger, m Message) {
	switch m := m.(type) {
	case Journal:
		if m.State != JournalOK || m.Group != "" && m.Epoch > 0 {
			h.rejected = h.rejected && m.Group == h.journal.Group && m.Epoch == h.journal.Epoch
			h.journal = m
		}
	case Session:
		s := h.session(m.Account)
		s.up, s.report, s.sent = m.Up, nil, false
		if m.Up {
			s.count++
			s.reference = string(m.Account) + "#" + strconv.FormatUint(h.desk.nonce, 36) + "#" + strconv.FormatUint(h.life, 36) + "#" + strconv.FormatUint(s.count, 36)
		}
	case Reconciled:
		if s := h.session(m.Account); s.up {
			s.report, s.sent = &m, false
		}
	case Reset:
		h.reset(l, m)
	case SetLimit:
		h.setLimit(l, m)
	case Allow:
		if m.Scope != Firm && m.By != "" && m.Reason != "" { // the firm needs two persons
			h.allowed[m.Scope] = clip(m.By)
		}
	case Leading:
		h.lead = m.Yes
	case Stop:
		h.desk.stopping.Store(true)
	case proposed:
		h.proposed(m)
	case Tick:
		h.clock.look(m.Clocks, int64(h.desk.cfg.ClockStep), int64(h.desk.cfg.Permission.Renew+h.desk.cfg.Permission.TTL/2))
	case Tripped, Wake, Renew:
	}
}

// bind says hello for the journal's identity, which makes this life's incarnation.
func (h *Holder) bind(l *ledger) {
	h.inc = 0
	if h.journal.State != JournalOK {
		return
	}
	n := l.nodes[h.desk.cfg.Node]
	if n != nil && n.group == h.journal.Group && n.epoch == h.journal.Epoch && n.nonce == h.desk.nonce {
		h.inc = n.inc
		return
	}
	if h.rejected || l.opened == 0 {
		return
	}
	accounts := make([]string, len(h.desk.accounts))
	for i, a := range h.desk.accounts {
		accounts[i] = string(a)
	}
	h.propose("hello", &hello{h.desk.cfg.Node, h.journal.Group, h.journal.Epoch, h.desk.nonce, accounts, h.build, commandVersion})
}
