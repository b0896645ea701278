package strategy

import (
	"fmt"
	"math/bits"

	"github.com/failshut/failshut/market"
)

// Average is an exponential moving average of prices, in integers at 1e-9: the same prices give the same value on
// every machine. The zero value is ready. It is not safe for concurrent use.
type Average struct {
	value market.Price
	seen  int
}

// Add takes the next price into an average over n prices and returns the new value: value + (p − value) × 2/(n+1),
// rounded toward zero, where the first price is the first value. An n below 1 counts as 1. A price of 0 is no price and
// changes nothing.
func (a *Average) Add(p market.Price, n int) market.Price {
	if p == 0 {
		return a.value
	}
	if a.seen == 0 {
		a.value = p
	} else {
		a.value += step(p, a.value, uint64(max(1, n))+1)
	}
	a.seen++
	return a.value
}

// Value returns the average of all prices added, 0 before the first.
func (a *Average) Value() market.Price { return a.value }

// Seen returns how many prices were added.
func (a *Average) Seen() int { return a.seen }

// step is (p − v) × 2 / d in 128 bits, which never leaves the interval between p and v and so never overflows.
func step(p, v market.Price, d uint64) market.Price {
	up := p >= v
	distance := uint64(p) - uint64(v)
	if !up {
		distance = uint64(v) - uint64(p)
	}
	hi, lo := bits.Mul64(distance, 2)
	quotient, _ := bits.Div64(hi, lo, max(d, 2))
	if up {
		return market.Price(quotient)
	}
	return -market.Price(quotient)
}

// Per keeps a value of T for each instrument. A value not touched before is T's zero value. The zero Per is ready. It is
// not safe for concurrent use, and has no order: a decision must not depend on which instrument comes first.
type Per[T any] struct {
	of map[market.Instrument]*T
}

// Of returns the value of i, the same pointer at every call.
func (p *Per[T]) Of(i market.Instrument) *T {
	if v, ok := p.of[i]; ok {
		return v
	}
	if p.of == nil {
		p.of = make(map[market.Instrument]*T)
	}
	v := new(T)
	p.of[i] = v
	return v
}

// Want is nil when ok, else an error of the format: a strategy's Validate in one line for each thing wanted.
func Want(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf(format, args...)
}
