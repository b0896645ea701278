package resilience

import (
	"slices"
	"time"
)

// Read is a question that may be asked twice, since asking changes nothing. Only the types of this file are one, and none of
// them can carry an order: that an order is never hedged is a matter of types.
type Read interface{ read() }

// SnapshotRead asks for a snapshot of a channel.
type SnapshotRead struct{ Channel string }

// GapRead asks for messages From to To of a channel, both included.
type GapRead struct {
	Channel  string
	From, To uint64
}

// ReferenceRead asks for reference data by its key.
type ReferenceRead struct{ Key string }

// StatusRead asks for the status of an order by its ids, or of all of an account when both are empty.
type StatusRead struct{ Account, ClOrdID, OrderID string }

func (SnapshotRead) read()  {}
func (GapRead) read()       {}
func (ReferenceRead) read() {}
func (StatusRead) read()    {}

const (
	hedgeLast  = 1000                 // answers that count
	hedgeFloor = 5 * time.Millisecond // no extra before this
	hedgeFirst = 20                   // answers before the first reckoning of the p95
	hedgeEvery = 50                   // answers between two reckonings
)

// Hedge asks a slow read a second time, after the 95th percentile of the last 1,000 answers and not before 5 ms, at most once a
// read, for a token of the budget of its dependency. The zero Hedge makes no extra until it has seen 20 answers. For one
// goroutine at a time.
type Hedge struct {
	took [hedgeLast]time.Duration
	n    int // answers seen
	p95  time.Duration
	work []time.Duration
}

// Hedged is one read under way.
type Hedged struct {
	Read  Read
	At    Instant // when the extra may go, Never when none will
	extra bool
	over  bool
}

// Begin is told that a read was asked at now.
func (h *Hedge) Begin(now Instant, r Read) Hedged {
	at := Never
	if h.p95 > 0 {
		at = now.Add(max(h.p95, hedgeFloor))
	}
	return Hedged{Read: r, At: at}
}

// Extra says whether to ask again now: once, not before its time, not after an answer, and when g has a token.
func (h *Hedge) Extra(now Instant, r *Hedged, g *Budget) bool {
	if r.over || r.extra || now < r.At || r.At == Never || !g.Withdraw(now) {
		return false
	}
	r.extra = true
	return true
}

// Answered takes the first answer, after took. It returns whether another asking is still out, which the caller cancels, and
// whether this answer counts: for breaker and window both askings are one, so the second answer does not.
func (h *Hedge) Answered(r *Hedged, took time.Duration) (loser, counts bool) {
	if r.over {
		return false, false
	}
	r.over = true
	h.observe(took)
	return r.extra, true
}

func (h *Hedge) observe(took time.Duration) {
	h.took[h.n%hedgeLast] = max(took, 0)
	h.n++
	if h.n != hedgeFirst && h.n%hedgeEvery != 0 {
		return
	}
	h.work = append(h.work[:0], h.took[:min(h.n, hedgeLast)]...)
	slices.Sort(h.work)
	h.p95 = max(1, h.work[(len(h.work)*95-1)/100])
}
