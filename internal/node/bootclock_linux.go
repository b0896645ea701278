package node

import "golang.org/x/sys/unix"

// bootClock reads the clock that counts suspended time, in nanoseconds; 0 when it cannot.
func bootClock() int64 {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &t) != nil {
		return 0
	}
	return t.Nano()
}
