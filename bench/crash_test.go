package bench_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/supervision"
)

// starter tells when an actor can take messages.
type starter struct{ up chan<- time.Time }

func (s starter) Starting(*actors.Context[string]) error {
	s.up <- time.Now()
	return nil
}

func (s starter) Receive(_ *actors.Context[string], m string) error {
	switch m {
	case "panic":
		panic("told to")
	case "error":
		return errors.New("told to")
	}
	return nil
}

// BenchmarkCrashToReady is the time from the message that breaks a child until its replacement is ready, on an idle system and
// without backoff, beside the time from a bare Spawn until its actor has started: medians of the same run, in turns.
func BenchmarkCrashToReady(b *testing.B) {
	for _, how := range []string{"error", "panic"} {
		b.Run(how, func(b *testing.B) { crashToReady(b, how) })
	}
}

func crashToReady(b *testing.B, how string) {
	sys, err := actors.New(actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(runtime.GOMAXPROCS(0)), PoisonAfter: -1})
	if err != nil {
		b.Fatal(err)
	}
	child := supervision.DefaultChild("c", func(_ context.Context, b *supervision.Birth) error {
		_, err := supervision.Spawn(b, starter{make(chan time.Time, 1)}, actors.WithBox(mailbox.One(16, mailbox.Reject)))
		return err
	})
	spec := supervision.DefaultSpec("root", child)
	spec.Intensity = 1 << 30
	up := make(chan time.Time, 1)
	tree, err := supervision.Start(b.Context(), sys, spec, supervision.Options{Events: supervision.Events{
		Ready: func(path string, _ uint64, _ time.Duration) {
			if path == "c" {
				select {
				case up <- time.Now():
				default:
				}
			}
		},
	}})
	if err != nil {
		b.Fatal(err)
	}
	for len(up) > 0 {
		<-up
	}
	c := actors.Follow[string](sys, "c")
	var crash, bare []time.Duration
	for b.Loop() {
		began := time.Now()
		for c.Tell(how) != nil {
			runtime.Gosched()
		}
		crash = append(crash, (<-up).Sub(began))
		bare = append(bare, bareSpawn(b, sys, len(bare)))
	}
	b.ReportMetric(median(crash), "ns/crash")
	b.ReportMetric(median(bare), "ns/spawn")
	b.ReportMetric(median(crash)/median(bare), "×")
	b.ReportMetric(0, "ns/op")
	tree.Stop()
	<-tree.Done()
	if err := sys.Stop(context.Background()); err != nil {
		b.Error(err)
	}
}

func bareSpawn(b *testing.B, sys *actors.System, n int) time.Duration {
	b.Helper()
	name := actors.Name(fmt.Sprintf("bare%d", n))
	up := make(chan time.Time, 1)
	began := time.Now()
	ref, err := actors.Spawn(sys, actors.Spec[string]{Name: name, Box: mailbox.One(16, mailbox.Reject), Actor: starter{up}})
	if err != nil {
		b.Fatal(err)
	}
	took := (<-up).Sub(began)
	if err := sys.StopActor(name, ref.Epoch()); err != nil {
		b.Fatal(err)
	}
	for ref.Tell("") == nil {
		runtime.Gosched()
	}
	return took
}

func median(d []time.Duration) float64 {
	d = slices.Sorted(slices.Values(d))
	return float64(d[len(d)/2])
}
