package supervision

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/failshut/failshut/internal/journal"
)

// packed writes records one behind the other, as FuzzAnyJournal reads them.
func packed(records []journal.Record) (b []byte) {
	for _, r := range records {
		b = append(b, byte(r.Kind))
		b = binary.LittleEndian.AppendUint16(b, uint16(len(r.Body)))
		b = append(b, r.Body...)
	}
	return b
}

func unpacked(b []byte) (records []journal.Record) {
	for len(b) >= 3 {
		n := min(int(binary.LittleEndian.Uint16(b[1:])), len(b)-3)
		records = append(records, journal.Record{Kind: journal.Kind(b[0]), Version: recordVersion, Body: b[3 : 3+n]})
		b = b[3+n:]
	}
	return records
}

// fuzzStory is some life of the tree with every strategy.
func fuzzStory(seed uint64, n int) (*plot, []fed) {
	p := &plot{spec: fuzzSpec(OneForOne), root: Child{StartTimeout: Infinity, Shutdown: time.Minute}, phases: []Phase{{Name: "trip", Timeout: time.Second}}}
	r := rand.New(rand.NewPCG(seed, 1))
	t := newTrunk(p.spec, p.root, p.phases, TreeWide)
	var timers []Timer
	var story []fed
	for i := range n {
		bytes := make([]byte, 8)
		for k := range bytes {
			bytes[k] = byte(r.UintN(256))
		}
		f := fed{(&reel{bytes}).input(t.ledger, timers), At{caseBegan.Add(time.Duration(i) * 100 * time.Millisecond), r.Float64()}}
		if i == 0 {
			f.in = treeStart{1}
		}
		for _, a := range t.Decide(f.in, f.at) {
			if a.Do == DoArm {
				timers = append(timers, a.Timer)
			}
		}
		story = append(story, f)
	}
	return p, story
}

// FuzzAnyJournal: whatever a file says, reading it and deciding again ends with an answer.
func FuzzAnyJournal(f *testing.F) {
	f.Add([]byte{})
	for seed := range uint64(4) {
		p, story := fuzzStory(seed, 40)
		f.Add(packed(recordsOf(p, story, 9)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		records := unpacked(b)
		got, err := read(records)
		if got.Judged > got.Records {
			t.Fatalf("judged %d of %d", got.Judged, got.Records)
		}
		if again, err2 := read(records); again.Records != got.Records || (err == nil) != (err2 == nil) || (again.First == nil) != (got.First == nil) {
			t.Fatalf("read twice: %+v %v, then %+v %v", got, err, again, err2)
		}
	})
}

// FuzzOneValueBothWays: what can be read is written as it was, so that a state has one form.
func FuzzOneValueBothWays(f *testing.F) {
	p, story := fuzzStory(1, 60)
	for _, r := range recordsOf(p, story, 20) {
		f.Add(r.Kind == kindState, r.Body[1:])
	}
	f.Fuzz(func(t *testing.T, state bool, b []byte) {
		in, out := codec{buf: slices.Clone(b), reading: true}, codec{}
		if !state {
			var n note
			in.note(&n)
			if in.end() != nil {
				return
			}
			out.note(&n)
			again := codec{buf: slices.Clone(out.buf), reading: true}
			var m note
			again.note(&m)
			if again.end() != nil || inputText(m.in) != inputText(n.in) || m.seq != n.seq || m.sum != n.sum {
				t.Fatalf("%+v is written as %+v", n, m)
			}
			return
		}
		var w moment
		in.moment(&w)
		if in.end() != nil {
			return
		}
		out.base = in.base
		out.moment(&w)
		once := slices.Clone(out.buf)
		again := codec{buf: slices.Clone(once), reading: true}
		var v moment
		again.moment(&v)
		if err := again.end(); err != nil {
			t.Fatalf("what was written is not read: %v", err)
		}
		out.fresh()
		out.moment(&v)
		if !slices.Equal(once, out.buf) {
			t.Fatal("a state that was read and written twice has two forms")
		}
	})
}

// TestAnyStoryReplaysFromAnyState: also what nobody would say, to a tree with every strategy.
func TestAnyStoryReplaysFromAnyState(t *testing.T) {
	for seed := range uint64(60) {
		p, story := fuzzStory(seed, 300)
		if err := replayRecords(rand.New(rand.NewPCG(seed, 2)), p, story); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}
