package load

import (
	"context"
	"time"
)

// sleepAbove is the wait that is slept through but for its last part: a sleep may end a millisecond late.
const sleepAbove = 3 * time.Millisecond

// clock counts the nanoseconds of a run.
type clock struct{ start time.Time }

func (c clock) now() int64 { return int64(time.Since(c.start)) }

// until waits for a time of the run. It looks at the clock for the last milliseconds, because a sender that is late by a
// wake-up of its own would measure itself.
func (c clock) until(due int64) {
	for {
		left := due - c.now()
		if left <= 0 {
			return
		}
		if left > int64(sleepAbove) {
			pause(time.Duration(left) - sleepAbove/2)
		}
	}
}

// pause sleeps for d.
func pause(d time.Duration) { wait(context.Background(), d) }

// work keeps the processor busy for d.
func work(d time.Duration) {
	if d <= 0 {
		return
	}
	for start := time.Now(); time.Since(start) < d; {
		continue
	}
}
