package feeds

import "github.com/failshut/failshut/market"

// InputKind says what an Input is. The zero InputKind is not one.
type InputKind uint8

// The inputs of a feed.
const (
	Packet   InputKind = iota + 1 // a datagram, or a frame of a websocket, as it came from Line
	Body                          // the body of a REST answer; Symbol is what was asked for, "" when unknown
	Resent                        // a datagram that answers a retransmission request
	Control                       // what a recorder wrote between frames: counted, never judged
	Garbled                       // bytes that should have been a frame and are not
	Tick                          // nothing but the time, asked for by Deadline
	LineUp                        // Line is connected
	LineDown                      // Line is lost
	End                           // no input follows: what is still held is judged
	Retry                         // an operator lifts a quarantine
)

// Input is one thing that happens to a feed. Data belongs to the caller again when Step returns.
type Input struct {
	Kind   InputKind
	Line   int
	Data   []byte
	Symbol string // Body only
	Recv   market.Timestamp
	Torn   bool // the last bytes of a recording, without the end that a whole one has
}

// OutputKind says what an Output asks for. The zero OutputKind is not one.
type OutputKind uint8

// What a feed may ask of the world.
const (
	// Request asks the re-request server for messages From to To of Session.
	Request OutputKind = iota + 1
	// NeedSnapshot asks for a snapshot of Instrument.
	NeedSnapshot
)

// Output is one thing that a feed asks for.
type Output struct {
	Kind       OutputKind
	Session    Session
	From, To   uint64 // both included
	Instrument market.Instrument
}

// Feed is one sequence of bytes and the books that it makes. Channel is the Feed of datagrams; websocket codecs
// bring their own. A Feed is not safe for concurrent use: one actor owns it.
type Feed interface {
	// Step takes one Input at Instant now, tells the Sink what follows from it, and returns what is to be asked for.
	// The returned slice is valid until the next Step.
	Step(now int64, in Input) []Output
	// Deadline returns the Instant at which a Tick is due, and 0 for none.
	Deadline() int64
	// Desk returns the books of the feed with their states and counts.
	Desk() *Desk
	// ByType returns delivered messages by the name of their type, in a new map.
	ByType() map[string]uint64
	// Detects says what can prove a loss on this feed.
	Detects() Detection
}

// Detection is the limit of what a feed can prove.
type Detection string

// What can prove a loss.
const (
	BySequence  Detection = "sequence"  // what is missing, and how much
	ByChain     Detection = "chain"     // that something is missing
	ByChecksum  Detection = "checksum"  // a difference, once it reaches the top of the book
	ByReference Detection = "reference" // only a message that contradicts
	ByNothing   Detection = "none"
)

// Config is what every feed is made of besides its codec.
type Config struct {
	Venue   market.Venue
	Name    string // of the channel, for readers
	Limits  Limits
	Sink    Sink // nil is Discard
	Events  Events
	Applied func(Applied) // each message applied to a book that is Live after it; nil for none
	Seed    uint64        // of the jitter of retries
	// Offline says that the input is a recording: no Tick judges a hole, nothing can be asked for, and a hole is
	// lost when one datagram more than Limits.Hold would be held, at a reset, or at the end.
	Offline bool
	// Requests says that a re-request server can be asked, back to sequence 1.
	Requests bool
	// Memory is what readers were told by incarnations of a live Channel before this one, to which it adds; nil for none.
	Memory *Memory
}
