package feeds

import (
	"time"

	"github.com/failshut/failshut/market"
)

// Events are the hooks of a feed. Any of them may be nil. They are called within Step, must not block, and take
// values only. Line numbers count from 0.
type Events struct {
	Packet        func(line, bytes, messages int)                       // each well-formed one
	Heartbeat     func(line int)                                        //
	Malformed     func(line int, why string)                            //
	UnknownType   func(kind byte)                                       //
	Duplicate     func(line int)                                        // a message that was delivered or given up before
	Reordered     func(line int)                                        // a datagram that came after a later one
	Stray         func(line int)                                        // a packet of a session that was never confirmed
	StaleDropped  func(n uint64)                                        // messages of a session left, or older than the snapshot
	Conflict      func(at Pos)                                          // the same position with other bytes
	GapOpen       func(from, to uint64)                                 // a hole, both ends missing
	GapClosed     func(how string, took time.Duration)                  // "line", "retransmission"
	GapLost       func(n uint64)                                        // messages given up; 0 when nobody can know
	Request       func(from, to uint64)                                 //
	Answered      func(took time.Duration)                              //
	NoAnswer      func()                                                //
	Hold          func(datagrams int)                                   // depth after each datagram held
	Ring          func(messages int)                                    // depth while recovering
	RingDropped   func(messages int)                                    // the ring was full and let go
	Reset         func(old, new Pos)                                    //
	EndOfSession  func()                                                //
	BookState     func(i market.Instrument, from, to State, why string) // zero instrument: the channel; in the order readers see
	Snapshot      func(i market.Instrument, applied bool, why string)   //
	Unapplied     func(i market.Instrument)                             // a book message that met a book not live
	Oracle        func(i market.Instrument, ok bool)                    //
	Contradiction func(i market.Instrument, kind string)                //
	Crossed       func(i market.Instrument)                             // after a batch
	Silence       func(d time.Duration)                                 // the channel went stale
	Refused       func(i market.Instrument, kind string)                // a number that cannot be held exactly
}
