package mold_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/feeds/mold"
)

func session(t testing.TB, name string) mold.Session {
	t.Helper()
	s, err := mold.NameSession(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// packet writes a packet by hand, so that the Packer is not its own judge.
func packet(name string, first uint64, count int, blocks ...[]byte) []byte {
	b := make([]byte, 20)
	copy(b, "          ")
	copy(b[10-len(name):], name)
	binary.BigEndian.PutUint64(b[10:], first)
	binary.BigEndian.PutUint16(b[18:], uint16(count))
	for _, m := range blocks {
		b = binary.BigEndian.AppendUint16(b, uint16(len(m)))
		b = append(b, m...)
	}
	return b
}

func lie(d []byte, by int) []byte {
	binary.BigEndian.PutUint16(d[20:], uint16(int(binary.BigEndian.Uint16(d[20:]))+by))
	return d
}

func TestParseJudgesTheFormOfAPacket(t *testing.T) {
	a, b := []byte("abc"), []byte("de")
	for _, tt := range []struct {
		name  string
		d     []byte
		count int // -1: refused
		end   bool
	}{
		{"two messages", packet("S1", 1, 2, a, b), 2, false},
		{"heartbeat", packet("S1", 9, 0), 0, false},
		{"end of session", packet("S1", 9, 0xFFFF), 0, true},
		{"messages of length zero", packet("S1", 1, 2, nil, nil), 2, false},
		{"empty", nil, -1, false},
		{"header cut by one byte", packet("S1", 9, 0)[:19], -1, false},
		{"count one too high", packet("S1", 1, 3, a, b), -1, false},
		{"count one too low", packet("S1", 1, 1, a, b), -1, false},
		{"heartbeat with bytes behind it", append(packet("S1", 1, 0), 0), -1, false},
		{"end with a message behind it", packet("S1", 1, 0xFFFF, a), -1, false},
		{"length one too high", lie(packet("S1", 1, 1, a), 1), -1, false},
		{"length one too low", lie(packet("S1", 1, 1, a), -1), -1, false},
		{"length lie that eats the next length", lie(packet("S1", 1, 2, a, b), 2), -1, false},
		{"cut by one byte", packet("S1", 1, 1, a)[:24], -1, false},
		{"one byte of a length", append(packet("S1", 1, 2, a), 0), -1, false},
		{"sequence zero", packet("S1", 0, 1, a), -1, false},
		{"last sequences", packet("S1", math.MaxUint64-2, 2, a, b), 2, false},
		{"sequence that ends at the very last number", packet("S1", math.MaxUint64-1, 1, a), 1, false},
		{"sequence that wraps", packet("S1", math.MaxUint64, 1, a), -1, false},
		{"most messages", packet("S1", 1, 0xFFFE, make([][]byte, 0xFFFE)...), 0xFFFE, false},
		{"more messages than a count can say", packet("S1", 1, 0x10000, make([][]byte, 0x10000)...), -1, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var h feeds.Header
			why, ok := mold.Transport{}.Parse(tt.d, &h)
			if ok != (tt.count >= 0) {
				t.Fatalf("Parse() = %q, %v, want accepted %v", why, ok, tt.count >= 0)
			}
			if ok && (h.Count != tt.count || h.End != tt.end || h.Sent != 0) {
				t.Errorf("header = %+v, want count %d, end %v", h, tt.count, tt.end)
			}
			if !ok && why == "" {
				t.Error("Parse() gave no reason")
			}
		})
	}
}

func TestHeartbeatIsOneSecondUnlessSaid(t *testing.T) {
	if got := (mold.Transport{}).Traits(); got != (feeds.Traits{Heartbeat: time.Second}) {
		t.Errorf("Traits() = %+v, want a second", got)
	}
	if got := (mold.Transport{Heartbeat: time.Minute}).Traits().Heartbeat; got != time.Minute {
		t.Errorf("heartbeat = %v, want a minute", got)
	}
}

func TestSessionNames(t *testing.T) {
	if s := session(t, "AB"); string(s[:]) != "        AB" || s.String() != "AB" {
		t.Errorf("session = %q, %q, want AB padded on the left", s[:], s.String())
	}
	for _, bad := range []string{"", "elevenchars", "a b", "é", "a\x7f", "a\n"} {
		if _, err := mold.NameSession(bad); !errors.Is(err, mold.ErrSession) {
			t.Errorf("NameSession(%q) error = %v, want ErrSession", bad, err)
		}
	}
}

// unpack returns the messages of d and the sequence of the first.
func unpack(t testing.TB, d []byte) (first uint64, msgs [][]byte) {
	t.Helper()
	var h feeds.Header
	if why, ok := (mold.Transport{}).Parse(d, &h); !ok {
		t.Fatalf("packet %x refused: %s", d, why)
	}
	body := h.Body
	for range h.Count {
		var m []byte
		m, body = mold.Transport{}.Next(body)
		msgs = append(msgs, bytes.Clone(m))
	}
	return h.First, msgs
}

func TestPackerFillsPacketsAndNumbersMessages(t *testing.T) {
	p, err := mold.NewPacker(session(t, "S1"), 64, 1)
	if err != nil {
		t.Fatal(err)
	}
	var packets [][]byte
	msg := func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, i%15) }
	for i := range 100 {
		full, err := p.Add(msg(i))
		if err != nil {
			t.Fatal(err)
		}
		if full != nil {
			packets = append(packets, bytes.Clone(full))
		}
	}
	packets = append(packets, bytes.Clone(p.Flush()))
	if p.Flush() != nil || p.Pending() != 0 {
		t.Error("Flush() of nothing gave a packet")
	}
	next := uint64(1)
	for i, d := range packets {
		first, msgs := unpack(t, d)
		if first != next || len(d) > 64 {
			t.Errorf("packet %d begins at %d with %d bytes, want %d and at most 64", i, first, len(d), next)
		}
		if i+1 < len(packets) && len(d)+2+len(msg(int(next)-1+len(msgs))) <= 64 {
			t.Errorf("packet %d has %d bytes, though the next message would have fitted", i, len(d))
		}
		for _, m := range msgs {
			if !bytes.Equal(m, msg(int(next)-1)) {
				t.Errorf("message %d = %x, want %x", next, m, msg(int(next)-1))
			}
			next++
		}
	}
	if next != 101 || p.Next() != 101 {
		t.Errorf("next = %d, Next() = %d, want 101", next, p.Next())
	}
	for _, d := range [][]byte{p.Heartbeat(), p.End()} {
		if first, msgs := unpack(t, d); first != 101 || len(msgs) != 0 {
			t.Errorf("packet %x says next is %d, want 101", d, first)
		}
	}
}

func TestFullPacketStaysValidWhileTheNextOneIsBegun(t *testing.T) {
	p, _ := mold.NewPacker(session(t, "S1"), 64, 1)
	one, two := bytes.Repeat([]byte{1}, 42), bytes.Repeat([]byte{2}, 42)
	if full, err := p.Add(one); full != nil || err != nil {
		t.Fatalf("Add() = %x, %v, want nothing: 64 bytes fit exactly", full, err)
	}
	full, _ := p.Add(two)
	if _, msgs := unpack(t, full); len(msgs) != 1 || !bytes.Equal(msgs[0], one) {
		t.Errorf("full packet = %x, want the first message", full)
	}
}

func TestHeartbeatSpeaksOfWhatWasFlushed(t *testing.T) {
	p, _ := mold.NewPacker(session(t, "S1"), 64, 1)
	_, _ = p.Add([]byte("x"))
	if first, _ := unpack(t, p.Heartbeat()); first != 1 {
		t.Errorf("heartbeat says next is %d while message 1 waits, want 1", first)
	}
}

func TestPackerRefusesWhatCannotBeSent(t *testing.T) {
	s := session(t, "S1")
	for _, size := range []int{63, 65_508} {
		if _, err := mold.NewPacker(s, size, 1); !errors.Is(err, mold.ErrPacket) {
			t.Errorf("NewPacker(size %d) error = %v, want ErrPacket", size, err)
		}
	}
	for _, first := range []uint64{0, math.MaxUint64} {
		if _, err := mold.NewPacker(s, 64, first); !errors.Is(err, mold.ErrExhausted) {
			t.Errorf("NewPacker(first %d) error = %v, want ErrExhausted", first, err)
		}
	}
	p, _ := mold.NewPacker(s, 64, 1)
	if _, err := p.Add(make([]byte, 43)); !errors.Is(err, mold.ErrTooLong) || p.Next() != 1 {
		t.Errorf("Add(43 bytes) error = %v, next %d, want ErrTooLong and 1", err, p.Next())
	}
	p, _ = mold.NewPacker(s, 64, math.MaxUint64-1)
	if _, err := p.Add(nil); err != nil {
		t.Errorf("Add() of the last number error = %v", err)
	}
	if _, err := p.Add(nil); !errors.Is(err, mold.ErrExhausted) {
		t.Errorf("Add() beyond the last number error = %v, want ErrExhausted", err)
	}
	if first, msgs := unpack(t, p.Flush()); first != math.MaxUint64-1 || len(msgs) != 1 {
		t.Errorf("last packet begins at %d with %d messages", first, len(msgs))
	}
	if first, _ := unpack(t, p.End()); first != math.MaxUint64 {
		t.Errorf("end says next is %d, want %d", first, uint64(math.MaxUint64))
	}
}

func TestPackerDoesNotAllocate(t *testing.T) {
	p, _ := mold.NewPacker(session(t, "S1"), 1400, 1)
	msg := make([]byte, 36)
	if n := testing.AllocsPerRun(1000, func() { _, _ = p.Add(msg) }); n != 0 {
		t.Errorf("Add() allocates %v times, want 0", n)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(packet("S1", 1, 2, []byte("abc"), nil))
	f.Add(packet("S1", 0, 0))
	f.Add(packet("S1", math.MaxUint64, 0))
	f.Add(packet("S1", math.MaxUint64-1, 1, []byte("a")))
	f.Add(packet("S1", math.MaxUint64, 0xFFFF))
	f.Add(packet("S1", 1, 0xFFFE, []byte("a")))
	f.Add(lie(packet("S1", 1, 1, []byte("a")), 0xFFFF-1))
	f.Add(make([]byte, 19))
	f.Fuzz(func(t *testing.T, d []byte) {
		var h feeds.Header
		why, ok := mold.Transport{}.Parse(d, &h)
		if !ok {
			if why == "" {
				t.Error("refused without a reason")
			}
			return
		}
		if h.First == 0 || h.First+uint64(h.Count) < h.First || h.End && h.Count != 0 {
			t.Fatalf("accepted header %+v", h)
		}
		size, body := mold.HeaderSize, h.Body
		for range h.Count {
			var m []byte
			m, body = mold.Transport{}.Next(body)
			size += 2 + len(m)
		}
		if size != len(d) || len(body) != 0 {
			t.Fatalf("messages take %d of %d bytes", size, len(d))
		}
	})
}
