// Package mold speaks MoldUDP64, Nasdaq's transport of numbered messages in datagrams, and its re-request protocol,
// as published in "MoldUDP64 Protocol Specification" 1.00: the Transport that feeds.Channel reads with, the Packer
// that a venue writes with, and the Server that sends again what was lost.
//
// It keeps P5 for them: a datagram whose lengths do not add up is never used, and an answer never says another thing
// than the first sending did. What the Server keeps and what one client may ask of it is bounded (P6). It reads no
// clock, opens no socket and asks for nothing: which range is missing, when to ask for it again and when to give up is
// decided by feeds.Channel alone, for two layers that retry would ask for everything many times.
package mold

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/failshut/failshut/feeds"
)

// HeaderSize is the length of the head of every packet, and of a whole request: session, sequence, count.
const HeaderSize = 20

const (
	sessionSize = 10
	lengthSize  = 2         // ahead of each message
	countEnd    = 0xFFFF    // in place of a count: the session has ended
	countMost   = 0xFFFE    // messages of one packet
	maxPayload  = 65_507    // of a UDP datagram over IPv4
	maxMessage  = 0xFFFF    // bytes
	lastSeq     = 1<<64 - 2 // so that the sequence after the last message can still be told
)

// Session is the name of a session: ten characters, padded with blanks on the left.
type Session [sessionSize]byte

// ErrSession says that a name cannot be that of a session.
var ErrSession = errors.New("mold: session name")

// NameSession returns the session called name: 1 to 10 printable ASCII characters. Shorter names are padded with
// blanks on the left.
func NameSession(name string) (Session, error) {
	var s Session
	if len(name) < 1 || len(name) > sessionSize {
		return s, fmt.Errorf("%w: %q has %d characters, want 1 to %d", ErrSession, name, len(name), sessionSize)
	}
	for _, c := range []byte(name) {
		if c <= ' ' || c > '~' {
			return s, fmt.Errorf("%w: %q holds byte %#02x, want printable ASCII without blanks", ErrSession, name, c)
		}
	}
	n := sessionSize - len(name)
	for i := range n {
		s[i] = ' '
	}
	copy(s[n:], name)
	return s, nil
}

// String returns the name without padding.
func (s Session) String() string {
	i := 0
	for i < sessionSize && s[i] == ' ' {
		i++
	}
	return string(s[i:])
}

// Transport reads MoldUDP64 packets. All numbers are big-endian. Heartbeat is how often an idle line speaks; 0 is the
// one second of the specification.
type Transport struct{ Heartbeat time.Duration }

// Traits returns the heartbeat, and that headers carry no send time.
func (t Transport) Traits() feeds.Traits {
	if t.Heartbeat <= 0 {
		return feeds.Traits{Heartbeat: time.Second}
	}
	return feeds.Traits{Heartbeat: t.Heartbeat}
}

// Parse reads the head of one packet. It refuses a packet whose messages do not fill it exactly, or whose sequence is 0
// or would wrap. A message of length 0 is legal.
func (Transport) Parse(d []byte, h *feeds.Header) (why string, ok bool) {
	if len(d) < HeaderSize {
		return "short header", false
	}
	count := binary.BigEndian.Uint16(d[18:])
	h.First, h.Count, h.End = binary.BigEndian.Uint64(d[10:]), int(count), count == countEnd
	if h.End {
		h.Count = 0
	}
	h.Sent, h.Body = 0, d[HeaderSize:]
	h.Session = feeds.Session{}
	copy(h.Session[:], d[:sessionSize])
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
		if len(b) < lengthSize {
			return false
		}
		size := int(binary.BigEndian.Uint16(b))
		if len(b)-lengthSize < size {
			return false
		}
		b = b[lengthSize+size:]
	}
	return len(b) == 0
}

// Next cuts the first message off body, which Parse has measured.
func (Transport) Next(body []byte) (msg, rest []byte) {
	size := int(binary.BigEndian.Uint16(body))
	return body[lengthSize : lengthSize+size], body[lengthSize+size:]
}

// putHeader writes the head of a packet or a request over the first HeaderSize bytes of b.
func putHeader(b []byte, s Session, seq uint64, count int) {
	copy(b, s[:])
	binary.BigEndian.PutUint64(b[10:], seq)
	binary.BigEndian.PutUint16(b[18:], uint16(count))
}
