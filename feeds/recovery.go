package feeds

import (
	"time"
)

// inquiry is one request that is on its way.
type inquiry struct {
	from, to uint64 // both included
	asked    int64
	due      int64 // when it is made again
	tries    int
}

// recovery is what a channel does about a hole: since when, what it has asked for, and how often it came to that.
type recovery struct {
	limits  Limits
	since   int64 // Instant at which the hole opened; 0 for none
	asking  bool
	moved   int64 // Instant of the last progress
	slots   []inquiry
	chunk   uint64 // messages that one answer brings, as far as learned
	rand    uint64
	begun   []int64 // Instants of the latest recoveries
	restart int64   // when the start is asked for again; 0 for not
	backoff time.Duration
	retryAt int64 // when a quarantine is lifted by itself; 0 for never
	retries int
}

func (r *recovery) init(cfg Config) {
	r.limits, r.rand, r.chunk = cfg.Limits, cfg.Seed, 32
}

func (r *recovery) open(now int64) { r.since, r.moved = max(now, 1), now }

func (r *recovery) close() {
	r.since, r.asking, r.restart, r.backoff = 0, false, 0, 0
	r.slots = r.slots[:0]
}

// draw returns a number from 0 to below n, by SplitMix64.
func (r *recovery) draw(n int64) int64 {
	r.rand += 0x9E3779B97F4A7C15
	z := r.rand
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	z ^= z >> 31
	return int64(z % uint64(max(n, 1)))
}

// answered learns how many messages one answer brings, from an answer of count that begins at first. One that is
// shorter than what was asked for shows the bound; a full one lets the next be longer.
func (r *recovery) answered(first uint64, count int) {
	for _, s := range r.slots {
		asked := s.to - s.from + 1
		switch n := uint64(count); {
		case s.from != first || n == 0:
		case n < asked:
			r.chunk = n
		case n == asked && n >= r.chunk:
			r.chunk = min(r.chunk+r.chunk/4+1, 4096)
		}
	}
}

// escalate goes from holding to asking. It returns false where nobody can be asked.
func (c *Channel) escalate(now int64) bool {
	if c.cfg.Offline || !c.cfg.Requests || c.desk.state == Quarantined || !c.desk.exact {
		return false
	}
	r := &c.heal
	if c.desk.state == Suspect {
		if r.flaps(now) {
			c.quarantine("too many recoveries")
			return false
		}
		c.desk.TurnAll(Recovering, "retransmission asked for")
	}
	r.asking, r.moved = true, now
	c.ask(now)
	return true
}

// flaps notes a recovery and reports whether it is one too many within the span.
func (r *recovery) flaps(now int64) bool {
	kept := r.begun[:0]
	for _, at := range r.begun {
		if now-at < int64(r.limits.RecoverySpan) {
			kept = append(kept, at)
		}
	}
	r.begun = append(kept, now)
	return len(r.begun) >= r.limits.Recoveries
}

func (r *recovery) quarantined(now int64) {
	r.close()
	if r.retries < r.limits.Retries {
		r.retries++
		r.retryAt = now + int64(r.limits.Retry)
	}
}

// missing returns the end of the first hole: everything from expect to before it has not come.
func (c *Channel) missing() uint64 {
	if c.hold.len() > 0 {
		return c.hold.first()
	}
	return c.top
}

// ask keeps the allowed number of requests on their way, lowest sequences first.
func (c *Channel) ask(now int64) {
	r, end := &c.heal, c.missing()
	kept := r.slots[:0]
	next := c.expect
	for _, s := range r.slots {
		if s.to < c.expect || s.from >= end {
			if f := c.cfg.Events.Answered; f != nil {
				f(time.Duration(now - s.asked))
			}
			continue
		}
		if s.from < c.expect { // answered in part: the rest is asked for at once
			s.from, s.tries, s.due = c.expect, 0, now
			r.moved = now
		}
		kept = append(kept, s)
		next = max(next, s.to+1)
	}
	r.slots = kept
	for len(r.slots) < r.limits.Requests && next < end {
		to := min(next+r.chunk-1, end-1)
		r.slots = append(r.slots, inquiry{from: next, to: to, asked: now, due: now})
		next = to + 1
	}
	for i := range r.slots {
		if s := &r.slots[i]; s.due <= now {
			c.request(now, s)
		}
	}
}

func (c *Channel) request(now int64, s *inquiry) {
	s.tries++
	s.due = now + 1 + c.heal.draw(int64(c.cfg.Limits.RequestRetry)) // full jitter: those who lost the same packet do not ask together
	c.desk.Ask(Output{Kind: Request, Session: c.session, From: s.from, To: s.to})
	if f := c.cfg.Events.Request; f != nil {
		f(s.from, s.to)
	}
}

// judgeHole carries a recovery on: the next rung when a wait has ended, the next requests when answers have come.
func (c *Channel) judgeHole(now int64) {
	r := &c.heal
	if r.retryAt != 0 && now >= r.retryAt {
		r.retryAt = 0
		c.unquarantine(now)
	}
	if r.restart != 0 && now >= r.restart {
		r.restart = 0
		c.startOver(now)
		return
	}
	if r.since == 0 || r.restart != 0 {
		return
	}
	if !r.asking {
		// What was missed before this channel listened will not come by itself.
		if now-r.since >= int64(c.cfg.Limits.HoldFor) || c.desk.state == Syncing && c.desk.exact {
			c.nextRung(now)
		}
		return
	}
	if r.movedTo(c.expect, now) || now-r.moved < int64(c.cfg.Limits.RequestFor) && !r.spent() {
		c.ask(now)
		return
	}
	c.giveUp(now)
}

// nextRung is taken when waiting for the line has been in vain.
func (c *Channel) nextRung(now int64) {
	if c.escalate(now) {
		return
	}
	c.flushHeld(now)
}

// movedTo notes progress: some request has been overtaken by what came.
func (r *recovery) movedTo(expect uint64, now int64) bool {
	if len(r.slots) > 0 && r.slots[0].from >= expect {
		return false
	}
	r.moved = now
	return true
}

// spent reports whether a request has been made as often as allowed and is due again. Its answer will not come.
func (r *recovery) spent() bool {
	return len(r.slots) > 0 && r.slots[0].tries > r.limits.RequestTries
}

// giveUp ends a recovery that gets no answers. The books are worth nothing now, and the only way back is the start
// of the session, asked for after a wait that grows to 30 s.
func (c *Channel) giveUp(now int64) {
	if f := c.cfg.Events.NoAnswer; f != nil {
		f()
	}
	r := &c.heal
	n := c.missing() - c.expect
	c.desk.Counts.Gaps++
	c.desk.Counts.GapMessages += n
	if f := c.cfg.Events.GapLost; f != nil {
		f(n)
	}
	const most = 30 * time.Second
	r.backoff = min(max(2*r.backoff, time.Second), most)
	wait := r.backoff
	c.desk.exact = false
	c.hold.drop()
	r.close()
	r.backoff = wait
	r.since = max(now, 1)
	r.restart = now + 1 + r.draw(int64(wait))
	if c.desk.state != Quarantined {
		c.desk.TurnAll(Suspect, "no answer to retransmission")
	}
}

// startOver empties the books and asks for the session from sequence 1. Readers are told nothing twice.
func (c *Channel) startOver(now int64) {
	wait := c.heal.backoff
	c.heal.close()
	c.heal.backoff = wait
	c.hold.drop()
	c.expect = 1
	c.desk.exact = true
	c.codec.Reset(&c.desk)
	c.desk.newEpoch(Recovering, "from the start")
	if c.top <= 1 {
		c.desk.TurnAll(Live, "nothing has been sent")
		return
	}
	c.heal.open(now)
	c.heal.asking = true
	c.ask(now)
}

// unquarantine lets a channel try again from the start, or from the next epoch where nobody can be asked.
func (c *Channel) unquarantine(now int64) {
	shut := c.desk.state == Quarantined
	for _, s := range c.desk.seats {
		if s.own == Quarantined { // its book has missed what came meanwhile
			c.desk.Turn(s, Suspect, "retry")
			shut = true
		}
	}
	switch {
	case !shut:
	case c.cfg.Requests && c.started:
		c.heal.begun = c.heal.begun[:0]
		c.desk.TurnAll(Recovering, "retry")
		c.startOver(now)
	case c.desk.state == Quarantined:
		c.desk.TurnAll(Syncing, "retry")
	}
}

// holeDeadline returns the Instant at which judgeHole has something to do, 0 for none.
func (c *Channel) holeDeadline() int64 {
	r := &c.heal
	at := earlier(r.retryAt, r.restart)
	switch {
	case r.since == 0 || r.restart != 0:
	case !r.asking:
		at = earlier(at, r.since+int64(c.cfg.Limits.HoldFor))
	default:
		at = earlier(at, r.moved+int64(c.cfg.Limits.RequestFor))
		for _, s := range r.slots {
			at = earlier(at, s.due)
		}
	}
	return at
}
