package supervision

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkMinutes is what the journal costs the keeper: the record of the end of a child, and the whole state of a tree.
func BenchmarkMinutes(b *testing.B) {
	b.Run("decision", func(b *testing.B) {
		m := newMinutes(func(entryOfMinutes) bool { return true })
		t := newTrunk(fuzzSpec(OneForOne), Child{StartTimeout: Infinity, Shutdown: Infinity}, nil, TreeWide)
		at := At{Now: caseBegan}
		for _, in := range []Input{treeStart{1}, Started{"", 1}, Started{"a", 1}} {
			t.Decide(in, at)
		}
		actions := t.Decide(Exited{"a", 1, Crashed}, at)
		m.c.base = at.Now
		b.ReportAllocs()
		for b.Loop() {
			m.after(Exited{"a", 1, Crashed}, at, actions)
		}
	})
	for _, n := range []int{100, 10_000} {
		b.Run(fmt.Sprintf("state_of_%d", n), func(b *testing.B) {
			spec := DefaultSpec("root")
			for i := range n {
				spec.Children = append(spec.Children, DefaultChild(fmt.Sprintf("c%d", i), standIn))
			}
			m := newMinutes(func(entryOfMinutes) bool { return true })
			t := newTrunk(&spec, Child{StartTimeout: Infinity, Shutdown: Infinity}, nil, Siblings)
			at := At{Now: caseBegan.Add(time.Hour)}
			for _, in := range []Input{treeStart{1}, Started{"", 1}} {
				t.Decide(in, at)
			}
			b.ReportAllocs()
			for b.Loop() {
				m.due = true
				m.before(t, at.Now)
			}
			b.ReportMetric(float64(len(m.c.buf)), "bytes")
		})
	}
}
