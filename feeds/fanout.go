package feeds

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/failshut/failshut/market"
)

// Kinds is a set of the kinds of events that a Subscriber takes besides changes of state. The zero Kinds is none.
type Kinds uint8

// The kinds of events.
const (
	Quotes Kinds = 1 << iota
	Depths
	Trades
	AllKinds = Quotes | Depths | Trades
)

// Subscriber is one reader of a feed. It gets the Kinds that it asks for of its Instruments, and with them, whatever
// Kinds says, every change of their state and of the channel's. Its Sink must not block: what a reader cannot take is
// for the Sink to count and to tell that reader.
type Subscriber struct {
	Name        string
	Kinds       Kinds
	Instruments []market.Instrument // none: all
	Sink        Sink
}

// takes reports whether s gets events of i.
func (s *Subscriber) takes(i market.Instrument) bool {
	return len(s.Instruments) == 0 || slices.Contains(s.Instruments, i)
}

// Fanout is a Sink that hands each event to the subscribers that want it, in their order and within the turn that
// made it. It is not safe for concurrent use.
type Fanout struct {
	subscriptions []*subscription
	provers       []*subscription
	routes        map[market.Instrument]*route
	last          *route
	tenure        *tenure // nil where there is one incarnation alone
}

// subscription is one subscriber over all incarnations of a feed.
type subscription struct {
	Subscriber
	prover Prover // Sink, where it is one
	number int
	busy   atomic.Bool // some incarnation is in a method of Sink
}

// route is who gets the events of one instrument.
type route struct {
	instrument                     market.Instrument
	quotes, depths, trades, states []*subscription
}

// NewFanout returns the Fanout to subscribers, or every mistake in them: a name that is missing or used twice, no Sink,
// an invalid instrument.
func NewFanout(subscribers ...Subscriber) (*Fanout, error) {
	f := &Fanout{routes: map[market.Instrument]*route{}}
	names := map[string]bool{}
	var errs []error
	for n, s := range subscribers {
		switch {
		case s.Name == "":
			errs = append(errs, fmt.Errorf("feeds: subscriber %d has no name", n))
		case names[s.Name]:
			errs = append(errs, fmt.Errorf("feeds: two subscribers are called %q", s.Name))
		}
		names[s.Name] = true
		if s.Sink == nil {
			errs = append(errs, fmt.Errorf("feeds: subscriber %q has no sink", s.Name))
		}
		for _, i := range s.Instruments {
			if !i.Valid() {
				errs = append(errs, fmt.Errorf("feeds: subscriber %q asks for an invalid instrument", s.Name))
			}
		}
		prover, _ := s.Sink.(Prover)
		f.subscriptions = append(f.subscriptions, &subscription{Subscriber: s, prover: prover, number: n})
	}
	f.findProvers()
	return f, errors.Join(errs...)
}

func (f *Fanout) findProvers() {
	for _, s := range f.subscriptions {
		if s.prover != nil {
			f.provers = append(f.provers, s)
		}
	}
}

// Quote hands q on.
func (f *Fanout) Quote(q Quote) {
	for _, s := range f.route(q.Instrument).quotes {
		if f.enter(s) {
			s.Sink.Quote(q)
			f.leave()
		}
	}
}

// Depth hands d on.
func (f *Fanout) Depth(d Depth) {
	for _, s := range f.route(d.Instrument).depths {
		if f.enter(s) {
			s.Sink.Depth(d)
			f.leave()
		}
	}
}

// Trade hands t on.
func (f *Fanout) Trade(t Trade) {
	for _, s := range f.route(t.Instrument).trades {
		if f.enter(s) {
			s.Sink.Trade(t)
			f.leave()
		}
	}
}

// State hands c on: of the channel to everybody.
func (f *Fanout) State(c StateChange) {
	to := f.subscriptions
	if c.Instrument.Valid() {
		to = f.route(c.Instrument).states
	}
	for _, s := range to {
		if f.enter(s) {
			s.Sink.State(c)
			f.leave()
		}
	}
}

// Proven hands on to subscribers that are Provers.
func (f *Fanout) Proven(mono int64) {
	for _, s := range f.provers {
		if f.enter(s) {
			s.prover.Proven(mono)
			f.leave()
		}
	}
}

// ProvenBook hands on to subscribers that are Provers.
func (f *Fanout) ProvenBook(i market.Instrument, mono int64) {
	for _, s := range f.provers {
		if f.enter(s) {
			s.prover.ProvenBook(i, mono)
			f.leave()
		}
	}
}

// route returns who gets events of i, found out at the first one.
func (f *Fanout) route(i market.Instrument) *route {
	if f.last != nil && f.last.instrument == i {
		return f.last
	}
	r := f.routes[i]
	if r == nil {
		r = f.plan(i)
		f.routes[i] = r
	}
	f.last = r
	return r
}

func (f *Fanout) plan(i market.Instrument) *route {
	r := &route{instrument: i}
	for _, s := range f.subscriptions {
		if !s.takes(i) {
			continue
		}
		r.states = append(r.states, s)
		if s.Kinds&Quotes != 0 {
			r.quotes = append(r.quotes, s)
		}
		if s.Kinds&Depths != 0 {
			r.depths = append(r.depths, s)
		}
		if s.Kinds&Trades != 0 {
			r.trades = append(r.trades, s)
		}
	}
	return r
}

// only returns a Sink that hands on to the subscriber called name, and to nobody else, what that one would get.
func (f *Fanout) only(name string) (Sink, bool) {
	for _, s := range f.subscriptions {
		if s.Name == name {
			return f.onlyTo(s), true
		}
	}
	return nil, false
}

func (f *Fanout) onlyTo(s *subscription) *Fanout {
	if f.tenure != nil {
		f.tenure.owed[s.number] = false
	}
	return &Fanout{subscriptions: []*subscription{s}, routes: map[market.Instrument]*route{}, tenure: f.tenure}
}
