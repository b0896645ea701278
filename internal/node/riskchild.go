package node

import (
	"context"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/supervision"
)

var holderName = path(inRisk, "holder")

// riskChild is the supervisor of what keeps this node's permission: the holder, which renews it and, while the node
// leads, opens terms. The gates themselves are no children: each is called by its account's owner.
func (n *Node) riskChild() supervision.Child {
	s := n.plan.Supervision
	holder := timed(supervision.DefaultChild("holder", n.startHolder), s.Shutdown.Risk, s.Watchdogs.Risk)
	holder.Class, holder.Backoff = supervision.RiskClass, backoffOf(s.Groups.Risk.Backoff)
	return supervision.SubTree(inRisk, supervision.Spec{
		Strategy: supervision.RestForOne, Intensity: s.Groups.Risk.Intensity, Period: s.Groups.Risk.Period,
		Children: []supervision.Child{holder},
	})
}

func (n *Node) startHolder(_ context.Context, b *supervision.Birth) error {
	r := n.replica.Load()
	holder := risk.NewHolder(n.Desk, r.log, n.world.Nonce, Build())
	first := []risk.Message{n.journalState(), risk.Leading{Term: r.term, Yes: r.leads}}
	a, err := risk.NewActor(n.sys, holder, n.world.Boot, first...)
	if err != nil {
		return err
	}
	ref, err := supervision.Spawn[risk.Message](b, a, actors.WithBox(mailbox.DefaultConfig(inRisk)), actors.WithLane(riskLane))
	if err != nil {
		return err
	}
	b.Run(func(ctx context.Context, out actors.Outside) error { return a.Propose(ctx, out, ref) })
	return b.Ready(supervision.CaughtUp)
}

// riskLane puts what shuts ahead of what opens.
func riskLane(m risk.Message) mailbox.Lane {
	switch m.(type) {
	case risk.Tripped, risk.Stop:
		return mailbox.Control
	default:
		return mailbox.Reports
	}
}

// tellRisk posts to the holder, whichever lives. What it misses it is told when it comes up, or looks for at its renewal.
func (n *Node) tellRisk(m risk.Message) {
	if err := actors.Follow[risk.Message](n.sys, holderName).Tell(m); err != nil {
		n.log.Debug("risk was not told", "err", err)
	}
}

// LogIs says which log the holder proposes to. The cluster's child calls it before it is ready.
func (n *Node) LogIs(log risk.Log) {
	n.replica.Store(&replicated{log: log})
}

// LeaderIs says who leads, as far as this node knows. It is called by one goroutine at a time.
func (n *Node) LeaderIs(term uint64, here bool, leader string) {
	r := n.replica.Load()
	n.replica.Store(&replicated{log: r.log, leads: here, term: term, leader: leader})
	n.tellRisk(risk.Leading{Term: term, Yes: here})
}

// memoryLog makes the log of a replay, once: a cluster child that restarts finds the machine where it was.
func (n *Node) memoryLog() risk.Log {
	if r := n.replica.Load(); r != nil {
		return r.log
	}
	return risk.NewMemoryLog(n.Desk.Machine(), 1)
}
