package market_test

import (
	"encoding"
	"encoding/json"
	"errors"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/failshut/failshut/market"
)

// number is what every decimal type here can do.
type number interface {
	String() string
	encoding.TextAppender
	encoding.TextMarshaler
	json.Marshaler
}

type readable[T any] interface {
	*T
	encoding.TextUnmarshaler
	json.Unmarshaler
}

func FuzzParseAgreesWithTheOracle(f *testing.F) {
	for _, s := range []string{
		"", "-", ".", "0", "-0", "1", "-1", "0.1", "1.", ".1", "1.0000000000", "1.0000000001", "0.000000001",
		"9223372036.854775807", "-9223372036.854775808", "9223372036.854775808", "-9223372036.854775809",
		"170141183460469231731687303715.884105727", "-170141183460469231731687303715.884105728",
		"170141183460469231731687303715.884105728", "-170141183460469231731687303715.884105729",
		"340282366920938463463374607431.768211455", "340282366920938463463374607431.768211456",
		"340282366920938463463374607431768211455", "340282366920938463463374607431768211456",
		"18446744073.709551616", "1152921504.606846976", "1e9", "+1", "1_0", "0x1", " 1", "NaN", "--1", "1..1",
	} {
		f.Add(s)
	}
	f.Fuzz(parses)
}

func TestParseAgreesWithTheOracle(t *testing.T) {
	r := source(t)
	for range draws {
		parses(t, anyText(r))
	}
}

// anyText draws texts that are decimals or nearly so.
func anyText(r *rand.Rand) string {
	if r.IntN(2) == 0 {
		b := make([]byte, r.IntN(50))
		for i := range b {
			b[i] = "0000123456789999.-e"[r.IntN(18+r.IntN(2))]
		}
		return string(b)
	}
	v := new(big.Int).Mul(big.NewInt(anyInt(r)), big.NewInt(anyInt(r)))
	v.Add(v, big.NewInt(anyInt(r)))
	return canonical(v) + strings.Repeat("0", r.IntN(3))
}

func parses(t *testing.T, s string) {
	p, err := market.ParsePrice(s)
	wantParsed(t, s, integer(p), err, min64, max64)
	p, err = market.ParsePriceBytes([]byte(s))
	wantParsed(t, s, integer(p), err, min64, max64)
	q, err := market.ParseQty(s)
	wantParsed(t, s, integer(q), err, min64, max64)
	q, err = market.ParseQtyBytes([]byte(s))
	wantParsed(t, s, integer(q), err, min64, max64)
	m, err := market.ParseFactor(s)
	wantParsed(t, s, integer(m), err, min64, max64)
	m, err = market.ParseFactorBytes([]byte(s))
	wantParsed(t, s, integer(m), err, min64, max64)
	n, err := market.ParseNotional(s)
	wantParsed(t, s, money(n), err, min128, max128)
	n, err = market.ParseNotionalBytes([]byte(s))
	wantParsed(t, s, money(n), err, min128, max128)
}

func FuzzTextGoesBothWays(f *testing.F) {
	for _, hi := range edges {
		for _, lo := range edges {
			f.Add(hi, uint64(lo))
		}
	}
	f.Fuzz(goesBothWays)
}

func TestTextGoesBothWays(t *testing.T) {
	r := source(t)
	for range draws {
		goesBothWays(t, anyInt(r), uint64(anyInt(r)))
	}
}

func goesBothWays(t *testing.T, hi int64, lo uint64) {
	bothWays(t, market.Price(lo), integer(int64(lo)))
	bothWays(t, market.Qty(lo), integer(int64(lo)))
	bothWays(t, market.Factor(lo), integer(int64(lo)))
	n := market.NotionalFromWords(hi, lo)
	bothWays(t, n, money(n))
}

// bothWays checks that v, of so many units, is written as the oracle writes it and read back as it was.
func bothWays[T interface {
	comparable
	number
}, P readable[T]](t *testing.T, v T, units *big.Int) {
	t.Helper()
	want := canonical(units)
	if got := v.String(); got != want {
		t.Fatalf("String() of %v units = %q, want %q", units, got, want)
	}
	if b, err := v.AppendText([]byte("x ")); err != nil || string(b) != "x "+want {
		t.Fatalf("AppendText() = %q, %v, want %q appended", b, err, want)
	}
	text, err := v.MarshalText()
	if err != nil || string(text) != want {
		t.Fatalf("MarshalText() = %q, %v, want %q", text, err, want)
	}
	var back T
	if err := P(&back).UnmarshalText(text); err != nil || back != v {
		t.Fatalf("UnmarshalText(%q) = %v, %v, want the same value", text, back, err)
	}
	doc, err := json.Marshal([]T{v})
	if err != nil || string(doc) != `["`+want+`"]` {
		t.Fatalf("json.Marshal() = %s, %v, want the decimal string %q", doc, err, want)
	}
	var list []T
	if err := json.Unmarshal(doc, &list); err != nil || len(list) != 1 || list[0] != v {
		t.Fatalf("json.Unmarshal(%s) = %v, %v, want the same value", doc, list, err)
	}
}

func TestJSONTakesDecimalStringsOnly(t *testing.T) {
	for name, doc := range map[string]string{
		"a number":          `12.5`,
		"an integer":        `12`,
		"null":              `null`,
		"true":              `true`,
		"an object":         `{}`,
		"a list":            `["1"]`,
		"an empty string":   `""`,
		"a padded string":   `" 1"`,
		"an exponent":       `"1e3"`,
		"an escaped digit":  `"\u0031"`,
		"a word":            `"one"`,
		"a string in quote": `"\"1\""`,
	} {
		p, q, m, n := market.Price(7), market.Qty(7), market.Factor(7), market.MaxNotional()
		for kind, into := range map[string]any{"Price": &p, "Qty": &q, "Factor": &m, "Notional": &n} {
			if err := json.Unmarshal([]byte(doc), into); !errors.Is(err, market.ErrSyntax) {
				t.Errorf("%s into a %s: error %v, want %v", name, kind, err, market.ErrSyntax)
			}
		}
		if p != 7 || q != 7 || m != 7 || n != market.MaxNotional() {
			t.Errorf("%s: values changed to %d, %d, %d, %v by a refused text", name, p, q, m, n)
		}
	}
	var p market.Price
	for _, short := range []string{"", `"`, `x`} {
		if err := p.UnmarshalJSON([]byte(short)); !errors.Is(err, market.ErrSyntax) {
			t.Errorf("UnmarshalJSON(%q) = %v, want %v", short, err, market.ErrSyntax)
		}
	}
}

func TestDecimalsAreJSONKeysToo(t *testing.T) {
	levels := map[market.Price]market.Qty{1_500_000_000: market.Unit}
	doc, err := json.Marshal(levels)
	if err != nil || string(doc) != `{"1.5":"1"}` {
		t.Fatalf("json.Marshal() = %s, %v, want the price as the key", doc, err)
	}
	var back map[market.Price]market.Qty
	if err := json.Unmarshal(doc, &back); err != nil || back[1_500_000_000] != market.Unit {
		t.Fatalf("json.Unmarshal(%s) = %v, %v, want the same levels", doc, back, err)
	}
}

func TestErrorsDoNotRepeatAllThatAStrangerSent(t *testing.T) {
	for _, s := range []string{strings.Repeat("x", 1<<20), strings.Repeat("9", 1<<20), "0." + strings.Repeat("1", 1<<20)} {
		if _, err := market.ParsePrice(s); err == nil || len(err.Error()) > 200 {
			t.Errorf("a megabyte of %q: want a short error, have %.300v", s[:3], err)
		}
	}
}
