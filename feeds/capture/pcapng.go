package capture

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
)

// pcapng reads a capture of the next generation, with its sections, interfaces and resolutions of time.
type pcapng struct {
	blocks *blocks
	r      *pcapgo.NgReader
	net    network
	broken bool
	unread int64
	torn   bool
}

var errBlock = errors.New("capture: a pcapng block that cannot be")

func newPcapng(st *stream, in *bufio.Reader) (source, error) {
	p := &pcapng{blocks: &blocks{stream: st, in: in}}
	var err error
	if p.r, err = ngReader(p.blocks); err == nil {
		return p, nil
	}
	p.broken = true
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		p.torn, p.unread = true, st.n
		return p, nil
	}
	return nil, errors.Join(ErrNoCapture, err)
}

func ngReader(b *blocks) (r *pcapgo.NgReader, err error) {
	defer caught(&err)
	return pcapgo.NewNgReader(b, pcapgo.NgReaderOptions{WantMixedLinkType: true, SkipUnknownVersion: true})
}

// caught turns a panic of the library over options that contradict themselves into the error that it should have
// been: the bytes are input, and input is never a panic of ours.
func caught(err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("%w: %v", errBlock, v)
	}
}

func (p *pcapng) rest() (bool, int64) { return p.torn || p.blocks.stream.torn, p.unread }

func (p *pcapng) next() (feeds.Input, error) {
	for !p.broken {
		frame, ci, err := p.frame()
		if err != nil {
			return p.end(err)
		}
		intf, err := p.r.Interface(ci.InterfaceIndex)
		if err != nil {
			return p.end(err)
		}
		at := market.Timestamp(0)
		if !ci.Timestamp.IsZero() {
			at = market.StampOf(ci.Timestamp)
		}
		if payload, line, ok := p.net.udp(uint32(intf.LinkType), frame); ok {
			return feeds.Input{Kind: feeds.Packet, Line: line, Data: payload, Recv: at}, nil
		}
	}
	return feeds.Input{}, io.EOF
}

func (p *pcapng) frame() (b []byte, ci gopacket.CaptureInfo, err error) {
	defer caught(&err)
	return p.r.ZeroCopyReadPacketData()
}

func (p *pcapng) end(err error) (feeds.Input, error) {
	p.broken = true
	b := p.blocks
	switch {
	case errors.Is(err, ErrCompression):
		return feeds.Input{}, err
	case b.err == nil || errors.Is(b.err, errBlock):
		// The library or the framing refused a block.
		if _, err := io.Copy(io.Discard, b.in); err != nil {
			return feeds.Input{}, err
		}
		p.unread = b.stream.n - b.good
		return feeds.Input{Kind: feeds.Garbled}, nil
	}
	p.unread = b.stream.n - b.used
	p.torn = p.unread > 0
	return feeds.Input{}, io.EOF
}

// blocks hands whole blocks to the library, and none whose lengths contradict each other: the library trusts them.
type blocks struct {
	stream *stream
	in     *bufio.Reader
	order  binary.ByteOrder
	buf    []byte
	left   []byte
	good   int64 // bytes of the blocks before the one handed out last
	used   int64 // bytes of all blocks handed out
	err    error
}

func (b *blocks) Read(p []byte) (int, error) {
	if len(b.left) == 0 {
		if b.err == nil {
			b.err = b.fill()
		}
		if b.err != nil {
			return 0, b.err
		}
	}
	n := copy(p, b.left)
	b.left = b.left[n:]
	return n, nil
}

const (
	sectionHeader  = 0x0a0d0d0a
	enhancedPacket = 6
	simplePacket   = 3
	oldPacket      = 2
)

// fill reads one block.
func (b *blocks) fill() error {
	head, err := b.in.Peek(12)
	if err != nil {
		if errors.Is(err, io.EOF) && len(head) > 0 {
			_, _ = b.in.Discard(len(head)) // they are there: Peek has shown them
		}
		return err
	}
	if binary.LittleEndian.Uint32(head) == sectionHeader {
		b.order = binary.LittleEndian
		if binary.BigEndian.Uint32(head[8:]) == 0x1a2b3c4d {
			b.order = binary.BigEndian
		}
	}
	if b.order == nil {
		return errBlock
	}
	size := b.order.Uint32(head[4:])
	if size < 12 || size%4 != 0 || size > maxFrame+4096 {
		return errBlock
	}
	if cap(b.buf) < int(size) {
		b.buf = make([]byte, size+4096)
	}
	b.buf = b.buf[:size]
	if _, err := io.ReadFull(b.in, b.buf); err != nil {
		return err
	}
	b.good, b.used = b.used, b.used+int64(size)
	if b.order.Uint32(b.buf[size-4:]) != size || !b.holds(b.order.Uint32(b.buf), b.buf[8:size-4]) {
		return errBlock
	}
	b.left = b.buf
	return nil
}

// holds reports whether the packet that a block tells of is in it.
func (b *blocks) holds(kind uint32, body []byte) bool {
	var fixed int
	switch kind {
	case enhancedPacket, oldPacket:
		fixed = 20
	case simplePacket:
		return len(body) >= 4 && int64(b.order.Uint32(body)) <= int64(len(body)-4)
	default:
		return true
	}
	return len(body) >= fixed && int64(b.order.Uint32(body[12:]))+int64(fixed) <= int64(len(body))
}
