package capture

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
)

const maxLine = 4 << 20 // bytes of a frame; a longer line is garbled

// nothing is a file without a byte.
type nothing struct{ stream *stream }

func (n *nothing) next() (feeds.Input, error) { return feeds.Input{}, io.EOF }
func (n *nothing) rest() (bool, int64)        { return n.stream.torn, 0 }

// lines reads one frame a line.
type lines struct {
	stream *stream
	in     *bufio.Reader
	kind   Container
	long   []byte // a line longer than the buffer
	size   int64  // of the line, also of what was forgotten
	torn   bool
	unread int64
}

func (l *lines) rest() (bool, int64) { return l.torn || l.stream.torn, l.unread }

func (l *lines) next() (feeds.Input, error) {
	for {
		line, whole, err := l.line()
		if err != nil {
			return feeds.Input{}, err
		}
		if len(line) == 0 {
			continue
		}
		in := l.parse(line)
		in.Torn = !whole
		if in.Kind == feeds.Garbled && !whole {
			l.torn, l.unread = true, l.unread+l.size
			continue
		}
		return in, nil
	}
}

// line returns the next line without its end, and whether it had one.
func (l *lines) line() (line []byte, whole bool, err error) {
	l.long, l.size = l.long[:0], 0
	for {
		part, err := l.in.ReadSlice('\n')
		l.size += int64(len(part))
		if err == nil && len(l.long) == 0 {
			return bytes.TrimRight(part, "\r\n"), true, nil
		}
		if len(l.long) <= maxLine { // the rest of an endless line is read and forgotten
			l.long = append(l.long, part...)
		}
		switch {
		case err == nil:
			return bytes.TrimRight(l.long, "\r\n"), true, nil
		case errors.Is(err, io.EOF) && len(l.long) > 0:
			return l.long, false, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, false, err
		}
	}
}

func (l *lines) parse(line []byte) feeds.Input {
	if len(line) > maxLine {
		return feeds.Input{Kind: feeds.Garbled, Data: line}
	}
	switch l.kind {
	case StampedLines:
		return stamped(line)
	case CaptureLines:
		return captured(line)
	default:
		return feeds.Input{Kind: feeds.Packet, Data: line}
	}
}

// stamped reads "<ns> <json>".
func stamped(line []byte) feeds.Input {
	stamp, frame, ok := bytes.Cut(line, []byte(" "))
	at, good := digits(stamp)
	if !ok || !good {
		return feeds.Input{Kind: feeds.Garbled, Data: line}
	}
	return feeds.Input{Kind: feeds.Packet, Data: frame, Recv: at}
}

// captured reads "<seconds.fraction>: <json>", "https://… -> <seconds.fraction>: <json>", and what a recorder wrote
// of its connections.
func captured(line []byte) feeds.Input {
	switch {
	case isControl(line):
		return feeds.Input{Kind: feeds.Control, Data: line}
	case isBody(line):
		url, rest, ok := bytes.Cut(line, []byte(" -> "))
		stamp, body, whole := bytes.Cut(rest, []byte(": "))
		at, good := seconds(stamp)
		if !ok || !whole || !good {
			return feeds.Input{Kind: feeds.Control, Data: line}
		}
		return feeds.Input{Kind: feeds.Body, Data: body, Recv: at, Symbol: query(url, "symbol=")}
	}
	stamp, frame, ok := bytes.Cut(line, []byte(": "))
	at, good := seconds(stamp)
	if !ok || !good {
		return feeds.Input{Kind: feeds.Garbled, Data: line}
	}
	return feeds.Input{Kind: feeds.Packet, Data: frame, Recv: at}
}

func isControl(line []byte) bool {
	return bytes.HasPrefix(line, []byte("wss://")) || bytes.HasPrefix(line, []byte("ws://"))
}

func isBody(line []byte) bool {
	return bytes.HasPrefix(line, []byte("https://")) || bytes.HasPrefix(line, []byte("http://"))
}

// query returns the value of one key of a URL.
func query(url []byte, key string) string {
	_, v, ok := bytes.Cut(url, []byte(key))
	if !ok {
		return ""
	}
	if i := bytes.IndexAny(v, "& #"); i >= 0 {
		v = v[:i]
	}
	return string(v)
}

// digits reads nanoseconds.
func digits(b []byte) (market.Timestamp, bool) {
	if len(b) == 0 || len(b) > 18 && (len(b) != 19 || b[0] >= '9') {
		return 0, false
	}
	var n market.Timestamp
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + market.Timestamp(c-'0')
	}
	return n, true
}

// seconds reads seconds with a fraction as the digits that they are: no float could hold them. Digits past the ninth
// are dropped.
func seconds(b []byte) (market.Timestamp, bool) {
	whole, fraction, _ := bytes.Cut(b, []byte("."))
	s, ok := digits(whole)
	if !ok || s > 9_000_000_000 {
		return 0, false
	}
	ns := market.Timestamp(0)
	for i := range max(9, len(fraction)) {
		c := byte('0')
		if i < len(fraction) {
			c = fraction[i]
		}
		if c < '0' || c > '9' {
			return 0, false
		}
		if i < 9 {
			ns = ns*10 + market.Timestamp(c-'0')
		}
	}
	return s*1_000_000_000 + ns, true
}

// snapshot is one body out of a snapshot file.
type snapshot struct{ feeds.Input }

// Bounds of one file of snapshots, which is kept whole.
const (
	maxSnapshots     = 1 << 16 // bodies
	maxSnapshotBytes = 256 << 20
)

// readSnapshots reads every body of the file at path.
func readSnapshots(ctx context.Context, path string) ([]snapshot, error) {
	s, err := openSource(ctx, path, Lines)
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.Close() }() // nothing was written
	var out []snapshot
	for size := 0; len(out) < maxSnapshots && size <= maxSnapshotBytes; {
		in, err := s.next()
		if ended := ctx.Err(); ended != nil {
			return nil, stopped(ended)
		}
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %s", err, filepath.Base(path))
		}
		if in.Kind == feeds.Control {
			continue
		}
		if in.Kind == feeds.Packet {
			in.Kind = feeds.Body
		}
		in.Data = bytes.Clone(in.Data)
		size += len(in.Data)
		out = append(out, snapshot{in})
	}
	return nil, fmt.Errorf("capture: %s: more than %d bodies, or than %d bytes of them", filepath.Base(path), maxSnapshots, maxSnapshotBytes)
}

func sortSnapshots(s []snapshot) {
	slices.SortStableFunc(s, func(a, b snapshot) int {
		switch {
		case a.Recv < b.Recv:
			return -1
		case a.Recv > b.Recv:
			return 1
		}
		return 0
	})
}
