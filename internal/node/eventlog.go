package node

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"strconv"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
)

// eventLog is the canonical log of a replay: one line for each thing a strategy was told, in order. Its hash is equal for
// equal runs, on any machine and at any GOMAXPROCS; nothing in a line depends on the wall clock.
type eventLog struct {
	sum    hash.Hash
	file   *bufio.Writer
	line   []byte
	events uint64
	states map[string]uint64
	err    error
}

func newEventLog(w io.Writer) *eventLog {
	l := &eventLog{sum: sha256.New(), states: map[string]uint64{}}
	if w != nil {
		l.file = bufio.NewWriter(w)
	}
	return l
}

// Quote writes the top of a book.
func (l *eventLog) Quote(q feeds.Quote) {
	l.begin("quote", q.Pos, q.Instrument)
	l.word(q.State.String())
	l.price(q.Bid.Price)
	l.qty(q.Bid.Qty)
	l.price(q.Ask.Price)
	l.qty(q.Ask.Qty)
	l.end()
}

// Depth is told to no strategy.
func (l *eventLog) Depth(feeds.Depth) {}

// Trade writes an execution.
func (l *eventLog) Trade(t feeds.Trade) {
	l.begin("trade", t.Pos, t.Instrument)
	l.word(t.State.String())
	l.price(t.Price)
	l.qty(t.Qty)
	l.end()
}

// State writes a change of state.
func (l *eventLog) State(s feeds.StateChange) {
	l.states[s.State.String()]++
	l.begin("state", s.Pos, s.Instrument)
	l.word(s.State.String())
	l.end()
}

// order writes an event of an order.
func (l *eventLog) order(e orders.Event) {
	l.line = append(l.line[:0], "order"...)
	l.word(e.Kind.String())
	l.word(string(e.Order))
	l.instrument(e.Instrument)
	l.word(e.Side.String())
	l.qty(e.Qty)
	l.qty(e.Cum)
	l.qty(e.Leaves)
	l.price(e.Price)
	l.qty(e.LastQty)
	l.price(e.LastPx)
	l.word(string(e.Reason))
	l.end()
}

func (l *eventLog) begin(kind string, pos feeds.Pos, i market.Instrument) {
	l.line = append(l.line[:0], kind...)
	l.line = strconv.AppendUint(append(l.line, ' '), uint64(pos.Epoch), 10)
	l.line = strconv.AppendUint(append(l.line, ' '), pos.Seq, 10)
	l.instrument(i)
}

func (l *eventLog) word(s string) {
	if s == "" {
		s = "-"
	}
	l.line = append(append(l.line, ' '), s...)
}

func (l *eventLog) instrument(i market.Instrument) {
	l.line = append(l.line, ' ')
	if !i.Valid() {
		l.line = append(l.line, '*')
		return
	}
	l.line = append(l.line, i.Symbol()...)
}

func (l *eventLog) price(p market.Price) {
	l.line, _ = p.AppendText(append(l.line, ' '))
}

func (l *eventLog) qty(q market.Qty) {
	l.line, _ = q.AppendText(append(l.line, ' '))
}

func (l *eventLog) end() {
	l.events++
	l.line = append(l.line, '\n')
	l.sum.Write(l.line)
	l.copy(l.line)
}

// head writes a line into the file alone: it says how the run was made and is no event.
func (l *eventLog) head(line []byte) { l.copy(append(line, '\n')) }

func (l *eventLog) copy(line []byte) {
	if l.file == nil || l.err != nil {
		return
	}
	_, l.err = l.file.Write(line)
}

// close gives the hash of all events, and the first error of the file.
func (l *eventLog) close() (string, error) {
	if l.file != nil && l.err == nil {
		l.err = l.file.Flush()
	}
	return hex.EncodeToString(l.sum.Sum(nil)), l.err
}
