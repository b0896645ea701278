package node

import (
	"context"
	"errors"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/supervision"
)

// lookEvery is how often free space is looked at without a commit: others fill a disk too, and a shut gate gives the
// journal no records by which it would see that there is room again.
const lookEvery = time.Second

// journalChild owns the journal: it opens it, commits what was appended, tells each account what is durable, and risk how
// the log and its disk are. A log that is dead or corrupt, or whose disk is full or hangs, is a state of a child that goes on:
// its end would take the sessions down, and so the cancels. So no watchdog ends it either: it shuts instead.
func (n *Node) journalChild() supervision.Child {
	return timed(supervision.DefaultChild(inJournal, n.startJournal), n.plan.Supervision.Shutdown.Journal, 0)
}

func (n *Node) startJournal(_ context.Context, b *supervision.Birth) error {
	work, err := actors.NewPipe[errand](n.sys, 4)
	files, err2 := actors.NewPipe[func()](n.sys, 64)
	if err := errors.Join(err, err2); err != nil {
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
	n.Desk.FileBy(files.Offer)
	b.Run(func(ctx context.Context, out actors.Outside) error { return doing(ctx, out, files) })
	c := &committer{n: n, log: log, work: work}
	n.journal.Store(c)
	c.tell()
	b.Run(func(ctx context.Context, out actors.Outside) error {
		defer n.closeJournal(c)
		return c.run(ctx, out)
	})
	b.Run(every(lookEvery, func() { _ = work.Offer(lookAtSpace) })) // a full pipe says that the committer is behind, and will look
	if n.plan.Journal.Keep > 0 {
		b.Run((&archive{n: n, log: log}).run)
	}
	if slow := n.plan.Disk.Slow; slow > 0 {
		b.Run(every(slow/2, c.tell))
	}
	return nil
}

// doing does what it is given, the files of trips: they wait for a disk too, and this is the child that may.
func doing(ctx context.Context, out actors.Outside, work *actors.Pipe[func()]) error {
	for {
		do, err := work.Next(ctx, out)
		if err != nil {
			return err
		}
		do()
	}
}

// every does something again and again, until its child ends.
func every(d time.Duration, do func()) func(context.Context, actors.Outside) error {
	return func(ctx context.Context, out actors.Outside) error {
		for {
			if err := out.Until(ctx, out.Now().Add(d)); err != nil {
				return err
			}
			do()
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

func (n *Node) closeJournal(c *committer) {
	n.journal.CompareAndSwap(c, nil)
	if err := c.log.Close(); err != nil {
		n.log.Error("closing the journal", "err", err)
	}
}

// openedJournal is the log as the journal's child last opened it, nil when there is none.
func (n *Node) openedJournal() *journal.Log {
	if c := n.journal.Load(); c != nil {
		return c.log
	}
	return nil
}
