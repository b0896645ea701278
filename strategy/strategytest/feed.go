package strategytest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/strategy"
)

// Feed is what the market does: Lines, Random or a Recording.
type Feed interface {
	steps(contracts []market.Contract) ([]strategy.Step, error)
}

// between is the time from one line to the next: an order is at the paper venue after 1 ms, so what it does is told before.
const between = 10 * time.Millisecond

// Lines is a feed by hand, each line 10 ms after the one before:
//
//	quote SYMBOL BID QTY ASK QTY    the book of SYMBOL, as one level a side
//	trade SYMBOL PRICE QTY          a print; before the first quote of SYMBOL its book is one tick around the price
//	suspect SYMBOL                  the book is in doubt, and not told; also stale, recovering, quarantined
//	live SYMBOL                     it is whole again, and is told anew as it is by then
//	wait DURATION                   the market is quiet
//	trip                            an operator shuts everything
//
// SYMBOL is one of Setup's, quantities and prices are decimals. An empty line, and what is behind a #, is nothing.
func Lines(lines ...string) Feed { return written(lines) }

type written []string

func (l written) steps(contracts []market.Contract) ([]strategy.Step, error) {
	m := newMarket(contracts)
	err := l.into(m)
	return m.steps, err
}

// into adds what the lines say to a market.
func (l written) into(m *marketMaker) error {
	for n, line := range l {
		for part := range strings.Lines(line) {
			text, _, _ := strings.Cut(part, "#")
			words := strings.Fields(text)
			if len(words) == 0 {
				continue
			}
			if err := m.line(words); err != nil {
				return fmt.Errorf("line %d, %q: %w", n+1, strings.TrimSpace(part), err)
			}
		}
	}
	return nil
}

// marketMaker makes steps of what is said: it knows the book of each instrument.
type marketMaker struct {
	contracts map[string]market.Contract
	books     map[market.Instrument]*book
	steps     []strategy.Step
	wait      time.Duration
}

// book is one level a side.
type book struct {
	bid, ask feeds.Level
	said     bool        // by a quote of the script, not made of a trade
	state    feeds.State // of anything but Live nothing of the book is told
}

func newMarket(contracts []market.Contract) *marketMaker {
	m := &marketMaker{contracts: map[string]market.Contract{}, books: map[market.Instrument]*book{}}
	for _, c := range contracts {
		m.contracts[string(c.Instrument.Symbol())] = c
		m.books[c.Instrument] = &book{state: feeds.Live}
	}
	return m
}

// states are the words for states of a book.
var states = map[string]feeds.State{
	"suspect": feeds.Suspect, "stale": feeds.Stale, "recovering": feeds.Recovering, "quarantined": feeds.Quarantined, "live": feeds.Live,
}

func (m *marketMaker) line(words []string) error {
	want := map[string]int{"quote": 6, "trade": 4, "trip": 1, "wait": 2}
	_, state := states[words[0]]
	if state {
		want[words[0]] = 2
	}
	switch n, known := want[words[0]]; {
	case !known:
		return fmt.Errorf("%q is no event, want quote, trade, suspect, stale, recovering, quarantined, live, wait or trip", words[0])
	case n != len(words):
		return fmt.Errorf("%d words, want %d", len(words), n)
	}
	switch words[0] {
	case "trip":
		m.step(strategy.Step{Trip: true})
		return nil
	case "wait":
		d, err := time.ParseDuration(words[1])
		if err != nil || d < 0 {
			return fmt.Errorf("wait %q, want a duration such as 1s", words[1])
		}
		m.wait += d
		return nil
	}
	c, ok := m.contracts[words[1]]
	if !ok {
		return fmt.Errorf("symbol %q is not one of the test's", words[1])
	}
	if state {
		m.state(c.Instrument, states[words[0]])
		return nil
	}
	return m.priced(c, words)
}

func (m *marketMaker) priced(c market.Contract, words []string) error {
	var prices [2]market.Price
	var sizes [2]market.Qty
	for n := range (len(words) - 2) / 2 {
		var err error
		if prices[n], err = market.ParsePrice(words[2+2*n]); err != nil {
			return err
		}
		if sizes[n], err = market.ParseQty(words[3+2*n]); err != nil {
			return err
		}
	}
	if words[0] == "trade" {
		return m.trade(c, prices[0], sizes[0])
	}
	m.books[c.Instrument].said = true
	m.quote(c.Instrument, feeds.Level{Price: prices[0], Qty: sizes[0]}, feeds.Level{Price: prices[1], Qty: sizes[1]})
	return nil
}

func (m *marketMaker) step(s strategy.Step) {
	s.Wait = m.wait + between
	m.wait = 0
	m.steps = append(m.steps, s)
}

// trade prints, behind a book around the price where no quote has said another.
func (m *marketMaker) trade(c market.Contract, p market.Price, q market.Qty) error {
	b := m.books[c.Instrument]
	if !b.said {
		below, err := p.Sub(c.Tick)
		if err != nil {
			return err
		}
		above, err := p.Add(c.Tick)
		if err != nil {
			return err
		}
		size := 1000 * market.Unit
		if bid, ask := (feeds.Level{Price: below, Qty: size}), (feeds.Level{Price: above, Qty: size}); b.bid != bid || b.ask != ask {
			m.quote(c.Instrument, bid, ask)
			if b.state == feeds.Live {
				m.atOnce() // the print comes with it
			}
		}
	}
	m.step(strategy.Step{Events: []feeds.Event{feeds.Trade{Instrument: c.Instrument, State: b.state, Price: p, Qty: q}}})
	return nil
}

// atOnce lets the next step come at the moment of the last one, if that was one.
func (m *marketMaker) atOnce() {
	if m.wait == 0 {
		m.wait = -between
	}
}

// quote changes the book: what goes, what comes, and then its top.
func (m *marketMaker) quote(i market.Instrument, bid, ask feeds.Level) {
	b := m.books[i]
	if b.state != feeds.Live {
		b.bid, b.ask = bid, ask
		return
	}
	var events []feeds.Event
	level := func(side market.Side, l feeds.Level, complete bool) {
		if l.Price != 0 {
			events = append(events, feeds.Depth{Instrument: i, State: feeds.Live, Side: side, Price: l.Price, Qty: l.Qty, Complete: complete})
		}
	}
	if b.bid.Price != bid.Price {
		level(market.Buy, feeds.Level{Price: b.bid.Price}, false)
	}
	if b.ask.Price != ask.Price {
		level(market.Sell, feeds.Level{Price: b.ask.Price}, false)
	}
	level(market.Buy, bid, false)
	level(market.Sell, ask, true)
	b.bid, b.ask = bid, ask
	events = append(events, feeds.Quote{Instrument: i, State: feeds.Live, Bid: bid, Ask: ask})
	m.step(strategy.Step{Events: events})
}

// state changes what is known of a book. One that is Live again is told whole.
func (m *marketMaker) state(i market.Instrument, s feeds.State) {
	m.step(strategy.Step{Events: []feeds.Event{feeds.StateChange{Instrument: i, State: s, Why: "the script says so"}}})
	b := m.books[i]
	b.state = s
	if bid, ask := b.bid, b.ask; s == feeds.Live && bid.Price != 0 {
		b.bid, b.ask = feeds.Level{}, feeds.Level{}
		m.atOnce()
		m.quote(i, bid, ask)
	}
}

// Random is a market of n events drawn from the seed: books that walk, prints on and through them, and now and then a book in
// doubt that is whole again a little later. The same seed gives the same market. Both sides of a book have the same size: a
// strategy that waits for one side to be larger never trades here, and is tried over Lines.
func Random(seed uint64, n int) Feed { return drawn{seed, n} }

type drawn struct {
	seed uint64
	n    int
}

func (d drawn) steps(contracts []market.Contract) ([]strategy.Step, error) {
	if d.n <= 0 {
		return nil, fmt.Errorf("Random of %d events, want at least one", d.n)
	}
	m, r := newMarket(contracts), rand.New(rand.NewPCG(d.seed, 0))
	mid := make([]market.Price, len(contracts))
	doubt := make([]int, len(contracts)) // events until it is whole again
	for n := range contracts {
		mid[n] = 100 * market.Price(1e9)
	}
	for range d.n {
		n := r.IntN(len(contracts))
		c := contracts[n]
		m.books[c.Instrument].said = true
		if doubt[n] > 0 {
			if doubt[n]--; doubt[n] == 0 {
				m.state(c.Instrument, feeds.Live)
			}
			continue
		}
		half := c.Tick * market.Price(1+r.IntN(2))
		switch k := r.IntN(20); {
		case k == 0:
			m.state(c.Instrument, feeds.Suspect)
			doubt[n] = 1 + r.IntN(4)
		case k < 10 || m.books[c.Instrument].bid.Price == 0:
			mid[n] += c.Tick * market.Price(r.IntN(7)-3)
			size := market.Qty(1+r.IntN(20)) * c.Lot
			m.quote(c.Instrument, feeds.Level{Price: mid[n] - half, Qty: size}, feeds.Level{Price: mid[n] + half, Qty: size})
		default:
			at := mid[n] + c.Tick*market.Price(r.IntN(13)-6)
			if err := m.trade(c, at, market.Qty(1+r.IntN(5))*c.Lot); err != nil {
				return nil, err
			}
		}
		m.wait += time.Duration(r.IntN(200)) * time.Millisecond
	}
	return m.steps, nil
}
