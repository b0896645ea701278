package load

import "time"

// Plan says how one case of a mode is run. Each mode says which fields it reads.
type Plan struct {
	Senders  int
	Capacity int
	Keys     int     // instruments
	Rate     float64 // messages a second
	Pace     Pace
	Burst    int           // messages that fall due together; 0 is 1
	Work     time.Duration // what the handler does for each message
	Warmup   time.Duration // what is sent in this time is not measured
	Duration time.Duration // measured, after the warm-up
	Seed     uint64
}

// Outcome is what one run showed. A field that the mode does not measure is zero, Latencies nil.
type Outcome struct {
	Cost
	// Offered messages were refused, or dropped after they were accepted, or handled, or are still queued.
	Offered, Refused, Dropped, Handled uint64
	// OfferedRate is that of the schedule, or of senders at full speed; AchievedRate that of the handler. Messages a
	// second.
	OfferedRate, AchievedRate float64
	Latencies                 *Latencies
	// Idle are the latencies of the same messages while nothing else was sent (mode cancel).
	Idle *Latencies
	// Goodput is what was handled as a share of what the handler alone could do (mode overload).
	Goodput float64
	// AgeBound is 1.2 times what a full mailbox takes to be handled, in nanoseconds (mode overload).
	AgeBound int64
	// MemoryGrowth is how much the resident size grew at most, in bytes (mode overload).
	MemoryGrowth int64
	// Starved senders had none of theirs handled when half of the time had passed (mode fanin).
	Starved int
	// Behind is of how many instruments the last quote was never handled (mode conflate).
	Behind int
}

// Overloaded says that less than 99 in 100 of what was offered was handled in time: latencies of such a run compare with
// nothing.
func (o Outcome) Overloaded() bool { return o.OfferedRate > 0 && o.AchievedRate < 0.99*o.OfferedRate }

// NsPerOp is the time of one message at full speed, in nanoseconds.
func (o Outcome) NsPerOp() float64 {
	if o.AchievedRate == 0 {
		return 0
	}
	return 1e9 / o.AchievedRate
}

// perOp is n for each of the messages handled.
func (o Outcome) perOp(n uint64) float64 {
	if o.Handled == 0 {
		return 0
	}
	return float64(n) / float64(o.Handled)
}

// AllocsPerOp is the allocations of the whole process for each message handled.
func (o Outcome) AllocsPerOp() float64 { return o.perOp(o.Allocs) }

// BytesPerOp is the bytes allocated for each message handled.
func (o Outcome) BytesPerOp() float64 { return o.perOp(o.Bytes) }
