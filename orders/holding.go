package orders

import (
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// holding is what one strategy executed in one instrument.
type holding struct {
	strategy     string
	instrument   market.Instrument
	bought, sold turnover
}

type turnover struct {
	qty  market.Qty
	cost product
}

// holdings returns the executions of every strategy and instrument, in the
// order in which they first appeared.
func (m *Machine) holdings() []holding {
	type key struct {
		strategy string
		i        market.Instrument
	}
	at := map[key]int{}
	var out []holding
	for _, o := range m.orders {
		if o.cum == 0 {
			continue
		}
		k := key{o.Strategy, o.Instrument}
		n, ok := at[k]
		if !ok {
			n = len(out)
			at[k] = n
			out = append(out, holding{strategy: o.Strategy, instrument: o.Instrument})
		}
		t := &out[n].bought
		if o.Side == market.Sell {
			t = &out[n].sold
		}
		t.add(o)
	}
	return out
}

func (t *turnover) add(o *order) {
	t.qty = sumQty(t.qty, o.cum)
	for i := range o.execs {
		if e := &o.execs[i]; !e.gone {
			t.cost.add(e.qty, e.px)
		}
	}
}

// Restored returns what a gate must hold after a replay: the position of each
// strategy in each instrument at the average price of its executions on that
// side, and what every order could still execute.
func (m *Machine) Restored() ([]risk.Position, []risk.Held) {
	var positions []risk.Position
	for _, h := range m.holdings() {
		p := risk.Position{Strategy: h.strategy, Instrument: h.instrument, Qty: h.bought.qty - h.sold.qty}
		t := h.bought
		if p.Qty < 0 {
			t = h.sold
		}
		if p.Price = t.cost.div(t.qty); p.Qty != 0 {
			positions = append(positions, p)
		}
	}
	var held []risk.Held
	for _, o := range m.orders {
		if h := o.heldNow(); !o.phantom && (h.Qty > 0 || h.Unknown) {
			held = append(held, h)
		}
	}
	return positions, held
}
