package orders

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
)

// ErrUnsettled says that the disk has not answered for what an earlier
// incarnation appended. The account cancels until it has, and opens then.
var ErrUnsettled = errors.New("orders: the journal's disk does not answer")

// Bounds of the wait for the disk at a start of an owner.
const (
	settleEvery  = time.Millisecond // between two looks
	settleWithin = time.Second      // cancels wait no longer for an owner that knows everything (P7)
)

// settling is the wait for what was appended before: a record that changes
// nothing stands behind all of that, and is durable when it is.
type settling struct {
	log     Log
	account market.Account
	mark    journal.LSN // of that record; 0 while the queue had no room for it
}

// before is what an owner that starts has to wait for. One that only closed has
// written nothing, so what it saw settled is all there is.
func (a *Account) before(log Log) *settling {
	s := &settling{log: log, account: a.cfg.Parts.Options.Account}
	if seen := a.settled.Swap(nil); seen != nil && seen.log == log {
		s.mark = seen.mark
	}
	return s
}

// look appends the record, once, and reports whether there is anything left to
// wait for. A log that takes nothing any more has nothing on the way.
func (s *settling) look(now int64) (over bool, err error) {
	if s.log.State() != journal.OK {
		return true, nil
	}
	if s.mark == 0 {
		k, body, err := encode(nil, s.account, now, Timeout{})
		if err != nil {
			return false, err
		}
		s.mark, _ = s.log.Append(k, recordVersion, body) // a full queue empties; a dead log shows in its state
	}
	return s.mark > 0 && s.log.Watermark() >= s.mark, nil
}

// wait looks until the wait is over, and no longer than settleWithin: then it is
// ErrUnsettled.
func (s *settling) wait(ctx context.Context, out actors.Outside) error {
	for until := out.Now().Add(settleWithin); ; {
		over, err := s.look(out.Instant())
		switch {
		case err != nil || over:
			return err
		case !out.Now().Before(until):
			return fmt.Errorf("%w: account %s, %v", ErrUnsettled, s.account, settleWithin)
		}
		if err := out.Until(ctx, out.Now().Add(settleEvery)); err != nil {
			return fmt.Errorf("orders: waiting for the journal of %s: %w", s.account, err)
		}
	}
}
