package mold

import (
	"encoding/binary"

	"github.com/failshut/failshut/feeds"
)

// Request asks for Count messages of Session from number First on.
type Request struct {
	Session Session
	First   uint64
	Count   int
}

// AppendRequest appends r as a datagram to b. A Count beyond what a header can say is cut to it: the answer is bounded
// by one datagram anyhow, and what is still missing is asked for again.
func AppendRequest(b []byte, r Request) []byte {
	var h [HeaderSize]byte
	putHeader(h[:], r.Session, r.First, min(max(r.Count, 0), countMost))
	return append(b, h[:]...)
}

// ParseRequest reads a request. It refuses, with false, another length than that of a header, a sequence of 0, and a
// count of 0 or of end of session.
func ParseRequest(d []byte) (Request, bool) {
	if len(d) != HeaderSize {
		return Request{}, false
	}
	r := Request{First: binary.BigEndian.Uint64(d[10:]), Count: int(binary.BigEndian.Uint16(d[18:]))}
	copy(r.Session[:], d)
	return r, r.First != 0 && r.Count != 0 && r.Count != countEnd
}

// AppendAsk appends, as a datagram, the request that a feeds.Channel over Transport asks for with o.
func AppendAsk(b []byte, o feeds.Output) []byte {
	r := Request{First: o.From, Count: int(min(o.To-o.From, countMost-1)) + 1}
	copy(r.Session[:], o.Session[:])
	return AppendRequest(b, r)
}
