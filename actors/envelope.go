package actors

import (
	"reflect"

	"github.com/failshut/failshut/mailbox"
)

// envelope is a message in a mailbox and what travels beside it, which for most is nothing.
type envelope[M any] struct {
	message M
	slip    *slip
}

// isWhole says whether it holds its message: a parcel's is made in the turn of its receiver.
func (e *envelope[M]) isWhole() bool { return e.slip == nil || e.slip.parcel == nil }

// slip travels beside a message.
type slip struct {
	from  *Life // who sent it, nil: a goroutine outside, or not said
	trace Trace
	ask   *question // the ask that waits for the message's answer
	until int64     // the Instant after which it is not worth handling, 0: it always is
	// parcel, a parcel[M], makes the message in the turn of its receiver; the envelope holds none then.
	parcel any
}

// parcel is a message of the system to an actor: an answer that it waits for.
type parcel[M any] interface {
	// unpack makes the message; false when it is not wanted any more.
	unpack() (M, bool)
}

// laneOf is where a message waits.
func (in *incarnation[M]) laneOf(m M) mailbox.Lane {
	if in.lane == nil {
		return in.only
	}
	return in.lane(m)
}

// handle is the part of next for a message with a slip.
func (in *incarnation[M]) handle(e *envelope[M]) error {
	if p, ok := e.slip.parcel.(parcel[M]); ok {
		m, wanted := p.unpack()
		if !wanted {
			return nil
		}
		e.message, in.inHand = m, false
	}
	was := in.inHand
	err := in.actor.Receive(&in.ctx, e.message)
	stashed := was && !in.inHand
	if q := e.slip.ask; q != nil && !stashed && !q.kept.Load() && !reasonOf(err).Abnormal() {
		q.settle(ErrNoReply)
	}
	return err
}

// typeOf names the Go type of the message of an envelope.
func typeOf[M any](e envelope[M]) string {
	t := reflect.TypeFor[M]()
	switch {
	case e.slip != nil && e.slip.parcel != nil:
		t = reflect.TypeOf(e.slip.parcel)
	case t.Kind() == reflect.Interface:
		t = reflect.TypeOf(e.message)
	}
	if t == nil {
		return "nil"
	}
	return t.String()
}
