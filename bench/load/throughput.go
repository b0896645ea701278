package load

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// publishEach is how many messages pass between two looks at what is shared with another goroutine.
const publishEach = 64

// Throughput lets Plan.Senders send as fast as the receiver takes it, waiting for room in the way of the system, and counts
// what is handled in Plan.Duration after Plan.Warmup. Reads Senders, Capacity, Warmup, Duration.
func Throughput(ctx context.Context, d Driver, p Plan) (Outcome, error) {
	if p.Senders < 1 {
		return Outcome{}, fmt.Errorf("senders = %d, want at least 1", p.Senders)
	}
	var handled atomic.Uint64
	counts := make([]uint64, p.Senders)
	n, starved := uint64(0), -1
	half := int64(p.Warmup + p.Duration/2)
	c := clock{time.Now()}
	r, err := d.Open(ctx, Setup{Capacity: p.Capacity, Handle: func(m Message) {
		n++
		counts[m.Sender]++
		if n%publishEach == 0 {
			handled.Store(n)
			if starved < 0 && n%(publishEach*64) == 0 && c.now() > half {
				starved = unheard(counts)
			}
		}
	}})
	if err != nil {
		return Outcome{}, err
	}
	var stop atomic.Bool
	sent := make(chan error, 1)
	go func() {
		sent <- r.Senders(p.Senders, func(i int, s Sender) {
			m := Message{Sender: uint32(i)}
			for m.Seq%publishEach != 0 || !stop.Load() {
				m.Seq++
				if s.Send(m) != nil {
					return
				}
			}
		})
	}()
	wait(ctx, p.Warmup)
	before := handled.Load()
	met := startMeter()
	wait(ctx, p.Duration)
	cost, after := met.stop(), handled.Load()
	stop.Store(true)
	failed := <-sent
	if err := r.Close(); err != nil {
		return Outcome{}, err
	}
	if failed != nil {
		return Outcome{}, failed
	}
	o := Outcome{Cost: cost, Handled: after - before, Starved: max(starved, 0)}
	o.AchievedRate = float64(o.Handled) / cost.Wall.Seconds()
	return o, ctx.Err()
}

// unheard is how many senders have not been heard of.
func unheard(counts []uint64) int {
	n := 0
	for _, c := range counts {
		if c == 0 {
			n++
		}
	}
	return n
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
