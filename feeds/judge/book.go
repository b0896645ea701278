package judge

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
)

// MaxDepth is the greatest depth that Book prints.
const MaxDepth = 10_000

// Book writes the book of symbol as CSV: a header, then one row after each message that was applied to it while it is
// Live, whether or not the levels shown have changed. It returns what Verify returns. Report.SymbolSeen says whether
// the feed spoke of the symbol at all.
func Book(ctx context.Context, w io.Writer, f Format, symbol market.Symbol, depth int, files, snapshots []string) (Report, error) {
	if depth < 1 || depth > MaxDepth {
		return Report{}, fmt.Errorf("judge: depth = %d, want 1 to %d", depth, MaxDepth)
	}
	c := &csv{w: bufio.NewWriter(w), depth: depth, symbol: symbol}
	c.header()
	r, desk, err := run(ctx, f, files, snapshots, &tap{applied: c.row, err: func() error { return c.err }})
	if err != nil {
		return Report{}, err
	}
	for _, s := range desk.Seats() {
		r.SymbolSeen = r.SymbolSeen || s.Instrument().Symbol() == symbol
	}
	if err := c.w.Flush(); err != nil {
		return Report{}, fmt.Errorf("judge: %w", err)
	}
	return r, nil
}

type csv struct {
	w      *bufio.Writer
	depth  int
	symbol market.Symbol
	seat   *feeds.Seat // the one that bears the symbol, once found
	buf    []byte
	err    error
}

func (c *csv) header() {
	b := append(c.buf[:0], "event,time_ns"...)
	for i := 1; i <= c.depth; i++ {
		for _, name := range []string{",bid_px_", ",bid_sz_", ",ask_px_", ",ask_sz_"} {
			b = append(b, name...)
			b = strconv.AppendInt(b, int64(i), 10)
		}
	}
	c.put(append(b, '\n'))
}

func (c *csv) row(a feeds.Applied) {
	if c.seat == nil && a.Seat.Instrument().Symbol() == c.symbol {
		c.seat = a.Seat
	}
	if a.Seat != c.seat {
		return
	}
	b := strconv.AppendUint(c.buf[:0], a.Index, 10)
	b = append(b, ',')
	b = strconv.AppendInt(b, int64(a.Event), 10)
	for i := range c.depth {
		b = level(b, a.Seat.Ladder(), market.Buy, i)
		b = level(b, a.Seat.Ladder(), market.Sell, i)
	}
	c.put(append(b, '\n'))
}

// level writes price and size, or leaves both empty where there is no such level.
func level(b []byte, l feeds.Ladder, side market.Side, i int) []byte {
	b = append(b, ',')
	if i >= l.Len(side) {
		return append(b, ',')
	}
	v := l.Level(side, i)
	b = append(b, v.Price.String()...)
	b = append(b, ',')
	return append(b, v.Qty.String()...)
}

func (c *csv) put(b []byte) {
	c.buf = b
	if _, err := c.w.Write(b); err != nil && c.err == nil {
		c.err = fmt.Errorf("judge: %w", err)
	}
}
