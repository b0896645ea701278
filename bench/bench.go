// Package bench is the latency harness: what `failshut bench` runs and prints. It measures counts and ratios that hold on
// a small machine, says on which machine, and quotes nothing that it did not measure (P6 of the measurements themselves:
// what is void is printed as void). It is, with actors and cmd, allowed to read a clock.
package bench

import (
	"bufio"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Schema names the answer of every benchmark.
const Schema = "failshut.bench/1"

// Answer is what a benchmark prints. A figure that was not measured is null.
type Answer struct {
	Schema     string      `json:"schema"`
	Bench      string      `json:"bench"`
	Mode       string      `json:"mode"`
	Seed       uint64      `json:"seed"`
	Machine    Machine     `json:"machine"`
	Floor      *Floor      `json:"floor"`
	Runs       []Row       `json:"runs"`
	Median     Row         `json:"median"`
	Medians    []Row       `json:"medians,omitempty"` // one for each system and case; Median is the first
	Targets    []Target    `json:"targets,omitempty"`
	Notes      []string    `json:"notes"`
	Thresholds []Threshold `json:"thresholds"`
	Replay     *Replayed   `json:"replay,omitempty"`

	distributions []distribution
}

// Machine is where the figures were measured.
type Machine struct {
	CPU        string `json:"cpu"`
	Cores      int    `json:"cores"`
	GOMAXPROCS int    `json:"gomaxprocs"`
	Go         string `json:"go"`
	Kernel     string `json:"kernel"`
}

// Floor is the machine's own stalls, in nanoseconds: percentiles under it say nothing.
type Floor struct {
	P50 int64 `json:"p50"`
	P99 int64 `json:"p99"`
	Max int64 `json:"max"`
}

// Row is one run. Rates are messages a second; latencies are nanoseconds, null where the mode has none.
type Row struct {
	System string `json:"system,omitempty"`
	Case   string `json:"case,omitempty"`

	Offered     *int64  `json:"offered"`
	Achieved    int64   `json:"achieved"`
	Overloaded  bool    `json:"overloaded"`
	P50         *int64  `json:"p50"`
	P90         *int64  `json:"p90"`
	P99         *int64  `json:"p99"`
	P999        *int64  `json:"p999"`
	P9999       *int64  `json:"p9999"`
	Max         *int64  `json:"max"`
	AllocsPerOp float64 `json:"allocs_per_op"`
	BytesPerOp  float64 `json:"bytes_per_op"`
	CPUms       int64   `json:"cpu_ms"`
	GC          uint32  `json:"gc"`

	*Mailboxed
	*Journaled
}

// Mailboxed are the figures of a row that mailboxes alone have. What the mode does not measure is null.
type Mailboxed struct {
	NsPerOp  *float64 `json:"ns_per_op"` // at full speed; of an offer in the modes conflate and suspended
	Refused  uint64   `json:"refused"`
	Dropped  uint64   `json:"dropped"`
	Handled  uint64   `json:"handled"`
	Goodput  *float64 `json:"goodput"`       // handled, as a share of what the handler alone could do
	AgeBound *int64   `json:"age_bound"`     // ns: 1.2 times what a full mailbox takes
	Memory   *int64   `json:"memory_growth"` // bytes the resident size grew at most
	IdleP99  *int64   `json:"idle_p99"`      // ns: of the same messages while nothing else was sent
	Starved  *int     `json:"starved"`       // senders not heard of by half time
	Behind   *int     `json:"behind"`        // instruments whose last quote was never handled
	// VsChannel is the row's first figure, ns_per_op or else p50, over that of the channel in the same case.
	VsChannel *float64 `json:"vs_channel"`
	// Void names percentiles that lie under the machine's own stalls, and so were not shown.
	Void []string `json:"void,omitempty"`
	Note string   `json:"note,omitempty"`
}

// machine reads what the operating system says of itself.
func machine() Machine {
	m := Machine{CPU: "unknown", Cores: runtime.NumCPU(), GOMAXPROCS: runtime.GOMAXPROCS(0), Go: runtime.Version(), Kernel: "unknown"}
	if f, err := os.Open("/proc/cpuinfo"); err == nil {
		for s := bufio.NewScanner(f); s.Scan(); {
			if name, ok := strings.CutPrefix(s.Text(), "model name"); ok {
				m.CPU = strings.TrimLeft(name, "\t :")
				break
			}
		}
		_ = f.Close() // it was only read
	}
	if b, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = strings.TrimSpace(string(b))
	}
	return m
}

// meter measures one run: wall and processor time, allocations, collections.
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

// row gives the run's figures over n messages.
func (m *meter) row(n uint64) Row {
	wall, cpu := time.Since(m.start), cpuTime()-m.cpu
	var after runtime.MemStats
	runtime.ReadMemStats(&after)
	return Row{
		Achieved:    int64(float64(n) / wall.Seconds()),
		AllocsPerOp: float64(after.Mallocs-m.before.Mallocs) / float64(n),
		BytesPerOp:  float64(after.TotalAlloc-m.before.TotalAlloc) / float64(n),
		CPUms:       cpu.Milliseconds(), GC: after.NumGC - m.before.NumGC,
	}
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peakMemory is the greatest resident size of this process so far, in bytes.
func peakMemory() int64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return u.Maxrss << 10
}

// medianOf gives the run whose rate is the median.
func medianOf(rows []Row) Row {
	sorted := slices.Clone(rows)
	slices.SortFunc(sorted, func(a, b Row) int { return int(a.Achieved - b.Achieved) })
	return sorted[len(sorted)/2]
}
