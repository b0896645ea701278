package mold

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Why a Packer or a Server takes a message no more.
var (
	// ErrTooLong says that a message does not fit in a packet by itself.
	ErrTooLong = errors.New("mold: message too long")
	// ErrExhausted says that the sequence of the session has no number left.
	ErrExhausted = errors.New("mold: sequence exhausted")
	// ErrPacket says that a packet size cannot work.
	ErrPacket = errors.New("mold: packet size")
)

// Packer numbers the messages of one session and packs them into packets, each as full as it gets. It is not safe for
// concurrent use.
type Packer struct {
	session Session
	most    int
	first   uint64 // sequence of the first message in buf
	count   int
	buf     []byte
	other   []byte // where the last packet that was given out still lies
	head    [HeaderSize]byte
}

// NewPacker returns a Packer of session whose packets have at most size bytes. Its first message is number first.
// ErrPacket when size is below 64 or above the 65,507 bytes of a datagram; ErrExhausted when first is 0 or the last number.
func NewPacker(session Session, size int, first uint64) (*Packer, error) {
	if size < 64 || size > maxPayload {
		return nil, fmt.Errorf("%w = %d, want 64 to %d", ErrPacket, size, maxPayload)
	}
	if first == 0 || first > lastSeq {
		return nil, fmt.Errorf("%w: first = %d, want 1 to %d", ErrExhausted, first, uint64(lastSeq))
	}
	p := &Packer{session: session, most: size, first: first}
	p.buf = append(make([]byte, 0, size), p.head[:]...)
	p.other = make([]byte, 0, size)
	return p, nil
}

// Session returns the session.
func (p *Packer) Session() Session { return p.session }

// Next returns the number that the next message gets.
func (p *Packer) Next() uint64 { return p.first + uint64(p.count) }

// Pending returns how many messages wait to be flushed.
func (p *Packer) Pending() int { return p.count }

// Add gives msg the next number. When it does not fit beside those that wait, they are returned as the packet full,
// which is to be sent and is valid until the next call; else full is nil. ErrTooLong and ErrExhausted change nothing.
func (p *Packer) Add(msg []byte) (full []byte, err error) {
	if len(msg) > maxMessage || HeaderSize+lengthSize+len(msg) > p.most {
		return nil, fmt.Errorf("%w: %d bytes, want at most %d", ErrTooLong, len(msg), p.most-HeaderSize-lengthSize)
	}
	if p.Next() > lastSeq {
		return nil, ErrExhausted
	}
	if len(p.buf)+lengthSize+len(msg) > p.most || p.count == countMost {
		full = p.Flush()
	}
	p.buf = binary.BigEndian.AppendUint16(p.buf, uint16(len(msg)))
	p.buf = append(p.buf, msg...)
	p.count++
	return full, nil
}

// Flush returns what waits as one packet, nil when nothing does. It is valid until the next call that returns a packet.
func (p *Packer) Flush() []byte {
	if p.count == 0 {
		return nil
	}
	putHeader(p.buf, p.session, p.first, p.count)
	full := p.buf
	p.first += uint64(p.count)
	p.count = 0
	p.buf, p.other = append(p.other[:0], p.head[:]...), full
	return full
}

// Heartbeat returns the packet that says which number comes next, valid until the next call. It speaks of what was
// flushed, so that nobody asks for what was never sent.
func (p *Packer) Heartbeat() []byte { return p.bare(0) }

// End returns the packet that says that the session is over, valid until the next call. Flush first: what waits is not
// among what it speaks of.
func (p *Packer) End() []byte { return p.bare(countEnd) }

func (p *Packer) bare(count int) []byte {
	putHeader(p.head[:], p.session, p.first, count)
	return p.head[:]
}
