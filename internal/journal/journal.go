// Package journal is an append-only durable log: framed and checksummed records,
// one fdatasync for whatever arrived while the last one ran, and a recovery that
// tells a torn tail (cut) from a damaged middle (never skipped). It carries the
// durable half of promises P3 and P9: what was acknowledged as durable is read
// back unchanged and in order, or the log says that it is corrupt.
//
// A log that cannot write any more is in state Dead, one that cannot be read is
// in state Corrupt; both are answers and neither ends the process, because
// cancels must go on (promise P7). The journal never retries a failed write or
// sync, never reads a clock, starts no goroutine, and knows nothing of orders.
package journal

import "errors"

// LSN is the position of a record in the log: 1 for the first record, then one
// more for each, without a gap, over all epochs and segments. 0 is no position.
type LSN uint64

// Kind says what the body of a record is. The journal's own kinds are below 16
// and the rest belongs to the caller; to the journal they are opaque.
type Kind uint8

const (
	// KindEpoch is the first record after each open; see EpochBody.
	KindEpoch Kind = 1
	// KindCheckpoint is a part of a caller's state, or the record that closes it; see CheckpointWriter and PartOf.
	KindCheckpoint Kind = 2
	// KindFirst is the first kind that a caller may define.
	KindFirst Kind = 16
)

// Record is one entry of the log. Body is at most MaxBody bytes.
type Record struct {
	LSN     LSN
	Epoch   uint32
	Kind    Kind
	Version uint8
	// Wall is the time of the append in nanoseconds since 1970 UTC. It is information only: nothing is decided by it.
	Wall int64
	Body []byte
}

// State is what a log can still do.
type State uint8

// The zero State is none of these, so that a log nobody opened is not taken for a good one.
const (
	// OK accepts and keeps records.
	OK State = iota + 1
	// Dead has failed to write or sync. It stays so until the node is restarted on a mended disk.
	Dead
	// Corrupt was found damaged before its end when it was opened. It can be neither read whole nor written.
	Corrupt
)

// String returns the state in lower case, as status shows it.
func (s State) String() string {
	switch s {
	case OK:
		return "ok"
	case Dead:
		return "dead"
	case Corrupt:
		return "corrupt"
	default:
		return "unknown"
	}
}

// The decisions a caller can make.
var (
	// ErrFull is the answer of Append when Options.Queue records wait. Nothing was written.
	ErrFull = errors.New("journal: queue is full")
	// ErrDead is the answer of a log that failed to write or sync, or was closed.
	ErrDead = errors.New("journal: dead")
	// ErrTooLarge is the answer of Append to a body of more than MaxBody bytes.
	ErrTooLarge = errors.New("journal: body too large")
	// ErrCorrupt is the answer of a damaged log; a *CorruptError says where.
	ErrCorrupt = errors.New("journal: corrupt")
	// ErrLocked is the answer of Open when another process holds the journal; a *LockedError names it.
	ErrLocked = errors.New("journal: locked")
	// ErrForeign is the answer of Open when the journal belongs to another node or group.
	ErrForeign = errors.New("journal: belongs to another")
	// ErrOptions is the answer of Open to options that cannot work.
	ErrOptions = errors.New("journal: options")
)
