package itch_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/feeds/itch"
	"github.com/failshut/failshut/market"
)

var (
	acme = market.MustListed("SIM", "ACME")
	bolt = market.MustListed("SIM", "BOLT")
)

// levels writes both sides of a book, best first: "5@10.01 | 3@10.02".
func levels(l feeds.Ladder) string {
	var b strings.Builder
	for _, side := range []market.Side{market.Buy, market.Sell} {
		if side == market.Sell {
			b.WriteString("|")
		}
		for i := range l.Len(side) {
			v := l.Level(side, i)
			fmt.Fprintf(&b, "%s@%s ", v.Qty, v.Price)
		}
	}
	return strings.TrimSpace(b.String())
}

func (r *rig) book(symbol market.Symbol) string {
	for _, s := range r.Desk().Seats() {
		if s.Instrument().Symbol() == symbol {
			return levels(s.Ladder())
		}
	}
	return "none"
}

func TestEachMessageChangesTheBookAsTheSpecificationSays(t *testing.T) {
	m := must(t)
	base := [][]byte{add(t, 1, order(1, market.Buy, 100, 1000, "ACME")), add(t, 1, order(2, market.Buy, 50, 1000, "ACME")), add(t, 1, order(3, market.Sell, 70, 1003, "ACME"))}
	attributed := append(add(t, 1, order(9, market.Buy, 5, 1001, "ACME")), "NSDQ"...)
	attributed[0] = 'F'
	unprinted := m(itch.AppendExecutedAt(nil, at(1), 1, 40*market.Unit, 1, 999*cent))
	unprinted[31] = 'N'
	for _, tt := range []struct {
		name  string
		msg   []byte
		book  string
		trade string
	}{
		{"A adds", add(t, 1, order(9, market.Sell, 5, 1002, "ACME")), "150@10 |5@10.02 70@10.03", ""},
		{"F adds", attributed, "5@10.01 150@10 |70@10.03", ""},
		{"E reduces and prints at the order's price", exec(t, 1, 1, 40), "110@10 |70@10.03", "40@10 sell"},
		{"E of all takes the level away", exec(t, 1, 3, 70), "150@10 |", "70@10.03 buy"},
		{"C prints at its own price", m(itch.AppendExecutedAt(nil, at(1), 1, 40*market.Unit, 1, 999*cent)), "110@10 |70@10.03", "40@9.99 sell"},
		{"C that is not printable prints nothing", unprinted, "110@10 |70@10.03", ""},
		{"X reduces", m(itch.AppendCancel(nil, at(1), 2, 20*market.Unit)), "130@10 |70@10.03", ""},
		{"X of all deletes", m(itch.AppendCancel(nil, at(1), 3, 70*market.Unit)), "150@10 |", ""},
		{"D deletes", itch.AppendDelete(nil, at(1), 1), "50@10 |70@10.03", ""},
		{"U moves", m(itch.AppendReplace(nil, at(1), 1, order(9, 0, 7, 1001, ""))), "7@10.01 50@10 |70@10.03", ""},
		{"U at the same price", m(itch.AppendReplace(nil, at(1), 3, order(9, 0, 7, 1003, ""))), "150@10 |7@10.03", ""},
		{"U under its own reference", m(itch.AppendReplace(nil, at(1), 3, order(3, 0, 7, 1003, ""))), "150@10 |7@10.03", ""},
		{"P touches no book", m(itch.AppendTrade(nil, at(1), order(0, market.Buy, 9, 1001, "ACME"), 1)), "150@10 |70@10.03", "9@10.01 invalid"},
		{"Q touches no book", cross(1, "ACME", 9, 1001), "150@10 |70@10.03", "9@10.01 invalid"},
		{"Q without shares is no trade", cross(1, "ACME", 0, 1001), "150@10 |70@10.03", ""},
		{"Q of more than can be held is no trade", cross(1, "ACME", 1<<63, 1001), "150@10 |70@10.03", ""},
		{"B touches nothing", append(head('B', 1), make([]byte, 8)...), "150@10 |70@10.03", ""},
		{"S that ends the day empties", itch.AppendSystem(nil, at(0), itch.EndOfMessages), "|", ""},
		{"S of another code changes nothing", itch.AppendSystem(nil, at(0), 'Q'), "150@10 |70@10.03", ""},
		{"R again changes nothing", list(t, 1, "ACME"), "150@10 |70@10.03", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, nil)
			r.open()
			r.send(base...)
			r.send(tt.msg)
			if got := r.book("ACME"); got != tt.book {
				t.Errorf("book = %q, want %q", got, tt.book)
			}
			if got := levels(r.reader.books[acme]); got != tt.book {
				t.Errorf("a reader's book = %q, want %q", got, tt.book)
			}
			if q := r.reader.quotes[acme]; tt.book != "|" && (q.Bid.Qty == 0 && !strings.HasPrefix(tt.book, "|") || q.State != feeds.Live) {
				t.Errorf("quote = %+v", q)
			}
			printed := ""
			for _, x := range r.reader.trades {
				printed += fmt.Sprintf("%s@%s %s", x.Qty, x.Price, side(x.Aggressor))
			}
			if printed != tt.trade {
				t.Errorf("trades = %q, want %q", printed, tt.trade)
			}
			if got := r.own("ACME"); got != feeds.Live {
				t.Errorf("ACME is %s, want live", got)
			}
		})
	}
}

func side(s market.Side) string {
	if !s.Valid() {
		return "invalid"
	}
	return s.String()
}

func head(kind byte, locate uint16) []byte {
	b := make([]byte, 11)
	b[0] = kind
	binary.BigEndian.PutUint16(b[1:], locate)
	return b
}

func cross(locate uint16, symbol string, shares uint64, cents uint32) []byte {
	b := binary.BigEndian.AppendUint64(head('Q', locate), shares)
	b = append(b, (symbol + "        ")[:8]...)
	b = binary.BigEndian.AppendUint32(b, cents*100)
	return append(b, make([]byte, 9)...)
}

func TestWhatCannotFollowTurnsTheSymbolSuspect(t *testing.T) {
	m := must(t)
	noSide, noShares, noPrice := add(t, 1, order(9, market.Buy, 5, 1001, "ACME")), add(t, 1, order(9, market.Buy, 5, 1001, "ACME")), add(t, 1, order(9, market.Buy, 5, 1001, "ACME"))
	noSide[19] = 'X'
	clear(noShares[20:24])
	clear(noPrice[32:36])
	emptied := m(itch.AppendReplace(nil, at(1), 1, order(9, 0, 7, 1001, "")))
	clear(emptied[27:31])
	most := add(t, 1, order(9, market.Buy, 5, 1000, "ACME"))
	binary.BigEndian.PutUint32(most[20:], 1<<32-1)
	again := func(ref uint64) []byte { b := append([]byte(nil), most...); b[18] = byte(ref); return b }
	for _, tt := range []struct {
		name       string
		msgs       [][]byte
		acme, bolt feeds.State
		unknown    uint64
		contra     uint64
	}{
		{"E of an unknown order", [][]byte{exec(t, 1, 77, 1)}, feeds.Suspect, feeds.Live, 1, 0},
		{"C of an unknown order", [][]byte{m(itch.AppendExecutedAt(nil, at(1), 77, market.Unit, 1, cent))}, feeds.Suspect, feeds.Live, 1, 0},
		{"X of an unknown order", [][]byte{m(itch.AppendCancel(nil, at(1), 77, market.Unit))}, feeds.Suspect, feeds.Live, 1, 0},
		{"D of an unknown order", [][]byte{itch.AppendDelete(nil, at(1), 77)}, feeds.Suspect, feeds.Live, 1, 0},
		{"U of an unknown order", [][]byte{m(itch.AppendReplace(nil, at(1), 77, order(78, 0, 1, 1000, "")))}, feeds.Suspect, feeds.Live, 1, 0},
		{"E of more than rests", [][]byte{exec(t, 1, 1, 101)}, feeds.Suspect, feeds.Live, 0, 1},
		{"E after E of all", [][]byte{exec(t, 1, 1, 100), exec(t, 1, 1, 1)}, feeds.Suspect, feeds.Live, 1, 0},
		{"C of more than rests", [][]byte{m(itch.AppendExecutedAt(nil, at(1), 1, 101*market.Unit, 1, cent))}, feeds.Suspect, feeds.Live, 0, 1},
		{"X of more than rests", [][]byte{m(itch.AppendCancel(nil, at(1), 1, 101*market.Unit))}, feeds.Suspect, feeds.Live, 0, 1},
		{"A of a live reference", [][]byte{add(t, 1, order(1, market.Sell, 5, 2000, "ACME"))}, feeds.Suspect, feeds.Live, 0, 1},
		{"A of a live reference of another symbol", [][]byte{add(t, 1, order(2, market.Sell, 5, 2000, "ACME"))}, feeds.Suspect, feeds.Suspect, 0, 2},
		{"U to a live reference", [][]byte{m(itch.AppendReplace(nil, at(1), 1, order(2, 0, 1, 1000, "")))}, feeds.Suspect, feeds.Suspect, 0, 2},
		{"D of an order of another symbol", [][]byte{itch.AppendDelete(nil, at(1), 2)}, feeds.Suspect, feeds.Suspect, 0, 2},
		{"A whose code is of another symbol", [][]byte{add(t, 1, order(9, market.Sell, 5, 2000, "BOLT"))}, feeds.Suspect, feeds.Suspect, 0, 2},
		{"R of a code that is taken", [][]byte{list(t, 1, "CORE")}, feeds.Suspect, feeds.Live, 0, 1},
		{"R of a symbol under another code", [][]byte{list(t, 9, "ACME")}, feeds.Suspect, feeds.Live, 0, 1},
		{"P whose code is of another symbol", [][]byte{m(itch.AppendTrade(nil, at(2), order(0, market.Buy, 9, 1001, "ACME"), 1))}, feeds.Suspect, feeds.Suspect, 0, 2},
		{"D under a code that was never listed", [][]byte{itch.AppendDelete(nil, at(500), 77)}, feeds.Live, feeds.Live, 1, 0},
		{"D of a live order under such a code", [][]byte{itch.AppendDelete(nil, at(500), 2)}, feeds.Live, feeds.Suspect, 1, 1},
		{"A without side", [][]byte{noSide}, feeds.Suspect, feeds.Live, 0, 1},
		{"A without shares", [][]byte{noShares}, feeds.Suspect, feeds.Live, 0, 1},
		{"A without price", [][]byte{noPrice}, feeds.Quarantined, feeds.Live, 0, 0},
		{"U without shares", [][]byte{emptied}, feeds.Suspect, feeds.Live, 0, 1},
		{"a level beyond range", [][]byte{most, again(10), again(11)}, feeds.Quarantined, feeds.Live, 0, 0},
		{"what comes after a contradiction is not judged", [][]byte{exec(t, 1, 77, 1), exec(t, 1, 78, 1), add(t, 1, order(1, market.Sell, 5, 2000, "ACME"))}, feeds.Suspect, feeds.Live, 1, 0},
		{"a shut symbol is not opened by a contradiction elsewhere", [][]byte{noPrice, itch.AppendDelete(nil, at(2), 1)}, feeds.Quarantined, feeds.Suspect, 0, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, nil)
			r.open()
			r.send(add(t, 1, order(1, market.Buy, 100, 1000, "ACME")), add(t, 2, order(2, market.Buy, 10, 500, "BOLT")))
			r.send(tt.msgs...)
			if a, b := r.own("ACME"), r.own("BOLT"); a != tt.acme || b != tt.bolt {
				t.Errorf("ACME is %s and BOLT %s, want %s and %s", a, b, tt.acme, tt.bolt)
			}
			n := r.Desk().Counts
			if n.UnknownOrders != tt.unknown || n.Contradictions != tt.contra {
				t.Errorf("unknown orders = %d, contradictions = %d, want %d and %d", n.UnknownOrders, n.Contradictions, tt.unknown, tt.contra)
			}
			if _, shown := r.reader.quotes[acme]; shown && tt.acme != feeds.Live {
				t.Error("a reader still has the quote of a book that is not live")
			}
			if tt.bolt == feeds.Live {
				r.send(add(t, 2, order(3, market.Sell, 10, 510, "BOLT")))
				if q := r.reader.quotes[bolt]; q.Ask.Price != 510*cent {
					t.Errorf("BOLT no longer moves: %+v", q)
				}
			}
		})
	}
}

func TestBoundsShutTheSymbolThatBreaksThem(t *testing.T) {
	t.Run("orders", func(t *testing.T) {
		r := newRigOf(t, itch.NewCodec(2), nil)
		r.open()
		r.send(add(t, 1, order(1, market.Buy, 1, 1, "ACME")), add(t, 2, order(2, market.Buy, 1, 1, "BOLT")), add(t, 1, order(3, market.Buy, 1, 1, "ACME")))
		if a, b := r.own("ACME"), r.own("BOLT"); a != feeds.Quarantined || b != feeds.Live {
			t.Errorf("ACME is %s and BOLT %s, want quarantined and live", a, b)
		}
	})
	t.Run("levels", func(t *testing.T) {
		r := newRig(t, func(c *feeds.Config) { c.Limits.Levels = 2 })
		r.open()
		for i := range int64(3) {
			r.send(add(t, 1, order(uint64(i)+1, market.Buy, 1, i+1, "ACME")))
		}
		if got := r.own("ACME"); got != feeds.Quarantined {
			t.Errorf("ACME is %s, want quarantined", got)
		}
	})
	t.Run("symbols", func(t *testing.T) {
		r := newRig(t, func(c *feeds.Config) { c.Limits.Symbols = 1 })
		r.open()
		r.send(add(t, 2, order(2, market.Buy, 1, 1, "BOLT")), add(t, 1, order(1, market.Buy, 1, 1, "ACME")))
		if n := len(r.Desk().Seats()); n != 1 || r.Desk().Counts.Refused != 1 || r.own("ACME") != feeds.Live {
			t.Errorf("seats = %d, refused = %d, ACME %s", n, r.Desk().Counts.Refused, r.own("ACME"))
		}
	})
	t.Run("a symbol that is none", func(t *testing.T) {
		r := newRig(t, nil)
		bad := list(t, 1, "ACME")
		bad[11] = 0
		r.send(bad, exec(t, 1, 1, 1))
		if n := len(r.Desk().Seats()); n != 0 {
			t.Errorf("seats = %d, want none", n)
		}
	})
}

func TestLengthOfAKnownTypeIsExact(t *testing.T) {
	lengths := map[byte]int{
		'S': 12, 'R': 39, 'H': 25, 'Y': 20, 'L': 26, 'V': 35, 'W': 12, 'K': 28, 'J': 35, 'h': 21, 'A': 36, 'F': 40, 'E': 31,
		'C': 36, 'X': 23, 'D': 19, 'U': 35, 'P': 44, 'Q': 40, 'B': 19, 'I': 50, 'N': 20, 'O': 48,
	}
	var c itch.Codec
	for kind := range 256 {
		want, known := lengths[byte(kind)]
		for n := 1; n < 64; n++ {
			msg := make([]byte, n)
			msg[0] = byte(kind)
			judged := feeds.BadLength
			switch {
			case !known:
				judged = feeds.UnknownType
			case n == want:
				judged = feeds.KnownType
			}
			if got := c.Check(msg); got != judged {
				t.Errorf("Check(%q of %d bytes) = %d, want %d", byte(kind), n, got, judged)
			}
		}
	}
}

func TestKnownTypesThatTouchNoBookAreCountedAndSkipped(t *testing.T) {
	r := newRig(t, nil)
	r.open()
	for kind, n := range map[byte]int{'Y': 20, 'L': 26, 'V': 35, 'W': 12, 'K': 28, 'J': 35, 'h': 21, 'I': 50, 'N': 20, 'O': 48, 'B': 19} {
		msg := make([]byte, n)
		msg[0] = kind
		r.send(msg)
	}
	r.send(must(t)(itch.AppendTrading(nil, at(1), "ACME", itch.Halted)), []byte("?what"))
	n := r.Desk().Counts
	if n.Messages != 16 || n.UnknownTypes != 1 || n.Malformed != 0 || n.Refused+n.UnknownOrders+n.Contradictions != 0 {
		t.Errorf("counts = %+v, want 16 messages with one of unknown type", n)
	}
	if by := r.ByType(); by["h"] != 1 || by["H"] != 1 || by["I"] != 1 {
		t.Errorf("by type = %v", by)
	}
}

func TestLateJoinAppliesNothing(t *testing.T) {
	r := newRig(t, nil)
	for range 4 {
		if _, err := r.packer.Add(itch.AppendSystem(nil, at(0), 'Q')); err != nil {
			t.Fatal(err)
		}
	}
	r.packer.Flush()
	r.send(itch.AppendDelete(nil, at(7), 5), list(t, 1, "ACME"), add(t, 1, order(1, market.Buy, 100, 1000, "ACME")), exec(t, 1, 99, 5), itch.AppendSystem(nil, at(0), itch.EndOfMessages))
	n := r.Desk().Counts
	if !n.LateJoin || n.Unapplied != 3 || n.UnknownOrders+n.Contradictions != 0 {
		t.Errorf("counts = %+v, want a late join with 3 messages unapplied and none judged", n)
	}
	if r.codec.Orders() != 0 || len(r.reader.quotes) != 0 {
		t.Errorf("orders = %d, quotes = %v, want none", r.codec.Orders(), r.reader.quotes)
	}
}

func TestNewSessionStartsWithEmptyBooksAndNewCodes(t *testing.T) {
	r := newRig(t, nil)
	r.open()
	r.send(add(t, 1, order(1, market.Buy, 100, 1000, "ACME")), exec(t, 1, 77, 1), itch.AppendDelete(nil, at(2), 99))
	if r.own("ACME") != feeds.Suspect || r.own("BOLT") != feeds.Suspect {
		t.Fatal("want both suspect")
	}
	r.now++
	r.Step(r.now, feeds.Input{Kind: feeds.Packet, Data: append([]byte(nil), r.packer.End()...)})
	next := newRig(t, nil) // only for its packer
	r.packer = next.packer
	data := func(msgs ...[]byte) {
		for _, m := range msgs {
			_, _ = r.packer.Add(m)
		}
		d := append([]byte(nil), r.packer.Flush()...)
		copy(d, "      NEXT")
		r.now++
		r.Step(r.now, feeds.Input{Kind: feeds.Packet, Data: d})
	}
	data(list(t, 1, "BOLT"), list(t, 2, "ACME"), add(t, 2, order(1, market.Buy, 7, 1000, "ACME")))
	if got := r.book("ACME"); got != "7@10 |" || r.own("ACME") != feeds.Live || r.own("BOLT") != feeds.Live {
		t.Errorf("book = %q, ACME %s, BOLT %s, want 7@10 and both live", got, r.own("ACME"), r.own("BOLT"))
	}
	if n := r.Desk().Counts; n.Resets != 1 || len(r.Desk().Seats()) != 2 {
		t.Errorf("resets = %d, seats = %d, want 1 and 2", n.Resets, len(r.Desk().Seats()))
	}
}

func TestTimesOfDayBecomeTimes(t *testing.T) {
	const hour = market.Timestamp(3600e9)
	midnight := start - start%(24*hour)
	for _, tt := range []struct {
		name       string
		recv, sent market.Timestamp
	}{
		{"same time", start, start},
		{"sent before midnight, received after", midnight + 5, midnight - 5},
		{"a clock behind: received before midnight, sent after", midnight - 5, midnight + 5},
		{"eleven hours apart", start, start + 11*hour},
	} {
		r := newRig(t, nil)
		h := itch.Head{Locate: 1, Time: tt.sent}
		_, _ = r.packer.Add(must(t)(itch.AppendTrade(nil, h, order(1, market.Buy, 1, 1, "ACME"), 1)))
		d := r.packer.Flush()
		r.Step(1, feeds.Input{Kind: feeds.Packet, Data: d, Recv: tt.recv})
		if got := r.reader.trades[0].Event; got != tt.sent {
			t.Errorf("%s: event = %d, want %d", tt.name, got, tt.sent)
		}
	}
	r := newRig(t, nil)
	_, _ = r.packer.Add(must(t)(itch.AppendTrade(nil, at(1), order(1, market.Buy, 1, 1, "ACME"), 1)))
	r.Step(1, feeds.Input{Kind: feeds.Packet, Data: r.packer.Flush()})
	if got := r.reader.trades[0].Event; got != start-midnight {
		t.Errorf("event without receive time = %d, want %d since midnight", got, start-midnight)
	}
}

func TestCrossedAndLockedAreCountedByMessage(t *testing.T) {
	r := newRig(t, nil)
	r.open()
	r.send(add(t, 1, order(1, market.Buy, 1, 1000, "ACME")), add(t, 1, order(2, market.Sell, 1, 1000, "ACME")), add(t, 1, order(3, market.Buy, 1, 1001, "ACME")), itch.AppendDelete(nil, at(1), 2))
	if n := r.Desk().Counts; n.Locked != 1 || n.Crossed != 1 || r.applied != 4 {
		t.Errorf("locked = %d, crossed = %d, applied = %d, want 1, 1, 4", n.Locked, n.Crossed, r.applied)
	}
}
