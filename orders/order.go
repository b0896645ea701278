package orders

import (
	"math"
	"slices"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// An order has three parts: quantities (qty, px, execs), a working status, and
// the requests made about it. Its state in one word is derived from them by
// R6 and never stored. Beside them stands the set of doubts.
type order struct {
	New                  // as created; Qty and Price stay the original terms
	cause     risk.Cause // the decision behind it
	ttl       time.Duration
	oid       string
	qty       market.Qty
	px        market.Price
	execs     []execution
	aliases   []alias // further ids of corrected executions
	parked    []correction
	cum       market.Qty
	cost      product    // Σ qty·px of the live executions
	greatest  market.Qty // greatest cum a report has named
	worst     market.Qty // cum + leaves of the last report that was neither late nor pending
	reqs      []request
	why       Reason
	w         working
	doubts    doubt
	foreign   bool
	phantom   bool // a name that may have been used, and nothing else
	signed    bool // an operator has signed for what only the venue knew
	recovered bool // it was a phantom, and the venue knows it: it is to end
	paper     bool
	closing   bool
	again     bool // R16b: a cancel goes out as soon as no replace is open
	stuck     bool
	tries     int8 // cancels sent again
	absents   int8
	absentAt  int64 // Instant of the last Absent that counted
	round     uint32
	named     uint32 // last mass status round that named it
	synthetic market.Qty

	difference uint64 // its number, where only the venue knew it; 0: ours

	// What the outside was last told, compared by R22 after each input.
	touched, asking         bool
	noted                   bool  // a scribe has seen it
	edited                  bool  // an execution that a scribe has taken is another one now
	listed                  bool  // in Machine.live
	heard                   int64 // Instant of the last word of the venue about it
	toldUnknown, toldClosed bool
	toldDoubt               bool
	toldQty                 market.Qty
	toldPrice               market.Price
}

// working is what the venue does with the order.
type working uint8

const (
	wSent working = iota + 1
	wWorking
	wStopped
	wSuspended
	wDoneForDay
	wCalculated
	wCanceled
	wRejected
	wExpired
)

func (w working) ended() bool { return w >= wCanceled }

type requestKind uint8

const (
	kindNew requestKind = iota + 1
	kindCancel
	kindReplace
)

// evidence is how far a request is known to have come.
type evidence uint8

const (
	journalled evidence = iota + 1
	sent
	acked
	unknown
	accepted
	rejected
	unsent // proven never to have left
	lost   // proven never to have arrived
	gone   // the venue, asked often enough, knows nothing of it
	moot   // the order ended first
)

var evidenceNames = [...]string{
	"invalid", "journalled", "sent", "acked", "unknown", "accepted", "rejected", "unsent", "lost", "absent", "moot",
}

func (e evidence) open() bool { return e >= journalled && e <= unknown }

type request struct {
	id, orig market.ClOrdID
	qty      market.Qty
	px       market.Price
	kind     requestKind
	ev       evidence
	held     bool
	again    bool  // a cancel made by R16b
	due      int64 // Instant after which a replace is not handed over, 0 for none
}

// doubt is a set of reasons why the venue may hold something else than we do.
type doubt uint16

const (
	doubtContradiction doubt = 1 << iota
	doubtCrash
	doubtCumBehind
	doubtDisconnect
	doubtForgot
	doubtMismatch
	doubtMissingFill
	doubtNewDay
	doubtQuiet
)

// doubtNames are in the order of the bits, which is alphabetical.
var doubtNames = [...]string{
	"contradiction", "crash", "cum_behind", "disconnect", "forgot", "mismatch", "missing_fill", "newday", "quiet",
}

type execution struct {
	id        string
	nth       uint64 // of the machine's executions, in the order in which they were first known
	qty       market.Qty
	px        market.Price
	day       int32
	gone      bool
	synthetic bool
}

type alias struct {
	id  string
	idx int
}

// correction is a bust or correction that came before its execution.
type correction struct {
	id, ref string
	qty     market.Qty
	px      market.Price
	bust    bool
}

func (o *order) ended() bool { return o.w.ended() }
func (o *order) gtc() bool   { return o.TIF == market.GTC }

// first returns the request that created the order, nil for a foreign order.
func (o *order) first() *request {
	if len(o.reqs) > 0 && o.reqs[0].kind == kindNew {
		return &o.reqs[0]
	}
	return nil
}

func (o *order) requestOf(id market.ClOrdID, k requestKind) *request {
	for i := range o.reqs {
		if o.reqs[i].id == id && o.reqs[i].kind == k {
			return &o.reqs[i]
		}
	}
	return nil
}

// openOf returns the newest open request of kind k, or nil.
func (o *order) openOf(k requestKind) *request {
	for i := len(o.reqs) - 1; i >= 0; i-- {
		if o.reqs[i].kind == k && o.reqs[i].ev.open() {
			return &o.reqs[i]
		}
	}
	return nil
}

func (o *order) anyOpen() bool {
	for i := range o.reqs {
		if o.reqs[i].ev.open() {
			return true
		}
	}
	return false
}

func (o *order) has(k requestKind, e evidence) bool {
	for i := range o.reqs {
		if o.reqs[i].kind == k && o.reqs[i].ev == e {
			return true
		}
	}
	return false
}

// inForce returns the id the venue's own reports use: the last one accepted.
func (o *order) inForce() market.ClOrdID {
	for _, v := range slices.Backward(o.reqs) {
		if v.ev == accepted && v.kind != kindCancel {
			return v.id
		}
	}
	return o.ID
}

// next returns the OrigClOrdID of the next request: the last id of the order
// that was not rejected; a pending one counts. A cancel's id never becomes the
// order's.
func (o *order) next() market.ClOrdID {
	for i := len(o.reqs) - 1; i >= 0; i-- {
		r := &o.reqs[i]
		if r.kind != kindCancel && (r.ev.open() || r.ev == accepted) {
			return r.id
		}
	}
	return o.ID
}

// openQty reports whether q is the quantity of an open replace.
func (o *order) openQty(q market.Qty) bool {
	for i := range o.reqs {
		r := &o.reqs[i]
		if r.kind == kindReplace && r.ev.open() && r.qty == q {
			return true
		}
	}
	return false
}

func (o *order) today(day int32) market.Qty {
	var sum market.Qty
	for i := range o.execs {
		if e := &o.execs[i]; !e.gone && e.day == day {
			sum += e.qty
		}
	}
	return sum
}

func (o *order) avg() market.Price { return o.cost.div(o.cum) }

// execIndex finds a live or removed execution by any id of its chain.
func (o *order) execIndex(id string) int {
	for i, v := range slices.Backward(o.execs) {
		if v.id == id {
			return i
		}
	}
	for _, v := range slices.Backward(o.aliases) {
		if v.id == id {
			return v.idx
		}
	}
	return -1
}

func sumQty(a, b market.Qty) market.Qty {
	if b > 0 && a > math.MaxInt64-b {
		return math.MaxInt64
	}
	if b < 0 && a < math.MinInt64-b {
		return math.MinInt64
	}
	return a + b
}
