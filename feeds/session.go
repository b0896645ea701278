package feeds

const (
	confirmations = 3  // packets in a row that make a new session, or heartbeats that prove a restart
	mostLines     = 16 // lines told apart; those beyond share the last place
)

// line is what one line of a channel has said in the present epoch. A sequence is judged against the line that it
// came on and never against the channel, for another line may be ahead.
type line struct {
	next uint64 // what follows the newest packet
	sent int64  // its send time
	high uint64 // everything that the line has shown ends before it
	lows int    // heartbeats in a row below high
}

func (c *Channel) line(n int) *line {
	n = lineNumber(n)
	for len(c.lines) <= n {
		c.lines = append(c.lines, line{})
	}
	return &c.lines[n]
}

// lineNumber returns the place of line n.
func lineNumber(n int) int { return min(max(n, 0), mostLines-1) }

// resets reports whether h shows that the sequence of the session started over.
func (l *line) resets(h *Header, t Traits) bool {
	if t.SendTimes {
		return l.high > 0 && h.First < l.next && h.Sent > l.sent
	}
	if h.First >= l.high {
		l.lows = 0
		return false
	}
	if h.Count == 0 && !h.End {
		l.lows++
	}
	return l.lows >= confirmations
}

func (l *line) saw(h *Header, end uint64) {
	if h.Sent >= l.sent {
		l.next, l.sent = end, h.Sent
	}
	l.high = max(l.high, end)
}

// candidate is a session that nobody has confirmed: it may be a new one, or one flipped bit.
type candidate struct {
	session Session
	packets []Input // with data of their own
}

// stray drops a candidate that a packet of the present session, or of a third one, has refuted.
func (k *candidate) stray(c *Channel) {
	for _, p := range k.packets {
		c.desk.Counts.Strays++
		if f := c.cfg.Events.Stray; f != nil {
			f(p.Line)
		}
	}
	clear(k.packets)
	k.packets = k.packets[:0]
}

// unseen judges a packet of another session than the present one. A session that was left is late; but where the
// present one has fallen silent and the one that was left goes on, leaving it was the mistake.
func (c *Channel) unseen(now int64, in Input, h *Header) {
	if in.Kind != Packet {
		return // an answer of a server that was asked before
	}
	silent := !c.cfg.Offline && now-c.desk.heard > c.patience()
	left := c.wasLeft(h.Session)
	if left {
		c.desk.Counts.StaleDropped += uint64(h.Count)
		if f := c.cfg.Events.StaleDropped; f != nil {
			f(uint64(h.Count))
		}
		if !silent {
			return
		}
	}
	k := &c.foreign
	if h.Session != k.session {
		k.stray(c)
	}
	k.session = h.Session
	kept := in
	kept.Data = append([]byte(nil), in.Data...)
	k.packets = append(k.packets, kept)
	if c.ended && !left || silent && !left || len(k.packets) >= confirmations {
		c.adopt(now)
	}
}

func (c *Channel) wasLeft(s Session) bool {
	for i := range c.leaves {
		if c.left[i] == s {
			return true
		}
	}
	return false
}

// adopt leaves the present session for the candidate, and takes in the packets that confirmed it.
func (c *Channel) adopt(now int64) {
	c.flushHeld(now)
	copy(c.left[1:], c.left[:])
	c.left[0] = c.session
	c.leaves = min(c.leaves+1, len(c.left))
	packets := c.foreign.packets
	c.foreign.packets = nil
	for i, p := range packets {
		var h Header
		if _, ok := c.transport.Parse(p.Data, &h); !ok {
			continue // cannot be: it was parsed when it came
		}
		c.desk.Stamp(p.Recv, now)
		if i == 0 {
			c.begin(now, &h, "new session")
		}
		c.sequence(now, p, &h)
	}
}

// begin starts an epoch with the packet of h. Seen from sequence 1 its books are exact, for they are empty;
// otherwise the start is missing. Of a session that readers have been told of, by this incarnation or one before, they
// are told the rest; where its sequence starts over they know nothing.
func (c *Channel) begin(now int64, h *Header, why string) {
	d := &c.desk
	old := Pos{d.pos.Epoch, c.expect}
	first := !c.started
	known, latest := c.memory.of(h.Session)
	if c.started && h.Session == c.session {
		known = recalled{}
	}
	known.session = h.Session
	epoch := old.Epoch + 1
	if first && latest {
		epoch = old.Epoch // as readers know it
	}
	c.memory.begin(epoch, known)
	c.started, c.ended, c.session, d.heard = true, false, h.Session, now
	c.expect, c.high, c.top = h.First, known.told, h.First
	c.lines = append(c.lines[:0], known.lines...)
	c.seen.clear()
	c.hold.drop()
	c.heal.close()
	d.At(Pos{epoch, h.First}, d.Counts.Messages, 0)
	state := c.join(now, h, known.top())
	if h.First != 1 {
		d.Counts.LateJoin = d.Counts.LateJoin || first
	}
	if d.state == Quarantined {
		state, d.exact = Quarantined, false
	}
	if !first {
		d.Counts.Resets++
	}
	c.codec.Reset(d)
	d.newEpoch(state, why)
	if f := c.cfg.Events.Reset; f != nil && !first {
		f(old, d.pos)
	}
}

// join returns the state of an epoch that begins with h and is known to go to top. A server is asked for what is missing
// of it like for any hole.
func (c *Channel) join(now int64, h *Header, top uint64) State {
	c.desk.exact = h.First == 1 || c.cfg.Requests
	if c.desk.exact {
		c.expect, c.top = 1, max(c.top, top)
	}
	switch {
	case h.First != 1:
		return Syncing
	case c.top > 1:
		c.heal.open(now) // more has been than this packet shows
		if f := c.cfg.Events.GapOpen; f != nil {
			f(c.expect, c.top-1)
		}
		return Syncing
	default:
		return Live
	}
}
