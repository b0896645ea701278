package cluster_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/failshut/failshut/cluster"
)

func quantile(d []time.Duration, q float64) float64 {
	slices.Sort(d)
	return float64(d[min(len(d)-1, int(q*float64(len(d))))].Microseconds())
}

// BenchmarkCommit is one voter on this disk, one proposal at a time.
func BenchmarkCommit(b *testing.B) {
	cfg := config(b.TempDir(), &tape{})
	cfg.Tuning = cluster.DefaultTuning()
	leads := make(chan cluster.Leadership, 16)
	cfg.OnLeadership = func(l cluster.Leadership) { leads <- l }
	if err := cluster.Found(cfg); err != nil {
		b.Fatal(err)
	}
	n, err := cluster.Open(cfg)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	<-leads
	cmd := make([]byte, 256)
	var took []time.Duration
	b.ReportAllocs()
	for b.Loop() {
		begin := time.Now()
		if _, err := n.Propose(ctx, bytes.Clone(cmd)); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begin))
	}
	b.ReportMetric(quantile(took, 0.5), "p50-µs")
	b.ReportMetric(quantile(took, 0.99), "p99-µs")
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}

// BenchmarkBareSync is what the disk does without us: 256 bytes written and synced.
func BenchmarkBareSync(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "bare"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := f.Close(); err != nil {
			b.Error(err)
		}
	})
	var took []time.Duration
	for b.Loop() {
		begin := time.Now()
		if _, err := f.Write(make([]byte, 256)); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begin))
	}
	b.ReportMetric(quantile(took, 0.5), "p50-µs")
	b.ReportMetric(quantile(took, 0.99), "p99-µs")
}
