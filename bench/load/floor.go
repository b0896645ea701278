package load

import (
	"runtime"
	"sync"
	"time"
)

// floorTick is the period at which a thread that only reads the clock is asked how late it is.
const floorTick = int64(time.Microsecond)

// Floor measures the stalls of the machine itself: one thread a core reads the clock for d and does nothing else. For an
// open load each microsecond is counted with how late it was seen; for a closed one, whose messages wait for each other and
// so are never sent in a stall, each reading is counted with the time since the one before. No system can be quicker than
// that at the same percentile, so a figure under it says nothing about the system.
func Floor(d time.Duration, closed bool) *Latencies {
	all := NewLatencies()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			own := NewLatencies()
			look := own.lateness
			if closed {
				look = own.gaps
			}
			look(clock{time.Now()}, int64(d))
			mu.Lock()
			defer mu.Unlock()
			all.Merge(own)
		})
	}
	wg.Wait()
	return all
}

// lateness records how late each tick is seen.
func (l *Latencies) lateness(c clock, end int64) {
	for due, now := floorTick, int64(0); now < end; {
		now = c.now()
		for ; due <= now; due += floorTick {
			l.Record(now - due)
		}
	}
}

// gaps records the time between readings.
func (l *Latencies) gaps(c clock, end int64) {
	for last := c.now(); last < end; {
		now := c.now()
		l.Record(now - last)
		last = now
	}
}
