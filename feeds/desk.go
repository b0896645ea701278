package feeds

import (
	"errors"

	"github.com/failshut/failshut/market"
)

// ErrTooMany says that a channel has as many instruments as Limits.Symbols allows.
var ErrTooMany = errors.New("feeds: too many symbols")

// Seat is the place of one instrument at a Desk: its book and how far it can be trusted.
type Seat struct {
	instrument market.Instrument
	ladder     Ladder
	own        State // of this book alone; the channel's state comes on top
	bid, ask   Level // as last published
	shown      bool  // a quote is out and has not been taken back
	booked     bool  // a message about the book has come
	dirty      bool  // to be published when the datagram ends
	proven     int64 // Instant at which the book was last proven by itself or by news of it
}

// Instrument returns whose seat it is.
func (s *Seat) Instrument() market.Instrument { return s.instrument }

// Ladder returns the book.
func (s *Seat) Ladder() Ladder { return s.ladder }

// Booked reports whether a message about the book has come.
func (s *Seat) Booked() bool { return s.booked }

// Own returns the state of the book by itself, to which the state of its channel comes on top.
func (s *Seat) Own() State { return s.own }

// Book marks that a message about the book has come.
func (s *Seat) Book() { s.booked = true }

// Applied is one message that changed a book which is Live after it. Index counts messages of the feed from 0.
type Applied struct {
	Seat  *Seat
	Index uint64
	Event market.Timestamp
}

// Desk is where a codec reports what a message did. It keeps the states of one feed's books, publishes only what is
// Live, and counts. One Desk belongs to one Feed.
type Desk struct {
	Counts Counts

	cfg    Config
	sink   Sink
	prover Prover  // sink, where it is one
	memory *Memory // of a Channel
	state  State   // of the channel
	exact  bool    // every message since the epoch began has been applied, or would have been
	old    bool    // the message was delivered before: books need it again, readers do not

	pos   Pos
	event market.Timestamp
	recv  market.Timestamp
	mono  int64
	heard int64 // Instant of the last packet in sequence, where a Channel judges that
	index uint64

	seats []*Seat
	dirty []*Seat
	out   []Output
}

// NewDesk returns the Desk of a feed in state. Exact says that its books are kept in sequence by the feed itself, one
// by one, and not by a Channel: each seat's own state then says whether it is.
func NewDesk(cfg Config, state State, exact bool) Desk {
	sink := cfg.Sink
	if sink == nil {
		sink = Discard{}
	}
	prover, _ := sink.(Prover)
	return Desk{cfg: cfg, sink: sink, prover: prover, state: state, exact: exact}
}

// Seat makes the seat of i with its book, in state. It returns ErrTooMany at the bound.
func (d *Desk) Seat(i market.Instrument, l Ladder, state State) (*Seat, error) {
	if len(d.seats) >= d.cfg.Limits.Symbols {
		return nil, ErrTooMany
	}
	s := &Seat{instrument: i, ladder: l, own: state}
	d.seats = append(d.seats, s)
	return s, nil
}

// Seats returns the seats in the order in which they were made. The slice belongs to d.
func (d *Desk) Seats() []*Seat { return d.seats }

// State returns the state of the channel.
func (d *Desk) State() State { return d.state }

// StateOf returns the worse of the channel's state and that of s.
func (d *Desk) StateOf(s *Seat) State { return d.state.Worse(s.own) }

// States counts the booked seats by state, and returns the worst of them; Syncing when there is none.
func (d *Desk) States() (by map[State]int, worst State) {
	by, worst = map[State]int{}, Syncing
	for _, s := range d.seats {
		if !s.booked {
			continue
		}
		st := d.StateOf(s)
		if len(by) == 0 {
			worst = st
		}
		by[st]++
		worst = worst.Worse(st)
	}
	return by, worst
}

// Seen notes the time of a well-formed packet, for feeds that are not Channels. Event is used without a receive time.
func (d *Desk) Seen(recv, event market.Timestamp) { d.Counts.seen(recv, event, 0) }

// Stamp sets the times of the packet under way.
func (d *Desk) Stamp(recv market.Timestamp, mono int64) { d.recv, d.mono = recv, mono }

// At sets position, index among messages and the venue's time of the message under way. Channel sets position and
// index itself.
func (d *Desk) At(pos Pos, index uint64, event market.Timestamp) {
	d.pos, d.index, d.event = pos, index, event
}

// Time sets the venue's time of the message under way.
func (d *Desk) Time(event market.Timestamp) { d.event = event }

// Pos returns the position of the message under way.
func (d *Desk) Pos() Pos { return d.pos }

// Limits returns the bounds of the feed.
func (d *Desk) Limits() Limits { return d.cfg.Limits }

// Venue returns the venue of the feed.
func (d *Desk) Venue() market.Venue { return d.cfg.Venue }

// Exact reports whether the message under way follows everything since the epoch began. A codec that keeps what is
// not of one book (a directory, an order table) asks it, where Applies asks for one book.
func (d *Desk) Exact() bool { return d.exact }

// Applies reports whether the book message under way may be applied to the book of s, and counts it as unapplied
// when it may not: a book that is not in sequence is neither touched nor judged.
func (d *Desk) Applies(s *Seat) bool {
	s.booked = true
	if d.exact && s.own == Live {
		return true
	}
	d.Unapplied(s)
	return false
}

// Unapplied counts a book message that met a book which is not Live.
func (d *Desk) Unapplied(s *Seat) {
	d.Counts.Unapplied++
	if f := d.cfg.Events.Unapplied; f != nil {
		f(s.instrument)
	}
}

func (d *Desk) live(s *Seat) bool { return d.state == Live && s.own == Live }

// Level tells readers that qty rests at price on side now. Complete ends the batch.
func (d *Desk) Level(s *Seat, side market.Side, price market.Price, qty market.Qty, complete bool) {
	if !d.live(s) {
		return
	}
	d.sink.Depth(Depth{
		Pos: d.pos, Instrument: s.instrument, State: Live, Side: side, Price: price, Qty: qty, Complete: complete,
		Event: d.event, Recv: d.recv, Mono: d.mono,
	})
}

// Trade tells readers of an execution, in whatever state the book is.
func (d *Desk) Trade(s *Seat, price market.Price, qty market.Qty, aggressor market.Side) {
	if d.old {
		return
	}
	d.memory.tells(d.pos.Seq)
	d.sink.Trade(Trade{
		Pos: d.pos, Instrument: s.instrument, State: d.StateOf(s), Price: price, Qty: qty, Aggressor: aggressor,
		Event: d.event, Recv: d.recv, Mono: d.mono,
	})
}

// Applied marks that the message under way was applied to the book of s.
func (d *Desk) Applied(s *Seat) {
	if d.cfg.Applied != nil && !d.old {
		d.cfg.Applied(Applied{s, d.index, d.event})
	}
}

// Judge counts a batch after which the book of s stands crossed or locked, and returns whether it is crossed.
func (d *Desk) Judge(s *Seat) (crossed bool) {
	bid, ask := best(s.ladder, market.Buy), best(s.ladder, market.Sell)
	if bid.Qty == 0 || ask.Qty == 0 || bid.Price < ask.Price || d.old {
		return false
	}
	if bid.Price == ask.Price {
		d.Counts.Locked++
		return false
	}
	d.Counts.Crossed++
	if f := d.cfg.Events.Crossed; f != nil {
		f(s.instrument)
	}
	return true
}

// Publish ends a batch of s: readers get its touch if that changed since they last got it.
func (d *Desk) Publish(s *Seat) {
	if !d.live(s) {
		return
	}
	bid, ask := best(s.ladder, market.Buy), best(s.ladder, market.Sell)
	if s.shown && bid == s.bid && ask == s.ask {
		return
	}
	s.bid, s.ask, s.shown, s.proven = bid, ask, true, d.mono
	d.sink.Quote(Quote{
		Pos: d.pos, Instrument: s.instrument, State: Live, Bid: bid, Ask: ask, Range: s.ladder.Range(),
		Event: d.event, Recv: d.recv, Mono: d.mono,
	})
}

// Prove tells readers that the book of s, if it is Live, was proven to be in sequence, whether or not its touch changed.
// Codecs of a Channel have no need of it: there every packet in sequence proves all books.
func (d *Desk) Prove(s *Seat) {
	if !d.live(s) {
		return
	}
	s.proven = d.mono
	if d.prover != nil {
		d.prover.ProvenBook(s.instrument, d.mono)
	}
}

// Touch asks for s to be published when the datagram ends.
func (d *Desk) Touch(s *Seat) {
	if !s.dirty {
		s.dirty = true
		d.dirty = append(d.dirty, s)
	}
}

// flush publishes every touched seat, in the order in which they were touched.
func (d *Desk) flush() {
	for _, s := range d.dirty {
		s.dirty = false
		d.Publish(s)
	}
	d.dirty = d.dirty[:0]
}

// UnknownLevel counts a level taken away that was not there, which is normal on feeds of price levels.
func (d *Desk) UnknownLevel() { d.Counts.UnknownLevels++ }

// UnknownOrder counts a message about an order that is not there: something was lost, so the book is Suspect.
func (d *Desk) UnknownOrder(s *Seat) {
	d.Counts.UnknownOrders++
	d.contradict(s, "unknown order")
}

// Contradict counts a message that cannot follow what came before: something was lost, so the book is Suspect.
func (d *Desk) Contradict(s *Seat, kind string) {
	d.Counts.Contradictions++
	d.contradict(s, kind)
}

func (d *Desk) contradict(s *Seat, kind string) {
	if f := d.cfg.Events.Contradiction; f != nil {
		f(s.instrument, kind)
	}
	d.Turn(s, Suspect, kind)
	d.Ask(Output{Kind: NeedSnapshot, Instrument: s.instrument})
}

// Refuse shuts s for a number that cannot be held exactly: beyond the range or the precision of ours.
func (d *Desk) Refuse(s *Seat, kind string) {
	d.Counts.Refused++
	if f := d.cfg.Events.Refused; f != nil {
		f(s.instrument, kind)
	}
	d.Turn(s, Quarantined, kind)
}

// Ask adds o to what Step returns. A recording can be asked for nothing.
func (d *Desk) Ask(o Output) {
	if !d.cfg.Offline {
		d.out = append(d.out, o)
	}
}

// TakeOutputs returns what was asked for since the last call; it is valid until the next message is applied.
func (d *Desk) TakeOutputs() []Output {
	out := d.out
	d.out = d.out[:0]
	return out
}

// Unlisted counts a symbol that has no seat: its name is none, or the channel has as many as it may.
func (d *Desk) Unlisted() { d.Counts.Refused++ }
