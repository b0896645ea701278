package feeds

import "time"

// keep holds an early datagram. In a recording one too many ends the wait for what is missing; a live channel goes
// on to the next rung, and then holds as much as the ring does.
func (c *Channel) keep(now int64, e early) {
	if c.hold.has(e.first, e.count, e.in.Data) {
		c.desk.Counts.Duplicates += uint64(e.count)
		return
	}
	c.openHole(now)
	if !c.heal.asking {
		for c.hold.len() >= c.cfg.Limits.Hold && e.first > c.expect {
			if c.escalate(now) {
				break
			}
			c.lose(min(c.hold.first(), e.first))
			c.drainKept()
		}
	}
	if e.first <= c.expect {
		c.deliver(&e)
		c.drain(now)
		return
	}
	c.boundRing(e)
	c.hold.put(e)
	if f := c.cfg.Events.Hold; f != nil {
		f(c.hold.len())
	}
}

// openHole turns readers away at the first sign of a hole.
func (c *Channel) openHole(now int64) {
	if c.heal.since != 0 || c.hold.len() > 0 {
		return
	}
	c.heal.open(now)
	if f := c.cfg.Events.GapOpen; f != nil {
		f(c.expect, c.top-1)
	}
	switch c.desk.state {
	case Live:
		c.desk.TurnAll(Suspect, "gap")
	case Stale, Down:
		if !c.ended {
			c.desk.TurnAll(Syncing, "gap after silence")
		}
	default:
	}
}

// boundRing lets the ring go when e does not fit: what was in it is missing again, and asked for again.
func (c *Channel) boundRing(e early) {
	l := c.cfg.Limits
	if c.hold.messages+e.count <= l.Ring && c.hold.bytes+len(e.in.Data) <= l.RingBytes {
		return
	}
	if f := c.cfg.Events.RingDropped; f != nil {
		f(c.hold.messages)
	}
	c.hold.drop()
}

// drain delivers what is no longer early, and closes the hole when nothing is missing any more.
func (c *Channel) drain(now int64) {
	c.drainKept()
	if c.heal.since == 0 || c.heal.restart != 0 || c.hold.len() > 0 || c.expect < c.top {
		return
	}
	how := "line"
	if c.heal.asking {
		how = "retransmission"
	}
	took := now - c.heal.since
	c.heal.close()
	if !c.desk.exact || c.ended {
		return // what was given up stays missing
	}
	if f := c.cfg.Events.GapClosed; f != nil {
		f(how, time.Duration(took))
	}
	if c.desk.state != Quarantined {
		c.desk.heard = now
		c.desk.TurnAll(Live, "gap closed")
	}
}

func (c *Channel) drainKept() {
	mono := c.desk.mono
	for c.hold.len() > 0 && c.hold.first() <= c.expect {
		e := c.hold.pop()
		c.desk.Stamp(e.in.Recv, mono)
		c.deliver(&e)
		c.hold.release(e)
	}
}

// lose gives up what is missing before to. Nothing that follows can make the books exact again.
func (c *Channel) lose(to uint64) {
	n := to - c.expect
	c.desk.Counts.Gaps++
	c.desk.Counts.GapMessages += n
	c.desk.exact = false
	c.seen.skip(c.expect, to)
	c.expect = to
	c.high = max(c.high, to)
	if f := c.cfg.Events.GapLost; f != nil {
		f(n)
	}
}

// flushHeld gives up every hole and delivers what was held behind it.
func (c *Channel) flushHeld(now int64) {
	for c.hold.len() > 0 {
		c.lose(c.hold.first())
		c.drainKept()
	}
	if c.expect < c.top && c.heal.since != 0 {
		c.lose(c.top)
	}
	c.drain(now)
}

// quarantine shuts the channel until an operator, or a retry where there are some left, says otherwise.
func (c *Channel) quarantine(why string) {
	c.desk.exact = false
	if c.desk.state != Quarantined && !c.cfg.Offline {
		c.heal.quarantined(c.desk.mono)
	}
	c.desk.TurnAll(Quarantined, why)
}
