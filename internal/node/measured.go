package node

import (
	"net/http"

	"github.com/failshut/failshut/internal/telemetry"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/resilience"
	"github.com/failshut/failshut/risk"
)

// Measured makes the metrics of a process: a handler for its door, and hooks that feed what cannot be read at a scrape.
func Measured() (handler func(*Node) http.Handler, h Hooks) {
	m := telemetry.New()
	h.Order = func(o OrderTold) {
		switch kindOf(o.Event) {
		case filled:
			m.Filled()
		case refused:
			m.Refused(string(o.Event.Reason))
		case accepted, other:
		}
	}
	h.Strategy = m.Strategies()
	h.Tree = m.Tree()
	return func(n *Node) http.Handler {
		m.Read(n.source())
		return m.Handler()
	}, h
}

// source is what a scrape reads: published values alone.
func (n *Node) source() telemetry.Source {
	return telemetry.Source{
		Boxes: n.sys.Boxes,
		Feeds: func(visit func(feed, state string)) {
			for _, c := range n.plan.Contracts {
				if q, ok := n.Board.Read(c.Instrument); ok {
					visit(c.Instrument.String(), q.State.String())
				}
			}
		},
		Gate: func(visit func(scope, mode string)) {
			for _, a := range n.accounts {
				mode, _ := n.Desk.Mode(a.plan.Account, n.Now())
				visit(risk.AccountScope(a.plan.Account).String(), mode.String())
			}
		},
		Aside: n.visitAside,
		Breakers: func(visit func(dependency, account, state string)) {
			for _, a := range n.accounts {
				visit("questions", string(a.plan.Account), resilience.State(a.breaker.Load()).String())
			}
		},
		Users: n.meters.Read, Tree: n.snapshot, Places: n.places.Load, Now: n.sys.Now,
		Orders: func(visit func(account, status string, count int)) {
			for _, a := range n.accounts {
				s := a.Status()
				for status, count := range s.ByStatus {
					if count > 0 {
						visit(string(a.plan.Account), orders.Status(status).String(), count)
					}
				}
			}
		},
	}
}
