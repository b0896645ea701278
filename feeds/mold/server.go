package mold

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Limits bounds what a Server keeps and gives.
type Limits struct {
	Messages int // kept, the latest ones
	Packet   int // bytes of one answer
	Rate     int // requests a second that each client may make
	Burst    int // and at once
	Clients  int // told apart at a time
}

// DefaultLimits returns the last million messages, answers of 1,400 bytes, and 100 requests a second with bursts of 200
// for each of 256 clients.
func DefaultLimits() Limits {
	return Limits{Messages: 1_000_000, Packet: 1400, Rate: 100, Burst: 200, Clients: 256}
}

// Validate lists every bound that cannot work, with the value found and the value wanted.
func (l Limits) Validate() error {
	var errs []error
	for _, c := range []struct {
		name     string
		v        int
		low, top int
	}{
		{"messages", l.Messages, 1, 1 << 30},
		{"packet", l.Packet, 64, maxPayload},
		{"rate", l.Rate, 1, 1_000_000},
		{"burst", l.Burst, 1, 1_000_000},
		{"clients", l.Clients, 1, 65_536},
	} {
		if c.v < c.low || c.v > c.top {
			errs = append(errs, fmt.Errorf("mold: %s = %d, want %d to %d", c.name, c.v, c.low, c.top))
		}
	}
	return errors.Join(errs...)
}

// Verdict says what became of a request. The zero Verdict is not one.
type Verdict uint8

// What may become of a request. Only Answered has an answer; all others are met with silence, as the protocol has it.
const (
	Answered     Verdict = iota + 1
	Garbled              // no request
	OtherSession         // of another session than the server's
	OverBudget           // the client has asked too often, or there are too many clients
	Gone                 // begins before what is kept
	Ahead                // begins at what has not been sent yet
)

var verdictNames = [...]string{"", "answered", "garbled", "other_session", "over_budget", "gone", "ahead"}

// String returns the name in lower case, such as "over_budget".
func (v Verdict) String() string {
	if int(v) >= len(verdictNames) {
		return ""
	}
	return verdictNames[v]
}

// Server keeps the last messages of one session and answers requests for them. It is pure: requests and Instants come
// in, packets go out. It is not safe for concurrent use.
type Server struct {
	session Session
	limits  Limits
	ring    ring
	clients []client
	counts  [len(verdictNames)]uint64
}

// client is one asker and what is left of its budget, in tokens of one request at 1e-9.
type client struct {
	addr   netip.AddrPort
	tokens int64
	at     int64 // Instant at which tokens was right
}

const token = int64(time.Second)

// NewServer returns the Server of session, whose first message will be number first, or what Limits.Validate finds.
func NewServer(session Session, first uint64, l Limits) (*Server, error) {
	if err := l.Validate(); err != nil {
		return nil, err
	}
	if first == 0 || first > lastSeq {
		return nil, fmt.Errorf("%w: first = %d, want 1 to %d", ErrExhausted, first, uint64(lastSeq))
	}
	return &Server{session: session, limits: l, ring: newRing(l.Messages, first)}, nil
}

// Add keeps msg under the next number. It must be called with the same messages in the same order as Packer.Add.
// ErrTooLong when an answer could not hold it, ErrExhausted when there is no number left; both change nothing.
func (s *Server) Add(msg []byte) error {
	if len(msg) > maxMessage || HeaderSize+lengthSize+len(msg) > s.limits.Packet {
		return fmt.Errorf("%w: %d bytes, want at most %d", ErrTooLong, len(msg), s.limits.Packet-HeaderSize-lengthSize)
	}
	if s.ring.next > lastSeq {
		return ErrExhausted
	}
	s.ring.put(msg)
	return nil
}

// Range returns the lowest number that is kept, and the one that the next message gets.
func (s *Server) Range() (oldest, next uint64) { return s.ring.oldest(), s.ring.next }

// Count returns how many requests came to v.
func (s *Server) Count(v Verdict) uint64 {
	if int(v) >= len(s.counts) {
		return 0
	}
	return s.counts[v]
}

// Answer judges the datagram d that came from a client at Instant now. When the Verdict is Answered, answer is one
// packet, appended to buf[:0]: the messages asked for from the first one on, as many as exist and fit.
func (s *Server) Answer(now int64, from netip.AddrPort, d, buf []byte) (answer []byte, v Verdict) {
	answer, v = s.answer(now, from, d, buf)
	s.counts[v]++
	return answer, v
}

func (s *Server) answer(now int64, from netip.AddrPort, d, buf []byte) ([]byte, Verdict) {
	r, ok := ParseRequest(d)
	switch {
	case !s.spend(now, from): // garbage costs a token as well
		return nil, OverBudget
	case !ok:
		return nil, Garbled
	case r.Session != s.session:
		return nil, OtherSession
	case r.First < s.ring.oldest():
		return nil, Gone
	case r.First >= s.ring.next:
		return nil, Ahead
	}
	var head [HeaderSize]byte
	b := append(buf[:0], head[:]...)
	n := 0
	last := s.ring.next - r.First // how many there are
	for uint64(n) < min(uint64(r.Count), last) {
		msg := s.ring.at(r.First + uint64(n))
		if len(b)+lengthSize+len(msg) > s.limits.Packet {
			break
		}
		b = binary.BigEndian.AppendUint16(b, uint16(len(msg)))
		b = append(b, msg...)
		n++
	}
	putHeader(b, s.session, r.First, n)
	return b, Answered
}

// spend takes one request off the budget of a client, and reports whether there was one left.
func (s *Server) spend(now int64, from netip.AddrPort) bool {
	c := s.client(now, from)
	if c == nil {
		return false
	}
	c.tokens, c.at = s.refilled(c, now), max(c.at, now)
	if c.tokens < token {
		return false
	}
	c.tokens -= token
	return true
}

// refilled returns what c has at now.
func (s *Server) refilled(c *client, now int64) int64 {
	most := int64(s.limits.Burst) * token
	gone := now - c.at
	if gone <= 0 {
		return c.tokens
	}
	if gone > most/int64(s.limits.Rate) {
		return most
	}
	return min(most, c.tokens+gone*int64(s.limits.Rate))
}

// client finds the budget of a client, or gives it the place of one whose budget has filled up again and so says
// nothing any more. It returns nil when there is none: then a newcomer has to wait, not those who are served.
func (s *Server) client(now int64, from netip.AddrPort) *client {
	idle := -1
	for i := range s.clients {
		c := &s.clients[i]
		if c.addr == from {
			return c
		}
		if idle < 0 && s.refilled(c, now) >= int64(s.limits.Burst)*token {
			idle = i
		}
	}
	fresh := client{addr: from, tokens: int64(s.limits.Burst) * token, at: now}
	switch {
	case len(s.clients) < s.limits.Clients:
		s.clients = append(s.clients, fresh)
		return &s.clients[len(s.clients)-1]
	case idle >= 0:
		s.clients[idle] = fresh
		return &s.clients[idle]
	}
	return nil
}
