package load

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"
)

// memoryLook is how often the resident size is looked at.
const memoryLook = 20 * time.Millisecond

// Overload lets a sender offer at full speed to a handler that needs Plan.Work for each message, and shows what becomes of
// what it cannot handle. Latencies are the ages of what was handled. Reads Senders, Capacity, Work, Duration.
func Overload(ctx context.Context, d Driver, p Plan) (Outcome, error) {
	o := Outcome{Latencies: NewLatencies()}
	c := clock{time.Now()}
	var handled, offered, refused atomic.Uint64
	handle := func(m Message, into *Latencies) {
		work(p.Work)
		into.Record(c.now() - m.Due)
		handled.Add(1)
	}
	apart := NewLatencies()
	service := serviceTime(func() { handle(Message{}, apart) })
	handled.Store(0)
	o.AgeBound = int64(1.2 * float64(p.Capacity) * float64(service))
	r, err := d.Open(ctx, Setup{Capacity: p.Capacity, Handle: func(m Message) { handle(m, o.Latencies) }})
	if err != nil {
		return Outcome{}, err
	}
	runtime.GC()
	size := resident()
	var stop atomic.Bool
	sent := make(chan error, 1)
	met := startMeter()
	go func() {
		sent <- r.Senders(max(p.Senders, 1), func(i int, s Sender) {
			m, no := Message{Sender: uint32(i)}, uint64(0)
			for !stop.Load() {
				m.Seq++
				m.Due = c.now()
				if !s.Offer(m) {
					no++
				}
			}
			offered.Add(m.Seq)
			refused.Add(no)
		})
	}()
	for end := time.Now().Add(p.Duration); time.Now().Before(end) && ctx.Err() == nil; {
		wait(ctx, memoryLook)
		o.MemoryGrowth = max(o.MemoryGrowth, resident()-size)
	}
	done := handled.Load()
	o.Cost = met.stop()
	stop.Store(true)
	err = <-sent
	o.Offered, o.Refused, o.Dropped = offered.Load(), refused.Load(), r.Dropped()
	if closed := r.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = ctx.Err()
	}
	o.Handled = done
	o.OfferedRate = float64(o.Offered) / o.Wall.Seconds()
	o.AchievedRate = float64(done) / o.Wall.Seconds()
	o.Goodput = o.AchievedRate * service.Seconds()
	return o, err
}

// serviceTime is what a call of the handler takes by itself: the capacity of a receiver that costs nothing is one message
// in that time.
func serviceTime(handle func()) time.Duration {
	const rounds, calls = 101, 50
	l := NewLatencies()
	for range rounds {
		start := time.Now()
		for range calls {
			handle()
		}
		l.Record(int64(time.Since(start)) / calls)
	}
	return time.Duration(l.At(50))
}
