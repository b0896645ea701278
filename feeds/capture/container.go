package capture

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path/filepath"
)

// openFile is one file that is being read.
type openFile struct {
	source
	what File
	in   *input
	free func() // of the decompressor; nil for none
}

// Close closes the file.
func (o *openFile) Close() error {
	if o.free != nil {
		o.free()
	}
	return o.in.Close()
}

// openSource opens the file at path, to be read until ctx ends, and finds what it is.
func openSource(ctx context.Context, path string, family Family) (*openFile, error) {
	in, err := openInput(ctx, path)
	if err != nil {
		return nil, err
	}
	s, kind, compression, free, err := newSource(in, family)
	if err != nil {
		if ended := ctx.Err(); ended != nil {
			err = stopped(ended)
		}
		_ = in.Close() // the first error is the one that counts
		return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return &openFile{s, File{Name: filepath.Base(path), Container: kind, Compression: compression}, in, free}, nil
}

// newSource finds how r is compressed and laid out.
func newSource(r io.Reader, family Family) (source, Container, Compression, func(), error) {
	st, compression, err := decompress(r)
	if err != nil {
		return nil, "", compression, nil, err
	}
	in := bufio.NewReaderSize(st, bufferSize)
	head, err := in.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, "", compression, st.free, err
	}
	kind := detect(head, family)
	s, err := kind.source(st, in, family)
	return s, kind, compression, st.free, err
}

const headSize = 4096 // bytes looked at to find a container

// detect says what head is the head of. Text that is of no known kind is taken for json-lines, of which each line
// will then be found malformed; bytes that are no capture are Records, for they have no mark of their own.
func detect(head []byte, family Family) Container {
	switch {
	case len(head) == 0:
		return Empty
	case isPcap(head):
		return Pcap
	case bytes.HasPrefix(head, []byte{0x0a, 0x0d, 0x0d, 0x0a}):
		return Pcapng
	case family == Records:
		return BinaryFile
	}
	line := bytes.TrimLeft(head, "\r\n")
	digits := 0
	for digits < len(line) && line[digits] >= '0' && line[digits] <= '9' {
		digits++
	}
	rest := line[digits:]
	switch {
	case digits > 0 && bytes.HasPrefix(rest, []byte(" ")):
		return StampedLines
	case digits > 0 && (bytes.HasPrefix(rest, []byte(".")) || bytes.HasPrefix(rest, []byte(":"))),
		isControl(line), isBody(line):
		return CaptureLines
	}
	return JSONLines
}

func isPcap(head []byte) bool {
	if len(head) < 4 {
		return false
	}
	for _, magic := range []uint32{0xa1b2c3d4, 0xa1b23c4d} {
		if binary.LittleEndian.Uint32(head) == magic || binary.BigEndian.Uint32(head) == magic {
			return true
		}
	}
	return false
}

// source returns the reader of the container, or why family cannot be in it.
func (k Container) source(st *stream, in *bufio.Reader, family Family) (source, error) {
	switch k {
	case Empty:
		return &nothing{st}, nil
	case Pcap, Pcapng:
		if family != Datagrams {
			return nil, fmt.Errorf("%w: found %s, want %s", ErrContainer, k, family)
		}
		if k == Pcap {
			return newPcap(st, in)
		}
		return newPcapng(st, in)
	case BinaryFile:
		return &records{stream: st, in: in}, nil
	case JSONLines, StampedLines, CaptureLines:
		if family == Datagrams {
			return nil, ErrNoCapture
		}
		return &lines{stream: st, in: in, kind: k}, nil
	}
	return nil, fmt.Errorf("%w: found %q", ErrContainer, string(k))
}

// String says what the family reads.
func (f Family) String() string {
	switch f {
	case Datagrams:
		return "datagrams (pcap, pcapng)"
	case Lines:
		return "lines (json-lines, stamped-lines, capture-lines)"
	case Records:
		return "records (binaryfile)"
	default:
		return "nothing"
	}
}
