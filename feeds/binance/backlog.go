package binance

import (
	"fmt"

	"github.com/failshut/failshut/feeds"
)

// backlog is what the books of one connection keep until they are linked. Its bytes are bounded for all of them together by
// Limits.RingBytes, for one line may hold hundreds of thousands of levels, and there may be as many books as lines.
type backlog struct {
	bytes int
	spare []event // used buffers
}

const (
	mostSpare   = 64      // used buffers kept
	spareLevels = 1 << 10 // of the longest of them
	eventBytes  = 128     // an event without its levels
	levelBytes  = 16      // a price and a quantity
)

// weight is the bytes that e keeps.
func (e *event) weight() int { return eventBytes + levelBytes*(cap(e.bids)+cap(e.asks)) }

// keep buffers an event until a snapshot comes. Where there is no room the oldest goes, and a snapshot must then be
// newer.
func (f *Feed) keep(y *symbol, e event) {
	if len(y.buffer) == 0 && y.seat.Own() == feeds.Syncing {
		f.desk.Ask(feeds.Output{Kind: feeds.NeedSnapshot, Instrument: y.seat.Instrument()})
	}
	if len(y.buffer) >= f.cfg.Limits.SymbolEvents {
		f.desk.Unapplied(y.seat)
		f.drop(y, 1)
	}
	if !f.room(y, e) {
		f.desk.Unapplied(y.seat)
		return
	}
	kept := f.blank()
	bids, asks := append(kept.bids[:0], e.bids...), append(kept.asks[:0], e.asks...)
	kept = e
	kept.bids, kept.asks = bids, asks
	f.backlog.bytes += kept.weight()
	y.buffer = append(y.buffer, kept)
}

// room reports whether e may be kept for y. Where it may not, everything that is kept for y goes, and readers are told: no
// older snapshot could link any more.
func (f *Feed) room(y *symbol, e event) bool {
	most, n := f.cfg.Limits.RingBytes, eventBytes+levelBytes*(len(e.bids)+len(e.asks))
	if f.backlog.bytes+n <= most {
		return true
	}
	if h := f.cfg.Events.RingDropped; h != nil {
		h(len(y.buffer))
	}
	f.unbuffer(y)
	f.desk.Turn(y.seat, feeds.Suspect, fmt.Sprintf("what waits for snapshots is more than %d bytes", most))
	f.desk.Ask(feeds.Output{Kind: feeds.NeedSnapshot, Instrument: y.seat.Instrument()})
	return f.backlog.bytes+n <= most
}

// blank returns an event whose level slices may be used.
func (f *Feed) blank() event {
	b := &f.backlog
	n := len(b.spare)
	if n == 0 {
		return event{}
	}
	e := b.spare[n-1]
	b.spare = b.spare[:n-1]
	return e
}

// drop takes the first n events out of the buffer of y.
func (f *Feed) drop(y *symbol, n int) {
	b := &f.backlog
	for i := range y.buffer[:n] {
		e := &y.buffer[i]
		b.bytes -= e.weight()
		if len(b.spare) < mostSpare && max(cap(e.bids), cap(e.asks)) <= spareLevels {
			b.spare = append(b.spare, *e)
		}
	}
	rest := copy(y.buffer, y.buffer[n:])
	clear(y.buffer[rest:])
	y.buffer = y.buffer[:rest]
}

// unbuffer gives up the events that wait for a snapshot.
func (f *Feed) unbuffer(y *symbol) {
	for range y.buffer {
		f.desk.Unapplied(y.seat)
	}
	f.drop(y, len(y.buffer))
}

// await keeps a snapshot until the depth event comes that it must link to.
func (f *Feed) await(y *symbol, s event) {
	if !f.room(y, s) {
		f.reject(y, "no room to keep it")
		return
	}
	s.bids, s.asks = append([]level(nil), s.bids...), append([]level(nil), s.asks...)
	f.backlog.bytes += s.weight()
	y.wait = &s
}

// unwait gives up the snapshot that waits, if one does.
func (f *Feed) unwait(y *symbol) {
	if y.wait != nil {
		f.backlog.bytes -= y.wait.weight()
		y.wait = nil
	}
}
