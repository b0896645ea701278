package supervision

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// errCodec is why bytes are no record of a decision.
var errCodec = errors.New("supervision: not a record of decisions")

// codec writes values behind buf, or reads them off its head. One description of a value serves both ways, so that they cannot
// part. Numbers are varints, texts and lists have their length before them. Times are counted from base, the first decision
// of the tree, by the monotonic clock where there is one: a clock that is set does not change what a replay decides.
type codec struct {
	buf     []byte
	reading bool
	err     error // the first mistake; nothing is read behind it
	base    time.Time

	depth   int
	specs   []*Spec       // read so far, by number
	numbers map[*Spec]int // written so far
	made    int
	hint    int // where the next child of a supervisor is looked for
}

// nestMax is how deep supervisors may stand below each other in what is read.
const nestMax = 256

// fresh begins to write, into the same memory.
func (c *codec) fresh() {
	c.buf, c.depth, c.made = c.buf[:0], 0, 0
	clear(c.numbers)
}

func (c *codec) fail(format string, a ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%w: %s", errCodec, fmt.Sprintf(format, a...))
		c.buf = nil
	}
}

// end wants that nothing is left.
func (c *codec) end() error {
	if c.err == nil && len(c.buf) > 0 {
		c.fail("%d bytes are left behind its end", len(c.buf))
	}
	return c.err
}

// count is a number that is not negative.
func count[T ~uint8 | ~uint64](c *codec, v *T) {
	if !c.reading {
		c.buf = binary.AppendUvarint(c.buf, uint64(*v))
		return
	}
	n, size := binary.Uvarint(c.buf)
	if size <= 0 || n > uint64(^T(0)) {
		c.fail("a number is cut short or too large")
		return
	}
	c.buf, *v = c.buf[size:], T(n)
}

// whole is any number.
func whole[T ~int | ~int64](c *codec, v *T) {
	if !c.reading {
		c.buf = binary.AppendVarint(c.buf, int64(*v))
		return
	}
	n, size := binary.Varint(c.buf)
	if size <= 0 {
		c.fail("a number is cut short or too large")
		return
	}
	c.buf, *v = c.buf[size:], T(n)
}

// bits are 8 bytes as they are.
func (c *codec) bits(v *uint64) {
	switch {
	case !c.reading:
		c.buf = binary.LittleEndian.AppendUint64(c.buf, *v)
	case len(c.buf) < 8:
		c.fail("8 bytes are wanted, %d are left", len(c.buf))
	default:
		*v, c.buf = binary.LittleEndian.Uint64(c.buf), c.buf[8:]
	}
}

func (c *codec) flag(v *bool) {
	switch {
	case !c.reading && *v:
		c.buf = append(c.buf, 1)
	case !c.reading:
		c.buf = append(c.buf, 0)
	case len(c.buf) == 0 || c.buf[0] > 1:
		c.fail("a yes or no is missing")
	default:
		*v, c.buf = c.buf[0] == 1, c.buf[1:]
	}
}

func text[T ~string](c *codec, v *T) {
	n := uint64(len(*v))
	count(c, &n)
	switch {
	case !c.reading:
		c.buf = append(c.buf, *v...)
	case n > uint64(len(c.buf)):
		c.fail("a text of %d bytes is wanted, %d are left", n, len(c.buf))
	default:
		*v, c.buf = T(c.buf[:n]), c.buf[n:]
	}
}

func (c *codec) time(v *time.Time) {
	set := !v.IsZero()
	c.flag(&set)
	if !set {
		return
	}
	since := v.Sub(c.base)
	whole(c, &since)
	if c.reading {
		*v = c.base.Add(since)
	}
}

func (c *codec) float(v *float64) {
	n := math.Float64bits(*v)
	c.bits(&n)
	*v = math.Float64frombits(n)
}

// list is a slice. What is read grows with what is there, so that a wrong length costs nothing.
func list[T any](c *codec, v *[]T, each func(*T)) {
	n := uint64(len(*v))
	count(c, &n)
	if !c.reading {
		for i := range *v {
			each(&(*v)[i])
		}
		return
	}
	for ; n > 0 && c.err == nil; n-- {
		var e T
		each(&e)
		*v = append(*v, e)
	}
}

// table is a map, in the order of its keys.
func table[V any](c *codec, v *map[string]V, each func(*V)) {
	keys := slices.Sorted(maps.Keys(*v))
	list(c, &keys, func(key *string) {
		text(c, key)
		e := (*v)[*key]
		each(&e)
		if c.reading {
			(*v)[*key] = e
		}
	})
}
