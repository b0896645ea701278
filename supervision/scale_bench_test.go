package supervision_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/supervision"
)

// yard is a living tree on the real clock that a benchmark breaks.
type yard struct {
	b    *testing.B
	sys  *actors.System
	tree *supervision.Tree
	told func(supervision.Decision)
	mu   sync.Mutex
}

// openYard starts a tree, and ends it with the benchmark. told hears each decision; it may be changed by hears.
func openYard(b *testing.B, spec supervision.Spec) *yard {
	b.Helper()
	sys, err := actors.New(actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(runtime.GOMAXPROCS(0)), PoisonAfter: -1})
	if err != nil {
		b.Fatal(err)
	}
	y := &yard{b: b, sys: sys}
	y.tree, err = supervision.Start(b.Context(), sys, spec, supervision.Options{Events: supervision.Events{
		Decision: func(_ time.Time, d supervision.Decision) {
			y.mu.Lock()
			told := y.told
			y.mu.Unlock()
			if told != nil {
				told(d)
			}
		},
	}})
	if err != nil {
		b.Fatal(err)
	}
	return y
}

func (y *yard) hears(f func(supervision.Decision)) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.told = f
}

// end takes the tree down and gives its result.
func (y *yard) end() supervision.Result {
	y.b.Helper()
	y.tree.Stop()
	r := <-y.tree.Done()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := y.sys.Stop(ctx); err != nil && len(r.Unstopped) == 0 {
		y.b.Error(err)
	}
	return r
}

// light is a child with one lane of 16 and no flight recorder, whose actor breaks as it is told.
func light(name string) supervision.Child {
	c := supervision.DefaultChild(name, func(_ context.Context, b *supervision.Birth) error {
		_, err := supervision.Spawn(b, actors.Func[string](func(c *actors.Context[string], m string) error {
			switch m {
			case "panic":
				panic("told to")
			case "error":
				return errors.New("told to")
			}
			return nil
		}), actors.WithBox(mailbox.One(16, mailbox.Reject)))
		return err
	})
	c.Recorder = actors.NoRecorder
	return c
}

func pool(name string, n int, child func(name string) supervision.Child) supervision.Spec {
	s := supervision.DefaultSpec(name)
	s.Intensity, s.Period = 1<<30, time.Hour
	for i := range n {
		s.Children = append(s.Children, child(fmt.Sprintf("c%d", i)))
	}
	return s
}

func p50(d []time.Duration) float64 { return quantile(d, 50) }
func p99(d []time.Duration) float64 { return quantile(d, 99) }

func quantile(d []time.Duration, percent int) float64 {
	d = slices.Sorted(slices.Values(d))
	return float64(d[(len(d)-1)*percent/100])
}

// awaits waits for n starts and gives when the last was.
func (y *yard) awaits(n int) func() time.Time {
	done := make(chan time.Time, 1)
	seen := 0
	y.hears(func(d supervision.Decision) {
		if d.Kind != supervision.LineStarted {
			return
		}
		if seen++; seen == n {
			done <- time.Now()
		}
	})
	return func() time.Time { return <-done }
}

// BenchmarkStorm crashes 1,000 children at once, one for one, until all are ready again, while a sibling under another
// supervisor is sent a message every 100 microseconds: its p99 then, and in a calm as long as the storm.
func BenchmarkStorm(b *testing.B) {
	for _, how := range []string{"error", "panic"} {
		b.Run(how, func(b *testing.B) { storm(b, how) })
	}
}

func storm(b *testing.B, how string) {
	const n = 1000
	late := &lateness{}
	spec := supervision.DefaultSpec("root",
		supervision.SubTree("storm", pool("storm", n, light)),
		supervision.SubTree("calm", supervision.DefaultSpec("calm", supervision.DefaultChild("sibling", late.start))))
	y := openYard(b, spec)
	var took, calm, during []time.Duration
	for b.Loop() {
		late.clear()
		late.pace(y.sys, 50*time.Millisecond)
		calm = append(calm, late.clear()...)
		last := y.awaits(n)
		over := make(chan struct{})
		go func() { late.paceUntil(y.sys, over); over <- struct{}{} }()
		began := time.Now()
		for i := range n {
			if err := actors.Follow[string](y.sys, actors.Name(fmt.Sprintf("storm/c%d", i))).Tell(how); err != nil {
				b.Fatal(err)
			}
		}
		took = append(took, last().Sub(began))
		over <- struct{}{}
		<-over
		during = append(during, late.clear()...)
	}
	b.ReportMetric(p50(took)/1e6, "ms/ready")
	b.ReportMetric(p99(calm)/1e3, "µs-p99/calm")
	b.ReportMetric(p99(during)/1e3, "µs-p99/storm")
	b.ReportMetric(0, "ns/op")
	y.end()
}

// lateness is an actor that notes how late each message comes.
type lateness struct {
	mu   sync.Mutex
	late []time.Duration
}

func (l *lateness) start(_ context.Context, b *supervision.Birth) error {
	_, err := supervision.Spawn(b, actors.Func[time.Time](func(_ *actors.Context[time.Time], sent time.Time) error {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.late = append(l.late, time.Since(sent))
		return nil
	}), actors.WithBox(mailbox.One(1<<16, mailbox.Reject)))
	return err
}

func (l *lateness) clear() []time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	late := l.late
	l.late = nil
	return late
}

func (l *lateness) pace(sys *actors.System, d time.Duration) {
	over := make(chan struct{})
	go func() { <-time.After(d); over <- struct{}{} }()
	l.paceUntil(sys, over)
}

func (l *lateness) paceUntil(sys *actors.System, over <-chan struct{}) {
	sibling := actors.Follow[time.Time](sys, "calm/sibling")
	tick := time.NewTicker(100 * time.Microsecond)
	defer tick.Stop()
	for {
		select {
		case <-over:
			return
		case <-tick.C:
			_ = sibling.Tell(time.Now())
		}
	}
}

// BenchmarkStopTree stops 10,000 actors in 100 supervisors, and again with ten among the instances of a simple one that hang: their
// shutdown timeout is a second. Instances stop together; ten that hang in a list would be waited for one after the other, as in OTP.
func BenchmarkStopTree(b *testing.B) {
	for _, hung := range []int{0, 10} {
		b.Run(fmt.Sprintf("hung=%d", hung), func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				took = append(took, stopTree(b, hung))
			}
			b.ReportMetric(p50(took)/1e6, "ms/stop")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func stopTree(b *testing.B, hung int) time.Duration {
	release := make(chan struct{})
	stuck := light("stuck")
	stuck.Shutdown = time.Second
	stuck.Start = func(_ context.Context, b *supervision.Birth) error {
		_, err := supervision.Spawn(b, actors.Func[string](func(*actors.Context[string], string) error { <-release; return nil }))
		return err
	}
	instances := supervision.DefaultSpec("instances", stuck)
	instances.Strategy = supervision.SimpleOneForOne
	root := supervision.DefaultSpec("root", supervision.SubTree("instances", instances))
	for i := range 99 {
		root.Children = append(root.Children, supervision.SubTree(fmt.Sprintf("s%d", i), pool("s", 101, light)))
	}
	y := openYard(b, root)
	answers := make(chan supervision.Answer, hung)
	for i := range hung {
		y.tree.StartChild("instances", supervision.Child{Name: fmt.Sprintf("i%d", i)}, func(a supervision.Answer) { answers <- a }, nil)
	}
	for i := range hung {
		if a := <-answers; !a.OK {
			b.Fatalf("StartChild: %+v", a)
		}
		for actors.Follow[string](y.sys, actors.Name(fmt.Sprintf("instances/i%d", i))).Tell("hang") != nil {
			runtime.Gosched()
		}
	}
	began := time.Now()
	y.tree.Stop()
	r := <-y.tree.Done()
	took := time.Since(began)
	if len(r.Unstopped) != hung {
		b.Fatalf("named %v, want the %d that hang", r.Unstopped, hung)
	}
	close(release)
	if err := y.sys.Stop(context.Background()); err != nil {
		b.Error(err)
	}
	return took
}

// heap is what is in use after everything that can go has gone.
func heap() uint64 {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// BenchmarkChildBytes is what an idle child weighs: its actor, its entry in the tree and in the snapshot, its box and its name.
func BenchmarkChildBytes(b *testing.B) {
	const n = 10_000
	for b.Loop() {
		spec := pool("p", n, light)
		before := heap()
		y := openYard(b, supervision.DefaultSpec("root", supervision.SubTree("p", spec)))
		supervised := heap() - before
		y.end()
		b.ReportMetric(float64(supervised)/n, "B/child")
		b.ReportMetric(float64(bareBytes(b, n)), "B/actor")
	}
	b.ReportMetric(0, "ns/op")
}

// bareBytes is what an actor without a supervisor weighs.
func bareBytes(b *testing.B, n int) uint64 {
	sys, err := actors.New(actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(runtime.GOMAXPROCS(0))})
	if err != nil {
		b.Fatal(err)
	}
	before := heap()
	for i := range n {
		_, err := actors.Spawn(sys, actors.Spec[string]{
			Name: actors.Name(fmt.Sprintf("a%d", i)), Box: mailbox.One(16, mailbox.Reject), Recorder: actors.NoRecorder,
			Actor: actors.Func[string](func(*actors.Context[string], string) error { return nil }),
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	bytes := heap() - before
	if err := sys.Stop(context.Background()); err != nil {
		b.Error(err)
	}
	return bytes / uint64(n)
}

// BenchmarkRestartLeak restarts one child 100,000 times and looks at what is kept, after as many restarts before: the engine's registry
// of processes is 1,024 maps, each of which takes 9 KB once and keeps them.
func BenchmarkRestartLeak(b *testing.B) {
	const n = 100_000
	spec := pool("p", 1, light)
	spec.Period = time.Nanosecond // a window of an hour would rightly keep every restart in it
	y := openYard(b, supervision.DefaultSpec("root", supervision.SubTree("p", spec)))
	child := actors.Follow[string](y.sys, "p/c0")
	restart := func(n int) {
		up := make(chan struct{}, 1)
		y.hears(func(d supervision.Decision) {
			if d.Kind == supervision.LineStarted {
				up <- struct{}{}
			}
		})
		for range n {
			for child.Tell("error") != nil { // its box is opened just after it is told of
				runtime.Gosched()
			}
			<-up
		}
	}
	restart(n)
	for b.Loop() {
		before, goroutines := heap(), runtime.NumGoroutine()
		restart(n)
		b.ReportMetric(max(0, float64(int64(heap())-int64(before)))/n, "B/restart")
		b.ReportMetric(float64(runtime.NumGoroutine()-goroutines), "goroutines")
	}
	b.ReportMetric(0, "ns/op")
	y.end()
}

// BenchmarkScaleSimple starts and terminates 100 and 10,000 instances; linear is a ratio of 100.
func BenchmarkScaleSimple(b *testing.B) {
	var ratio []time.Duration
	for b.Loop() {
		few, many := simple(b, 100), simple(b, 10_000)
		ratio = append(ratio, many*1000/few)
	}
	b.ReportMetric(p50(ratio)/1000, "×")
	b.ReportMetric(0, "ns/op")
}

func simple(b *testing.B, n int) time.Duration {
	s := supervision.DefaultSpec("p", light("w"))
	s.Strategy = supervision.SimpleOneForOne
	y := openYard(b, supervision.DefaultSpec("root", supervision.SubTree("p", s)))
	answers := make(chan supervision.Answer, 1)
	answer := func(a supervision.Answer) { answers <- a }
	began := time.Now()
	for i := range n {
		y.tree.StartChild("p", supervision.Child{Name: fmt.Sprintf("i%d", i)}, answer, nil)
		if a := <-answers; !a.OK {
			b.Fatalf("StartChild: %+v", a)
		}
	}
	for i := range n {
		y.tree.TerminateChild("p", fmt.Sprintf("i%d", i), answer)
		if a := <-answers; !a.OK {
			b.Fatalf("TerminateChild: %+v", a)
		}
	}
	took := time.Since(began)
	y.end()
	return took
}

// BenchmarkSnapshotInAStorm reads the snapshot while children crash all the time.
func BenchmarkSnapshotInAStorm(b *testing.B) {
	y := openYard(b, supervision.DefaultSpec("root", supervision.SubTree("p", pool("p", 1000, light))))
	over := make(chan struct{})
	go func() {
		for i := 0; ; i++ {
			select {
			case <-over:
				over <- struct{}{}
				return
			default:
				_ = actors.Follow[string](y.sys, actors.Name(fmt.Sprintf("p/c%d", i%1000))).Tell("error")
			}
		}
	}()
	b.ReportAllocs()
	for b.Loop() {
		if y.tree.Snapshot() == nil {
			b.Fatal("no snapshot")
		}
	}
	over <- struct{}{}
	<-over
	y.end()
}
