// Package load puts one load on any system of mailboxes, so that figures of different systems can stand in one table: the
// same schedule, the same handler, the same histogram, and only the sending and receiving between them. Load is open where
// latency is measured: it counts from the time at which a message was to be sent, so a sender that was held up hides no
// wait. It keeps P6 for measurements: what was refused, dropped and handled adds up to what was offered, or the run is an
// error. It is for benchmarks; it reads the clock and starts goroutines.
package load

import (
	"context"
	"errors"
)

// Message is what every system carries: 32 bytes, by value where the system can.
type Message struct {
	Due    int64  // when it was to be sent, nanoseconds of the run
	Seq    uint64 // from 1 for each sender
	Sender uint32
	Lane   Lane
	Key    uint16 // instrument of a message that may be conflated
	_      [7]byte
}

// Lane says which messages go first, where a system can tell them apart. Lane(0) is Data.
type Lane uint8

// The lanes that a load uses.
const (
	Data   Lane = iota // may wait
	Cancel             // must not wait behind data
)

// Traits are what a system has to offer.
type Traits struct {
	// Bounded systems refuse or hold up what they have no room for; others grow.
	Bounded bool
	// Lanes says that a Cancel passes Data.
	Lanes bool
	// Conflates says that a newer message of a key takes the place of the queued one.
	Conflates bool
	// Spins says that the receiver looks for messages instead of sleeping, which needs a core of its own.
	Spins bool
}

// Setup describes the receiver of a run.
type Setup struct {
	// Capacity is how many Data messages may wait, where the system has a bound.
	Capacity int
	// Lanes says that messages of the lane Cancel will come.
	Lanes bool
	// Keys is how many instruments Message.Key tells apart, 0 where that says nothing. A receiver that conflates needs it.
	Keys int
	// Handle takes every message, one at a time, on a goroutine of the system. It never blocks.
	Handle func(Message)
}

// Driver makes receivers of one system. Open and Pair may be called again once the one before is closed.
type Driver interface {
	// Name is how tables call the system, Version what was measured.
	Name() string
	Version() string
	Traits() Traits
	// Open starts one receiver.
	Open(ctx context.Context, s Setup) (Receiver, error)
	// Pair starts two receivers that play one message to each other until turn, called by each of them, is false.
	Pair(ctx context.Context, turn func(Message) bool) (Pair, error)
}

// Receiver is a running receiver.
type Receiver interface {
	// Senders runs f on n goroutines of their own, each with its own Sender, and returns when all have.
	Senders(n int, f func(i int, s Sender)) error
	// Dropped is how many messages were accepted and given up for others since the start; 0 where the system does not
	// say.
	Dropped() uint64
	// Close stops it, at once.
	Close() error
}

// Sender sends to one receiver from one goroutine.
type Sender interface {
	// Offer sends m without waiting; false: it was refused.
	Offer(m Message) bool
	// Send sends m and waits for room in the way of the system; unbounded systems never wait.
	Send(m Message) error
}

// Pair is two receivers that play a message to each other.
type Pair interface {
	// Kick gives the first one the message.
	Kick(m Message) error
	Close() error
}

// Answers of a run.
var (
	// ErrNotPossible says that the system cannot do what the mode asks for.
	ErrNotPossible = errors.New("not possible with this system")
	// ErrNoSpareCore says that a receiver that spins has no core for it.
	ErrNoSpareCore = errors.New("no spare core")
	// ErrUnbalanced says that messages are missing from the books: a defect of the system, or of its driver.
	ErrUnbalanced = errors.New("messages do not add up")
)
