package node

import (
	"context"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/supervision"
)

// lookEvery is how often free space is looked at without a commit: others fill a disk too, and a shut gate gives the
// journal no records by which it would see that there is room again.
const lookEvery = time.Second

// errand is what the committer is woken for. Whichever it is, nothing that is queued is left behind: one of them may find the
// pipe full of the other.
type errand uint8

const (
	commitQueued errand = iota + 1
	lookAtSpace
)

// journalChild owns the journal: it opens it, commits what was appended, tells each account what is durable, and risk how
// the log and its disk are. A log that is dead or corrupt, or whose disk is full, is a state of a child that goes on: its end
// would take the sessions down, and so the cancels.
func (n *Node) journalChild() supervision.Child {
	s := n.plan.Supervision
	return timed(supervision.DefaultChild(inJournal, n.startJournal), s.Shutdown.Journal, s.Watchdogs.Journal)
}

func (n *Node) startJournal(_ context.Context, b *supervision.Birth) error {
	work, err := actors.NewPipe[errand](n.sys, 4)
	if err != nil {
		return err
	}
	j := n.plan.Journal
	log, _, err := journal.Open(n.world.Disk, n.world.Dir, journal.Options{
		Node: n.plan.Node, Group: n.plan.Group, Build: Build(), Segment: int64(j.Segment), Floor: int64(j.Floor),
		Queue: j.Queue, BatchRecords: j.Batch.Records, BatchBytes: int(j.Batch.Bytes),
		Wall:     func() int64 { return n.sys.Now().UnixNano() },
		OnQueued: func() { _ = work.Offer(commitQueued) }, // a full pipe says that a commit is due already
		Events:   journal.Events{Low: n.spaceChanged},
	})
	if log == nil {
		return n.failed(err)
	}
	if err != nil {
		b.Log().Error("the journal is not usable", "event", "journal_dead", "err", err)
	}
	n.journal.Store(log)
	told := n.journalState()
	n.tellRisk(told)
	b.Run(func(ctx context.Context, out actors.Outside) error {
		defer n.closeJournal(log)
		return n.commit(ctx, out, log, work, told)
	})
	b.Run(func(ctx context.Context, out actors.Outside) error {
		for {
			if err := out.Until(ctx, out.Now().Add(lookEvery)); err != nil {
				return err
			}
			_ = work.Offer(lookAtSpace) // a full pipe says that the committer is behind, and will look
		}
	})
	return nil
}

// commit makes durable whatever was appended, batch by batch, until ctx ends; then what is left. It alone tells risk how
// the journal is, whenever that has changed since told.
func (n *Node) commit(ctx context.Context, out actors.Outside, log *journal.Log, work *actors.Pipe[errand], told risk.Journal) error {
	for {
		why, err := work.Next(ctx, out)
		if err != nil {
			_, _ = log.Commit() // the last records; a log that cannot has said so before
			return err
		}
		if why == lookAtSpace {
			log.Look()
		}
		var lsn journal.LSN
		if why == commitQueued || log.Queued() > 0 {
			lsn, _ = log.Commit() // what is wrong is the log's state
		}
		if now := n.journalState(); now != told {
			told = now
			n.tellRisk(now)
		}
		if lsn == 0 || log.State() != journal.OK {
			continue
		}
		for _, a := range n.accounts {
			a.Durable(lsn)
		}
	}
}

func (n *Node) spaceChanged(low bool, free int64) {
	if low {
		n.log.Error("free space is below the journal's floor: shut", "event", "disk", "code", risk.CodeDiskFull, "free_bytes", free)
		return
	}
	n.log.Warn("there is room for the journal again", "event", "disk", "free_bytes", free)
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
	out := risk.Journal{Group: log.Group(), Epoch: log.Epoch(), Full: log.Low()}
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
