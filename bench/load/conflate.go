package load

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// drainMax is how long what is queued may take when nobody sends any more.
const drainMax = 10 * time.Second

// Conflate lets a sender offer quotes of Plan.Keys instruments in turn, at full speed, to a handler that needs Plan.Work for
// each, and shows how old they get, and of how many instruments the last quote never came. Latencies are the ages of what was
// handled. Reads Keys, Capacity, Work, Duration.
func Conflate(ctx context.Context, d Driver, p Plan) (Outcome, error) {
	if p.Keys < 1 || p.Keys > 1<<16 {
		return Outcome{}, fmt.Errorf("keys = %d, want 1 to %d", p.Keys, 1<<16)
	}
	o := Outcome{Latencies: NewLatencies()}
	c := clock{time.Now()}
	var handled atomic.Uint64
	seen, sent := make([]uint64, p.Keys), make([]uint64, p.Keys) // the last Seq of each
	r, err := d.Open(ctx, Setup{Capacity: p.Capacity, Keys: p.Keys, Handle: func(m Message) {
		work(p.Work)
		o.Latencies.Record(c.now() - m.Due)
		seen[m.Key] = m.Seq
		handled.Add(1)
	}})
	if err != nil {
		return Outcome{}, err
	}
	met := startMeter()
	err = r.Senders(1, func(_ int, s Sender) {
		for end := c.now() + int64(p.Duration); ctx.Err() == nil; {
			at := c.now()
			if at >= end {
				return
			}
			o.Offered++
			key := o.Offered % uint64(p.Keys) //nolint:gosec // positive
			sent[key] = o.Offered
			if !s.Offer(Message{Due: at, Seq: o.Offered, Key: uint16(key)}) { //nolint:gosec // below Keys
				o.Refused++
			}
		}
	})
	o.Cost, o.Handled = met.stop(), handled.Load()
	o.OfferedRate, o.AchievedRate = float64(o.Offered)/o.Wall.Seconds(), float64(o.Handled)/o.Wall.Seconds()
	for end := time.Now().Add(drainMax); err == nil && handled.Load()+r.Dropped()+o.Refused < o.Offered; wait(ctx, time.Millisecond) {
		if time.Now().After(end) || ctx.Err() != nil {
			err = fmt.Errorf("%w: offered %d, refused %d, dropped %d, handled %d", ErrUnbalanced, o.Offered, o.Refused, r.Dropped(), handled.Load())
		}
	}
	o.Dropped = r.Dropped()
	if closed := r.Close(); err == nil {
		err = closed
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	for k := range sent { // the receiver has ended
		if seen[k] != sent[k] {
			o.Behind++
		}
	}
	return o, err
}
