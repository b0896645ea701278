package binance

// The venue sends its touch on a second stream, bookTicker, that bears the same update ids but is not ordered to the
// depth stream. So a book is not compared with what comes at the same moment: a depth event with final id u is judged
// once a bookTicker above u has come, against the bookTicker with the greatest id at or below u.

// touch is a best bid and ask as of an update id. An absent side is the zero level.
type touch struct {
	id       uint64
	bid, ask level
}

func touchOf(id uint64, bid, ask level) touch {
	if bid.qty == 0 {
		bid = level{}
	}
	if ask.qty == 0 {
		ask = level{}
	}
	return touch{id, bid, ask}
}

// verdict is what the oracle says of one depth event.
type verdict uint8

const (
	agrees verdict = iota + 1
	differs
	skipped // there is no bookTicker to compare with
)

// oracle compares two streams. Its slices are bounded by most.
type oracle struct {
	tickers []touch // by rising id
	pending []touch // depth events that wait, by rising id
	most    int
}

// tell adds a bookTicker. One that comes late is put where it belongs.
func (o *oracle) tell(t touch) {
	if len(o.tickers) >= o.most {
		o.tickers = append(o.tickers[:0], o.tickers[len(o.tickers)/2:]...)
	}
	i := len(o.tickers)
	o.tickers = append(o.tickers, t)
	for i > 0 && o.tickers[i-1].id > t.id {
		o.tickers[i] = o.tickers[i-1]
		i--
	}
	o.tickers[i] = t
}

// expect adds the touch of the book after a depth event. At the bound it lets the older half go, and returns how many
// those were.
func (o *oracle) expect(t touch) (gone int) {
	if len(o.pending) >= o.most {
		gone = (len(o.pending) + 1) / 2
		o.pending = append(o.pending[:0], o.pending[gone:]...)
	}
	o.pending = append(o.pending, t)
	return gone
}

// next judges the oldest depth event that can be judged, if there is one.
func (o *oracle) next() (verdict, bool) {
	n := len(o.tickers)
	if len(o.pending) == 0 || n == 0 || o.tickers[n-1].id <= o.pending[0].id {
		return 0, false
	}
	p := o.pending[0]
	o.pending = append(o.pending[:0], o.pending[1:]...)
	at := n - 1
	for at >= 0 && o.tickers[at].id > p.id {
		at--
	}
	if at < 0 {
		return skipped, true
	}
	if at > 0 { // those below are never asked for again
		o.tickers = append(o.tickers[:0], o.tickers[at:]...)
	}
	if o.tickers[0].bid == p.bid && o.tickers[0].ask == p.ask {
		return agrees, true
	}
	return differs, true
}

// forget drops what waits: the book that it was taken from is no longer believed.
func (o *oracle) forget() int {
	n := len(o.pending)
	o.pending = o.pending[:0]
	return n
}
