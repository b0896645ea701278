package itch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/failshut/failshut/market"
)

// Why a value cannot be written in ITCH 5.0. The errors name the value.
var (
	// ErrSymbol says that a symbol has more than eight characters, or is none.
	ErrSymbol = errors.New("itch: symbol")
	// ErrPrice says that a price is not above 0, finer than 1e-4, or beyond 32 bits of that.
	ErrPrice = errors.New("itch: price")
	// ErrQty says that a quantity is not above 0, not whole, or beyond 32 bits.
	ErrQty = errors.New("itch: quantity")
	// ErrSide says that a side is neither buy nor sell.
	ErrSide = errors.New("itch: side")
)

// Codes of events.
const (
	StartOfMessages = startOfMessages // of a system event: the day begins
	EndOfMessages   = endOfMessages   // of a system event: nothing follows, every book is empty
	Trading         = 'T'             // of a trading action: the symbol is traded
	Halted          = 'H'             // of a trading action: it is not
)

// Head is what every message begins with. Locate is 0 in system events. Time is written as the time since midnight UTC.
type Head struct {
	Locate uint16
	Time   market.Timestamp
}

// Order is what is written of an order that rests. Symbol is written only where it is added.
type Order struct {
	Ref    uint64
	Side   market.Side
	Qty    market.Qty
	Symbol market.Symbol
	Price  market.Price
}

// The Append functions append one message to b and return it. Those that return an error leave b as it was then.

// AppendSystem appends S, a system event of code.
func AppendSystem(b []byte, h Head, code byte) []byte { return append(head(b, systemEvent, h), code) }

// AppendDirectory appends R, which lists symbol under h.Locate. What it says besides is what suits a common share in
// round lots of lot. ErrSymbol.
func AppendDirectory(b []byte, h Head, symbol market.Symbol, lot uint32) ([]byte, error) {
	if err := Writable(symbol); err != nil {
		return b, err
	}
	b = appendSymbol(head(b, stockDirectory, h), symbol)
	b = append(b, 'Q', 'N')
	b = binary.BigEndian.AppendUint32(b, lot)
	b = append(b, "NCZ PN 1N"...) // round lots only, issue class, sub-type, authenticity, short sale, IPO, price tier, fund
	b = binary.BigEndian.AppendUint32(b, 0)
	return append(b, 'N'), nil
}

// AppendTrading appends H, which brings symbol into state Trading or Halted. ErrSymbol.
func AppendTrading(b []byte, h Head, symbol market.Symbol, state byte) ([]byte, error) {
	if err := Writable(symbol); err != nil {
		return b, err
	}
	b = appendSymbol(head(b, tradingAction, h), symbol)
	return append(b, state, ' ', ' ', ' ', ' ', ' '), nil
}

// AppendAdd appends A, an order that begins to rest.
func AppendAdd(b []byte, h Head, o Order) ([]byte, error) {
	v, err := o.wire()
	if err != nil {
		return b, err
	}
	b = binary.BigEndian.AppendUint64(head(b, addOrder, h), o.Ref)
	b = binary.BigEndian.AppendUint32(append(b, v.side), v.shares)
	b = appendSymbol(b, o.Symbol)
	return binary.BigEndian.AppendUint32(b, v.price), nil
}

// AppendExecuted appends E, an execution of qty at the price of the order ref.
func AppendExecuted(b []byte, h Head, ref uint64, qty market.Qty, match uint64) ([]byte, error) {
	shares, err := sharesOf(qty)
	if err != nil {
		return b, err
	}
	b = binary.BigEndian.AppendUint64(head(b, orderExecuted, h), ref)
	b = binary.BigEndian.AppendUint32(b, shares)
	return binary.BigEndian.AppendUint64(b, match), nil
}

// AppendExecutedAt appends C, a printed execution of qty at a price of its own.
func AppendExecutedAt(b []byte, h Head, ref uint64, qty market.Qty, match uint64, price market.Price) ([]byte, error) {
	shares, err := sharesOf(qty)
	if err != nil {
		return b, err
	}
	p, err := wirePrice(price)
	if err != nil {
		return b, err
	}
	b = binary.BigEndian.AppendUint64(head(b, executedAtPrice, h), ref)
	b = binary.BigEndian.AppendUint32(b, shares)
	b = append(binary.BigEndian.AppendUint64(b, match), printable)
	return binary.BigEndian.AppendUint32(b, p), nil
}

// AppendCancel appends X, which takes qty off the order ref and leaves some.
func AppendCancel(b []byte, h Head, ref uint64, qty market.Qty) ([]byte, error) {
	shares, err := sharesOf(qty)
	if err != nil {
		return b, err
	}
	b = binary.BigEndian.AppendUint64(head(b, orderCancel, h), ref)
	return binary.BigEndian.AppendUint32(b, shares), nil
}

// AppendDelete appends D, the end of the order ref.
func AppendDelete(b []byte, h Head, ref uint64) []byte {
	return binary.BigEndian.AppendUint64(head(b, orderDelete, h), ref)
}

// AppendReplace appends U, in which o takes the place of the order ref. Side and symbol are inherited.
func AppendReplace(b []byte, h Head, ref uint64, o Order) ([]byte, error) {
	shares, err := sharesOf(o.Qty)
	if err != nil {
		return b, err
	}
	p, err := wirePrice(o.Price)
	if err != nil {
		return b, err
	}
	b = binary.BigEndian.AppendUint64(head(b, orderReplace, h), ref)
	b = binary.BigEndian.AppendUint64(b, o.Ref)
	b = binary.BigEndian.AppendUint32(b, shares)
	return binary.BigEndian.AppendUint32(b, p), nil
}

// AppendTrade appends P, an execution against an order that was never shown.
func AppendTrade(b []byte, h Head, o Order, match uint64) ([]byte, error) {
	v, err := o.wire()
	if err != nil {
		return b, err
	}
	b = binary.BigEndian.AppendUint64(head(b, trade, h), o.Ref)
	b = binary.BigEndian.AppendUint32(append(b, v.side), v.shares)
	b = appendSymbol(b, o.Symbol)
	b = binary.BigEndian.AppendUint32(b, v.price)
	return binary.BigEndian.AppendUint64(b, match), nil
}

// AppendBroken appends B, which says that the execution match did not take place.
func AppendBroken(b []byte, h Head, match uint64) []byte {
	return binary.BigEndian.AppendUint64(head(b, brokenTrade, h), match)
}

// Writable returns nil, or an ErrSymbol for a symbol that no message can name.
func Writable(s market.Symbol) error {
	if !s.Valid() || len(s) > symbolSize {
		return fmt.Errorf("%w: %q has %d characters, want 1 to %d", ErrSymbol, s, len(s), symbolSize)
	}
	return nil
}

func head(b []byte, kind byte, h Head) []byte {
	b = binary.BigEndian.AppendUint16(append(b, kind), h.Locate)
	since := h.Time % day
	if since < 0 {
		since += day
	}
	// Two bytes of tracking number, which we have no use for, then six of time.
	return binary.BigEndian.AppendUint64(b, uint64(since)&stampMost)
}

func appendSymbol(b []byte, s market.Symbol) []byte {
	b = append(b, s...)
	for range symbolSize - len(s) {
		b = append(b, ' ')
	}
	return b
}

// wired is an Order in numbers of the wire.
type wired struct {
	side          byte
	price, shares uint32
}

func (o Order) wire() (wired, error) {
	var v wired
	var err error
	switch o.Side {
	case market.Buy:
		v.side = buySide
	case market.Sell:
		v.side = sellSide
	default:
		return v, fmt.Errorf("%w = %d, want buy or sell", ErrSide, o.Side)
	}
	if err := Writable(o.Symbol); err != nil {
		return v, err
	}
	if v.shares, err = sharesOf(o.Qty); err != nil {
		return v, err
	}
	v.price, err = wirePrice(o.Price)
	return v, err
}

func sharesOf(q market.Qty) (uint32, error) {
	if q <= 0 || q%market.Unit != 0 || q/market.Unit > math.MaxUint32 {
		return 0, fmt.Errorf("%w = %s, want whole shares from 1 to %d", ErrQty, q, uint32(math.MaxUint32))
	}
	return uint32(q / market.Unit), nil
}

func wirePrice(p market.Price) (uint32, error) {
	if p <= 0 || p%priceScale != 0 || p/priceScale > math.MaxUint32 {
		return 0, fmt.Errorf("%w = %s, want steps of 0.0001 up to %s", ErrPrice, p, priceOf(math.MaxUint32))
	}
	return uint32(p / priceScale), nil
}
