package itch_test

import (
	"encoding/hex"
	"errors"
	"math"
	"testing"

	"github.com/failshut/failshut/feeds/itch"
	"github.com/failshut/failshut/market"
)

func TestMessagesAreWrittenByteForByte(t *testing.T) {
	m := must(t)
	h := itch.Head{Locate: 0x0102, Time: start}
	o := itch.Order{Ref: 0x0A0B, Side: market.Sell, Qty: 100 * market.Unit, Symbol: "ACME", Price: 1_234_500_000}
	const head, acme = "0102" + "0000" + "1f1aced9f000", "41434d4520202020" // 34,200 s since midnight
	for _, tt := range []struct {
		name string
		got  []byte
		want string
	}{
		{"S", itch.AppendSystem(nil, h, itch.StartOfMessages), "53" + head + "4f"},
		{"R", m(itch.AppendDirectory(nil, h, "ACME", 100)), "52" + head + acme + "514e" + "00000064" + "4e" + "43" + "5a20" + "50" + "4e" + "20" + "31" + "4e" + "00000000" + "4e"},
		{"H", m(itch.AppendTrading(nil, h, "ACME", itch.Trading)), "48" + head + acme + "54" + "20" + "20202020"},
		{"A", m(itch.AppendAdd(nil, h, o)), "41" + head + "0000000000000a0b" + "53" + "00000064" + acme + "00003039"},
		{"E", m(itch.AppendExecuted(nil, h, 0x0A0B, 5*market.Unit, 7)), "45" + head + "0000000000000a0b" + "00000005" + "0000000000000007"},
		{"C", m(itch.AppendExecutedAt(nil, h, 0x0A0B, 5*market.Unit, 7, 1_234_500_000)), "43" + head + "0000000000000a0b" + "00000005" + "0000000000000007" + "59" + "00003039"},
		{"X", m(itch.AppendCancel(nil, h, 0x0A0B, 5*market.Unit)), "58" + head + "0000000000000a0b" + "00000005"},
		{"D", itch.AppendDelete(nil, h, 0x0A0B), "44" + head + "0000000000000a0b"},
		{"U", m(itch.AppendReplace(nil, h, 0x0A0A, o)), "55" + head + "0000000000000a0a" + "0000000000000a0b" + "00000064" + "00003039"},
		{"P", m(itch.AppendTrade(nil, h, o, 7)), "50" + head + "0000000000000a0b" + "53" + "00000064" + acme + "00003039" + "0000000000000007"},
		{"B", itch.AppendBroken(nil, h, 7), "42" + head + "0000000000000007"},
		{"a time before 1970 wraps into its day", itch.AppendSystem(nil, itch.Head{Time: -1}, 'O'), "53" + "00000000" + "4e94914effff" + "4f"},
	} {
		if got := hex.EncodeToString(tt.got); got != tt.want {
			t.Errorf("%s = %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestWhatCannotBeWrittenIsAnErrorAndNothingElse(t *testing.T) {
	ok := itch.Order{Ref: 1, Side: market.Buy, Qty: market.Unit, Symbol: "ACME", Price: cent}
	with := func(change func(*itch.Order)) itch.Order { o := ok; change(&o); return o }
	for _, tt := range []struct {
		name  string
		order itch.Order
		want  error
	}{
		{"no side", with(func(o *itch.Order) { o.Side = 0 }), itch.ErrSide},
		{"no symbol", with(func(o *itch.Order) { o.Symbol = "" }), itch.ErrSymbol},
		{"nine characters", with(func(o *itch.Order) { o.Symbol = "ACMEACMEA" }), itch.ErrSymbol},
		{"no quantity", with(func(o *itch.Order) { o.Qty = 0 }), itch.ErrQty},
		{"a negative quantity", with(func(o *itch.Order) { o.Qty = -market.Unit }), itch.ErrQty},
		{"part of a share", with(func(o *itch.Order) { o.Qty = market.Unit + 1 }), itch.ErrQty},
		{"too many shares", with(func(o *itch.Order) { o.Qty = (math.MaxUint32 + 1) * market.Unit }), itch.ErrQty},
		{"no price", with(func(o *itch.Order) { o.Price = 0 }), itch.ErrPrice},
		{"a negative price", with(func(o *itch.Order) { o.Price = -cent }), itch.ErrPrice},
		{"a fifth decimal", with(func(o *itch.Order) { o.Price = 10_000 }), itch.ErrPrice},
		{"a price beyond 32 bits", with(func(o *itch.Order) { o.Price = (math.MaxUint32 + 1) * 100_000 }), itch.ErrPrice},
	} {
		for name, write := range map[string]func([]byte, itch.Order) ([]byte, error){
			"A": func(b []byte, o itch.Order) ([]byte, error) { return itch.AppendAdd(b, itch.Head{}, o) },
			"P": func(b []byte, o itch.Order) ([]byte, error) { return itch.AppendTrade(b, itch.Head{}, o, 1) },
		} {
			if b, err := write([]byte("kept"), tt.order); !errors.Is(err, tt.want) || string(b) != "kept" {
				t.Errorf("%s of %s = %q, %v, want the bytes as they were and %v", name, tt.name, b, err, tt.want)
			}
		}
	}
	for name, err := range map[string]error{
		"R": second(itch.AppendDirectory(nil, itch.Head{}, "TOOLONGNAME", 1)),
		"H": second(itch.AppendTrading(nil, itch.Head{}, "TOOLONGNAME", itch.Trading)),
		"E": second(itch.AppendExecuted(nil, itch.Head{}, 1, 1, 1)),
		"C": second(itch.AppendExecutedAt(nil, itch.Head{}, 1, 1, 1, cent)),
		"c": second(itch.AppendExecutedAt(nil, itch.Head{}, 1, market.Unit, 1, 1)),
		"X": second(itch.AppendCancel(nil, itch.Head{}, 1, 0)),
		"U": second(itch.AppendReplace(nil, itch.Head{}, 1, itch.Order{Qty: 1, Price: cent})),
		"u": second(itch.AppendReplace(nil, itch.Head{}, 1, itch.Order{Qty: market.Unit})),
	} {
		if err == nil {
			t.Errorf("%s wrote what it cannot say", name)
		}
	}
	for _, o := range []itch.Order{with(func(o *itch.Order) { o.Qty = math.MaxUint32 * market.Unit }), with(func(o *itch.Order) { o.Price = math.MaxUint32 * 100_000 })} {
		if _, err := itch.AppendAdd(nil, itch.Head{}, o); err != nil {
			t.Errorf("the most that fits: %v", err)
		}
	}
}

func second(_ []byte, err error) error { return err }
