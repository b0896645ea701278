package journal

import (
	"errors"
	"fmt"
)

const (
	// SegmentMin is the smallest segment: it holds at least three of the largest records.
	SegmentMin = 64 << 10
	// SegmentMax is the largest segment, 1 GiB.
	SegmentMax = 1 << 30
)

// Options says what a log is and how much of everything it may hold. Zero
// numbers are replaced by those of DefaultOptions.
type Options struct {
	// Node is the node's name and Group the journal's; both are written into
	// every segment and must match on the next open. 1 to 64 bytes each.
	Node, Group string
	// Build is the program's version, for people.
	Build string
	// Segment is the size of a segment in bytes, from SegmentMin to SegmentMax. Default 64 MiB.
	Segment int64
	// Floor is the free space in bytes below which Low is true. At least two segments. Default 1 GiB.
	Floor int64
	// Queue is how many records may wait for the disk; then Append is ErrFull. Default 16,384.
	Queue int
	// BatchRecords and BatchBytes bound what one fdatasync makes durable. Defaults 4,096 and 1 MiB.
	BatchRecords, BatchBytes int
	// Files is how many segments are kept besides the one being written; older ones are removed. 0 keeps all.
	// It is for logs that may lose their past (decisions, audit), never for orders.
	Files int
	// NoSync leaves out fdatasync: the log may lose its tail. Never for orders.
	NoSync bool
	// Wall gives the time for Record.Wall, ns since 1970 UTC. nil writes 0.
	Wall func() int64
	// OnQueued is called by Append, and by Commit when it leaves some behind,
	// when records wait and no commit is under way: at most once for each commit
	// that follows. It must not block and must not call the log.
	OnQueued func()
	// OnDurable is called by Commit after the watermark has moved. It must not block.
	OnDurable func(LSN)
	// Events are hooks for those who watch. Nil ones are skipped.
	Events Events
}

// Events are hooks; each is called on the goroutine that caused it, must not block and must not call the log.
type Events struct {
	// BatchBegin and BatchEnd stand around the write and sync of a batch. A batch that failed has err.
	BatchBegin func()
	BatchEnd   func(records, bytes int, err error)
	// Dead tells, once, that the log has died and why.
	Dead func(err error)
	// Low tells that free space passed the floor, downwards (true) or upwards. free is -1 when it could not be asked for.
	Low func(low bool, free int64)
	// Rolled tells that a new segment was begun.
	Rolled func(first LSN)
	// Dropped tells of each record that Append refused with ErrFull.
	Dropped func()
}

// DefaultOptions returns the numbers of the first column of the configuration: 64 MiB segments, 1 GiB floor.
func DefaultOptions() Options {
	return Options{Segment: 64 << 20, Floor: 1 << 30, Queue: 16384, BatchRecords: 4096, BatchBytes: 1 << 20}
}

func (o Options) withDefaults() Options {
	d := DefaultOptions()
	o.Segment = orDefault(o.Segment, d.Segment)
	o.Floor = max(orDefault(o.Floor, d.Floor), 2*o.Segment)
	o.Queue = orDefault(o.Queue, d.Queue)
	o.BatchRecords = orDefault(o.BatchRecords, d.BatchRecords)
	o.BatchBytes = orDefault(o.BatchBytes, d.BatchBytes)
	return o
}

func orDefault[N int | int64](n, d N) N {
	if n == 0 {
		return d
	}
	return n
}

// Validate lists every mistake. Its error is ErrOptions.
func (o Options) Validate() error {
	o = o.withDefaults()
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: %s", ErrOptions, fmt.Sprintf(format, args...)))
	}
	for what, s := range map[string]string{"node": o.Node, "group": o.Group} {
		if len(s) < 1 || len(s) > nameMax {
			wrong("%s = %q, want 1 to %d bytes", what, s, nameMax)
		}
	}
	if len(o.Build) > nameMax {
		wrong("build has %d bytes, want at most %d", len(o.Build), nameMax)
	}
	if o.Segment < SegmentMin || o.Segment > SegmentMax || o.Segment%frameStep != 0 {
		wrong("segment = %d, want %d to %d and a multiple of %d", o.Segment, SegmentMin, SegmentMax, frameStep)
	}
	if o.Floor < 0 {
		wrong("floor = %d, want at least 0", o.Floor)
	}
	if o.Queue < 1 {
		wrong("queue = %d, want at least 1", o.Queue)
	}
	if o.BatchRecords < 1 {
		wrong("batch records = %d, want at least 1", o.BatchRecords)
	}
	if o.BatchBytes < frameMax {
		wrong("batch bytes = %d, want at least %d, the largest record", o.BatchBytes, frameMax)
	}
	if o.Files < 0 {
		wrong("files = %d, want at least 0", o.Files)
	}
	return errors.Join(errs...)
}
