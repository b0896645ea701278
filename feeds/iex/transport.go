// Package iex reads the multicast feeds of IEX: the transport IEX-TP and the messages of DEEP 1.0, as published in
// "IEX Transport Specification" 1.25 and "IEX DEEP Specification" 1.0.
//
// It keeps P5 for them: a datagram whose lengths do not add up is never used, and a price level is only ever set
// from messages in sequence. It reads no clock and does no I/O; feeds.Channel does the sequencing.
package iex

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/failshut/failshut/feeds"
)

// The message protocols that IEX-TP carries.
const (
	ProtocolDEEP = 0x8004 // DEEP 1.0
	ProtocolTOPS = 0x8003 // TOPS 1.6
)

const (
	headerSize  = 40
	transportV1 = 1
)

// Transport is IEX-TP version 1 for one message protocol. All numbers are little-endian. The zero Transport accepts
// nothing.
type Transport struct{ Protocol uint16 }

// Traits returns a heartbeat of one second and that every header carries a send time.
func (Transport) Traits() feeds.Traits {
	return feeds.Traits{Heartbeat: time.Second, SendTimes: true}
}

// Parse reads the head of one segment. It refuses a segment that is not exactly as long as it says, whose messages
// do not fill it exactly, or whose first sequence is 0 or would wrap.
func (t Transport) Parse(d []byte, h *feeds.Header) (why string, ok bool) {
	if len(d) < headerSize {
		return "short header", false
	}
	le := binary.LittleEndian
	switch {
	case d[0] != transportV1:
		return "transport version", false
	case t.Protocol == 0 || le.Uint16(d[2:]) != t.Protocol:
		return "message protocol", false
	case int(le.Uint16(d[12:])) != len(d)-headerSize:
		return "payload length", false
	}
	h.Count, h.First, h.Sent = int(le.Uint16(d[14:])), le.Uint64(d[24:]), int64(le.Uint64(d[32:]))
	h.Body, h.End = d[headerSize:], false
	h.Session = feeds.Session{}
	copy(h.Session[:], d[2:12]) // protocol, channel, session
	if h.First == 0 || h.First > math.MaxUint64-uint64(h.Count) {
		return "sequence", false
	}
	if !fills(h.Body, h.Count) {
		return "message blocks", false
	}
	return "", true
}

// fills reports whether exactly n message blocks fill b.
func fills(b []byte, n int) bool {
	for range n {
		if len(b) < 2 {
			return false
		}
		size := int(binary.LittleEndian.Uint16(b))
		if len(b)-2 < size {
			return false
		}
		b = b[2+size:]
	}
	return len(b) == 0
}

// Next cuts the first message off body, which Parse has measured.
func (Transport) Next(body []byte) (msg, rest []byte) {
	size := int(binary.LittleEndian.Uint16(body))
	return body[2 : 2+size], body[2+size:]
}
