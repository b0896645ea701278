package actors

import (
	"sync/atomic"
	"time"
)

// Clock is where a System takes its time from: Real or Virtual, nothing else.
type Clock interface {
	// Now is the present time; the real clock's carries a monotonic reading.
	Now() time.Time
	// origin is the time of Instant 0, instant the nanoseconds since.
	origin() time.Time
	instant() int64
}

type realClock struct{ start time.Time }

// Real is the clock of the machine, or of the testing/synctest bubble it is made in. Instants count from now.
func Real() Clock { return realClock{start: time.Now()} }

func (c realClock) Now() time.Time    { return time.Now() }
func (c realClock) origin() time.Time { return c.start }
func (c realClock) instant() int64    { return int64(time.Since(c.start)) }

// virtualClock moves only when its System says so.
type virtualClock struct {
	start time.Time
	now   atomic.Int64
}

// Virtual is a clock that stands at start until System.Drive moves it to the next timer. One System uses it.
func Virtual(start time.Time) Clock { return &virtualClock{start: start} }

func (c *virtualClock) Now() time.Time    { return c.start.Add(time.Duration(c.now.Load())) }
func (c *virtualClock) origin() time.Time { return c.start }
func (c *virtualClock) instant() int64    { return c.now.Load() }
