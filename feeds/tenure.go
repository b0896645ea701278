package feeds

import "github.com/failshut/failshut/market"

// tenure is the time in which one incarnation of a feed may tell its subscribers anything. When it is over, an
// incarnation that was hung in one of them tells the rest nothing when it is released; and until it is released its
// successor leaves that subscriber alone, for a Sink takes one event at a time. What it is not told it is shown after.
type tenure struct {
	over func() bool
	in   *subscription // whose Sink is taking an event
	owed []bool        // by number: what it was not told it is to be shown
}

// turn returns the Fanout of the next incarnation to the same subscribers, which tells nothing once over says true.
func (f *Fanout) turn(over func() bool) *Fanout {
	n := &Fanout{
		subscriptions: f.subscriptions, routes: map[market.Instrument]*route{},
		tenure: &tenure{over: over, owed: make([]bool, len(f.subscriptions))},
	}
	n.findProvers()
	return n
}

// enter reports whether s may be told something now. The tenure is looked at again after s is taken: either this
// incarnation sees that it is over, or its successor sees that s is busy.
func (f *Fanout) enter(s *subscription) bool {
	t := f.tenure
	if t == nil {
		return true
	}
	if t.owed[s.number] || t.over() {
		return false
	}
	if !s.busy.CompareAndSwap(false, true) {
		t.owed[s.number] = true
		return false
	}
	t.in = s
	if t.over() {
		f.leave()
		return false
	}
	return true
}

// leave lets the next one tell the subscriber that was entered last. After a panic it is still to be called.
func (f *Fanout) leave() {
	if t := f.tenure; t != nil && t.in != nil {
		t.in.busy.Store(false)
		t.in = nil
	}
}

// owing calls show for each subscriber that was not told something and can be now.
func (f *Fanout) owing(show func(Sink)) {
	for _, s := range f.subscriptions {
		if f.tenure.owed[s.number] && !s.busy.Load() {
			show(f.onlyTo(s))
		}
	}
}
