package node

import (
	"context"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/supervision"
)

// journalChild owns the journal: it opens it, commits what was appended, and tells each account what is durable. A log
// that is dead or corrupt is a state of a child that goes on: its end would take the sessions down, and so the cancels.
func (n *Node) journalChild() supervision.Child {
	s := n.plan.Supervision
	return timed(supervision.DefaultChild(inJournal, n.startJournal), s.Shutdown.Journal, s.Watchdogs.Journal)
}

func (n *Node) startJournal(_ context.Context, b *supervision.Birth) error {
	work, err := actors.NewPipe[struct{}](n.sys, 4)
	if err != nil {
		return err
	}
	j := n.plan.Journal
	log, _, err := journal.Open(n.world.Disk, n.world.Dir, journal.Options{
		Node: n.plan.Node, Group: n.plan.Group, Build: Build(), Segment: int64(j.Segment), Floor: int64(j.Floor),
		Queue: j.Queue, BatchRecords: j.Batch.Records, BatchBytes: int(j.Batch.Bytes),
		Wall:     func() int64 { return n.sys.Now().UnixNano() },
		OnQueued: func() { _ = work.Offer(struct{}{}) }, // a full pipe says that a commit is due already
	})
	if log == nil {
		return n.failed(err)
	}
	if err != nil {
		b.Log().Error("the journal is not usable", "event", "journal_dead", "err", err)
	}
	n.journal.Store(log)
	n.tellRisk(n.journalState())
	b.Run(func(ctx context.Context, out actors.Outside) error {
		defer n.closeJournal(log)
		return n.commit(ctx, out, log, work)
	})
	return nil
}

// commit makes durable whatever was appended, batch by batch, until ctx ends; then what is left.
func (n *Node) commit(ctx context.Context, out actors.Outside, log *journal.Log, work *actors.Pipe[struct{}]) error {
	for {
		if _, err := work.Next(ctx, out); err != nil {
			_, _ = log.Commit() // the last records; a log that cannot has said so before
			return err
		}
		lsn, err := log.Commit()
		if err != nil {
			n.tellRisk(n.journalState())
			continue
		}
		for _, a := range n.accounts {
			a.Durable(lsn)
		}
	}
}

func (n *Node) closeJournal(log *journal.Log) {
	n.journal.CompareAndSwap(log, nil)
	if err := log.Close(); err != nil {
		n.log.Error("closing the journal", "err", err)
	}
}

// journalState says how the journal is, as risk wants to know it.
func (n *Node) journalState() risk.Journal {
	log := n.journal.Load()
	if log == nil {
		return risk.Journal{}
	}
	out := risk.Journal{Group: log.Group(), Epoch: log.Epoch()}
	switch log.State() {
	case journal.OK:
		out.State = risk.JournalOK
	case journal.Dead:
		out.State = risk.JournalDead
	default:
		out.State = risk.JournalCorrupt
	}
	return out
}
