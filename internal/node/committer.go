package node

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/risk"
)

// errand is what the committer is woken for. Whichever it is, nothing that is queued is left behind: one of them may find the
// pipe full of the other.
type errand uint8

const (
	commitQueued errand = iota + 1
	lookAtSpace
)

// committer makes durable what is appended to one opening of the journal. It alone waits for the disk, for as long as that
// takes: how long that is, others see, so that a disk which hangs is told from a committer with nothing to do.
type committer struct {
	n    *Node
	log  *journal.Log
	work *actors.Pipe[errand]
	at   atomic.Int64 // instant at which the call to the disk that is under way began; 0: none is

	mu   sync.Mutex // so that what risk hears last is what was seen last
	told risk.Journal
}

// run commits batch by batch until ctx ends; then what is left.
func (c *committer) run(ctx context.Context, out actors.Outside) error {
	for {
		why, err := c.work.Next(ctx, out)
		if err != nil {
			c.onDisk(out, func() { _, _ = c.log.Commit() }) // the last records; a log that cannot has said so before
			return err
		}
		var lsn journal.LSN
		c.onDisk(out, func() {
			if why == lookAtSpace {
				c.log.Look()
			}
			if why == commitQueued || c.log.Queued() > 0 {
				lsn, _ = c.log.Commit() // what is wrong is the log's state
			}
		})
		c.tell()
		if lsn == 0 || c.log.State() != journal.OK {
			continue
		}
		for _, a := range c.n.accounts {
			a.Durable(lsn)
		}
	}
}

// onDisk shows others since when a call waits for the disk.
func (c *committer) onDisk(out actors.Outside, call func()) {
	c.at.Store(max(1, out.Instant()))
	defer c.at.Store(0)
	call()
}

// tell tells risk how the journal is, when that has changed. The committer calls it after each batch, and a clock beside it for
// when there is no after.
func (c *committer) tell() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n.journal.Load() != c {
		return // another opening of the journal counts, or none
	}
	now := c.state()
	if now == c.told {
		return
	}
	if now.Stall > c.told.Stall {
		c.n.log.Error("the journal's disk does not answer: shut", "event", "disk", "code", stallCodes[now.Stall])
	}
	if now.Stall == risk.StallNone && c.told.Stall != risk.StallNone {
		c.n.log.Warn("the journal's disk answers again", "event", "disk")
	}
	c.told = now
	c.n.tellRisk(now)
}

var stallCodes = [...]risk.Code{risk.StallSlow: risk.CodeDiskSlow, risk.StallStuck: risk.CodeDiskStuck}

// state says how the journal is, as risk wants to know it.
func (c *committer) state() risk.Journal {
	out := risk.Journal{Group: c.log.Group(), Epoch: c.log.Epoch(), Full: c.log.Low(), Stall: c.stall()}
	switch c.log.State() {
	case journal.OK:
		out.State = risk.JournalOK
	case journal.Dead:
		out.State = risk.JournalDead
	default:
		out.State = risk.JournalCorrupt
	}
	return out
}

// stall judges the call to the disk that is under way.
func (c *committer) stall() risk.Stall {
	at, disk := c.at.Load(), c.n.plan.Disk
	if at == 0 || disk.Slow == 0 {
		return risk.StallNone
	}
	switch took := c.n.Now().Mono - at; {
	case took >= int64(disk.Dead):
		return risk.StallStuck
	case took >= int64(disk.Slow):
		return risk.StallSlow
	}
	return risk.StallNone
}
