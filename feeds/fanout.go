package feeds

import (
	"errors"
	"fmt"
	"slices"

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
	subscribers []Subscriber
	provers     []Prover
	routes      map[market.Instrument]*route
	last        *route
}

// route is who gets the events of one instrument.
type route struct {
	instrument                     market.Instrument
	quotes, depths, trades, states []Sink
}

// NewFanout returns the Fanout to subscribers, or every mistake in them: a name that is missing or used twice, no Sink,
// an invalid instrument.
func NewFanout(subscribers ...Subscriber) (*Fanout, error) {
	f := &Fanout{subscribers: subscribers, routes: map[market.Instrument]*route{}}
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
		if p, ok := s.Sink.(Prover); ok {
			f.provers = append(f.provers, p)
		}
	}
	return f, errors.Join(errs...)
}

// Quote hands q on.
func (f *Fanout) Quote(q Quote) {
	for _, s := range f.route(q.Instrument).quotes {
		s.Quote(q)
	}
}

// Depth hands d on.
func (f *Fanout) Depth(d Depth) {
	for _, s := range f.route(d.Instrument).depths {
		s.Depth(d)
	}
}

// Trade hands t on.
func (f *Fanout) Trade(t Trade) {
	for _, s := range f.route(t.Instrument).trades {
		s.Trade(t)
	}
}

// State hands c on: of the channel to everybody.
func (f *Fanout) State(c StateChange) {
	if !c.Instrument.Valid() {
		for i := range f.subscribers {
			f.subscribers[i].Sink.State(c)
		}
		return
	}
	for _, s := range f.route(c.Instrument).states {
		s.State(c)
	}
}

// Proven hands on to subscribers that are Provers.
func (f *Fanout) Proven(mono int64) {
	for _, p := range f.provers {
		p.Proven(mono)
	}
}

// ProvenBook hands on to subscribers that are Provers.
func (f *Fanout) ProvenBook(i market.Instrument, mono int64) {
	for _, p := range f.provers {
		p.ProvenBook(i, mono)
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
	for n := range f.subscribers {
		s := &f.subscribers[n]
		if !s.takes(i) {
			continue
		}
		r.states = append(r.states, s.Sink)
		if s.Kinds&Quotes != 0 {
			r.quotes = append(r.quotes, s.Sink)
		}
		if s.Kinds&Depths != 0 {
			r.depths = append(r.depths, s.Sink)
		}
		if s.Kinds&Trades != 0 {
			r.trades = append(r.trades, s.Sink)
		}
	}
	return r
}

// only returns a Sink that hands on to the subscriber called name, and to nobody else, what that one would get.
func (f *Fanout) only(name string) (Sink, bool) {
	for n := range f.subscribers {
		if f.subscribers[n].Name == name {
			return &Fanout{subscribers: f.subscribers[n : n+1], routes: map[market.Instrument]*route{}}, true
		}
	}
	return nil, false
}
