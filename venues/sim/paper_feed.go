package sim

import (
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
)

// PaperFeed is the side of a Paper that listens to one feed: a feeds.Sink. Its books follow the states of that feed.
type PaperFeed struct {
	paper *Paper
	by    map[market.Instrument]*display
	list  []*display // in the order in which they were seen
	last  market.Instrument
	at    *display // of last: a feed speaks of one instrument for a while
}

// Feed gives a sink for one feed. A book is whole from the end of its first batch on, since a feed gives levels only while
// the book is Live, until anything is said of its state. Instruments are matched to those of orders by their symbol; two
// feeds must not bring the same one.
func (p *Paper) Feed() *PaperFeed {
	return &PaperFeed{paper: p, by: map[market.Instrument]*display{}}
}

// Quote is not looked at: the levels say it all.
func (f *PaperFeed) Quote(feeds.Quote) {}

// Depth takes one level. It costs a search near the touch, and no more where no order waits.
func (f *PaperFeed) Depth(e feeds.Depth) {
	d := f.display(e.Instrument)
	f.catchUp(e.Recv)
	d.of(e.Side).set(e.Price, e.Qty)
	fresh := e.Complete && !d.whole
	d.open = !e.Complete
	if fresh {
		d.whole = true
	}
	if d.quiet() || !d.whole {
		return
	}
	c := f.enter(e.Recv)
	c.changed(d, e.Side, e.Price, e.Qty, e.Complete, fresh)
	f.leave()
}

// Trade takes one print. Only one of a Live book fills.
func (f *PaperFeed) Trade(e feeds.Trade) {
	d := f.display(e.Instrument)
	f.catchUp(e.Recv)
	if d.quiet() || !d.whole || e.State != feeds.Live {
		return
	}
	c := f.enter(e.Recv)
	c.printed(d, e.Price, e.Qty, e.Aggressor)
	f.leave()
}

// State takes a change of state of one book or, with a zero instrument, of all. What is displayed is forgotten: a feed sends
// a book whole when it is Live again.
func (f *PaperFeed) State(e feeds.StateChange) {
	f.catchUp(e.Recv)
	c := f.enter(e.Recv)
	defer f.leave()
	changed := f.list
	if e.Instrument.Valid() {
		changed = []*display{f.display(e.Instrument)}
	}
	for _, d := range changed {
		d.forget()
		if e.State != feeds.Live {
			c.doubted(d)
		}
	}
}

// display gives the book of an instrument; one seen for the first time is bound to this feed.
func (f *PaperFeed) display(i market.Instrument) *display {
	if i == f.last && f.at != nil {
		return f.at
	}
	d := f.by[i]
	if d == nil {
		d = f.paper.core.display(i.Symbol())
		f.by[i] = d
		f.list = append(f.list, d)
	}
	f.last, f.at = i, d
	return d
}

// catchUp lets arrive what was to arrive before an event of time t.
func (f *PaperFeed) catchUp(t market.Timestamp) {
	c := f.paper.core
	if len(c.timers.list) == 0 || c.timers.list[0].at >= t {
		return
	}
	c.clear()
	c.arrive(t)
	f.leave()
}

func (f *PaperFeed) enter(t market.Timestamp) *paperCore {
	c := f.paper.core
	c.clear()
	c.now = max(c.now, t)
	return c
}

func (f *PaperFeed) leave() { f.paper.perform(f.paper.core.out) }
