package supervision

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/internal/journal"
)

// writer is the other end of the minutes: a life beside the tree that waits for the disk, so that nobody else does. It is no
// child: its end is decided about by nobody.
type writer struct {
	tree  *Tree
	life  *actors.Life
	m     *minutes
	queue *actors.Pipe[entryOfMinutes]
}

// newWriter makes the queue of decisions and the life of whoever writes them, if there is to be any.
func (t *Tree) newWriter() error {
	o := t.o.Journal
	if o.Dir == "" {
		return nil
	}
	queue, err := actors.NewPipe[entryOfMinutes](t.sys, cmp.Or(o.queue, queueMax))
	if err != nil {
		return err
	}
	life, err := t.sys.Begin(actors.Birth{Name: t.life.Name() + "+journal"})
	if err != nil {
		return err
	}
	t.keeper.minutes = newMinutes(func(e entryOfMinutes) bool { return queue.Offer(e) == nil })
	t.writer = &writer{tree: t, life: life, m: t.keeper.minutes, queue: queue}
	return nil
}

// open begins to write. A tree whose decisions cannot be written is a tree.
func (w *writer) open() {
	if w == nil {
		return
	}
	if err := w.life.Run("write", w.run); err != nil {
		w.dead(err)
		w.life.End(false)
	}
}

// stop lets the writer write what waits, and end.
func (w *writer) stop() {
	if w != nil {
		w.life.Stop()
	}
}

// is reports whether an end is the writer's.
func (w *writer) is(x actors.Exit) bool { return w != nil && x.Name == w.life.Name() }

// ended takes the end of the writer. Nothing starts it again.
func (w *writer) ended(x actors.Exit) {
	if x.Reason.Abnormal() {
		w.dead(errors.Join(fmt.Errorf("%w: its writer ended: %s", journal.ErrDead, x.Reason), x.Err))
	}
	w.m.off.Store(true)
	w.life.End(false)
}

// dead tells, once, that nothing is written any more.
func (w *writer) dead(err error) {
	if w.m.off.Swap(true) {
		return
	}
	w.tree.sys.Log().Error("the journal of decisions is dead", "event", "tree_journal", "err", err)
	w.tree.post(w.tree.journalDead(err))
}

func (t *Tree) journalDead(err error) func() {
	return func() {
		if t.o.Events.JournalDead != nil {
			t.o.Events.JournalDead(err)
		}
	}
}

func (w *writer) run(ctx context.Context, out actors.Outside) error {
	o := w.tree.o.Journal
	disk := o.Disk
	if disk == nil {
		disk = journal.OS()
	}
	options := o.options()
	options.Wall = func() int64 { return out.Now().UnixNano() }
	log, recovery, err := journal.Open(disk, o.Dir, options)
	if log == nil {
		w.dead(err)
		return nil
	}
	if recovery.State == journal.OK {
		err = w.write(ctx, out, log)
	} else {
		err = recovery.Err
	}
	if err = errors.Join(err, log.Close()); err != nil {
		w.dead(err)
	}
	return nil
}

// write writes until the tree is over and nothing waits any more, or until the log is dead.
func (w *writer) write(ctx context.Context, out actors.Outside, log *journal.Log) error {
	for {
		e, err := w.queue.Next(ctx, out)
		if err != nil {
			return nil // the tree is over
		}
		for piece := range pieces(e.body) {
			if _, err := log.Append(e.kind, recordVersion, piece); err != nil {
				return err
			}
			if log.Queued() >= queueMax/2 {
				if _, err := log.Commit(); err != nil {
					return err
				}
			}
		}
		if w.queue.Len() > 0 && log.Queued() < commitMax {
			continue
		}
		if _, err := log.Commit(); err != nil {
			return err
		}
	}
}

// commitMax is how many records are written at once.
const commitMax = 256
