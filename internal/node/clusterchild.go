package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/cluster"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/supervision"
)

// RaftCluster is the child of a real cluster member: it opens the store, restores the replica, and runs the engine.
// Ready does not mean led: a node alone comes up and can cancel.
func RaftCluster(cfg cluster.Config) func(n *Node) supervision.Child {
	return func(n *Node) supervision.Child {
		return supervision.DefaultChild(inCluster, func(_ context.Context, b *supervision.Birth) error {
			return n.failed(n.startRaft(cfg, b))
		})
	}
}

func (n *Node) startRaft(cfg cluster.Config, b *supervision.Birth) error {
	cfg.Machine = n.Desk.Machine()
	cfg.Log = b.Log()
	cfg.Instant = func() int64 { return n.Now().Mono }
	var member *cluster.Node
	cfg.OnLeadership = func(l cluster.Leadership) {
		n.log.Info("leadership", "event", "owner", "term", l.Term, "leads", l.Leading)
		n.LeaderIs(l.Term, l.Leading, member.Leader())
	}
	member, err := cluster.Open(cfg)
	if err != nil {
		return fmt.Errorf("opening the cluster: %w", err)
	}
	n.LogIs(proposer{member, n.plan.Supervision.Watchdogs.Risk / 2})
	b.Run(func(ctx context.Context, _ actors.Outside) error { return member.Run(ctx) })
	return nil
}

// proposer gives a member's two answers in risk's words, and none later than within: whoever waits for it is watched, and a disk
// that hangs under the log would end risk, and with it the sessions and their cancels. An unknown fate is proposed again, which is
// harmless. 0 waits for as long as it takes.
type proposer struct {
	risk.Log
	within time.Duration
}

// Propose hands a command to the replicated log.
func (p proposer) Propose(ctx context.Context, cmd []byte) (uint64, error) {
	if p.within > 0 {
		bounded, cancel := context.WithTimeout(ctx, p.within)
		defer cancel()
		ctx = bounded
	}
	index, err := p.Log.Propose(ctx, cmd)
	switch {
	case errors.Is(err, cluster.ErrNotAppended):
		err = errors.Join(risk.ErrNotAppended, err)
	case err != nil:
		err = errors.Join(risk.ErrFateUnknown, err)
	}
	return index, err
}
