package feeds

import (
	"fmt"
	"time"

	"github.com/failshut/failshut/market"
)

// Channel is one sequence of datagrams and the books that it makes: it judges sessions, epochs, duplicates and
// holes, asks for what is missing, and hands each message to its Codec exactly once and in order. It is a Feed.
type Channel struct {
	desk      Desk
	cfg       Config
	transport Transport
	traits    Traits
	codec     Codec
	memory    *Memory

	started bool
	ended   bool // the session has
	session Session
	expect  uint64 // the sequence to deliver next
	high    uint64 // what readers were told ends before it
	top     uint64 // what is known to exist ends before it
	hold    hold
	seen    seen
	lines   []line
	foreign candidate
	left    [4]Session // sessions that were left, latest first
	leaves  int        // how many of them there are
	heal    recovery
	types   [256]uint64
	head    Header
}

// Prover is a Sink that wants to know when what is Live was proven to be in sequence without news of its touch.
type Prover interface {
	// Proven says that every Live book of the feed is as good at Instant mono as it was.
	Proven(mono int64)
	// ProvenBook says it of one book, on feeds whose books are in sequence one by one.
	ProvenBook(i market.Instrument, mono int64)
}

// NewChannel returns the Channel of cfg over transport and codec, or what Limits.Validate finds. It is Down until
// its first packet.
func NewChannel(cfg Config, transport Transport, codec Codec) (*Channel, error) {
	if err := cfg.Limits.Validate(); err != nil {
		return nil, err
	}
	if !cfg.Venue.Valid() {
		return nil, fmt.Errorf("feeds: venue = %q, want a valid one", cfg.Venue)
	}
	memory := cfg.Memory
	if memory == nil && !cfg.Offline {
		memory = &Memory{} // a session that is left may be taken back
	}
	c := &Channel{
		cfg: cfg, transport: transport, traits: transport.Traits(), codec: codec, memory: memory,
		desk: NewDesk(cfg, Down, false), seen: newSeen(cfg.Limits.Seen),
	}
	c.desk.memory = memory
	c.desk.pos.Epoch = memory.pos().Epoch
	c.heal.init(cfg)
	return c, nil
}

// Desk returns the books, their states and the counts.
func (c *Channel) Desk() *Desk { return &c.desk }

// Detects returns BySequence.
func (c *Channel) Detects() Detection { return BySequence }

// Next returns the session and the sequence that is expected next; the zero Session before the first packet.
func (c *Channel) Next() (Session, uint64) { return c.session, c.expect }

// ByType returns delivered messages by their type letter.
func (c *Channel) ByType() map[string]uint64 {
	by := map[string]uint64{}
	for t, n := range c.types {
		if n > 0 {
			by[string(rune(t))] = n
		}
	}
	return by
}

// Step takes one Input at Instant now. Outputs are valid until the next Step.
func (c *Channel) Step(now int64, in Input) []Output {
	switch in.Kind {
	case Packet, Resent, Garbled:
		c.datagram(now, in)
	case Control, Body:
		c.desk.Counts.Control++
	case LineUp:
		if !c.started {
			c.desk.TurnAll(Syncing, "line up")
		}
	case LineDown:
		c.lineDown()
	case Retry:
		c.unquarantine(now)
	case End:
		c.finish(now)
	case Tick:
	}
	c.judgeTime(now)
	return c.desk.TakeOutputs()
}

func (c *Channel) lineDown() {
	if c.desk.state != Quarantined && c.desk.state != Suspect && c.desk.state != Recovering {
		c.desk.TurnAll(Down, "line lost")
	}
}

// datagram judges the form of one datagram, and takes it in when nothing is wrong with it.
func (c *Channel) datagram(now int64, in Input) {
	c.desk.Counts.Packets++
	h := &c.head
	why, ok := "not a datagram", false
	if in.Kind != Garbled {
		why, ok = c.transport.Parse(in.Data, h)
	}
	if ok {
		why, ok = c.lengths(h)
	}
	if !ok {
		c.desk.Counts.Malformed++
		if f := c.cfg.Events.Malformed; f != nil {
			f(in.Line, why)
		}
		return
	}
	c.desk.Counts.seen(in.Recv, 0, int64(c.traits.Heartbeat))
	c.desk.Stamp(in.Recv, now)
	c.note(in, h)
	c.route(now, in, h)
}

// lengths judges every message of h before any is used: a lie about one length makes all that follows unsafe.
func (c *Channel) lengths(h *Header) (why string, ok bool) {
	body := h.Body
	for range h.Count {
		var msg []byte
		msg, body = c.transport.Next(body)
		if len(msg) > 0 && c.codec.Check(msg) == BadLength {
			return "message length", false
		}
	}
	return "", true
}

func (c *Channel) note(in Input, h *Header) {
	if h.Count == 0 && !h.End {
		c.desk.Counts.Heartbeats++
		if f := c.cfg.Events.Heartbeat; f != nil {
			f(in.Line)
		}
	}
	if f := c.cfg.Events.Packet; f != nil {
		f(in.Line, len(in.Data), h.Count)
	}
}

// route finds the epoch that a well-formed datagram belongs to.
func (c *Channel) route(now int64, in Input, h *Header) {
	switch {
	case !c.started:
		c.begin(now, h, "first packet")
		c.startsOver(now, in, h)
	case h.Session != c.session:
		c.unseen(now, in, h)
		return
	default:
		c.foreign.stray(c)
		c.startsOver(now, in, h)
	}
	c.sequence(now, in, h)
}

// startsOver begins a new epoch where h shows that the sequence of the session started over.
func (c *Channel) startsOver(now int64, in Input, h *Header) {
	if in.Kind == Packet && c.line(in.Line).resets(h, c.traits) {
		c.flushHeld(now)
		c.begin(now, h, "sequence started over")
	}
}

// sequence takes a datagram of the present epoch: delivers it, holds it, or finds it late.
func (c *Channel) sequence(now int64, in Input, h *Header) {
	end := h.First + uint64(h.Count)
	c.top = max(c.top, end)
	fresh := max(h.First, c.expect)
	before := c.expect
	if c.proves(in, h) {
		c.revive(now)
	}
	e := early{first: h.First, count: h.Count, end: h.End, line: in.Line, in: in}
	e.in.Data = h.Body
	if h.First > c.expect {
		c.keep(now, e)
	} else {
		c.deliver(&e)
		c.drain(now)
	}
	l := c.line(in.Line)
	if in.Kind == Packet && h.Count > 0 && end > before && fresh < l.high {
		c.desk.Counts.Reordered++
		if f := c.cfg.Events.Reordered; f != nil {
			f(in.Line)
		}
	}
	if in.Kind == Packet {
		l.saw(h, end)
		c.memory.saw(lineNumber(in.Line), *l)
	} else {
		c.heal.answered(h.First, h.Count)
	}
	if c.desk.prover != nil && c.desk.state == Live {
		c.desk.prover.Proven(c.desk.heard)
	}
}

// proves reports whether h shows that nothing is missing up to it that was not known before: it brings what is expected
// next, or is the heartbeat that names it. A copy of what has been, or an old heartbeat, says nothing of the present, and
// no more does a server that has nothing to send.
func (c *Channel) proves(in Input, h *Header) bool {
	end := h.First + uint64(h.Count)
	return h.First <= c.expect && (end > c.expect || h.Count == 0 && end == c.expect && in.Kind == Packet)
}

// revive notes that the channel speaks and is in sequence.
func (c *Channel) revive(now int64) {
	c.desk.heard = now
	s := c.desk.state
	if s != Stale && (s != Down || c.ended) {
		return
	}
	switch {
	case !c.desk.exact:
		c.desk.TurnAll(Syncing, "start is missing")
	case c.heal.since == 0:
		c.desk.TurnAll(Live, "in sequence again")
	default:
		c.desk.TurnAll(Syncing, "a hole is open")
	}
}

// deliver hands over what of e is new. Its first sequence is at or below the expected one.
func (c *Channel) deliver(e *early) {
	body, seq := e.in.Data, e.first
	for range e.count {
		var msg []byte
		msg, body = c.transport.Next(body)
		if seq < c.expect {
			c.duplicate(seq, msg, e.line)
		} else {
			c.apply(seq, msg)
		}
		seq++
	}
	c.codec.Flush(&c.desk)
	c.desk.flush()
	if e.end && e.first >= c.expect && !c.ended {
		c.endSession()
	}
}

func (c *Channel) apply(seq uint64, msg []byte) {
	c.expect = seq + 1
	d := &c.desk
	d.old = seq < c.high
	known := len(msg) > 0 && c.codec.Check(msg) == KnownType
	if !d.old {
		c.high = c.expect
		d.Counts.Messages++
		if known {
			c.types[msg[0]]++
		} else {
			c.unknown(msg)
		}
	}
	c.seen.put(seq, msg)
	if !known {
		return
	}
	d.At(Pos{d.pos.Epoch, seq}, d.Counts.Messages-1, 0)
	c.codec.Apply(d, msg)
	d.old = false
}

func (c *Channel) unknown(msg []byte) {
	c.desk.Counts.UnknownTypes++
	if f := c.cfg.Events.UnknownType; f != nil {
		var kind byte
		if len(msg) > 0 {
			kind = msg[0]
		}
		f(kind)
	}
}

// duplicate judges a message at or below what was delivered or given up.
func (c *Channel) duplicate(seq uint64, msg []byte, line int) {
	c.desk.Counts.Duplicates++
	if f := c.cfg.Events.Duplicate; f != nil {
		f(line)
	}
	if !c.seen.differs(seq, c.expect, msg) {
		return
	}
	c.desk.Counts.Conflicts++
	if f := c.cfg.Events.Conflict; f != nil {
		f(Pos{c.desk.pos.Epoch, seq})
	}
	c.quarantine("conflict")
}

// endSession shuts the channel: the venue says that nothing follows.
func (c *Channel) endSession() {
	c.ended = true
	c.desk.Counts.EndOfSession = true
	if c.desk.state != Quarantined {
		c.desk.TurnAll(Down, "end of session")
	}
	if f := c.cfg.Events.EndOfSession; f != nil {
		f()
	}
}

// finish judges what is still open when no input follows.
func (c *Channel) finish(now int64) {
	c.flushHeld(now)
	c.foreign.stray(c)
}

// judgeTime does what is due at now, which in a recording is nothing but silence.
func (c *Channel) judgeTime(now int64) {
	if c.desk.state == Live && now-c.desk.heard > c.patience() {
		if f := c.cfg.Events.Silence; f != nil {
			f(time.Duration(now - c.desk.heard))
		}
		c.desk.TurnAll(Stale, "silence")
	}
	if !c.cfg.Offline {
		c.judgeHole(now)
	}
}

// patience is for how long the channel may be silent, in nanoseconds.
func (c *Channel) patience() int64 { return int64(c.cfg.Limits.Silence) * int64(c.traits.Heartbeat) }

// Deadline returns the Instant of the next Tick, 0 for none.
func (c *Channel) Deadline() int64 {
	at := int64(0)
	if c.desk.state == Live && c.traits.Heartbeat > 0 {
		at = c.desk.heard + c.patience() + 1
	}
	if c.cfg.Offline {
		return at
	}
	return earlier(at, c.holeDeadline())
}

// earlier returns the lesser of two deadlines of which 0 is none.
func earlier(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
