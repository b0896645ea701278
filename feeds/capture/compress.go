package capture

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Compression names how a file is compressed.
type Compression string

// The compressions that are read.
const (
	None  Compression = "none"
	Gzip  Compression = "gzip"
	Bzip2 Compression = "bzip2"
	Zip   Compression = "zip" // the first entry
	Zstd  Compression = "zstd"
)

const bufferSize = 64 << 10

// stream is the bytes of one file without their compression. It counts them, and where the compressed stream ends
// inside a member it ends too and remembers that it is torn.
type stream struct {
	r    io.Reader
	n    int64
	torn bool
	free func()
}

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.n += int64(n)
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return n, err
	case err == nil || err == io.EOF:
		return n, err
	case errors.Is(err, io.ErrUnexpectedEOF):
		s.torn = true
		return n, io.EOF
	}
	return n, fmt.Errorf("%w: %w", ErrCompression, err)
}

// decompress finds how r is compressed and returns what is inside.
func decompress(r io.Reader) (*stream, Compression, error) {
	in := bufio.NewReaderSize(r, bufferSize)
	head, err := in.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, None, err
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return opened(gunzip(in))(Gzip)
	case bytes.HasPrefix(head, []byte("BZh")):
		return &stream{r: bzip2.NewReader(in)}, Bzip2, nil
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return opened(unzip(in))(Zip)
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		const window = 128 << 20 // the largest that zstd itself reads without being asked to
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(window))
		if err != nil {
			return nil, Zstd, fmt.Errorf("%w: %w", ErrCompression, err)
		}
		return &stream{r: z, free: z.Close}, Zstd, nil
	}
	return &stream{r: in}, None, nil
}

// opened turns a compressed stream whose head is torn into an empty one that is.
func opened(r io.Reader, err error) func(Compression) (*stream, Compression, error) {
	return func(c Compression) (*stream, Compression, error) {
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			return &stream{r: bytes.NewReader(nil), torn: true}, c, nil
		}
		if err != nil {
			return nil, c, fmt.Errorf("%w: %w", ErrCompression, err)
		}
		return &stream{r: r}, c, nil
	}
}

// unzip returns the first entry of a zip file, read from its front so that a torn file is served as far as it goes.
func unzip(in *bufio.Reader) (io.Reader, error) {
	var head [30]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	flags, method, sum := le.Uint16(head[6:]), le.Uint16(head[8:]), le.Uint32(head[14:])
	size := int64(le.Uint32(head[18:]))
	if _, err := in.Discard(int(le.Uint16(head[26:])) + int(le.Uint16(head[28:]))); err != nil {
		return nil, err
	}
	const encrypted, sizesFollow = 1, 8
	if flags&encrypted != 0 {
		return nil, errors.New("the zip entry is encrypted")
	}
	var r io.Reader
	switch {
	case method == 8:
		r = flate.NewReader(in)
	case method == 0 && flags&sizesFollow == 0:
		r = &whole{r: in, left: size}
	default:
		return nil, fmt.Errorf("zip method %d, want 0 or 8", method)
	}
	if flags&sizesFollow != 0 {
		return r, nil // the sum stands behind the entry, where a torn file has none
	}
	return &summed{r: r, want: sum, sum: crc32.NewIEEE()}, nil
}

// whole reads exactly left bytes, and says so when they are not there.
type whole struct {
	r    io.Reader
	left int64
}

func (w *whole) Read(p []byte) (int, error) {
	if w.left == 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > w.left {
		p = p[:w.left]
	}
	n, err := w.r.Read(p)
	w.left -= int64(n)
	if errors.Is(err, io.EOF) && w.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// summed checks a CRC at the end.
type summed struct {
	r    io.Reader
	want uint32
	sum  hash.Hash32
}

func (s *summed) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	_, _ = s.sum.Write(p[:n]) // a hash never fails
	if err == io.EOF && s.sum.Sum32() != s.want {
		return n, fmt.Errorf("zip: checksum %08x, want %08x", s.sum.Sum32(), s.want)
	}
	return n, err
}

func gunzip(in *bufio.Reader) (io.Reader, error) { return gzip.NewReader(in) }
