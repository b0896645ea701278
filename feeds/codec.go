package feeds

import "time"

// Session names one run of a sequence as the venue writes it, padded with zero bytes. A Transport whose sequence
// has further names (a channel, a protocol) puts them in too.
type Session [16]byte

// Header is what the head of one datagram says. First is the sequence of its first message, and of the next one to
// come where Count is 0. Sent is the venue's send time in ns, 0 where the transport has none.
type Header struct {
	Session Session
	First   uint64
	Count   int
	End     bool // the session has ended; Count is 0
	Sent    int64
	Body    []byte // the messages, within the datagram
}

// Traits are what differs between transports of datagrams.
type Traits struct {
	// Heartbeat is how often an idle line speaks.
	Heartbeat time.Duration
	// SendTimes says that every header carries a send time. Then a first sequence below what the line has said, with
	// a newer send time, is an epoch reset; without send times it takes three lower heartbeats in a row with nothing higher between.
	SendTimes bool
}

// Transport cuts datagrams into messages: IEX-TP and MoldUDP64 are Transports. It holds no state.
type Transport interface {
	Traits() Traits
	// Parse reads the head of d into h. It returns false and why for a datagram that must not be used: a short head,
	// a wrong version, a length that does not add up, a sequence of 0 or one that wraps. When it returns true, Next
	// succeeds exactly h.Count times on h.Body and leaves nothing.
	Parse(d []byte, h *Header) (why string, ok bool)
	// Next cuts the first message off body.
	Next(body []byte) (msg, rest []byte)
}

// Judgement is what a codec says of one message before it is used.
type Judgement uint8

// The judgements of Codec.Check. The zero Judgement refuses.
const (
	BadLength   Judgement = iota // a known type of a wrong length: the whole datagram counts as never received
	KnownType                    // to be applied
	UnknownType                  // skipped by its length, and counted
)

// Codec reads the messages of one format and owns the books that they make, L2 or L3. It is called only by the
// Channel that it was given to, with messages in sequence, and tells its changes to that Channel's Desk.
type Codec interface {
	// Check judges type and length of msg, and nothing else. It must not keep state.
	Check(msg []byte) Judgement
	// Apply applies one message that Check found known. For a message about a book it asks d.Applies first, and
	// leaves the book alone when the answer is no.
	Apply(d *Desk, msg []byte)
	// Flush ends a datagram, or a run of held ones. Books whose batch is the datagram are published here.
	Flush(d *Desk)
	// Reset empties every book: a new epoch begins.
	Reset(d *Desk)
}
