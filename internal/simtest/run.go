package simtest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
)

// Result is what a run showed. Findings is empty when every promise was kept.
type Result struct {
	InFlight int // requests handed over and not answered at the crash; 0: the run proves nothing
	Unknown  int // orders UNKNOWN after the restart
	Unheard  int // of these, new orders of which nothing was ever heard
	Moving   int // of these, with a replace that may have left
	Names    int // in horizon mode: names looked up at the venue, used or not
	Used     int // of these, names of orders that the journal lost
	Regained int // of these, orders that the venue knew
	Resolved Resolved
	Lost     string // what became of the bytes that were not synced
	Lives    int
	Orders   int // new orders that the venue applied
	Replaced int // replaces that the venue applied
	Fills    int
	// Checkpoints is how many were made, and FromCheckpoint how many lives began at one.
	Checkpoints, FromCheckpoint int

	Findings []string
	Journal  [32]byte // hash of every byte of the journal
	Ledger   [32]byte // hash of every byte of the exchange's ledger
}

// ErrNotReached is a run in which the point did not come.
var ErrNotReached = errors.New("simtest: the point was not reached")

// Run trades, ends the node at the point of cfg, starts it again and again until it is open, and trades on. An error is a
// run that could not be carried out; what went wrong in it is in the findings.
func Run(cfg Config) (Result, error) {
	w, err := newWorld(cfg)
	if err != nil {
		return Result{}, err
	}
	r := &run{world: w}
	if err := r.play(); err != nil {
		return r.Result, fmt.Errorf("seed %d, point %d, %s: %w", cfg.Seed, cfg.Point.Number, w.at(), err)
	}
	return r.Result, nil
}

type run struct {
	*world
	Result
	before [32]byte // digest at the crash
	exact  bool     // the journal held all of it
}

func (r *run) find(format string, args ...any) {
	r.Findings = append(r.Findings, r.at()+": "+fmt.Sprintf(format, args...))
}

func (r *run) play() error {
	if err := r.start(); err != nil {
		return err
	}
	if !r.untilOpen() {
		return nil
	}
	if err := r.reach(r.cfg.Point); err != nil {
		return err
	}
	victim := r.life.victim
	if err := r.start(); err != nil {
		return err
	}
	r.afterRestart(victim)
	if r.untilOpen() {
		r.Resolved.Add(r.life.restart.how)
		r.Regained = r.life.restart.regained
		if err := r.tradeOn(); err != nil {
			return err
		}
	}
	if r.broken != nil {
		r.find("%v", r.broken)
	}
	r.Lives, r.Fills, r.Checkpoints, r.FromCheckpoint = r.lives, r.fills, r.checkpoints, r.began
	return r.hash()
}

// reach ends the node at p. A point within a reconciliation needs a crash before it, and one that left enough to ask.
func (r *run) reach(p Point) error {
	if !p.again {
		return r.crashAt(p, 1)
	}
	var err error
	for range 24 {
		if err = r.crashAt(Points()[3+r.rng.IntN(6)], 3); err != nil {
			return err
		}
		if err = r.start(); err != nil {
			return err
		}
		if err = r.crashAt(p, 1); !errors.Is(err, ErrNotReached) {
			return err
		}
	}
	return err
}

// crashAt lets the node work until it ends at p, with at least so many requests in flight.
func (r *run) crashAt(p Point, least int) error {
	l := r.life
	r.spring(l, p, least)
	for n := 0; l.death == 0; n++ {
		if n == mostActions || p.again && l.isOpen() {
			return fmt.Errorf("%w in %d actions", ErrNotReached, n)
		}
		r.action(!p.again)
	}
	r.InFlight = l.handedOver()
	return r.crash(p)
}

// crash ends the machine: the wire is cut, the disk keeps what it keeps, and the venue goes on.
func (r *run) crash(p Point) error {
	l := r.life
	fate := p.disk[r.rng.IntN(len(p.disk))]
	l.desk.Machine().Step(r.now.Mono, orders.Crash{}) // what R19 takes is not on the disk and need not be
	r.before, r.exact = l.desk.Machine().Digest(), fate == diskWhole && p.hook != orders.CrashEvidence && p.hook != orders.CrashCancelled
	r.lose(l, fate)
	if err := r.keepReplica(l.risk); err != nil {
		return err
	}
	dead := l.wire
	dead.sever()
	read := r.rng.IntN(len(dead.out) + 1)
	switch p.wire {
	case wireAny:
	case wireCut:
		read = len(dead.out) - 1
	case wireLater:
		read = 0
	case wireRead:
		read = len(dead.out)
	}
	for range read {
		dead.toVenue()
	}
	down := func() { _ = r.venue.Logout(session, "crash") } // of a session that is down already it says nothing
	late := p.wire == wireLater
	notice := r.rng.IntN(3) // at once, after a while, or by the next logon
	if notice == 0 && !late {
		down()
	}
	life := r.life
	r.life = nil
	r.pass(time.Duration(r.rng.IntN(1200)) * time.Millisecond)
	r.life = life
	for late && dead.toVenue() {
		continue
	}
	if notice == 1 {
		down()
	}
	return r.venue.Err()
}

// lose leaves of the journal what the disk had, and some of what it had not.
func (r *run) lose(l *life, fate diskFate) {
	loss := r.rng.IntN(3)
	r.Lost = []string{"all", "tail", "nothing"}[loss]
	switch fate {
	case diskNone:
	case diskTorn:
		r.disk.Inject(journal.Fault{Call: journal.CallSync, At: r.disk.Calls(journal.CallSync) + 1, Err: journal.ErrCrashed, Halt: true})
		_, _ = l.log.Commit() // it ends within
	case diskWhole:
		for l.log.Queued() > 0 && l.log.State() == journal.OK {
			_, _ = l.log.Commit()
		}
	}
	r.disk.Crash([]journal.Loss{journal.LoseAll, journal.LoseTail, journal.LoseNothing}[loss])
}

// afterRestart holds what the journal brought back against what the point promises.
func (r *run) afterRestart(victim market.ClOrdID) {
	l, p := r.life, r.cfg.Point
	r.Unknown, r.Unheard, r.Moving = l.restart.total, l.restart.unheard, l.restart.moving
	r.Names, r.Used = l.restart.names, l.restart.used
	r.holdsAll()
	if p.victim != nil {
		o, known := l.desk.Machine().Order(orders.Ref{ID: victim})
		if why := p.victim(o, known); why != "" {
			r.find("%s after the restart: %s", idOf(victim), why)
		}
	}
	if r.exact && l.restart.digest != r.before {
		r.find("all was durable, and the replayed state is another")
	}
	for o := range l.desk.Machine().Orders() {
		if !o.Closed && o.Status != orders.StatusUnknown {
			r.find("%s is %v after the restart, want it closed or UNKNOWN", o.ID, o.Status)
		}
	}
	early := risk.Cause{0xff, byte(r.lives)}
	r.place(early, false)
	if len(r.ids[early]) > 0 {
		r.find("an order was permitted before the venue was reconciled")
	}
}

// untilOpen lets the node work until it may trade.
func (r *run) untilOpen() bool {
	within := openWithin
	if r.cfg.weather == losses { // questions and answers get lost or come late, and are repeated after up to 30 s
		within = openRough
	}
	end := r.now.Mono + int64(within)
	for !r.life.isOpen() {
		if r.now.Mono > end || r.venue.Err() != nil {
			s := r.life.desk.Status()
			r.find("not open within %v: session %s, %d UNKNOWN, gate %+v, venue %v", within, s.Session, s.Unknown, r.life.risk.desk.Gatez(r.now, "").Why, r.venue.Err())
			return false
		}
		r.action(false)
	}
	return true
}

// tradeOn judges what was reconciled, trades, sometimes over another crash anywhere, cancels all, and judges.
func (r *run) tradeOn() error {
	r.resume()
	if r.rng.IntN(3) == 0 {
		flying, lost := r.InFlight, r.Lost
		if err := r.crashAt(Points()[r.rng.IntN(13)], 1); err != nil {
			return err
		}
		r.InFlight, r.Lost = flying, lost
		if err := r.start(); err != nil {
			return err
		}
		if !r.untilOpen() {
			return nil
		}
		r.resume()
	}
	for range 300 {
		r.action(true)
	}
	r.finish()
	return nil
}

// resume judges what was reconciled, and has the strategy decide again what it decided last.
func (r *run) resume() {
	r.quiet()
	r.judge(false)
	for _, c := range r.causes[max(0, len(r.causes)-3):] {
		if _, known := r.life.desk.Machine().ByCause(strategy, c); r.cfg.Horizon && !known {
			continue // decisions do not outlive a process there: strategies start from positions
		}
		r.place(c, false)
	}
}

// finish cancels all that is live, until each order's own end is known, and judges.
func (r *run) finish() {
	r.life.turn(orders.CancelAll{Why: "end"})
	most := mostActions
	if r.cfg.weather == losses {
		most *= 50
	}
	for n := 0; ; n++ {
		s := r.life.desk.Status()
		if s.Live == 0 && s.Unknown == 0 && s.Session == "open" {
			break
		}
		if n == most {
			r.find("after a cancel-all %d orders are live, %d UNKNOWN, session %s", s.Live, s.Unknown, s.Session)
			break
		}
		r.action(false)
		for _, id := range r.life.held { // what is held is no order of the venue, and ends by a cancel of its own
			r.life.turn(orders.CancelOrder{ID: id})
		}
		r.life.held = nil
	}
	r.pass(100 * time.Millisecond) // reports that a fault holds back
	r.quiet()
	r.judge(true)
}

// hash takes the bytes of journal and ledger.
func (r *run) hash() error {
	names, err := r.disk.List(journalDir)
	if err != nil {
		return err
	}
	h := sha256.New()
	for _, n := range names {
		if n != "lock" {
			h.Write(r.disk.Disk().Bytes(journalDir + "/" + n))
		}
	}
	r.Journal, r.Ledger = [32]byte(h.Sum(nil)), sha256.Sum256(r.file.Bytes())
	return nil
}
