package risk

import (
	"encoding/binary"
	"fmt"

	"github.com/failshut/failshut/market"
)

// encoder appends fields in one fixed order: varints, and strings and lists with their length ahead.
type encoder struct{ b []byte }

func (e *encoder) uint(v uint64)   { e.b = binary.AppendUvarint(e.b, v) }
func (e *encoder) int(v int64)     { e.b = binary.AppendVarint(e.b, v) }
func (e *encoder) string(s string) { e.uint(uint64(len(s))); e.b = append(e.b, s...) }
func (e *encoder) scope(k Scope)   { e.string(k.Account); e.string(k.Strategy); e.string(k.Instrument) }

func (e *encoder) bool(v bool) {
	if v {
		e.uint(1)
	} else {
		e.uint(0)
	}
}

func (e *encoder) amount(n market.Notional) {
	hi, lo := n.Words()
	e.int(hi)
	e.uint(lo)
}

func (e *encoder) strings(list []string) {
	e.uint(uint64(len(list)))
	for _, s := range list {
		e.string(s)
	}
}

// decoder reads what an encoder wrote. After its first error it reads only zeros, so that a caller looks once, at the end.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) fail(what string) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s with %d bytes left", ErrInvalid, what, len(d.b))
	}
	d.b = nil
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 || n > 1 && d.b[n-1] == 0 { // a longer form of the same number is refused: one value, one encoding
		d.fail("bad number")
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) int() int64 {
	u := d.uint()
	return int64(u>>1) ^ -int64(u&1)
}

func (d *decoder) bool() bool {
	switch d.uint() {
	case 0:
		return false
	case 1:
		return true
	}
	d.fail("bad truth value")
	return false
}

func (d *decoder) string() string {
	n := d.uint()
	if n > uint64(len(d.b)) {
		d.fail("text too long")
		return ""
	}
	s := string(d.b[:n])
	d.b = d.b[n:]
	return s
}

// length reads the length of a list whose entries take at least one byte each, so a lie cannot make it allocate much.
func (d *decoder) length() int {
	n := d.uint()
	if n > uint64(len(d.b)) {
		d.fail("list too long")
		return 0
	}
	return int(n)
}

func (d *decoder) strings() []string {
	n := d.length()
	if n == 0 {
		return nil
	}
	list := make([]string, 0, n)
	for range n {
		list = append(list, d.string())
	}
	return list
}

func (d *decoder) scope() Scope { return Scope{d.string(), d.string(), d.string()} }

func (d *decoder) amount() market.Notional { return market.NotionalFromWords(d.int(), d.uint()) }

// small reads a number that must fit a byte.
func (d *decoder) small() uint8 {
	v := d.uint()
	if v > 255 {
		d.fail("number above 255")
	}
	return uint8(v)
}

// end returns the first error, or that something is left over.
func (d *decoder) end() error {
	if d.err == nil && len(d.b) > 0 {
		d.fail("bytes left over")
	}
	return d.err
}
