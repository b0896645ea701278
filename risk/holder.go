package risk

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
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
	busy     map[string]bool // proposals under way
	due      int64           // instant of the next step that waits for time; 0: none
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
	kept     map[string]bool
	progress map[Scope]stuck
	waiting  map[string]func(answer, error)
	seen     seenState
}

// Proposal is one command for the log. Whoever proposes it hands the outcome back to the holder as the message that Done makes.
type Proposal struct {
	Command []byte
	key     string
}

// Done returns the message that tells the holder how proposing went; err is what Log.Propose returned.
func (p Proposal) Done(index uint64, err error) Message { return proposed{p.key, index, err} }

type proposed struct {
	key   string
	index uint64
	err   error
}

func (proposed) riskMessage() {}

// session is what is known of an account's session with its venue.
type session struct {
	up        bool
	count     uint64
	reference string // names this logon in the log; new for each
	report    *Reconciled
	sent      bool // the report was proposed
}

// NewHolder returns the holder of a desk. build is recorded. A holder that follows another in the same process finds everything shut
// again, the Sync that is under way, what the desk was told of journal and leadership, and no session. A former holder does nothing
// any more.
func NewHolder(d *Desk, log Log, build string) *Holder {
	h := &Holder{
		desk: d, log: log, build: build, busy: map[string]bool{}, sessions: map[market.Account]*session{},
		allowed: map[Scope]string{}, trades: map[market.Account]*plan{}, kept: map[string]bool{}, progress: map[Scope]stuck{},
		waiting: map[string]func(answer, error){},
	}
	d.machine.mu.Lock() // a former holder's step is over, and its next one does nothing
	h.life = d.lives.Add(1)
	for _, a := range d.accounts {
		d.gates[a].local.Store(0) // what a former holder knew is not known any more
	}
	d.told.forgetSessions()
	d.machine.mu.Unlock()
	if names, err := d.store.Names(); err == nil {
		for _, name := range names {
			h.kept[strings.TrimSuffix(name, tripSuffix)] = true
		}
	}
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

func (h *Holder) session(a market.Account) *session {
	s := h.sessions[a]
	if s == nil {
		s = &session{}
		h.sessions[a] = s
	}
	return s
}

// proposed takes the outcome of a proposal. An error changes nothing here: what the replica does not show is proposed again.
func (h *Holder) proposed(m proposed) {
	delete(h.busy, m.key)
	done := h.waiting[m.key]
	delete(h.waiting, m.key)
	a, known := h.desk.machine.answers[m.key]
	if known && a.res != resOK && h.desk.events.Refused != nil {
		h.desk.events.Refused(m.key, a.res.String())
	}
	if known && m.key == "hello" && a.res == resStaleIncarnation {
		h.rejected = true
	}
	if done == nil {
		return
	}
	if !known && m.err == nil { // committed, and not yet applied here
		h.waiting[m.key] = done
		return
	}
	done(a, m.err)
}

// answerWaiting answers those whose command was committed before this replica had applied it.
func (h *Holder) answerWaiting() {
	for _, key := range slices.Sorted(maps.Keys(h.waiting)) {
		if a, known := h.desk.machine.answers[key]; known && !h.busy[key] {
			done := h.waiting[key]
			delete(h.waiting, key)
			done(a, nil)
		}
	}
}

// propose sends a command unless one under the same key is under way.
func (h *Holder) propose(key string, c body) bool {
	if h.busy[key] {
		return false
	}
	b, err := encodeCommand(header{h.desk.cfg.Node, key, h.now.Wall}, c)
	if err != nil {
		if h.desk.events.Refused != nil {
			h.desk.events.Refused(key, err.Error())
		}
		return false
	}
	h.send(key, b)
	return true
}

func (h *Holder) send(key string, b []byte) {
	h.busy[key] = true
	delete(h.desk.machine.answers, key)
	h.out = append(h.out, Proposal{b, key})
}

// lost takes back a proposal that found no room: it is not in the log.
func (h *Holder) lost(p Proposal) {
	delete(h.busy, p.key)
	if done := h.waiting[p.key]; done != nil {
		delete(h.waiting, p.key)
		done(answer{}, ErrNotAppended)
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

// accounts has each account whose session is up fenced, which the answered logon proves, and then reconciled by what its orders actor
// reports and its gate holds.
func (h *Holder) accounts(l *ledger) {
	for _, name := range h.desk.accounts {
		s, a := h.sessions[name], l.accounts[string(name)]
		if s == nil || !s.up || a == nil || a.inc != h.inc {
			continue
		}
		if a.reference != s.reference {
			h.propose("fence/"+string(name), &fence{string(name), h.inc - 1, proofSessionTaken, s.reference})
			continue
		}
		if s.report == nil || s.sent && a.doubt == 0 && a.matched == s.reference && a.reconciled == l.opened {
			continue
		}
		if a.doubt != 0 && s.sent {
			continue // refused; the next report decides
		}
		facts, ok := h.facts(name)
		if !ok {
			continue
		}
		s.sent = h.propose("reconcile/"+string(name), &reconcile{
			account: string(name), inc: h.inc, fenceIndex: a.fenceIndex, reference: s.reference, facts: facts,
			unknown: uint64(max(0, s.report.Unknown)), differences: clipAll(s.report.Differences),
		}) || s.sent
	}
}

// clipAll bounds what a report may carry into the log.
func clipAll(list []string) []string {
	if len(list) > 16 {
		list = append(append([]string(nil), list[:16]...), fmt.Sprintf("and %d more", len(list)-16))
	}
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = clip(s)
	}
	return out
}

// facts returns what a gate holds, leaf by leaf, or false while it is not restored.
func (h *Holder) facts(name market.Account) ([]fact, bool) {
	g := h.desk.gates[name]
	if !g.restored.Load() {
		return nil, false
	}
	all, leaves, ok := g.standings()
	if !ok {
		h.at(h.now.Mono + int64(time.Millisecond))
		return nil, false
	}
	var facts []fact
	for i, s := range all {
		if s.pos == 0 && s.buys == 0 && s.sells == 0 {
			continue
		}
		facts = append(facts, fact{
			leaves[i].scopes[5].Strategy, leaves[i].scopes[5].Instrument, s.pos, s.buys, s.sells, s.longCost, s.shortCost, s.long, s.short,
		})
	}
	return facts, true
}

// carryTrips makes latches, files and log agree: what one has that the log lacks is proposed, what the log has is latched and kept, and
// what the log saw reset is cleared.
func (h *Holder) carryTrips(l *ledger) {
	for _, t := range h.desk.Latches() {
		if _, found := l.findLatch(t.ID); found {
			continue
		}
		if slices.Contains(l.cleared, t.ID) {
			h.desk.unlatch(t.ID)
			continue
		}
		h.propose("trip/"+t.ID, &trip{t})
	}
	for _, t := range l.latches {
		h.desk.latch(t)
	}
	held := map[string]bool{}
	for _, t := range h.desk.Latches() {
		held[t.ID] = true
		if !h.kept[t.ID] && h.desk.store.Write(tripName(t.ID), encodeTrip(t)) == nil {
			h.kept[t.ID] = true
		}
	}
	for id := range h.kept {
		if !held[id] && slices.Contains(l.cleared, id) && h.desk.store.Remove(tripName(id)) == nil {
			delete(h.kept, id)
			if h.desk.events.Reset != nil {
				h.desk.events.Reset(id)
			}
		}
	}
}

// reset proposes to clear latches, and answers at once what needs no log.
func (h *Holder) reset(l *ledger, m Reset) {
	ids := m.Request.IDs
	if len(ids) == 0 {
		for _, t := range l.latches {
			if t.Scope == m.Request.Scope {
				ids = append(ids, t.ID)
			}
		}
	}
	done := func(a answer, err error) {
		if m.Done == nil {
			return
		}
		r := ResetResult{Revision: a.revision, Index: a.index, Err: err}
		if err == nil {
			r.Err = a.res.err()
		}
		if r.Err == nil {
			r.Cleared = ids
		}
		for _, t := range l.latches {
			if m.Request.Scope.Covers(t.Scope) {
				r.Remain = append(r.Remain, t.ID)
			}
		}
		m.Done(r)
	}
	if m.Request.Scope.Account == All {
		done(answer{res: resTwoPersons, index: l.index, revision: l.revision}, nil)
		return
	}
	if len(ids) == 0 {
		done(answer{res: resUnknownLatch, index: l.index, revision: l.revision}, nil)
		return
	}
	r := m.Request
	h.ask("reset/"+h.key(r.Key), &reset{r.Scope, ids, clip(r.Reason), clip(r.By), r.Expect}, l, done)
}

func (h *Holder) setLimit(l *ledger, m SetLimit) {
	r := m.Request
	old, had := l.limits[row{r.Limit.Scope, r.Limit.Measure}]
	h.ask("limit/"+h.key(r.Key), &setLimit{r.Limit, clip(r.Reason), clip(r.By), r.Expect}, l, func(a answer, err error) {
		if m.Done == nil {
			return
		}
		if err == nil {
			err = a.res.err()
		}
		m.Done(LimitResult{
			Old: old.value, HadOld: had, Loosened: !had || r.Limit.Value.Cmp(old.value) > 0, Revision: a.revision, Index: a.index, Err: err,
		})
	})
}

// ask proposes a person's command and keeps who waits for the answer.
func (h *Holder) ask(key string, c body, l *ledger, done func(answer, error)) {
	if l.frozen != "" {
		done(answer{res: resFrozen, index: l.index, revision: l.revision}, nil)
		return
	}
	if !h.propose(key, c) {
		done(answer{res: resNotReady, index: l.index, revision: l.revision}, nil)
		return
	}
	h.waiting[key] = done
}

// key returns a caller's idempotency key, or one of the holder's own.
func (h *Holder) key(k string) string {
	if k != "" {
		return clip(k)
	}
	h.seen.keys++
	return h.desk.cfg.Node + "-" + strconv.FormatUint(h.desk.nonce, 36) + "-" + strconv.FormatUint(h.seen.keys, 36)
}
