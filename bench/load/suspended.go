package load

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Suspender is a Driver whose receivers can be there and take nothing, as one that is being started again.
type Suspender interface {
	Driver
	// OpenSuspended is Open of a receiver that refuses everything until resume is called.
	OpenSuspended(ctx context.Context, s Setup) (r Receiver, resume func() error, err error)
}

// errTookIt says that a receiver that should take nothing did.
var errTookIt = errors.New("a suspended receiver took a message")

// Suspended lets a sender offer at full speed to a receiver that takes nothing, for it is being started: what a refusal
// costs. Then the receiver is resumed; the one latency is from there until a message is handled. Reads Capacity, Duration.
func Suspended(ctx context.Context, d Driver, p Plan) (Outcome, error) {
	s, ok := d.(Suspender)
	if !ok {
		return Outcome{}, fmt.Errorf("%w: it cannot be suspended", ErrNotPossible)
	}
	o := Outcome{Latencies: NewLatencies()}
	c := clock{time.Now()}
	handled := make(chan int64, 1)
	r, resume, err := s.OpenSuspended(ctx, Setup{Capacity: p.Capacity, Handle: func(m Message) { handled <- c.now() - m.Due }})
	if err != nil {
		return Outcome{}, err
	}
	met := startMeter()
	err = r.Senders(1, func(_ int, s Sender) {
		for end := c.now() + int64(p.Duration); c.now() < end && ctx.Err() == nil; {
			for range publishEach {
				o.Offered++
				if !s.Offer(Message{Seq: o.Offered}) {
					o.Refused++
				}
			}
		}
	})
	o.Cost = met.stop()
	o.OfferedRate = float64(o.Offered) / o.Wall.Seconds()
	if err == nil && o.Refused != o.Offered {
		err = errTookIt
	}
	if err == nil {
		at := c.now()
		if err = resume(); err == nil {
			err = r.Senders(1, func(_ int, s Sender) {
				for !s.Offer(Message{Due: at}) && ctx.Err() == nil {
					wait(ctx, 0)
				}
			})
		}
	}
	if err == nil {
		select {
		case age := <-handled:
			o.Latencies.Record(age)
			o.Handled = 1
		case <-ctx.Done():
		case <-time.After(drainMax):
			err = fmt.Errorf("%w: the message after the suspension was not handled", ErrUnbalanced)
		}
	}
	if closed := r.Close(); err == nil {
		err = closed
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return o, err
}
