package load

import (
	"context"
	"sync/atomic"
	"time"
)

// Steady sends at Plan.Rate from one sender that never waits for the receiver, and records how long after its time each
// message was handled. Reads Rate, Pace, Burst, Capacity, Work, Warmup, Duration, Seed.
func Steady(ctx context.Context, d Driver, p Plan) (Outcome, error) {
	schedule, err := NewSchedule(p.Pace, p.Rate/float64(max(p.Burst, 1)), p.Seed)
	if err != nil {
		return Outcome{}, err
	}
	o := Outcome{Latencies: NewLatencies(), OfferedRate: p.Rate}
	c := clock{}
	begin := int64(p.Warmup)
	var handled atomic.Uint64
	r, err := d.Open(ctx, Setup{Capacity: p.Capacity, Handle: func(m Message) {
		work(p.Work)
		if m.Due >= begin {
			o.Latencies.Record(c.now() - m.Due)
		}
		handled.Add(1)
	}})
	if err != nil {
		return Outcome{}, err
	}
	met := startMeter()
	c.start = time.Now()
	err = r.Senders(1, func(_ int, s Sender) {
		o.Offered, o.Refused = send(ctx, c, s, schedule, p)
	})
	settle(&handled, o.Offered-o.Refused)
	o.Cost = met.stop()
	o.Handled, o.Dropped = handled.Load(), r.Dropped()
	if closed := r.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = ctx.Err()
	}
	o.AchievedRate = float64(o.Latencies.Count()) / p.Duration.Seconds()
	if p.Pace == Poisson && !o.late() {
		o.OfferedRate = o.AchievedRate // a random schedule has its own count
	}
	return o, err
}

// late says that messages were lost.
func (o Outcome) late() bool { return o.Handled < o.Offered }

// send offers what falls due until the plan ends.
func send(ctx context.Context, c clock, s Sender, schedule *Schedule, p Plan) (offered, refused uint64) {
	end := int64(p.Warmup + p.Duration)
	m := Message{}
	for m.Due = schedule.Next(); m.Due < end && ctx.Err() == nil; m.Due = schedule.Next() {
		c.until(m.Due)
		for range max(p.Burst, 1) {
			m.Seq++
			offered++
			if !s.Offer(m) {
				refused++
			}
		}
	}
	return offered, refused
}

// settle gives the receiver time to handle what it has accepted.
func settle(handled *atomic.Uint64, accepted uint64) {
	for deadline := time.Now().Add(time.Second); handled.Load() < accepted && time.Now().Before(deadline); {
		pause(time.Millisecond)
	}
}
