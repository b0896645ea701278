package capture

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"

	"github.com/failshut/failshut/feeds"
)

// records reads a 2-byte big-endian length and a message, over and over. A length of 0 is a packet without data: it
// ends the session, and what it means for the bytes behind it is for the codec to say.
type records struct {
	stream *stream
	in     *bufio.Reader
	buf    []byte
	torn   bool
	unread int64
}

func (r *records) rest() (bool, int64) { return r.torn || r.stream.torn, r.unread }

func (r *records) next() (feeds.Input, error) {
	var size [2]byte
	n, err := io.ReadFull(r.in, size[:])
	if err != nil {
		return feeds.Input{}, r.end(err, n)
	}
	want := int(binary.BigEndian.Uint16(size[:]))
	if cap(r.buf) < want {
		r.buf = make([]byte, 1<<16)
	}
	r.buf = r.buf[:want]
	if n, err = io.ReadFull(r.in, r.buf); err != nil {
		return feeds.Input{}, r.end(err, n+len(size))
	}
	return feeds.Input{Kind: feeds.Packet, Data: r.buf}, nil
}

// end turns an end of input after n bytes of a record into the end of the file, torn where n is not 0.
func (r *records) end(err error, n int) error {
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	if n > 0 {
		r.torn, r.unread = true, int64(n)
	}
	return io.EOF
}
