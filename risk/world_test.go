package risk_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

var (
	acme = market.MustListed("SIM", "ACME")
	bolt = market.MustListed("SIM", "BOLT")
)

// quotes is a book of prices that tests write.
type quotes map[market.Instrument]risk.Price

func (q quotes) Price(i market.Instrument) (risk.Price, bool) {
	p, ok := q[i]
	return p, ok
}

func px(s string) market.Price {
	p, err := market.ParsePrice(s)
	if err != nil {
		panic(err)
	}
	return p
}

func qty(s string) market.Qty {
	q, err := market.ParseQty(s)
	if err != nil {
		panic(err)
	}
	return q
}

func money(s string) market.Notional {
	n, err := market.ParseNotional(s)
	if err != nil {
		panic(err)
	}
	return n
}

// exampleLimits are the rows of the example configuration.
func exampleLimits() []risk.Limit {
	rows := map[string]map[string]string{
		"*/*/*": {"max_long_notional": "50000", "max_short_notional": "50000", "max_gross": "80000"},
		"+/*/*": {
			"max_long_notional": "20000", "max_short_notional": "20000", "max_gross": "30000", "max_open_orders": "50",
			"max_live_notional": "20000", "credit": "40000", "submit_rate": "50", "submit_burst": "100", "modify_rate": "50",
			"modify_burst": "100", "max_order_to_trade": "2000", "max_repeat_executions": "100", "max_repeat_rejects": "20",
			"max_unknown_orders": "0", "daily_loss_reduce": "500", "daily_loss_close": "1000", "drawdown_reduce": "500",
			"drawdown_close": "1000",
		},
		"+/+/*": {"max_long_notional": "10000", "max_short_notional": "10000", "max_gross": "15000"},
		"+/+/+": {
			"max_long_qty": "100", "max_short_qty": "100", "max_order_qty": "20", "soft_order_qty": "10", "max_order_notional": "2500",
			"collar_bps": "200", "collar_ticks": "500", "max_duplicates": "5",
		},
		"+/*/+":          {"max_long_qty": "150", "max_short_qty": "150"},
		"*/*/+":          {"max_long_qty": "250", "max_short_qty": "250", "max_concentration_bps": "9000"},
		"A1/cross1/ACME": {"max_long_qty": "60", "max_short_qty": "60"},
	}
	var out []risk.Limit
	for scope, ms := range rows {
		for m, v := range ms {
			l, err := risk.ParseLimit(scope, m, v)
			if err != nil {
				panic(err)
			}
			out = append(out, l)
		}
	}
	return out
}

func exampleConfig() risk.Config {
	c := risk.DefaultConfig()
	c.Node, c.Reopen, c.FirstOpen = "n1", risk.PolicyAuto, risk.PolicyAuto
	c.Limits = exampleLimits()
	c.MaxOrders = 256
	c.Controls = risk.Controls{
		Entitlements: []risk.Entitlement{
			{Account: "A1", Strategies: []string{"cross1"}, Traders: []string{"ann"}, Instruments: []market.Instrument{acme, bolt}},
			{Account: "A2", Strategies: []string{"quoter2"}, Instruments: []market.Instrument{acme, bolt}},
		},
		Restricted: []market.Instrument{}, Types: []market.OrderType{market.Limit, market.Market},
		Reference: risk.ReferenceMid, MaxAge: 3 * time.Second, MarketAtCollar: true,
	}
	return c
}

func exampleCatalogue() *market.Catalogue {
	var list []market.Contract
	for _, i := range []market.Instrument{acme, bolt} {
		list = append(list, market.Contract{
			Instrument: i, Currency: "USD", Tick: px("0.01"), Lot: qty("1"), MinQty: qty("1"), MaxQty: qty("1000"), Multiplier: 1e9,
		})
	}
	c, err := market.NewCatalogue(list)
	if err != nil {
		panic(err)
	}
	return c
}

// world is one node of risk around a log that a test drives by hand, one message after the other.
type world struct {
	t       testing.TB
	now     risk.Reading
	quotes  quotes
	trips   *risk.MemTrips
	desk    *risk.Desk
	log     risk.Log
	holder  *risk.Holder
	queue   []risk.Message
	cancels []risk.Latch
	fail    func() error // of each proposal; nil: none fails
	ids     int
}

const start = int64(1_767_600_000_000_000_000)

func newWorld(t testing.TB, change func(*risk.Config)) *world {
	w := &world{
		t: t, now: risk.Reading{Wall: start, Mono: int64(time.Hour)}, trips: &risk.MemTrips{},
		quotes: quotes{
			acme: {Bid: px("99.99"), Ask: px("100.01"), Last: px("100"), State: risk.PriceLive, Mono: int64(time.Hour)},
			bolt: {Bid: px("49.99"), Ask: px("50.01"), Last: px("50"), State: risk.PriceLive, Mono: int64(time.Hour)},
		},
	}
	c := exampleConfig()
	if change != nil {
		change(&c)
	}
	w.process(c, nil, 1)
	return w
}

// process starts a process: a new desk on the trips that are kept, a log, a holder with its own nonce.
func (w *world) process(c risk.Config, snapshot func(*risk.Desk), nonce uint64) {
	w.t.Helper()
	d, err := risk.NewDesk(c, risk.Parts{
		Nonce: nonce, Catalogue: exampleCatalogue(), Prices: w.quotes, Trips: w.trips,
		OnTrip: func(l risk.Latch) { w.cancels = append(w.cancels, l) },
	})
	if err != nil {
		w.t.Fatalf("NewDesk() error = %v", err)
	}
	w.desk = d
	if snapshot != nil {
		snapshot(d)
	}
	w.log = risk.NewMemoryLog(d.Machine(), 1)
	w.holder = risk.NewHolder(d, w.log, "test")
	w.queue = nil
	d.Post(func(m risk.Message) error {
		w.queue = append(w.queue, m)
		return nil
	})
}

// tell gives the holder messages, and everything that follows from them, until nothing is left to do now.
func (w *world) tell(ms ...risk.Message) {
	w.queue = append(w.queue, ms...)
	for n := 0; len(w.queue) > 0; n++ {
		if n > 10_000 {
			w.t.Fatalf("holder does not come to rest")
		}
		m := w.queue[0]
		w.queue = w.queue[1:]
		for _, p := range append([]risk.Proposal(nil), w.holder.Step(w.now, m)...) {
			var index uint64
			var err error
			if w.fail != nil {
				err = w.fail()
			}
			if err == nil || errors.Is(err, risk.ErrFateUnknown) {
				var failed error
				if index, failed = w.log.Propose(context.Background(), p.Command); failed != nil {
					w.t.Fatalf("Propose() error = %v", failed)
				}
			}
			w.queue = append(w.queue, p.Done(index, err))
		}
	}
}

// pass moves both clocks, with prices kept alive and the holder renewing as it wants to.
func (w *world) pass(d time.Duration) {
	for left := d; left > 0; {
		step := min(left, 100*time.Millisecond)
		if wait := w.holder.Wait(); wait > 0 {
			step = min(step, wait)
		}
		w.advance(step)
		w.tell(risk.Renew{})
		left -= step
	}
}

// advance moves both clocks and keeps prices alive, while the holder hears nothing.
func (w *world) advance(d time.Duration) {
	w.now.Wall += int64(d)
	w.now.Mono += int64(d)
	for i, q := range w.quotes {
		q.Mono = w.now.Mono
		w.quotes[i] = q
	}
}

// open brings the node up: journal, leadership, sessions, reconciliation.
func (w *world) open(epoch uint32) {
	w.tell(risk.Leading{Term: 1, Yes: true}, risk.Journal{State: risk.JournalOK, Group: "10", Epoch: epoch})
	for _, a := range w.desk.Accounts() {
		w.desk.Gate(a).Restore(nil, nil)
		w.tell(risk.Session{Account: a, Up: true}, risk.Reconciled{Account: a, Epoch: epoch})
	}
	w.pass(100 * time.Millisecond)
}

func opened(t testing.TB, change func(*risk.Config)) *world {
	w := newWorld(t, change)
	w.open(1)
	if body := w.desk.Gatez(w.now, ""); !body.Open {
		t.Fatalf("gates are not open: %+v", body)
	}
	return w
}

// order returns an intent that every control admits.
func (w *world) order(change func(*risk.Intent)) risk.Intent {
	w.ids++
	in := risk.Intent{
		ID: market.ClOrdID(fmt.Sprintf("id-%d", w.ids)), Account: "A1", Strategy: "cross1", Instrument: acme, Side: market.Buy,
		Type: market.Limit, TIF: market.Day, Qty: qty("1"), Price: px("100"),
	}
	if change != nil {
		change(&in)
	}
	return in
}

func (w *world) check(change func(*risk.Intent)) (risk.Permit, error) {
	in := w.order(change)
	return w.desk.Gate("A1").Check(in, w.now)
}
