package node

import (
	"context"
	"errors"

	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/supervision"
)

// errNoLog says that the cluster's child has not opened the log.
var errNoLog = errors.New("the replicated log is not open")

// riskChild is the supervisor of what keeps this node's permission: the holder, which renews it and, while the node
// leads, opens terms. The gates themselves are no children: each is called by its account's owner.
func (n *Node) riskChild() supervision.Child {
	s := n.plan.Supervision
	start := risk.StartHolder(n.Desk, risk.HolderOptions{Log: n.replicatedLog, Build: Build(), Boot: n.world.Boot})
	holder := timed(supervision.DefaultChild(risk.HolderName, n.thenSessions(start)), s.Shutdown.Risk, s.Watchdogs.Risk)
	holder.Class, holder.Backoff = supervision.RiskClass, backoffOf(s.Groups.Risk.Backoff)
	return supervision.SubTree(inRisk, supervision.Spec{
		Strategy: supervision.RestForOne, Intensity: s.Groups.Risk.Intensity, Period: s.Groups.Risk.Period,
		Children: []supervision.Child{holder},
	})
}

// thenSessions has every session begin again behind a holder that follows another: it knows no session until one that began
// after it is told, and until then its gates stay shut.
func (n *Node) thenSessions(start supervision.StartFunc) supervision.StartFunc {
	return func(ctx context.Context, b *supervision.Birth) error {
		if err := start(ctx, b); err != nil || b.Epoch() == 1 {
			return err
		}
		for _, a := range n.accounts {
			_ = n.sys.StopActor(sessionName(a.plan.Account), 0) // none lives: the next one begins after this
		}
		return nil
	}
}

func (n *Node) replicatedLog() (risk.Log, error) {
	if r := n.replica.Load(); r != nil {
		return r.log, nil
	}
	return nil, errNoLog
}

// tellRisk posts to the desk, which keeps what must not be lost for the holder that lives or comes.
func (n *Node) tellRisk(m risk.Message) {
	if err := n.Desk.Tell(m); err != nil {
		n.log.Warn("risk did not take a message", "err", err)
	}
}

// LogIs says which log the holder proposes to. The cluster's child calls it before it is ready.
func (n *Node) LogIs(log risk.Log) {
	n.replica.Store(&replicated{log: log})
}

// LeaderIs says who leads, as far as this node knows. It is called by one goroutine at a time.
func (n *Node) LeaderIs(term uint64, here bool, leader string) {
	if r := n.replica.Load(); r != nil {
		n.replica.Store(&replicated{log: r.log, leader: leader})
	}
	n.tellRisk(risk.Leading{Term: term, Yes: here})
}

// memoryLog makes the log of a replay, once: a cluster child that restarts finds the machine where it was.
func (n *Node) memoryLog() risk.Log {
	if r := n.replica.Load(); r != nil {
		return r.log
	}
	return risk.NewMemoryLog(n.Desk.Machine(), 1)
}
