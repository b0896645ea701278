// Package iextest writes IEX-TP segments with DEEP 1.0 messages, and captures of them, for tests. It promises only
// what a test can check (P9): the same arguments give the same bytes. It is no venue and no recorder.
package iextest

import (
	"encoding/binary"

	"github.com/failshut/failshut/market"
)

// Start is the time at which the feeds of tests begin, in ns.
const Start = 1_700_000_000_000_000_000

// Segment is one IEX-TP segment. Sent is its send time in ns after Start. Count is that of Messages unless Heartbeat
// of a sequence is wanted, which is a Segment without Messages.
type Segment struct {
	Session  uint32
	First    uint64
	Sent     int64
	Messages [][]byte
}

// Bytes returns the UDP payload of s as a DEEP 1.0 segment.
func (s Segment) Bytes() []byte {
	b := make([]byte, 40)
	le := binary.LittleEndian
	b[0] = 1
	le.PutUint16(b[2:], 0x8004)
	le.PutUint32(b[4:], 1)
	le.PutUint32(b[8:], s.Session)
	le.PutUint16(b[14:], uint16(len(s.Messages)))
	le.PutUint64(b[24:], s.First)
	le.PutUint64(b[32:], uint64(Start+s.Sent))
	for _, m := range s.Messages {
		b = le.AppendUint16(b, uint16(len(m)))
		b = append(b, m...)
	}
	le.PutUint16(b[12:], uint16(len(b)-40))
	return b
}

// Level is a price level update of symbol: price in units of 1e-4.
func Level(symbol string, side market.Side, price int64, size uint32, complete bool) []byte {
	m := message(symbol, size, price, 30)
	m[0] = '8'
	if side == market.Sell {
		m[0] = '5'
	}
	if complete {
		m[1] = 1
	}
	return m
}

// Trade is a trade report of symbol: price in units of 1e-4.
func Trade(symbol string, price int64, size uint32) []byte {
	m := message(symbol, size, price, 38)
	m[0] = 'T'
	return m
}

func message(symbol string, size uint32, price int64, length int) []byte {
	m := make([]byte, length)
	le := binary.LittleEndian
	le.PutUint64(m[2:], Start)
	copy(m[10:18], "        ")
	copy(m[10:18], symbol)
	le.PutUint32(m[18:], size)
	le.PutUint64(m[22:], uint64(price))
	return m
}

// Frame is payload as an Ethernet frame with IPv4 and UDP to group 224.0.0.n, without checksums.
func Frame(payload []byte, n byte) []byte {
	be := binary.BigEndian
	b := make([]byte, 14+20+8, 14+20+8+len(payload))
	copy(b, []byte{1, 0, 0x5e, 0, 0, n})
	be.PutUint16(b[12:], 0x0800)
	ip, udp := b[14:34], b[34:42]
	ip[0], ip[8], ip[9] = 0x45, 1, 17
	be.PutUint16(ip[2:], uint16(28+len(payload)))
	copy(ip[12:], []byte{10, 0, 0, 1, 224, 0, 0, n})
	be.PutUint16(udp, 10_000)
	be.PutUint16(udp[2:], 10_000)
	be.PutUint16(udp[4:], uint16(8+len(payload)))
	return append(b, payload...)
}

// Pcap is a nanosecond capture of payloads, one each millisecond after Start.
func Pcap(payloads ...[]byte) []byte {
	le := binary.LittleEndian
	b := make([]byte, 24)
	le.PutUint32(b, 0xa1b23c4d)
	le.PutUint16(b[4:], 2)
	le.PutUint16(b[6:], 4)
	le.PutUint32(b[16:], 1<<16)
	le.PutUint32(b[20:], 1)
	for i, p := range payloads {
		f, at := Frame(p, 1), Start+int64(i)*1_000_000
		b = le.AppendUint32(b, uint32(at/1e9))
		b = le.AppendUint32(b, uint32(at%1e9))
		b = le.AppendUint32(b, uint32(len(f)))
		b = le.AppendUint32(b, uint32(len(f)))
		b = append(b, f...)
	}
	return b
}
