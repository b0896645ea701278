package simtest

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/venues/sim"
)

// life is one process of the node: everything in it is gone when it ends.
type life struct {
	w     *world
	log   *journal.Log
	risk  *riskSide
	desk  *orders.Desk
	entry *sim.Gateway
	wire  *wire
	inbox []orders.Message
	held  []market.ClOrdID
	doing orders.Message // the message under way

	making *checkpointing // of the journal; nil: none is under way

	rounds   orders.Rounds
	nextLook int64
	nextTick int64
	renewed  int64

	trap    func(hook int) bool // whether the process ends at this pass of a hook
	victim  market.ClOrdID      // the order that the owner is at
	death   int                 // the hook at which it ended; 0: it lives
	restart restart
}

// restart is what the owner found in its journal.
type restart struct {
	unknown  map[market.ClOrdID]bool // UNKNOWN, and not resolved yet
	total    int                     // UNKNOWN after the replay
	unheard  int                     // of these, new orders of which nothing was ever heard
	moving   int                     // of these, with a replace that may have left
	names    int                     // that are looked up, used or not (horizon mode)
	used     int                     // of these, those of orders that were given one
	regained int                     // of these, orders that the venue knew
	digest   [32]byte
	how      Resolved
}

// ended is the panic that ends a process.
type ended struct{ hook int }

// start begins the next life on what is left of the one before.
func (w *world) start() error {
	w.lives++
	l := &life{w: w, wire: &wire{venue: w.venue}, restart: restart{unknown: map[market.ClOrdID]bool{}}}
	var err error
	l.log, _, err = journal.Open(w.disk, journalDir, journal.Options{Node: nodeName, Group: group, Segment: journal.SegmentMin, Wall: func() int64 { return w.now.Wall }})
	if err != nil {
		return err
	}
	if s := l.log.State(); s != journal.OK {
		return fmt.Errorf("journal of life %d is %v: %w", w.lives, s, l.log.Err())
	}
	if l.log.Checkpoint().Close > 0 {
		w.began++
	}
	if l.risk, err = w.newRisk(); err != nil {
		return err
	}
	if err := l.open(); err != nil {
		return err
	}
	w.life = l
	l.tellRisk(risk.Leading{Term: l.risk.log.Term(), Yes: true}, risk.Journal{State: risk.JournalOK, Group: group, Epoch: l.log.Epoch()})
	return l.entry.Connect()
}

// link is the owner's way out, filled in once the desk that it needs a number of is open.
type link struct {
	orders.Gateway
	l *life
}

// Cancel notes whose cancel it is.
func (g *link) Cancel(c orders.Cancel) error {
	if o, ok := g.l.desk.Machine().Order(orders.Ref{ID: c.Orig, OrderID: c.OrderID}); ok {
		g.l.victim = o.ID
	}
	return g.Gateway.Cancel(c)
}

// Ask puts a question; under a defect it sends the order again.
func (g *link) Ask(q orders.Question) error {
	if o, ok := g.l.desk.Machine().Order(orders.Ref{ID: q.ID}); ok && g.l.w.cfg.Defect.Resend && unheard(o) {
		g.l.wire.resend(o.New)
	}
	return g.Gateway.Ask(q)
}

// open reads the journal and makes the owner and its line to the venue.
func (l *life) open() error {
	w, out := l.w, &link{l: l}
	parts := orders.Parts{
		Options: orders.Options{Account: account, BlockUnknown: w.onDoubt}, Gate: l.risk.desk.Gate(account), Gateway: out, Log: l.log,
		Records: l.log.Replay(), Listener: l.told, Risk: func(m risk.Message) { l.risk.queue = append(l.risk.queue, m) },
		Closed:      l.closed,
		Block:       w.block(),
		AnswerAfter: 500 * time.Millisecond, QuietAfter: 2 * time.Second, Crash: l.hook,
		Events: orders.Events{
			Intent:  func(in *risk.Intent) { l.victim = in.ID; w.journalled(in) },
			Durable: func(id market.ClOrdID, _ time.Duration) { l.victim = id },
			Leak:    func(e orders.Event) { l.leaked(e) },
		},
	}
	if f := w.cfg.Defect.Parts; f != nil {
		f(&parts)
	}
	var err error
	if l.desk, err = orders.Open(parts, w.now); err != nil {
		return err
	}
	l.remember()
	next := l.desk.NextIn(session)
	if w.rng.IntN(4) == 0 {
		next = 1 // a counter that was lost: the venue tells everything again
	}
	if w.cfg.Defect.Counter && w.life != nil {
		_, next = w.life.entry.Counters()
	}
	l.entry, err = sim.NewGateway(sim.GatewayConfig{
		Port: l.wire, Session: session, Node: nodeName, Venue: "SIM", NextOut: uint64(l.log.Epoch()) << 32, NextIn: next,
		Now: func() risk.Reading { return w.now }, Hand: l.hand,
	})
	out.Gateway = l.entry
	return err
}

// closed is what a node tells its owner to be held CLOSED.
func (l *life) closed(now risk.Reading) []risk.Scope {
	if mode, _ := l.risk.desk.Mode(account, now); l.w.level && mode == risk.Closed {
		return []risk.Scope{risk.AccountScope(account)}
	}
	return nil
}

// remember notes which orders are UNKNOWN after the replay.
func (l *life) remember() {
	m := l.desk.Machine()
	l.restart.digest, l.restart.names = m.Digest(), m.Reserved()
	for _, of := range m.InDoubt() {
		if o, _ := m.Order(of); l.w.given[of.ID] && isName(o) {
			l.restart.used++
			l.restart.unheard++
		}
	}
	for o := range m.Orders() {
		if o.Status != orders.StatusUnknown {
			continue
		}
		l.restart.unknown[o.ID] = true
		l.restart.total++
		if unheard(o) {
			l.restart.unheard++
		}
		if moves(o) {
			l.restart.moving++
		}
	}
}

// isName reports whether an order is a name that may have been used, and nothing else.
func isName(o orders.OrderState) bool {
	return o.Status == orders.StatusUnknown && !o.Instrument.Valid()
}

// leaked counts the orders that only the venue knew.
func (l *life) leaked(e orders.Event) {
	if l.w.given[e.Order] {
		l.restart.regained++
	}
}

// unheard reports whether nothing was ever heard of a new order that may have left.
func unheard(o orders.OrderState) bool {
	return slices.ContainsFunc(o.Pending, func(p orders.PendingRequest) bool { return p.Kind == 'N' && p.Evidence == "unknown" })
}

// moves reports whether an order has a replace that may have left.
func moves(o orders.OrderState) bool {
	return slices.ContainsFunc(o.Pending, func(p orders.PendingRequest) bool { return p.Kind == 'R' && p.Evidence == "unknown" })
}

// pends reports whether a request has no answer yet.
func (l *life) pends(id market.ClOrdID) bool {
	o, _ := l.desk.Machine().Order(orders.Ref{ID: id})
	return slices.ContainsFunc(o.Pending, func(p orders.PendingRequest) bool { return p.ID == id })
}

// hand takes what the venue says, as the mailbox of the owner would.
func (l *life) hand(in orders.Inbound) error {
	if f := l.w.cfg.Defect.Ear; f != nil {
		in = f(in)
	}
	l.inbox = append(l.inbox, orders.Received{In: in})
	if l.w.cfg.weather == storms {
		l.storm(in)
	}
	return nil
}

// storm has the venue tell again what it told before, as an application replay that is neither marked as old nor numbered so.
func (l *life) storm(in orders.Inbound) {
	if r, ok := in.(orders.Report); ok {
		l.w.told = append(l.w.told, r)
	}
	for l.w.rng.IntN(3) == 0 && len(l.w.told) > 0 {
		again := l.w.told[l.w.rng.IntN(len(l.w.told))]
		again.PossResend, again.PossDup, again.Session, again.Seq = true, false, "", 0
		l.w.resent++
		l.inbox = append(l.inbox, orders.Received{In: again})
	}
}

// told hears every event of the owner.
func (l *life) told(e orders.Event) {
	switch e.Kind {
	case orders.EventFill:
		l.w.fills++
	case orders.EventResolved:
		if l.restart.unknown[e.Order] {
			delete(l.restart.unknown, e.Order)
			l.restart.how.count(l.doing)
		}
	case orders.EventRejected, orders.EventCancelled, orders.EventExpired, orders.EventClosed:
		l.ended(e)
	default:
	}
}

// ended holds the end of an order against the venue, where it must be over: at once, since the venue is ahead of who hears of it.
func (l *life) ended(e orders.Event) {
	if o := l.w.open[e.Order]; o != nil {
		l.w.short = append(l.w.short, fmt.Sprintf("%s is %v %s for the node, and %v of it work at the venue", e.Order, e.Kind, e.Reason, o.Leaves))
	}
}

// doubts notes every request of which it is not known what became of it.
func (l *life) doubts() {
	m := l.desk.Machine()
	if m.Unknown() == 0 {
		return
	}
	for _, of := range m.InDoubt() {
		o, _ := m.Order(of)
		for _, p := range o.Pending {
			if p.Evidence == "unknown" {
				l.w.ambiguous[p.ID] = p.Kind
			}
		}
	}
}

func (l *life) hook(point int) {
	if l.trap != nil && l.trap(point) {
		panic(ended{point})
	}
}

// turn lets the owner handle one message. It may end the process.
func (l *life) turn(m orders.Message) {
	if l.death != 0 {
		return
	}
	defer func() {
		l.doing = nil
		if r := recover(); r != nil {
			e, ok := r.(ended)
			if !ok {
				panic(r)
			}
			l.death = e.hook
		}
	}()
	l.doing = m
	if p, ok := m.(orders.Place); ok && p.Held {
		defer func(before market.ClOrdID) {
			if l.death == 0 && l.victim != before {
				l.held = append(l.held, l.victim)
			}
		}(l.victim)
	}
	l.desk.Handle(l.w.now, m)
	if l.w.cfg.Defect.Ahead {
		l.desk.Handle(l.w.now, orders.Durable{LSN: math.MaxUint64})
	}
	l.tellRisk()
	if l.w.cfg.weather == losses {
		l.doubts()
	}
	if r, ok := m.(orders.Received); ok {
		if k, ok := r.In.(orders.Link); ok && k.Event == orders.LinkLogout && l.death == 0 {
			_ = l.entry.Connect() // what comes of it is heard
		}
	}
}

func (l *life) tellRisk(ms ...risk.Message) {
	l.risk.queue = append(l.risk.queue, ms...)
	l.risk.run(l.w.now)
}

// handle gives the owner the oldest message of its mailbox.
func (l *life) handle() bool {
	if len(l.inbox) == 0 || l.death != 0 {
		return false
	}
	m := l.inbox[0]
	l.inbox = l.inbox[1:]
	l.turn(m)
	return true
}

// commit makes durable what was appended; the owner hears of it by a message.
func (l *life) commit() bool {
	if l.log.Queued() == 0 || l.death != 0 {
		return false
	}
	lsn, err := l.log.Commit()
	if err == nil {
		l.inbox = append(l.inbox, orders.Durable{LSN: lsn})
	}
	return true
}

// look is what a node does by its clocks: renew its permission, tick, and ask again what is UNKNOWN.
func (l *life) look() {
	now := l.w.now.Mono
	if wait := l.risk.holder.Wait(); now-l.renewed >= int64(tickEvery) || wait > 0 && now-l.renewed >= int64(wait) {
		l.renewed = now
		l.tellRisk(risk.Renew{})
	}
	if now >= l.nextTick {
		l.nextTick = now + int64(tickEvery)
		l.inbox = append(l.inbox, orders.Tick{})
	}
	if now >= l.nextLook {
		m, wait := l.rounds.Next(now, l.desk.Status(), l.w.rng.Uint64())
		l.nextLook = now + int64(min(wait, 250*time.Millisecond))
		if m != nil {
			l.inbox = append(l.inbox, m)
		}
	}
}

// isOpen reports whether the account trades: its list is whole, nothing is UNKNOWN, and the gate is open.
func (l *life) isOpen() bool {
	return l.desk.Machine().Accepts() && l.desk.Machine().Unknown() == 0 && l.risk.desk.Gatez(l.w.now, "").Open
}

// handedOver counts the requests that left and were not answered yet, and the orders that they are of.
func (l *life) handedOver() (n int) {
	m := l.desk.Machine()
	for _, of := range m.Live(orders.Scope{}) {
		o, _ := m.Order(of)
		for _, p := range o.Pending {
			if p.Evidence != "journalled" {
				n++
			}
		}
	}
	if m.Reserved() == 0 {
		return n
	}
	for _, of := range m.InDoubt() { // and those of which the journal has lost all but the name
		if o, _ := m.Order(of); l.w.given[of.ID] && isName(o) {
			n++
		}
	}
	return n
}

// awaits reports whether nothing was heard yet of the new order id.
func (l *life) awaits(id market.ClOrdID) bool {
	o, ok := l.desk.Machine().Order(orders.Ref{ID: id})
	return ok && slices.ContainsFunc(o.Pending, func(p orders.PendingRequest) bool { return p.Kind == 'N' && p.Evidence != "journalled" })
}
