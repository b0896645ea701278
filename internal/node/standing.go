package node

import (
	"fmt"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
)

// told events fall into few kinds for those who count.
type eventClass uint8

const (
	other eventClass = iota
	accepted
	filled
	refused
)

func kindOf(e orders.Event) eventClass {
	switch e.Kind {
	case orders.EventAccepted:
		return accepted
	case orders.EventFill:
		return filled
	case orders.EventRefused:
		return refused
	default:
		return other
	}
}

// Up says whether every account is OPEN and every strategy is ready: the node does what it is for.
func (n *Node) Up() bool { return n.WhyNotUp() == "" }

// WhyNotUp names the first thing that is not up, or nothing.
func (n *Node) WhyNotUp() string {
	for _, a := range n.accounts {
		mode, why := n.Desk.Mode(a.plan.Account, n.Now())
		if mode != risk.Open {
			return fmt.Sprintf("account %s is %s: %v", a.plan.Account, mode, why)
		}
	}
	snapshot := n.snapshot()
	for _, s := range n.plan.Strategies {
		at := string(strategyName(s.Name))
		if e, ok := snapshot.Find(at); !ok || !e.Ready {
			return "strategy " + s.Name + " is not ready"
		}
	}
	return ""
}

// Positions gives the net position of each symbol over all accounts, zero ones left out.
func (n *Node) Positions() map[string]market.Qty {
	out := map[string]market.Qty{}
	for _, a := range n.accounts {
		for _, p := range a.Status().Positions {
			symbol := string(p.Instrument.Symbol())
			if out[symbol] += p.Qty; out[symbol] == 0 {
				delete(out, symbol)
			}
		}
	}
	return out
}
