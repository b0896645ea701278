package risk

import (
	"slices"
	"strconv"

	"github.com/failshut/failshut/market"
)

// ResetRequest names the latches to clear. With no ids it names every latch whose scope is exactly Scope. Expect is the revision the
// caller saw, 0 for any.
type ResetRequest struct {
	Scope  Scope
	IDs    []string
	Reason string
	By     string
	Expect uint64
	Key    string // idempotency: the same key again is answered as the first time
}

// ResetResult says what a reset did. Err is nil, or ErrTwoPersons, ErrStaleRevision, ErrUnknownLatch, ErrInvalid, ErrEvidence,
// ErrNotAppended or ErrFateUnknown.
type ResetResult struct {
	Cleared  []string
	Remain   []string
	Revision uint64
	Index    uint64
	Err      error
}

// LimitRequest asks for a new value of one measure of one row. Expect is the revision the caller saw, 0 for any.
type LimitRequest struct {
	Limit  Limit
	Reason string
	By     string
	Expect uint64
	Key    string
}

// LimitResult says what a change of a limit did. Err is as in ResetResult.
type LimitResult struct {
	Old      market.Notional
	HadOld   bool
	Loosened bool
	Revision uint64
	Index    uint64
	Err      error
}

// reset proposes to clear latches, and answers at once what needs no log.
func (h *Holder) reset(l *ledger, m Reset) {
	ids := m.Request.IDs
	if len(ids) == 0 {
		for _, t := range l.latches {
			if t.Scope == m.Request.Scope {
				ids = append(ids, t.ID)
			}
		}
	}
	done := func(a answer, err error) {
		if m.Done == nil {
			return
		}
		r := ResetResult{Revision: a.revision, Index: a.index, Err: err}
		if err == nil {
			r.Err = a.res.err()
		}
		if r.Err == nil {
			r.Cleared = ids
		}
		for _, t := range l.latches {
			if m.Request.Scope.Covers(t.Scope) {
				r.Remain = append(r.Remain, t.ID)
			}
		}
		m.Done(r)
	}
	if m.Request.Scope.Account == All {
		done(answer{res: resTwoPersons, index: l.index, revision: l.revision}, nil)
		return
	}
	if len(ids) == 0 {
		done(answer{res: resUnknownLatch, index: l.index, revision: l.revision}, nil)
		return
	}
	if err := h.desk.waits(named(l, ids)); err != nil {
		done(answer{index: l.index, revision: l.revision}, err)
		return
	}
	r := m.Request
	h.ask("reset/"+h.key(r.Key), &reset{r.Scope, ids, clip(r.Reason), clip(r.By), r.Expect}, l, done)
}

// named are the latches of the ledger with the ids.
func named(l *ledger, ids []string) (out []Latch) {
	for _, t := range l.latches {
		if slices.Contains(ids, t.ID) {
			out = append(out, t)
		}
	}
	return out
}

func (h *Holder) setLimit(l *ledger, m SetLimit) {
	r := m.Request
	old, had := l.limits[row{r.Limit.Scope, r.Limit.Measure}]
	h.ask("limit/"+h.key(r.Key), &setLimit{r.Limit, clip(r.Reason), clip(r.By), r.Expect}, l, func(a answer, err error) {
		if m.Done == nil {
			return
		}
		if err == nil {
			err = a.res.err()
		}
		m.Done(LimitResult{
			Old: old.value, HadOld: had, Loosened: !had || r.Limit.Value.Cmp(old.value) > 0, Revision: a.revision, Index: a.index, Err: err,
		})
	})
}

// ask proposes a person's command and keeps who waits for the answer.
func (h *Holder) ask(key string, c body, l *ledger, done func(answer, error)) {
	if l.frozen != "" {
		done(answer{res: resFrozen, index: l.index, revision: l.revision}, nil)
		return
	}
	if !h.propose(key, c) {
		done(answer{res: resNotReady, index: l.index, revision: l.revision}, nil)
		return
	}
	h.waiting[key] = done
}

// key returns a caller's idempotency key, or one of the holder's own.
func (h *Holder) key(k string) string {
	if k != "" {
		return clip(k)
	}
	h.seen.keys++
	return h.desk.cfg.Node + "-" + strconv.FormatUint(h.desk.nonce, 36) + "-" + strconv.FormatUint(h.seen.keys, 36)
}
