package feeds

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/market"
)

// Message is what the actor of a channel takes: a datagram of one of its readers, a tick, or what the functions of this
// package make. The zero Message does nothing.
type Message struct {
	kind   InputKind
	show   string // name of a subscriber
	line   int
	packet *buffer
	recv   market.Timestamp
	mono   int64 // Instant at which packet was read
}

// Show asks that the subscriber called name be told how everything stands: a reader that was not there when the feed
// went Live sends it once it can listen.
func Show(name string) Message { return Message{show: name} }

// Lift asks, in the name of an operator, that a quarantine be lifted.
func Lift() Message { return Message{kind: Retry} }

// channelBox bounds what waits for a channel's actor: one lane, for nothing may overtake. A datagram that finds it full
// is lost like any other, and the hole shows it.
var channelBox = mailbox.One(8192, mailbox.Reject)

// owner is the actor that owns one Feed. Each incarnation makes the Feed anew, so what was there is asked for again
// from the start.
type owner struct {
	service  *Service
	fence    actors.Fence
	ready    func()
	requests *actors.Pipe[Output]

	feed   Feed
	fanout *Fanout
	gate   gate
	armed  int64 // Instant of the tick that is on its way; 0 for none
	live   bool  // has been
}

// Starting takes back what an incarnation before has left with readers, and makes the feed.
func (a *owner) Starting(c *actors.Context[Message]) error {
	a.fanout = a.service.fanout.turn(a.over)
	defer a.fanout.leave()
	a.gate = gate{service: a.service, page: a.service.page.Turn(a.over, a.fanout), over: a.over, log: c.Log()}
	doubts, memory := a.service.takeOver(a.gate.page)
	a.gate.startOver(memory.pos(), doubts, c.Instant())
	cfg := a.service.cfg.Feed
	cfg.Sink, cfg.Memory = &a.gate, memory
	cfg.Offline, cfg.Requests = false, a.requests != nil
	var err error
	if a.feed, err = a.service.cfg.New(cfg); err != nil {
		return err
	}
	for line := range a.service.cfg.Lines {
		a.step(c, c.Instant(), Input{Kind: LineUp, Line: line})
	}
	return nil
}

// over reports whether this incarnation has ended or was left behind. Safe for any number of goroutines.
func (a *owner) over() bool { return errors.Is(a.fence.Check(), actors.ErrFenced) }

// Receive takes one message. A datagram is dated by when it was read, not by when it is its turn: what has waited proves
// nothing about now.
func (a *owner) Receive(c *actors.Context[Message], m Message) error {
	defer a.fanout.leave() // of one that panicked
	switch {
	case m.show != "":
		if to, ok := a.fanout.only(m.show); ok {
			a.feed.Desk().Show(to)
		}
	case m.packet != nil:
		a.step(c, m.mono, Input{Kind: m.kind, Line: m.line, Data: m.packet.data, Recv: m.recv})
		m.packet.release()
	case m.kind == Tick:
		a.armed = 0
		a.step(c, c.Instant(), Input{Kind: Tick})
	case m.kind != 0:
		a.step(c, c.Instant(), Input{Kind: m.kind, Line: m.line})
	}
	return nil
}

// Stopping turns readers away: from here on nobody watches.
func (a *owner) Stopping(c *actors.Context[Message], r actors.Reason) error {
	defer a.fanout.leave()
	a.gate.State(StateChange{State: Down, Why: "feed stopped: " + string(r), Mono: c.Instant()})
	return nil
}

func (a *owner) step(c *actors.Context[Message], now int64, in Input) {
	for _, o := range a.feed.Step(now, in) {
		if o.Kind == Request && a.requests != nil && a.requests.Offer(o) != nil {
			a.service.unasked() // it is asked for again when the answer does not come
		}
	}
	a.fanout.owing(a.feed.Desk().Show)
	a.arm(c)
	if !a.live && a.feed.Desk().State() == Live {
		a.live = true
		a.ready()
	}
}

// arm sees to it that a tick comes at the feed's deadline. A later deadline leaves the tick that is set, which then sets the
// next: deadlines move with every packet, timers should not.
func (a *owner) arm(c *actors.Context[Message]) {
	at := a.feed.Deadline()
	if at == 0 || a.armed != 0 && a.armed <= at {
		return
	}
	a.armed = at
	c.After("deadline", time.Duration(max(0, at-c.Instant())), Message{kind: Tick})
}

// gate stands between a feed and its readers: once its incarnation is over nothing passes. It notes which books are in
// doubt by themselves, for the next incarnation to take that back.
type gate struct {
	service *Service
	page    *Page
	over    func() bool
	log     *slog.Logger
}

// startOver tells readers, who were told everything before pos, that nothing which they know holds any longer.
func (g *gate) startOver(pos Pos, doubts []market.Instrument, mono int64) {
	g.State(StateChange{Pos: pos, State: Down, Reset: true, Why: "feed starts", Mono: mono})
	for _, i := range doubts {
		g.State(StateChange{Pos: pos, Instrument: i, State: Live, Why: "feed starts", Mono: mono}) // as good as its channel, which is down
	}
}

// Quote passes q.
func (g *gate) Quote(q Quote) {
	if !g.over() {
		g.page.Quote(q)
	}
}

// Depth passes d.
func (g *gate) Depth(d Depth) {
	if !g.over() {
		g.page.Depth(d)
	}
}

// Trade passes t.
func (g *gate) Trade(t Trade) {
	if !g.over() {
		g.page.Trade(t)
	}
}

// State passes c, and writes one line of log.
func (g *gate) State(c StateChange) {
	if g.over() {
		return
	}
	level := slog.LevelInfo
	switch {
	case !c.Instrument.Valid():
		if c.State == Suspect || c.State == Quarantined {
			level = slog.LevelWarn
		}
	case c.State == Live:
		g.service.doubt(g.page, c.Instrument, false)
	default:
		level = slog.LevelWarn
		g.service.doubt(g.page, c.Instrument, true)
	}
	attrs := []slog.Attr{slog.String("feed", g.service.cfg.Feed.Name), slog.String("state", c.State.String()), slog.String("why", c.Why)}
	if c.Instrument.Valid() {
		attrs = append(attrs, slog.String("instrument", c.Instrument.String()))
	}
	g.log.LogAttrs(context.Background(), level, "feed", attrs...)
	g.page.State(c)
}

// Proven passes it on.
func (g *gate) Proven(mono int64) {
	if !g.over() {
		g.page.Proven(mono)
	}
}

// ProvenBook passes it on.
func (g *gate) ProvenBook(i market.Instrument, mono int64) {
	if !g.over() {
		g.page.ProvenBook(i, mono)
	}
}
