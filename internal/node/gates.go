package node

import (
	"maps"
	"sync/atomic"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
)

// gateBook is what one strategy was last told of its gates: the one over everything it does, under the zero Instrument, and that of
// each instrument. It is written where risk has looked at all modes, and read in the strategy's turn.
type gateBook struct {
	told atomic.Pointer[map[market.Instrument]strategy.Gate]
}

func (b *gateBook) all() map[market.Instrument]strategy.Gate {
	if p := b.told.Load(); p != nil {
		return *p
	}
	return nil
}

// gateOf is how things stand now for a strategy in an instrument. Since when is known of a mode that was looked at before.
func (n *Node) gateOf(s *StrategyPlan, i market.Instrument, now risk.Reading) strategy.Gate {
	mode, why := n.Desk.ModeOf(s.Account, s.Name, i, now)
	g := strategy.Gate{Scope: risk.Scope{Account: string(s.Account), Strategy: s.Name, Instrument: risk.All}, Instrument: i, Mode: mode}
	if i.Valid() {
		g.Scope.Instrument = i.String()
	}
	if len(why) > 0 {
		g.Why = why[0].Code
	}
	if before, known := n.gates[s.Name].all()[i]; known && before.Mode == mode {
		g.Since = before.Since
	} else {
		g.Since = n.sys.Now()
	}
	return g
}

// gatesLooked tells each strategy which of the modes that touch it have changed. What all of its instruments share is told once.
func (n *Node) gatesLooked(now risk.Reading) {
	for k := range n.plan.Strategies {
		s := &n.plan.Strategies[k]
		book := n.gates[s.Name]
		before := book.all()
		after := map[market.Instrument]strategy.Gate{}
		all := n.gateOf(s, market.Instrument{}, now)
		after[market.Instrument{}] = all
		was, known := before[market.Instrument{}]
		var tell []strategy.Gate
		if !known || was.Mode != all.Mode {
			tell = append(tell, all)
		}
		for _, c := range s.Contracts {
			g := n.gateOf(s, c.Instrument, now)
			after[c.Instrument] = g
			old := before[c.Instrument]
			shared := g.Mode == all.Mode && (!known || old.Mode == was.Mode)
			if !shared && (!known || old.Mode != g.Mode) {
				tell = append(tell, g)
			}
		}
		if maps.Equal(before, after) {
			continue
		}
		book.told.Store(&after) // who is told may ask at once
		to := actors.Follow[strategy.Message](n.sys, strategyName(s.Name))
		for _, g := range tell {
			_ = to.Tell(strategy.GateChanged(g)) // one that is down reads its gate when it starts
		}
	}
}
