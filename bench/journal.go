package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/failshut/failshut/bench/load"
	"github.com/failshut/failshut/internal/journal"
)

// ErrJournal says that a benchmark of the journal was asked for something that there is not.
var ErrJournal = errors.New("bench journal")

// JournalConfig is a benchmark of the journal on a real disk.
type JournalConfig struct {
	Dir        string // on the disk to be measured; a folder in it is made and removed
	Producers  int    // each waits until its record is durable, and appends the next
	Bytes      int    // of a record's body
	Duration   time.Duration
	Runs       int
	Thresholds []string
	// Progress is told before each run; nil: nobody.
	Progress func(run, of int, what string)
}

// Validate lists every mistake.
func (c JournalConfig) Validate() error {
	var errs []error
	if c.Producers < 1 || c.Producers > 4096 {
		errs = append(errs, fmt.Errorf("producers = %d, want 1 to 4096", c.Producers))
	}
	if c.Bytes < 1 || c.Bytes > journal.MaxBody {
		errs = append(errs, fmt.Errorf("bytes = %d, want 1 to %d", c.Bytes, journal.MaxBody))
	}
	if c.Duration <= 0 || c.Runs < 1 {
		errs = append(errs, fmt.Errorf("duration = %s and runs = %d, want more than 0", c.Duration, c.Runs))
	}
	if _, err := judge(c.Thresholds, journalFigures(Row{Journaled: &Journaled{}})); err != nil {
		errs = append(errs, err)
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrJournal, errors.Join(errs...))
}

// Journaled are the figures of a row that the journal alone has.
type Journaled struct {
	Records  uint64 `json:"records"`
	Batches  uint64 `json:"batches"`
	Segments uint64 `json:"segments"` // that were begun
	Syncs    uint64 `json:"syncs"`    // fdatasync calls but for those of a segment's beginning, two each
}

// What the target asks for.
const journalRate = 30_000

// Journal appends from many producers, each of which waits until its record is durable, and beside it, in the same runs, writes and
// syncs a file of its own one record at a time: what the disk does without us.
func Journal(ctx context.Context, cfg JournalConfig) (Answer, error) {
	if err := cfg.Validate(); err != nil {
		return Answer{}, err
	}
	dir, err := os.MkdirTemp(cfg.Dir, "failshut-bench-journal-")
	if err != nil {
		return Answer{}, fmt.Errorf("folder for the journal: %w", err)
	}
	a := Answer{Schema: Schema, Bench: "journal", Mode: fmt.Sprintf("%d producers of %d bytes", cfg.Producers, cfg.Bytes), Machine: machine(), Notes: []string{
		"each producer waits until its record is durable; p50 to max are from its append to that",
		"bare: one frame of the same size written and fdatasynced, again and again, by one writer",
	}}
	err = cfg.runs(ctx, dir, &a)
	if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
		return Answer{}, err
	}
	bare, ours := medianSystem(a.Runs, bareSync), medianSystem(a.Runs, ourJournal)
	a.Medians, a.Median = []Row{bare, ours}, ours
	a.Targets = journalTargets(bare, ours)
	a.Thresholds, err = judge(cfg.Thresholds, journalFigures(ours))
	return a, err
}

// The systems of this benchmark.
const (
	bareSync   = "bare fdatasync"
	ourJournal = "journal"
)

func (c JournalConfig) runs(ctx context.Context, dir string, a *Answer) error {
	for i := range c.Runs {
		for j, run := range []func(context.Context, string) (Row, error){c.bare, c.journal} {
			if c.Progress != nil {
				c.Progress(2*i+j+1, 2*c.Runs, [...]string{bareSync, ourJournal}[j])
			}
			row, err := run(ctx, filepath.Join(dir, fmt.Sprintf("%d-%d", i, j)))
			if err != nil {
				return err
			}
			a.Runs = append(a.Runs, row)
		}
	}
	return nil
}

func medianSystem(rows []Row, system string) Row {
	var of []Row
	for _, r := range rows {
		if r.System == system {
			of = append(of, r)
		}
	}
	return medianOf(of)
}

func journalTargets(bare, ours Row) []Target {
	rate := float64(ours.Achieved)
	var perBatch, times *float64
	if n := ours.Batches; n > 0 {
		perBatch = new(float64(ours.Syncs) / float64(n))
	}
	if bare.Achieved > 0 {
		times = new(rate / float64(bare.Achieved))
	}
	return []Target{
		atLeast("durable records a second", &rate, journalRate),
		atMost("fdatasync calls a batch", perBatch, 1),
		atLeast("durable records a second, times a bare fdatasync's", times, 1),
	}
}

// journalFigures are what a threshold may name.
func journalFigures(r Row) map[string]float64 {
	out := map[string]float64{
		"achieved": float64(r.Achieved), "allocs_per_op": r.AllocsPerOp, "records_per_sync": 0, "syncs_per_batch": 0, "p50": 0, "p99": 0,
	}
	if r.Syncs > 0 {
		out["records_per_sync"] = float64(r.Records) / float64(r.Syncs)
	}
	if r.Batches > 0 {
		out["syncs_per_batch"] = float64(r.Syncs) / float64(r.Batches)
	}
	for name, v := range map[string]*int64{"p50": r.P50, "p99": r.P99} {
		if v != nil {
			out[name] = float64(*v)
		}
	}
	return out
}

// bare writes and syncs one frame after the other.
func (c JournalConfig) bare(ctx context.Context, name string) (Row, error) {
	const size = 64 << 20
	f, err := journal.OS().Create(name)
	if err != nil {
		return Row{}, err
	}
	frame := make([]byte, (c.Bytes+39)&^7) // a frame's head is 32 bytes, and it ends at a multiple of 8
	took := load.NewLatencies()
	err = f.Allocate(size)
	m, n := startMeter(), uint64(0)
	for end := m.start.Add(c.Duration); err == nil && ctx.Err() == nil; n++ {
		begin := time.Now()
		if !begin.Before(end) {
			break
		}
		if _, err = f.WriteAt(frame, int64(n)*int64(len(frame))%(size-int64(len(frame)))&^7); err == nil {
			err = f.Sync()
		}
		took.Record(time.Since(begin).Nanoseconds())
	}
	row := m.row(max(1, n))
	row.System, row.Journaled = bareSync, &Journaled{Records: n, Batches: n, Syncs: n}
	row.times(took)
	return row, errors.Join(err, f.Close(), ctx.Err())
}

func (r *Row) times(l *load.Latencies) {
	p, ok := l.Percentiles()
	if ok {
		r.P50, r.P90, r.P99, r.P999, r.P9999, r.Max = &p.P50, &p.P90, &p.P99, &p.P999, &p.P9999, &p.Max
	}
}

// counting counts what is synced.
type counting struct {
	journal.FS
	syncs atomic.Uint64
}

type countingFile struct {
	journal.File
	fs *counting
}

// Create counts the syncs of a new file.
func (c *counting) Create(name string) (journal.File, error) { return c.counted(c.FS.Create(name)) }

// Open counts the syncs of a file that is there.
func (c *counting) Open(name string) (journal.File, error) { return c.counted(c.FS.Open(name)) }

func (c *counting) counted(f journal.File, err error) (journal.File, error) {
	if err != nil {
		return nil, err
	}
	return countingFile{f, c}, nil
}

// Sync counts itself.
func (f countingFile) Sync() error {
	f.fs.syncs.Add(1)
	return f.File.Sync()
}

// journal has the producers append, each waiting for its record.
func (c JournalConfig) journal(ctx context.Context, dir string) (Row, error) {
	fs := &counting{FS: journal.OS()}
	var seen Journaled
	durable := sync.NewCond(&sync.Mutex{})
	l, _, err := journal.Open(fs, dir, journal.Options{
		Node: "bench", Group: "00", Segment: 64 << 20, Floor: 1,
		OnDurable: func(journal.LSN) { durable.L.Lock(); durable.Broadcast(); durable.L.Unlock() },
		Events: journal.Events{
			BatchEnd: func(records, _ int, _ error) {
				seen.Records, seen.Batches = seen.Records+uint64(records), seen.Batches+1
			},
			Rolled: func(journal.LSN) { seen.Segments++ },
			Dead:   func(error) { durable.L.Lock(); durable.Broadcast(); durable.L.Unlock() },
		},
	})
	if err == nil {
		err = l.Err()
	}
	if err != nil {
		return Row{}, err
	}
	before := fs.syncs.Load()
	running, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- l.Run(running) }()
	m := startMeter()
	took, err := c.produce(running, l, durable, m.start.Add(c.Duration))
	row := m.row(max(1, uint64(took.Count())))
	cancel()
	err = errors.Join(err, <-ended, ctx.Err())
	seen.Syncs = fs.syncs.Load() - before - 2*seen.Segments
	row.System, row.Journaled = ourJournal, &seen
	row.times(took)
	return row, errors.Join(err, l.Close())
}

// produce returns how long each record took to be durable.
func (c JournalConfig) produce(ctx context.Context, l *journal.Log, durable *sync.Cond, end time.Time) (*load.Latencies, error) {
	var all sync.WaitGroup
	each, errs := make([]*load.Latencies, c.Producers), make([]error, c.Producers)
	for p := range c.Producers {
		each[p] = load.NewLatencies()
		all.Go(func() {
			body := make([]byte, c.Bytes)
			for begin := time.Now(); begin.Before(end) && ctx.Err() == nil; begin = time.Now() {
				lsn, err := l.Append(journal.KindFirst, 1, body)
				if err != nil {
					errs[p] = err
					return
				}
				durable.L.Lock()
				for l.Watermark() < lsn && l.State() == journal.OK {
					durable.Wait()
				}
				durable.L.Unlock()
				if errs[p] = l.Err(); errs[p] != nil {
					return
				}
				each[p].Record(time.Since(begin).Nanoseconds())
			}
		})
	}
	all.Wait()
	took := load.NewLatencies()
	for _, l := range each {
		took.Merge(l)
	}
	return took, errors.Join(errs...)
}
