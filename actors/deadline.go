package actors

import (
	"time"

	"github.com/failshut/failshut/mailbox"
)

// untilOf is the deadline of a message, 0 for none.
func untilOf[M any](e envelope[M]) int64 {
	if e.slip == nil {
		return 0
	}
	return e.slip.until
}

// TellBy is Tell for a message that is not worth handling after a deadline: ErrExpired when that has passed already, and a
// dead letter, expired, when the actor comes to it too late. Control and Reports never grow too old: there it is Tell, as
// it is for the zero time. It allocates once.
func (r Ref[M]) TellBy(m M, deadline time.Time) error {
	if r.in == nil {
		return ErrUnknown
	}
	if r.in.barred.Load() {
		return r.in.barrier()
	}
	return r.in.tell(r.in.dated(m, deadline))
}

// TellBy is Ref.TellBy to the present incarnation.
func (a Address[M]) TellBy(m M, deadline time.Time) error {
	in, err := a.resolve()
	if err != nil {
		return err
	}
	return a.tell(in.dated(m, deadline))
}

func (in *incarnation[M]) dated(m M, deadline time.Time) envelope[M] {
	e := envelope[M]{message: m}
	if !deadline.IsZero() {
		e.slip = &slip{until: max(in.sys.Instant(deadline), 1)}
	}
	return e
}

// outdated says whether the deadline of a message that was put aside has passed.
func (in *incarnation[M]) outdated(item *mailbox.Item[envelope[M]]) bool {
	until := untilOf(item.Message)
	return until > 0 && item.Lane > mailbox.Reports && in.sys.Mono() >= until
}
