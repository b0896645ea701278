package mold_test

import (
	"bytes"
	"errors"
	"flag"
	"math"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/feeds/mold"
)

var seed = flag.Uint64("seed", 1, "of random tests")

var client = netip.MustParseAddrPort("127.0.0.1:5000")

func ask(s mold.Session, first uint64, count int) []byte {
	return mold.AppendRequest(nil, mold.Request{Session: s, First: first, Count: count})
}

func newServer(t testing.TB, s mold.Session, first uint64, change func(*mold.Limits)) *mold.Server {
	t.Helper()
	l := mold.DefaultLimits()
	if change != nil {
		change(&l)
	}
	v, err := mold.NewServer(s, first, l)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestServerAnswersWhatItHas(t *testing.T) {
	s := session(t, "S1")
	v := newServer(t, s, 1, func(l *mold.Limits) { l.Packet, l.Messages = 64, 50 })
	for i := range 100 {
		if err := v.Add([]byte(strconv.Itoa(i + 1))); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name    string
		d       []byte
		verdict mold.Verdict
		count   int
	}{
		{"one", ask(s, 60, 1), mold.Answered, 1},
		{"as many as fit a datagram: 44 bytes of 4 each", ask(s, 60, 40), mold.Answered, 11},
		{"the oldest that is kept", ask(s, 51, 1), mold.Answered, 1},
		{"one before that", ask(s, 50, 40), mold.Gone, 0},
		{"the last, of many asked for", ask(s, 100, 1000), mold.Answered, 1},
		{"what has not been sent", ask(s, 101, 1), mold.Ahead, 0},
		{"the very last sequence", ask(s, math.MaxUint64, 65_534), mold.Ahead, 0},
		{"no sequence", ask(s, 0, 1), mold.Garbled, 0},
		{"no messages", ask(s, 60, 0), mold.Garbled, 0},
		{"the count of an end", packet("S1", 60, 0xFFFF), mold.Garbled, 0},
		{"another session", ask(session(t, "S2"), 60, 1), mold.OtherSession, 0},
		{"short", ask(s, 60, 1)[:19], mold.Garbled, 0},
		{"long", append(ask(s, 60, 1), 0), mold.Garbled, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer, verdict := v.Answer(0, client, tt.d, nil)
			if verdict != tt.verdict || (answer != nil) != (verdict == mold.Answered) {
				t.Fatalf("Answer() = %x, %s, want %s", answer, verdict, tt.verdict)
			}
			if answer == nil {
				return
			}
			r, _ := mold.ParseRequest(tt.d)
			first, msgs := unpack(t, answer)
			if first != r.First || len(msgs) != tt.count || len(answer) > 64 {
				t.Errorf("answer begins at %d with %d messages in %d bytes, want %d, %d, at most 64", first, len(msgs), len(answer), r.First, tt.count)
			}
			for i, m := range msgs {
				if want := strconv.FormatUint(first+uint64(i), 10); string(m) != want {
					t.Errorf("message %d = %q, want %q", i, m, want)
				}
			}
		})
	}
	if got := v.Count(mold.Answered); got != 4 {
		t.Errorf("answered = %d, want 4", got)
	}
}

func TestServerBudgetIsPerClient(t *testing.T) {
	s := session(t, "S1")
	v := newServer(t, s, 1, func(l *mold.Limits) { l.Rate, l.Burst, l.Clients = 10, 3, 2 })
	_ = v.Add([]byte("x"))
	at := func(ms int64, from netip.AddrPort) mold.Verdict {
		_, got := v.Answer(ms*int64(time.Millisecond), from, ask(s, 1, 1), nil)
		return got
	}
	other, third := netip.MustParseAddrPort("127.0.0.1:5001"), netip.MustParseAddrPort("127.0.0.1:5002")
	for i, tt := range []struct {
		ms   int64
		from netip.AddrPort
		want mold.Verdict
	}{
		{1000, client, mold.Answered},
		{1000, client, mold.Answered},
		{1000, client, mold.Answered},
		{1000, client, mold.OverBudget},
		{1000, other, mold.Answered},              // another client is not charged
		{1099, client, mold.OverBudget},           // 0.99 of a token
		{1100, client, mold.Answered},             // exactly one
		{1100, third, mold.Answered},              // takes the place of other, whose budget is full again
		{1100, netip.AddrPort{}, mold.OverBudget}, // nobody is idle: the newcomer waits
		{500, client, mold.OverBudget},            // a clock that steps back refills nothing
		{1_000_000_000, client, mold.Answered},
		{1_000_000_000, client, mold.Answered},
		{1_000_000_000, client, mold.Answered},
		{1_000_000_000, client, mold.OverBudget}, // however long it was idle, the burst is the most
	} {
		if got := at(tt.ms, tt.from); got != tt.want {
			t.Errorf("request %d at %d ms = %s, want %s", i, tt.ms, got, tt.want)
		}
	}
}

func TestServerNearTheEndOfTheSequence(t *testing.T) {
	s := session(t, "S1")
	first := uint64(math.MaxUint64 - 2)
	v := newServer(t, s, first, nil)
	for range 2 {
		if err := v.Add([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := v.Add([]byte("x")); !errors.Is(err, mold.ErrExhausted) {
		t.Errorf("Add() beyond the last number error = %v, want ErrExhausted", err)
	}
	answer, _ := v.Answer(0, client, ask(s, first, 65_534), nil)
	if from, msgs := unpack(t, answer); from != first || len(msgs) != 2 {
		t.Errorf("answer begins at %d with %d messages, want %d with 2", from, len(msgs), first)
	}
	if _, verdict := v.Answer(0, client, ask(s, math.MaxUint64, 1), nil); verdict != mold.Ahead {
		t.Errorf("verdict = %s, want ahead", verdict)
	}
}

func TestServerRefusesWhatItCouldNotSendAgain(t *testing.T) {
	v := newServer(t, session(t, "S1"), 1, func(l *mold.Limits) { l.Packet = 64 })
	if err := v.Add(make([]byte, 43)); !errors.Is(err, mold.ErrTooLong) {
		t.Errorf("Add(43 bytes) error = %v, want ErrTooLong", err)
	}
	_, err := mold.NewServer(mold.Session{}, 1, mold.Limits{Packet: 70_000})
	if err == nil {
		t.Fatal("NewServer() of the zero Limits made a server")
	}
	for _, want := range []string{"messages = 0", "packet = 70000", "rate = 0", "burst = 0", "clients = 0"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not name %q", err, want)
		}
	}
}

func TestRequestCountIsCutToWhatAHeaderCanSay(t *testing.T) {
	s := session(t, "S1")
	if r, ok := mold.ParseRequest(ask(s, 5, 1<<20)); !ok || r.Count != 0xFFFE || r.First != 5 || r.Session != s {
		t.Errorf("request = %+v, %v, want a count of 65534", r, ok)
	}
}

// TestRingKeepsTheLastMessages compares the server with a slice of all messages, over many blocks.
func TestRingKeepsTheLastMessages(t *testing.T) {
	t.Logf("seed %d", *seed)
	rnd := rand.New(rand.NewPCG(*seed, 1))
	s := session(t, "S1")
	for _, most := range []int{1, 4095, 4096, 10_000} {
		v := newServer(t, s, 7, func(l *mold.Limits) { l.Messages, l.Rate, l.Burst = most, 1_000_000, 1_000_000 })
		var all [][]byte
		for range 30_000 {
			m := make([]byte, rnd.IntN(20))
			for i := range m {
				m[i] = byte(rnd.Uint32())
			}
			all = append(all, m)
			if err := v.Add(m); err != nil {
				t.Fatal(err)
			}
			oldest, next := v.Range()
			if want := uint64(7 + max(0, len(all)-most)); oldest != want || next != uint64(7+len(all)) {
				t.Fatalf("range = %d to %d after %d messages, want from %d", oldest, next, len(all), want)
			}
			if rnd.IntN(20) > 0 {
				continue
			}
			from := oldest + rnd.Uint64N(next-oldest)
			answer, verdict := v.Answer(0, client, ask(s, from, 1+rnd.IntN(200)), nil)
			if verdict != mold.Answered {
				t.Fatalf("verdict of %d = %s, want answered", from, verdict)
			}
			first, msgs := unpack(t, answer)
			for i, m := range msgs {
				if want := all[first-7+uint64(i)]; !bytes.Equal(m, want) {
					t.Fatalf("message %d = %x, want %x", first+uint64(i), m, want)
				}
			}
		}
	}
}

func TestAnswerDoesNotAllocate(t *testing.T) {
	s := session(t, "S1")
	v := newServer(t, s, 1, nil)
	for range 1000 {
		_ = v.Add(make([]byte, 36))
	}
	d, buf, now := ask(s, 1, 100), make([]byte, 0, 1400), int64(0)
	if n := testing.AllocsPerRun(100, func() { now += 1e9; _, _ = v.Answer(now, client, d, buf) }); n != 0 {
		t.Errorf("Answer() allocates %v times, want 0", n)
	}
}

func FuzzServer(f *testing.F) {
	s := session(f, "S1")
	f.Add(ask(s, 1, 1))
	f.Add(ask(s, 0, 0))
	f.Add(ask(s, math.MaxUint64, 65_534))
	f.Add(ask(s, 200, 0xFFFF))
	f.Add([]byte("short"))
	f.Fuzz(func(t *testing.T, d []byte) {
		v := newServer(t, s, 1, func(l *mold.Limits) { l.Messages, l.Packet = 100, 200 })
		for i := range 200 {
			_ = v.Add(make([]byte, i%150))
		}
		answer, verdict := v.Answer(0, client, d, nil)
		if (verdict == mold.Answered) != (answer != nil) {
			t.Fatalf("Answer() = %x, %s", answer, verdict)
		}
		if answer == nil {
			return
		}
		first, msgs := unpack(t, answer)
		if first < 101 || first+uint64(len(msgs)) > 201 || len(msgs) == 0 || len(answer) > 200 {
			t.Fatalf("answer from %d with %d messages, %d bytes", first, len(msgs), len(answer))
		}
	})
}
