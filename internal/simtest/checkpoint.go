package simtest

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
)

// partSize makes checkpoints of many parts of what little a run has in its state.
const partSize = 500

// checkpointing is a checkpoint that a life has under way: one record of it is one action of the life.
type checkpointing struct {
	w      *journal.CheckpointWriter
	parts  [][]byte
	closed bool
}

// checkpoint begins a checkpoint, appends its next record, or, when it is durable, lets go what it covers. The process may end before
// each record and behind the last.
func (l *life) checkpoint() bool {
	if l.death != 0 {
		return false
	}
	defer func() {
		r := recover()
		e, ok := r.(ended)
		switch {
		case ok:
			l.death = e.hook
		case r != nil:
			panic(r)
		}
	}()
	if err := l.checkpointed(); err != nil {
		l.w.broken = errors.Join(l.w.broken, fmt.Errorf("checkpoint: %w", err))
		return false
	}
	return true
}

func (l *life) checkpointed() error {
	if l.log.State() != journal.OK || l.log.Queued() > 1000 {
		return nil
	}
	c := l.making
	if c == nil {
		return l.beginCheckpoint()
	}
	l.hook(orders.CrashCheckpoint)
	switch {
	case len(c.parts) > 0:
		_, err := c.w.Part(c.parts[0])
		c.parts = c.parts[1:]
		return err
	case !c.closed:
		c.closed = true
		_, err := c.w.Close()
		return err
	}
	l.making = nil
	if l.log.Queued() > 0 {
		return nil
	}
	l.w.checkpoints++
	_, err := l.log.Retire(l.w.now.Wall, 0)
	return err
}

// beginCheckpoint folds the journal beside the owner, whose machine must be the same.
func (l *life) beginCheckpoint() error {
	covers := l.log.Watermark()
	if covers <= l.log.Checkpoint().Covers || l.log.Queued() > 0 {
		return nil
	}
	state := orders.NewCheckpoint(func(market.Account) orders.Options { return orders.Options{} })
	for r, err := range l.log.Replay() {
		if err == nil {
			err = state.Fold(r)
		}
		if err != nil {
			return err
		}
		if state.At() == covers {
			break
		}
	}
	c := &checkpointing{}
	for part, err := range state.Parts(partSize) {
		if err != nil {
			return err
		}
		c.parts = append(c.parts, bytes.Clone(part))
	}
	var err error
	c.w, err = l.log.BeginCheckpoint(covers)
	l.making = c
	return err
}
