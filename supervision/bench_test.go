package supervision

import (
	"context"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
)

// running is a supervisor of n children that all run.
func running(b *testing.B, strategy Strategy, n int) (*State, *Ledger, []string) {
	b.Helper()
	spec := &Spec{Name: "root", Strategy: strategy, Intensity: 1 << 30, Period: time.Nanosecond}
	names := make([]string, n)
	for i := range n {
		names[i] = "c" + string(rune('a'+i))
		spec.Children = append(spec.Children, DefaultChild(names[i], nil))
	}
	l := NewLedger(Siblings)
	s := NewState(spec, "", 1, l, false)
	at := At{Now: time.Unix(0, 0)}
	s.Decide(Boot{}, at)
	for _, name := range names {
		s.Decide(Started{name, 1}, at)
	}
	return s, l, names
}

// BenchmarkDecide is one end and the actions of its restart, and the start's answer: two decisions.
func BenchmarkDecide(b *testing.B) {
	s, l, names := running(b, OneForOne, 10)
	at := At{Now: time.Unix(0, 0)}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		at.Now = at.Now.Add(time.Microsecond)
		name := names[i%len(names)]
		s.Decide(Exited{name, l.epochs[name], Crashed}, at)
		s.Decide(Started{name, l.epochs[name]}, at)
	}
}

// BenchmarkDecideGroup is the restart of a group of ten.
func BenchmarkDecideGroup(b *testing.B) {
	s, l, names := running(b, OneForAll, 10)
	at := At{Now: time.Unix(0, 0)}
	b.ReportAllocs()
	for b.Loop() {
		at.Now = at.Now.Add(time.Microsecond)
		s.Decide(Exited{names[0], l.epochs[names[0]], Crashed}, at)
		for i := len(names) - 1; i > 0; i-- {
			s.Decide(Exited{names[i], l.epochs[names[i]], ShutdownEnd}, at)
		}
		for _, name := range names {
			s.Decide(Started{name, l.epochs[name]}, at)
		}
	}
}

// BenchmarkSnapshot reads the snapshot of a living tree.
func BenchmarkSnapshot(b *testing.B) {
	sys, err := actors.New(actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(2)})
	if err != nil {
		b.Fatal(err)
	}
	idle := DefaultChild("a", func(context.Context, *Birth) error { return nil })
	tree, err := Start(b.Context(), sys, DefaultSpec("root", idle), Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if tree.Snapshot() == nil {
			b.Fatal("no snapshot")
		}
	}
	tree.Stop()
	<-tree.Done()
	if err := sys.Stop(context.Background()); err != nil {
		b.Error(err)
	}
}
