package load

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// cancelsPerSecond is how often a cancel is sent.
const cancelsPerSecond = 100

// CancelLane measures how long cancels take, first to an idle receiver, then to one whose data lane is full and pushed on
// at twice what it can handle: one sender does both, so that the two do not fight for a core. Reads Capacity, Work,
// Duration.
func CancelLane(ctx context.Context, d Driver, p Plan) (Outcome, error) {
	if !d.Traits().Lanes {
		return Outcome{}, fmt.Errorf("%w: it has one queue", ErrNotPossible)
	}
	o := Outcome{Latencies: NewLatencies(), Idle: NewLatencies()}
	c := clock{time.Now()}
	var handled, loaded atomic.Uint64
	r, err := d.Open(ctx, Setup{Capacity: p.Capacity, Lanes: true, Handle: func(m Message) {
		if m.Lane == Cancel {
			to := o.Idle
			if loaded.Load() != 0 {
				to = o.Latencies
			}
			to.Record(c.now() - m.Due)
		} else {
			work(p.Work)
		}
		handled.Add(1)
	}})
	if err != nil {
		return Outcome{}, err
	}
	met := startMeter()
	err = r.Senders(1, func(_ int, s Sender) {
		o.push(ctx, c, s, p, false)
		for range p.Capacity { // fill it
			o.offer(s, Message{Due: c.now()})
		}
		loaded.Store(1)
		o.push(ctx, c, s, p, true)
	})
	o.Cost = met.stop()
	o.Handled, o.Dropped = handled.Load(), r.Dropped()
	if closed := r.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = ctx.Err()
	}
	o.AchievedRate = float64(o.Latencies.Count()) / p.Duration.Seconds()
	return o, err
}

// push sends cancels at their times for the duration of the plan, and between them, where data is true, messages at twice
// the rate of the handler.
func (o *Outcome) push(ctx context.Context, c clock, s Sender, p Plan, data bool) {
	const every = int64(time.Second / cancelsPerSecond)
	between := max(int64(p.Work)/2, 1)
	start := c.now()
	cancel, more := start+every, start
	for cancel < start+int64(p.Duration) && ctx.Err() == nil {
		if !data {
			c.until(cancel)
		}
		now := c.now()
		if now >= cancel {
			o.offer(s, Message{Due: cancel, Lane: Cancel})
			cancel += every
		}
		if data && now >= more {
			o.offer(s, Message{Due: more})
			more += between
		}
	}
}

func (o *Outcome) offer(s Sender, m Message) {
	o.Offered++
	if !s.Offer(m) {
		o.Refused++
	}
}
