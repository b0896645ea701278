package node

import (
	"cmp"
	"sync"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
	"github.com/failshut/failshut/supervision"
)

// fate is what is to become of the orders of one strategy while it is down. It is a level, like what is held CLOSED: the owner
// of the orders looks at it with each tick, so that an order which is found later has the same fate, and an owner that is started
// again knows.
type fate struct {
	mu     sync.Mutex
	policy strategy.Policy // of the last incarnation
	down   bool
	keep   bool
	why    strategy.Why // of the next incarnation: how the last one ended
	since  int64        // instant
}

// begin takes the policy of an incarnation that starts, which is down until it is ready, and says why it starts. One before it that
// has left no end, for its Start function failed, counts as crashed.
func (f *fate) begin(p strategy.Policy, epoch uint64) strategy.Why {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.policy = p
	why := f.why
	f.why = strategy.WhyCrash
	if epoch == 1 {
		why = strategy.WhyFirst
	}
	return cmp.Or(why, strategy.WhyCrash)
}

// up says that the strategy is ready: its orders are its own again.
func (f *fate) up() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = false
}

// end takes the end of an incarnation, and reports whether its orders are kept. One that ends while it was down already, since it
// never became ready, gets no new time.
func (f *fate) end(orderly bool, now int64) (kept bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	of := f.policy.OnCrash
	f.why = strategy.WhyCrash
	if orderly {
		of, f.why = f.policy.OnStop, strategy.WhyStop
	}
	if !f.down {
		f.down, f.since, f.keep = true, now, true
	}
	f.keep = f.keep && of == strategy.Keep
	return f.keep
}

// gone says that nobody brings the strategy back, and reports whether its orders were kept until then.
func (f *fate) gone(now int64) (kept bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	kept = f.down && f.keep
	if !f.down {
		f.since = now
	}
	f.down, f.keep = true, false
	return kept
}

// lapses reports, once, that the orders of a strategy which is down were kept for as long as they may be.
func (f *fate) lapses(now int64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.down || !f.keep || now-f.since <= int64(f.policy.KeepFor) {
		return false
	}
	f.keep = false
	return true
}

// withdraws reports whether the strategy's orders are to go.
func (f *fate) withdraws(now int64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.down && (!f.keep || now-f.since > int64(f.policy.KeepFor))
}

// withdrawn lists the strategies of an account whose orders are to go. It is asked in the turn of their owner, which cancels them.
func (n *Node) withdrawn(a market.Account, now risk.Reading) (out []risk.Scope) {
	for i := range n.plan.Strategies {
		s := &n.plan.Strategies[i]
		if s.Account == a && n.fates[s.Name].lapses(now.Mono) {
			n.policyTaken(s, false)
		}
		if s.Account == a && n.fates[s.Name].withdraws(now.Mono) {
			out = append(out, risk.Scope{Account: string(a), Strategy: s.Name, Instrument: risk.All})
		}
	}
	return out
}

// strategyEnded says what becomes of the working orders of a strategy whose incarnation is gone: it needs nothing of the strategy
// (P7). The end of one that was left before is not the end of the one that lives now, and neither is that of a Start function.
func (n *Node) strategyEnded(e supervision.End) {
	for i := range n.plan.Strategies {
		s := &n.plan.Strategies[i]
		if e.Late || e.Part != "" || string(strategyName(s.Name)) != e.Path {
			continue
		}
		orderly := supervision.Reason(e.Reason).Orderly()
		kept := n.fates[s.Name].end(orderly, n.Now().Mono) && !n.stopping.Load()
		n.policyTaken(s, kept)
		if kept {
			return
		}
		_ = desk{n: n, a: n.accountOf(s.Account), name: s.Name}.CancelAll(s.Name)
	}
}

// strategyGone cancels for a strategy whose own supervisor is down: it gave up, or was stopped.
func (n *Node) strategyGone(d supervision.Decision) {
	if d.Kind != supervision.LineExit && d.Kind != supervision.LineAbandon && d.Kind != supervision.LineFailed {
		return
	}
	for i := range n.plan.Strategies {
		s := &n.plan.Strategies[i]
		if string(path(inStrategies, s.Name)) == d.Path {
			if n.fates[s.Name].gone(n.Now().Mono) {
				n.policyTaken(s, false)
			}
			_ = desk{n: n, a: n.accountOf(s.Account), name: s.Name}.CancelAll(s.Name)
		}
	}
}
