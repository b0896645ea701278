package orders_test

import (
	"errors"
	"math"
	"testing"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
)

func TestIDSaysWhoMadeItAndComesBack(t *testing.T) {
	for _, c := range []struct {
		group string
		epoch uint32
		seq   uint64
		want  market.ClOrdID
	}{
		{"10", 1, 0, "1000001000000000"},
		{"ZZ", 1<<25 - 1, 1<<45 - 1, "ZZZZZZZZZZZZZZZZ"},
		{"A0", 33, 32, "A000011000000010"},
	} {
		id, err := orders.MakeID(c.group, c.epoch, c.seq)
		if err != nil || id != c.want {
			t.Errorf("MakeID(%q, %d, %d) = %q, %v, want %q", c.group, c.epoch, c.seq, id, err, c.want)
		}
		g, e, s, ok := orders.ParseID(id)
		if !ok || g != c.group || e != c.epoch || s != c.seq {
			t.Errorf("ParseID(%q) = %q %d %d %v", id, g, e, s, ok)
		}
	}
}

func TestIDThatCannotBeIsRefused(t *testing.T) {
	for _, c := range []struct {
		group string
		epoch uint32
		seq   uint64
	}{{"1", 1, 1}, {"123", 1, 1}, {"1I", 1, 1}, {"a0", 1, 1}, {"10", 0, 1}, {"10", 1 << 25, 1}, {"10", 1, 1 << 45}, {"10", math.MaxUint32, 1}} {
		if id, err := orders.MakeID(c.group, c.epoch, c.seq); !errors.Is(err, orders.ErrIdentity) || id != "" {
			t.Errorf("MakeID(%q, %d, %d) = %q, %v, want ErrIdentity", c.group, c.epoch, c.seq, id, err)
		}
	}
	for _, id := range []market.ClOrdID{"", "X", "1000000000000000", "10000010000000000", "100000100000000U", "i000001000000000"} {
		if g, _, _, ok := orders.ParseID(id); ok {
			t.Errorf("ParseID(%q) = %q, want no", id, g)
		}
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("1000001000000000")
	f.Add("ZZZZZZZZZZZZZZZZ")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		g, e, q, ok := orders.ParseID(market.ClOrdID(s))
		if !ok {
			return
		}
		if id, err := orders.MakeID(g, e, q); err != nil || string(id) != s {
			t.Fatalf("%q came back as %q, %v", s, id, err)
		}
	})
}
