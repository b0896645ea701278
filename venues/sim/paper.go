package sim

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/failshut/failshut/market"
)

// PaperLatency is the default time between a decision and its arrival at a paper venue.
const PaperLatency = time.Millisecond

// Paper is a venue that fills orders from a recorded book. Requests arrive a latency after they were sent (Request.Sent);
// then marketable quantity takes displayed levels at their prices, never better, and what is taken stays taken until that
// level's next update. Resting quantity queues behind the size displayed at its price on arrival; what is ahead shrinks by
// trades at the price and is never more than what is displayed; it is filled by what trades beyond it, or by prints through
// the price, never by more than was printed. Nothing fills while the book is not Live, or within a batch of changes: limit
// orders wait, others end. Every report says Paper.
//
// It has the sessions, sequence numbers, faults and ledger lines of Engine, and no flow of its own. A Paper is for one
// thread: the feed's and the orders' turns of a deterministic dispatch. It is a Port by its Venue.
type Paper struct {
	*Venue
	core *paperCore
}

// paperCore is the state machine of a Paper.
type paperCore struct {
	house
	latency  market.Timestamp
	displays []*display // by symbol
	bySym    map[market.Symbol]*display
	arrival  map[SessionID]market.Timestamp // of the last request in flight
	trades   uint64
}

// NewPaper makes a paper venue; the flow of the configuration must be empty. Instruments that come later are added
// with List.
func NewPaper(cfg Config, latency time.Duration, out Outlets) (*Paper, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("paper venue: %w", err)
	}
	if cfg.Flow != (FlowConfig{}) || latency < 0 {
		return nil, fmt.Errorf("paper venue: flow = %+v, latency = %v, want no flow and 0 or more", cfg.Flow, latency)
	}
	c := &paperCore{latency: market.Timestamp(latency), bySym: map[market.Symbol]*display{}, arrival: map[SessionID]market.Timestamp{}}
	c.house = *newHouse(cfg, c)
	c.paper = true
	if len(cfg.Phases) > 0 {
		return nil, fmt.Errorf("paper venue: %d phases, want none: the recording has its own", len(cfg.Phases))
	}
	if i := slices.IndexFunc(cfg.Faults, func(f Fault) bool { return f.Kind.needsFloor() }); i >= 0 {
		return nil, fmt.Errorf("paper venue: fault %q: kind = %q, want one that needs no market but the recorded", cfg.Faults[i].ID, cfg.Faults[i].Kind)
	}
	if slices.ContainsFunc(cfg.Faults, func(f Fault) bool { return f.Kind.needsStranger() }) {
		c.stranger = c.addAccount(flowPrefix + "0")
	}
	for i := range c.symbols {
		c.bind(i)
	}
	return &Paper{Venue: NewVenue(c, out), core: c}, nil
}

// List adds an instrument, before the first order in it. One that is listed already is left as it is.
func (p *Paper) List(c market.Contract) error {
	if err := c.Validate(); err != nil {
		return fmt.Errorf("paper venue: %w", err)
	}
	if _, ok := p.core.bySymbol[c.Instrument.Symbol()]; !ok {
		p.core.bind(p.core.list(c))
	}
	return nil
}

// bind joins symbol i of the house to its display.
func (c *paperCore) bind(i int) {
	c.displays = append(c.displays, c.display(c.symbols[i].sym))
}

// display gives the recorded book of a symbol, new if it was never seen.
func (c *paperCore) display(sym market.Symbol) *display {
	d := c.bySym[sym]
	if d == nil {
		d = newDisplay()
		c.bySym[sym] = d
	}
	return d
}

// Step does one input. A request is put in flight: it is received when it arrives.
func (c *paperCore) Step(now market.Timestamp, in Input) []Output {
	c.clear()
	c.arrive(now + 1)
	if r, ok := in.(Received); ok && c.open && !c.shut {
		c.fly(now, r)
		return c.out
	}
	c.step(now, in)
	return c.out
}

// Next is when something is due.
func (c *paperCore) Next() (market.Timestamp, bool) { return c.timers.next() }

func (c *paperCore) clear() {
	clear(c.out)
	c.out = c.out[:0]
}

// fly sends a request on its way. Requests of one session do not overtake each other.
func (c *paperCore) fly(now market.Timestamp, r Received) {
	s := c.bySession[r.Session]
	if s == nil || !s.up {
		c.receive(r) // refused at once
		return
	}
	sent := r.Request.Sent
	if sent == 0 || sent > now {
		sent = now
	}
	at := max(sent+c.latency, now, c.arrival[r.Session])
	c.arrival[r.Session] = at
	logon := s.logons
	c.timers.add(at, func() {
		if s.up && s.logons == logon { // else it was lost with the link
			c.receive(r)
		}
	})
	if at <= now {
		c.arrive(now + 1)
	}
}

// arrive does what is due before t, each thing at its own time: what is displayed at an instant is seen by an order that
// arrives at that instant.
func (c *paperCore) arrive(t market.Timestamp) {
	for len(c.timers.list) > 0 && c.timers.list[0].at < t {
		c.now = max(c.now, c.timers.list[0].at)
		run := c.timers.list[0].run
		c.timers.list = slices.Delete(c.timers.list, 0, 1)
		run()
	}
}

// enter puts an acknowledged order to the recorded book.
func (c *paperCore) enter(o *order) {
	if o.meets != nil { // made by a fault: nothing displayed has a part in it, and nobody is its other side
		c.execute(o.meets, o.qty, o.meets.px, o.side)
		c.drop(o, "fault")
		return
	}
	d := c.displays[o.sym]
	rests := o.typ == market.Limit && (o.tif == market.Day || o.tif == market.GTC)
	switch {
	case d.whole && !d.open:
		c.meet(d, o)
	case d.whole || rests:
		d.parked = append(d.parked, o)
	default:
		c.drop(o, "book not live")
	}
}

// meet takes what is displayed at o's price or better, and queues or ends the rest.
func (c *paperCore) meet(d *display, o *order) {
	other := d.of(o.side.Opposite())
	if o.tif != market.FOK || other.offers(o) >= o.qty {
		c.takeFrom(other, o)
	}
	switch {
	case !o.status.Open():
	case o.typ == market.Market:
		c.drop(o, "market")
	case o.tif == market.IOC || o.tif == market.FOK:
		c.drop(o, o.tif.String())
	default:
		o.ahead = d.of(o.side).at(o.px)
		d.queue(o)
	}
}

// reaches reports whether an order meets a displayed price.
func (s *shelf) reaches(o *order, px market.Price) bool {
	return o.typ == market.Market || px == o.px || s.ahead(px, o.px)
}

// offers is what o could take, up to its quantity.
func (s *shelf) offers(o *order) market.Qty {
	var sum market.Qty
	for i := len(s.levels) - 1; i >= 0 && sum < o.qty && s.reaches(o, s.levels[i].px); i-- {
		sum += min(s.levels[i].qty-s.levels[i].taken, o.qty-sum)
	}
	return sum
}

func (c *paperCore) takeFrom(s *shelf, o *order) {
	for i := len(s.levels) - 1; i >= 0 && o.status.Open() && s.reaches(o, s.levels[i].px); i-- {
		l := &s.levels[i]
		if q := min(o.leaves(), l.qty-l.taken); q > 0 {
			l.taken += q
			c.execute(o, q, l.px, o.side)
		}
	}
}

// drop ends what is left of an order that may not rest.
func (c *paperCore) drop(o *order, why string) {
	c.finish(o, StatusCancelled, why)
	c.report(o, ExecCancelled, nil)
}

// remove takes an ended order off the lists.
func (c *paperCore) remove(o *order) { c.displays[o.sym].drop(o) }

// cut leaves o where it is in its queue: nobody sees paper orders.
func (c *paperCore) cut(*order, market.Qty) {}

// move takes o off the lists; enter queues it anew.
func (c *paperCore) move(o *order, change func()) {
	c.displays[o.sym].drop(o)
	change()
}

// execute fills q of o at px and tells of it.
func (c *paperCore) execute(o *order, q market.Qty, px market.Price, aggressor market.Side) {
	c.trades++
	c.tradeCount++
	c.fill(o, q, px)
	if !o.status.Open() {
		c.remove(o)
	}
	exec := c.execID()
	t := &TradeLine{ID: c.prefix + "T" + strconv.FormatUint(c.trades, 10), Sym: c.symbols[o.sym].sym, Qty: q, Px: px, Aggressor: aggressor}
	if o.side == market.Buy {
		t.Buy = party(o, exec)
	} else {
		t.Sell = party(o, exec)
	}
	c.line("trade", t)
	c.orderLine(o, "trade")
	c.exposure(o.account, o.sym)
	c.report(o, ExecTrade, func(r *Report) { r.ExecID, r.LastQty, r.LastPx = exec, q, px })
}

// changed says that what is displayed at px changed to qty while orders wait, and complete that the batch ends with it.
func (c *paperCore) changed(d *display, side market.Side, px market.Price, qty market.Qty, complete, fresh bool) {
	for _, o := range *d.resting(side) {
		if o.px == px {
			o.ahead = min(o.ahead, qty)
		}
	}
	if !complete {
		return
	}
	if fresh { // the book has come back: every place in a queue is lost
		for _, list := range d.rest {
			for _, o := range list {
				o.ahead = d.of(o.side).at(o.px)
			}
		}
	}
	parked := d.parked
	d.parked = nil
	for _, o := range parked {
		c.meet(d, o)
	}
}

// doubted says that the book of d is not Live: orders that may not rest end.
func (c *paperCore) doubted(d *display) {
	for _, o := range slices.Clone(d.parked) {
		if o.typ == market.Market || o.tif == market.IOC || o.tif == market.FOK {
			c.drop(o, "book not live")
		}
	}
}

// printed says that qty traded at px. A trade at an order's price eats what is ahead of it, then fills it; one through its
// price fills it. Of one print no more is filled than was printed. An aggressor of an order's own side has not traded with
// its queue.
func (c *paperCore) printed(d *display, px market.Price, qty market.Qty, aggressor market.Side) {
	for _, side := range [2]market.Side{market.Buy, market.Sell} {
		s, used := d.of(side), market.Qty(0)
		for _, o := range slices.Clone(*d.resting(side)) {
			through := s.ahead(o.px, px)
			if !through && (o.px != px || aggressor == side) {
				continue
			}
			avail := qty - used
			if !through {
				avail -= min(o.ahead, avail)
				o.ahead -= min(o.ahead, qty)
			}
			if q := min(o.leaves(), avail); q > 0 {
				used += q
				c.execute(o, q, o.px, side.Opposite())
			}
		}
	}
}
