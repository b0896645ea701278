package load

import (
	"context"
	"sync/atomic"
	"time"
)

// PingPong lets two receivers play one message to each other and records each round trip. Reads Warmup and Duration.
func PingPong(ctx context.Context, d Driver, p Plan) (Outcome, error) {
	o := Outcome{Latencies: NewLatencies()}
	c := clock{time.Now()}
	begin, end := int64(p.Warmup), int64(p.Warmup+p.Duration)
	last := int64(0)
	var stop atomic.Bool
	done := make(chan struct{})
	// The receivers take turns, so what one writes the other may read: the message carries the order.
	pair, err := d.Pair(ctx, func(m Message) bool {
		if m.Seq%2 == 0 {
			return true
		}
		now := c.now()
		if last >= begin {
			o.Latencies.Record(now - last)
		}
		last = now
		if now < end && !stop.Load() {
			return true
		}
		close(done)
		return false
	})
	if err != nil {
		return Outcome{}, err
	}
	met := startMeter()
	if err := pair.Kick(Message{Seq: 1}); err != nil {
		_ = pair.Close()
		return Outcome{}, err
	}
	select {
	case <-done:
	case <-ctx.Done():
		stop.Store(true)
		<-done
	}
	o.Cost = met.stop()
	o.Handled = uint64(o.Latencies.Count()) * 2
	o.AchievedRate = float64(o.Handled) / p.Duration.Seconds()
	if err := pair.Close(); err != nil {
		return Outcome{}, err
	}
	return o, ctx.Err()
}
