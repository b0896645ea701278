package load

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Cost is what a run used, over all goroutines of the process.
type Cost struct {
	Wall          time.Duration
	CPU           time.Duration // user and system
	Allocs, Bytes uint64
	GC            uint32
}

// meter measures the cost of a stretch of a run.
type meter struct {
	start  time.Time
	cpu    time.Duration
	before runtime.MemStats
}

func startMeter() *meter {
	m := &meter{}
	runtime.ReadMemStats(&m.before)
	m.cpu, m.start = cpuTime(), time.Now()
	return m
}

func (m *meter) stop() Cost {
	c := Cost{Wall: time.Since(m.start), CPU: cpuTime() - m.cpu}
	var after runtime.MemStats
	runtime.ReadMemStats(&after)
	c.Allocs, c.Bytes = after.Mallocs-m.before.Mallocs, after.TotalAlloc-m.before.TotalAlloc
	c.GC = after.NumGC - m.before.NumGC
	return c
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// resident is the resident size of the process in bytes, 0 where the system does not say.
func resident() int64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
