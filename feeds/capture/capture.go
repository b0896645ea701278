// Package capture reads recordings of feeds: captures of datagrams (pcap, pcapng) and lines of websocket frames, in
// whatever compression they come. What a file is it finds from the bytes, never from the name.
//
// It keeps P9: the same bytes give the same packets in the same order, and P6: no record, line or fragment makes it
// keep more than a stated bound. It never repairs: what is torn or broken is reported as such, and everything before
// it is served. It knows no venue and no format.
package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
)

// Why a recording cannot be read at all. They come wrapped with the file's name.
var (
	// ErrNoCapture says that datagrams were asked for and the bytes are neither pcap nor pcapng.
	ErrNoCapture = errors.New("capture: neither pcap nor pcapng")
	// ErrContainer says that the bytes are a container that does not hold what was asked for.
	ErrContainer = errors.New("capture: wrong container")
	// ErrCompression says that a compressed stream is damaged, other than by ending too early.
	ErrCompression = errors.New("capture: damaged compression")
	// ErrOrder says that a file begins more than five seconds before the one ahead of it ended.
	ErrOrder = errors.New("capture: files out of order")
)

// Overlap is how much earlier than the end of the file ahead a file may begin.
const Overlap = 5 * time.Second

// Family is what a format is made of, and so which containers can hold it. The zero Family is invalid.
type Family uint8

// The families.
const (
	Datagrams Family = iota + 1 // UDP payloads: pcap, pcapng
	Lines                       // one frame a line: json-lines, stamped-lines, capture-lines
	Records                     // records of a 2-byte big-endian length and a message: binaryfile
)

// Container names how packets are laid out in a file.
type Container string

// The containers. Empty is a file without a byte.
const (
	Empty        Container = "empty"
	Pcap         Container = "pcap"
	Pcapng       Container = "pcapng"
	BinaryFile   Container = "binaryfile"
	JSONLines    Container = "json-lines"
	StampedLines Container = "stamped-lines"
	CaptureLines Container = "capture-lines"
)

// File says what one file turned out to be.
type File struct {
	Name        string      `json:"name"` // without its folder
	Container   Container   `json:"container"`
	Compression Compression `json:"compression"`
}

// Packet is one thing that was recorded, as an Input of a feed. Input.Data is valid until the next call of Next.
type Packet struct {
	feeds.Input
	File int // which of the files
}

// Recording is one or several files, read as one in the order given, with bodies from snapshot files merged in by
// receive time. It is not safe for concurrent use. Close it.
type Recording struct {
	family    Family
	paths     []string
	files     []File
	snapshots []snapshot

	ctx     context.Context   // a Recording is one reading, and lasts as long
	source  *openFile         // the file being read
	early   map[int]*openFile // files that can be opened but once, and are open before it is their turn
	next    int               // the file to open next
	begun   bool              // the present file has given a receive time
	last    market.Timestamp
	ahead   Packet // read, but to be given after a snapshot
	waiting bool
	torn    bool
	unread  int64
}

// source is one open file.
type source interface {
	// next returns the next packet, io.EOF at the end.
	next() (feeds.Input, error)
	// rest reports whether the file ends inside something, and how many of its bytes were not used.
	rest() (torn bool, unread int64)
}

// Open opens files as one recording of family, with the REST bodies of snapshots merged in, to be read as long as ctx
// lasts: when it ends, Open and Next return its error, also where they wait for a pipe. Open returns an error for a file
// that cannot be opened and for one whose container does not suit; it reads the snapshot files whole.
func Open(ctx context.Context, family Family, files, snapshots []string) (*Recording, error) {
	r := &Recording{ctx: ctx, family: family, paths: files, early: map[int]*openFile{}}
	for _, p := range snapshots {
		bodies, err := readSnapshots(ctx, p)
		if err != nil {
			return nil, err
		}
		r.snapshots = append(r.snapshots, bodies...)
	}
	sortSnapshots(r.snapshots)
	for n := range files { // what they are is found first, so that nothing is judged before all are known
		if err := r.look(n); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	return r, nil
}

// look finds what file n is.
func (r *Recording) look(n int) error {
	o, err := openSource(r.ctx, r.paths[n], r.family)
	if err != nil {
		return err
	}
	r.files = append(r.files, o.what)
	if o.in.pipe {
		r.early[n] = o
		return nil
	}
	if err := o.Close(); err != nil {
		return fmt.Errorf("capture: %s: %w", r.paths[n], err)
	}
	return nil
}

// Files says what each file turned out to be.
func (r *Recording) Files() []File { return r.files }

// Truncated reports whether some file read so far ended inside a record, block, member or line.
func (r *Recording) Truncated() bool { return r.torn }

// Unread returns the number of bytes, after decompression, that could not be used.
func (r *Recording) Unread() int64 { return r.unread }

// Untaken adds n bytes that a reader could not use to those unread, and marks the recording as truncated when torn.
func (r *Recording) Untaken(n int64, torn bool) {
	r.unread += n
	r.torn = r.torn || torn
}

// Close closes what is open. It is harmless twice.
func (r *Recording) Close() error {
	err := r.closeSource()
	for _, o := range r.early {
		err = errors.Join(err, o.Close())
	}
	clear(r.early)
	return err
}

func (r *Recording) closeSource() error {
	if r.source == nil {
		return nil
	}
	o := r.source
	r.source = nil
	return o.Close()
}

// Next returns the next packet, io.EOF after the last one, or ErrOrder, ErrCompression or the error of the context,
// after which nothing more can be read.
func (r *Recording) Next() (Packet, error) {
	if !r.waiting {
		p, err := r.read()
		if err != nil && !errors.Is(err, io.EOF) {
			return Packet{}, err
		}
		if err != nil { // what is left of the snapshots comes last
			if len(r.snapshots) == 0 {
				return Packet{}, io.EOF
			}
			return r.snapshot(), nil
		}
		r.ahead, r.waiting = p, true
	}
	if len(r.snapshots) > 0 && r.ahead.Kind != feeds.Control && r.snapshots[0].Recv <= r.ahead.Recv|unstamped(r.ahead) {
		return r.snapshot(), nil
	}
	r.waiting = false
	return r.ahead, nil
}

// unstamped returns the latest time for a packet that has none, so that every snapshot comes ahead of it.
func unstamped(p Packet) market.Timestamp {
	if p.Recv == 0 {
		return 1<<63 - 1
	}
	return 0
}

func (r *Recording) snapshot() Packet {
	s := r.snapshots[0]
	r.snapshots = r.snapshots[1:]
	return Packet{Input: s.Input, File: -1}
}

// read returns the next packet of the files.
func (r *Recording) read() (Packet, error) {
	for {
		if r.source == nil {
			if err := r.open(); err != nil {
				return Packet{}, err
			}
		}
		in, err := r.source.next()
		if err == nil {
			return r.inOrder(in)
		}
		if ended := r.ctx.Err(); ended != nil {
			return Packet{}, stopped(ended) // whatever the end of the bytes was taken for
		}
		if !errors.Is(err, io.EOF) {
			return Packet{}, fmt.Errorf("%w: %s", err, r.name())
		}
		torn, unread := r.source.rest()
		r.Untaken(unread, torn)
		if err := r.closeSource(); err != nil {
			return Packet{}, fmt.Errorf("capture: %s: %w", r.name(), err)
		}
	}
}

// open opens the next file, io.EOF after the last one.
func (r *Recording) open() error {
	if r.next >= len(r.paths) {
		return io.EOF
	}
	o := r.early[r.next]
	delete(r.early, r.next)
	if o == nil {
		var err error
		if o, err = openSource(r.ctx, r.paths[r.next], r.family); err != nil {
			return err
		}
	}
	r.next++
	r.source, r.begun = o, false
	return nil
}

func (r *Recording) name() string { return filepath.Base(r.paths[r.next-1]) }

func (r *Recording) inOrder(in feeds.Input) (Packet, error) {
	if in.Recv != 0 {
		if !r.begun && r.next > 1 && r.last-in.Recv > market.Timestamp(Overlap) {
			return Packet{}, fmt.Errorf("%w: %s begins at %d, %s before the file ahead of it ended", ErrOrder, r.name(), in.Recv, time.Duration(r.last-in.Recv))
		}
		r.begun = true
		r.last = max(r.last, in.Recv)
	}
	return Packet{Input: in, File: r.next - 1}, nil
}
