package journal_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/failshut/failshut/internal/journal"
)

func TestRealDisk(t *testing.T) {
	at := filepath.Join(t.TempDir(), "deep", "journal")
	o := small()
	l, rec, err := journal.Open(journal.OS(), at, o)
	if err != nil || rec.Epoch != 1 || rec.State != journal.OK {
		t.Fatalf("Open() = %+v, %v", rec, err)
	}
	for range 20 {
		if _, err := l.Append(journal.KindFirst, 1, make([]byte, 6000)); err != nil {
			t.Fatal(err)
		}
		commit(t, l)
	}
	var held *journal.LockedError
	if _, _, err := journal.Open(journal.OS(), at, o); !errors.As(err, &held) || held.PID != os.Getpid() {
		t.Fatalf("second Open() error = %v, want locked by %d", err, os.Getpid())
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l, rec, err = journal.Open(journal.OS(), at, o)
	if err != nil || rec.Epoch != 2 || rec.Last != 21 || rec.State != journal.OK {
		t.Fatalf("second life: Open() = %+v, %v", rec, err)
	}
	n := 0
	for _, err := range journal.Read(journal.OS(), at, 0) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 22 {
		t.Fatalf("read %d records, want 22", n)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestDirectoryThatCannotBeMadeIsAnError(t *testing.T) {
	at := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(at, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := journal.Open(journal.OS(), at, small()); err == nil {
		t.Fatal("Open() on a file = nil error")
	}
}

// quantile sorts d and returns the value below which the share q of it lies.
func quantile(d []time.Duration, q float64) float64 {
	slices.Sort(d)
	return float64(d[min(len(d)-1, int(q*float64(len(d))))].Microseconds())
}

func openDisk(b *testing.B, fs journal.FS, change func(*journal.Options)) *journal.Log {
	b.Helper()
	o := small()
	o.Segment = 16 << 20
	change(&o)
	l, _, err := journal.Open(fs, b.TempDir(), o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := l.Close(); err != nil {
			b.Error(err)
		}
	})
	return l
}

// BenchmarkBareSync is what the disk does without us: 288 bytes written and synced.
func BenchmarkBareSync(b *testing.B) {
	f, err := journal.OS().Create(filepath.Join(b.TempDir(), "bare"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := f.Close(); err != nil {
			b.Error(err)
		}
	})
	if err := f.Allocate(16 << 20); err != nil {
		b.Fatal(err)
	}
	frame := make([]byte, 288)
	var took []time.Duration
	at := int64(0)
	for b.Loop() {
		begin := time.Now()
		if _, err := f.WriteAt(frame, at%(16<<20-288)); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
		took, at = append(took, time.Since(begin)), at+288
	}
	b.ReportMetric(quantile(took, 0.5), "p50-µs")
	b.ReportMetric(quantile(took, 0.99), "p99-µs")
}

// BenchmarkCommitAlone is one record a batch: the price of being durable at once.
func BenchmarkCommitAlone(b *testing.B) {
	l := openDisk(b, journal.OS(), func(*journal.Options) {})
	body := make([]byte, 256)
	var took []time.Duration
	b.ReportAllocs()
	for b.Loop() {
		begin := time.Now()
		if _, err := l.Append(journal.KindFirst, 1, body); err != nil {
			b.Fatal(err)
		}
		if _, err := l.Commit(); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begin))
	}
	b.ReportMetric(quantile(took, 0.5), "p50-µs")
	b.ReportMetric(quantile(took, 0.99), "p99-µs")
}

// BenchmarkProducers64 is the group commit: 64 producers, 256 bytes each, each waits for its own record.
func BenchmarkProducers64(b *testing.B) {
	var mu sync.Mutex
	durable := sync.NewCond(&mu)
	batches := 0
	l := openDisk(b, journal.OS(), func(o *journal.Options) {
		o.OnDurable = func(journal.LSN) { mu.Lock(); batches++; mu.Unlock(); durable.Broadcast() }
	})
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	body := make([]byte, 256)
	b.ResetTimer()
	var wg sync.WaitGroup
	for p := range 64 {
		wg.Go(func() {
			for range (b.N + 63 - p) / 64 {
				lsn, err := l.Append(journal.KindFirst, 1, body)
				if err != nil {
					b.Error(err)
					return
				}
				mu.Lock()
				for l.Watermark() < lsn {
					durable.Wait()
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(b.N)/float64(max(1, batches)), "records/sync")
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}

// BenchmarkAppend is what the order path pays: framing and queueing, no disk.
func BenchmarkAppend(b *testing.B) {
	l := openDisk(b, journal.NewMemFS(1), func(o *journal.Options) { o.NoSync = true; o.Files = 1; o.Segment = 1 << 20 })
	body := make([]byte, 256)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if _, err := l.Append(journal.KindFirst, 1, body); err != nil {
			b.Fatal(err)
		}
		if n++; n%1024 == 0 {
			b.StopTimer()
			if _, err := l.Commit(); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
	}
}
