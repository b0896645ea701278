package market_test

import (
	"encoding"
	"encoding/json"
	"errors"
	"testing"

	"github.com/failshut/failshut/market"
)

func TestZeroOfEveryWordIsInvalid(t *testing.T) {
	if market.Side(0).Valid() || market.OrderType(0).Valid() || market.TIF(0).Valid() {
		t.Error("a zero side, order type or time in force is valid, want invalid")
	}
	if market.Side(3).Valid() || market.OrderType(4).Valid() || market.TIF(5).Valid() {
		t.Error("a side, order type or time in force past the last is valid, want invalid")
	}
}

func TestSideTurnsAndSigns(t *testing.T) {
	tests := map[string]struct {
		side, opposite market.Side
		sign           int64
	}{
		"buy":     {market.Buy, market.Sell, 1},
		"sell":    {market.Sell, market.Buy, -1},
		"none":    {0, 0, 0},
		"unknown": {9, 0, 0},
	}
	for name, tt := range tests {
		if tt.side.Opposite() != tt.opposite || tt.side.Sign() != tt.sign {
			t.Errorf("%s: opposite %v, sign %d, want %v, %d", name, tt.side.Opposite(), tt.side.Sign(), tt.opposite, tt.sign)
		}
	}
}

func TestWordsGoBothWays(t *testing.T) {
	for want, v := range map[string]market.Side{"buy": market.Buy, "sell": market.Sell} {
		wordGoesBothWays(t, v, want, market.ParseSide)
	}
	for want, v := range map[string]market.OrderType{"limit": market.Limit, "market": market.Market, "stop": market.Stop} {
		wordGoesBothWays(t, v, want, market.ParseOrderType)
	}
	for want, v := range map[string]market.TIF{"day": market.Day, "gtc": market.GTC, "ioc": market.IOC, "fok": market.FOK} {
		wordGoesBothWays(t, v, want, market.ParseTIF)
	}
}

type worded interface {
	comparable
	Valid() bool
	String() string
	encoding.TextMarshaler
}

func wordGoesBothWays[T worded](t *testing.T, v T, want string, parse func(string) (T, error)) {
	t.Helper()
	if !v.Valid() || v.String() != want {
		t.Errorf("%v: valid %v, want a valid %q", v, v.Valid(), want)
	}
	if back, err := parse(want); err != nil || back != v {
		t.Errorf("parsing %q = %v, %v, want the same value", want, back, err)
	}
	doc, err := json.Marshal(v)
	if err != nil || string(doc) != `"`+want+`"` {
		t.Errorf("json.Marshal(%v) = %s, %v, want the word", v, doc, err)
	}
	var back T
	if err := json.Unmarshal(doc, &back); err != nil || back != v {
		t.Errorf("json.Unmarshal(%s) = %v, %v, want the same value", doc, back, err)
	}
}

func TestNoOtherWordIsTaken(t *testing.T) {
	for _, s := range []string{"", "BUY", "Sell", " buy", "side(0)", "1", "bid", "LIMIT", "gtd", "order type(0)", "time in force(0)"} {
		side, typ, tif := market.Sell, market.Stop, market.FOK
		for _, v := range []encoding.TextUnmarshaler{&side, &typ, &tif} {
			if err := v.UnmarshalText([]byte(s)); !errors.Is(err, market.ErrSyntax) {
				t.Errorf("UnmarshalText(%q) into %T = %v, want %v", s, v, err, market.ErrSyntax)
			}
		}
		if side != market.Sell || typ != market.Stop || tif != market.FOK {
			t.Errorf("a refused %q changed the value", s)
		}
	}
}

func TestInvalidWordsAreNotWritten(t *testing.T) {
	for name, v := range map[string]encoding.TextMarshaler{
		"side(0)":          market.Side(0),
		"side(3)":          market.Side(3),
		"order type(0)":    market.OrderType(0),
		"order type(255)":  market.OrderType(255),
		"time in force(0)": market.TIF(0),
		"time in force(5)": market.TIF(5),
	} {
		if b, err := v.MarshalText(); b != nil || !errors.Is(err, market.ErrInvalid) {
			t.Errorf("%s: MarshalText() = %q, %v, want %v", name, b, err, market.ErrInvalid)
		}
		if got := v.(interface{ String() string }).String(); got != name {
			t.Errorf("String() = %q, want %q", got, name)
		}
	}
}
