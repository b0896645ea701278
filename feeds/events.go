package feeds

import (
	"time"

	"github.com/failshut/failshut/market"
)

// Events are the hooks of a feed. Any of them may be nil. They are called within Step, must not block, and take
// values only. Line numbers count from 0.
type Events struct {
	// Packet comes for each well-formed packet, Heartbeat for each without messages.
	Packet    func(line, bytes, messages int)
	Heartbeat func(line int)
	// Malformed comes for what is not used at all, UnknownType for a message that is skipped.
	Malformed   func(line int, why string)
	UnknownType func(kind byte)
	// Duplicate comes for a message that was delivered or given up before, Conflict when its bytes differ.
	Duplicate func(line int)
	Conflict  func(at Pos)
	// Reordered comes for a datagram that brings something new after a later one of its line.
	Reordered func(line int)
	// Stray comes for a packet of a session that was never confirmed, StaleDropped for messages of a session left,
	// or older than the snapshot.
	Stray        func(line int)
	StaleDropped func(n uint64)
	// GapOpen names both ends of a hole. GapClosed says by what it closed ("line", "retransmission"), GapLost how many
	// messages were given up, 0 when nobody can know.
	GapOpen   func(from, to uint64)
	GapClosed func(how string, took time.Duration)
	GapLost   func(n uint64)
	// Request, Answered and NoAnswer follow retransmission.
	Request  func(from, to uint64)
	Answered func(took time.Duration)
	NoAnswer func()
	// Hold is the number of datagrams held, after each one more; RingDropped the number of messages let go.
	Hold        func(datagrams int)
	RingDropped func(messages int)
	// Reset and EndOfSession follow epochs.
	Reset        func(old, new Pos)
	EndOfSession func()
	// BookState is every change of state, in the order in which readers see them; of the channel where the instrument
	// is zero.
	BookState func(i market.Instrument, from, to State, why string)
	// Snapshot says whether one was applied, or why not; Unapplied that a book message met a book that is not Live.
	Snapshot  func(i market.Instrument, applied bool, why string)
	Unapplied func(i market.Instrument)
	// Oracle, Contradiction and Crossed are checks of a Live book; Refused is a number that cannot be held exactly.
	Oracle        func(i market.Instrument, ok bool)
	Contradiction func(i market.Instrument, kind string)
	Crossed       func(i market.Instrument)
	Refused       func(i market.Instrument, kind string)
	// Silence says for how long a channel said nothing when it went Stale.
	Silence func(d time.Duration)
}
