package supervision

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/failshut/failshut/internal/journal"
)

// recordsOf is the journal of a story that a trunk was given.
func recordsOf(p *plot, story []fed, every uint64) (out []journal.Record) {
	m := newMinutes(func(e entryOfMinutes) bool {
		for b := range pieces(e.body) {
			out = append(out, journal.Record{LSN: journal.LSN(len(out) + 1), Kind: e.kind, Version: recordVersion, Body: b})
		}
		return true
	})
	m.every = every
	t := newTrunk(p.spec, p.root, p.phases, TreeWide)
	for _, f := range story {
		m.before(t, f.at.Now)
		m.after(f.in, f.at, t.Decide(f.in, f.at))
	}
	if m.broke != nil {
		panic(m.broke)
	}
	return out
}

// read gives records as a log does, behind the one that begins a life.
func read(records []journal.Record) (Replay, error) {
	return ReplayJournal(func(yield func(journal.Record, error) bool) {
		if !yield(journal.Record{Kind: journal.KindEpoch, Version: 1}, nil) {
			return
		}
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	})
}

// replayRecords writes a story down and reads it back: whole, with a stretch that is lost, and with bits that are not as they
// were.
func replayRecords(r *rand.Rand, p *plot, story []fed) error {
	const every = 7
	records := recordsOf(p, story, every)
	n := uint64(len(story))
	got, err := read(records)
	if err != nil || got.First != nil || got.Records != n || got.Judged != n || got.Dropped != 0 {
		return fmt.Errorf("the journal of %d decisions: %+v, first difference %+v, error %w", n, got, got.First, err)
	}
	if err := loseStretch(r, records, n); err != nil {
		return err
	}
	return flipBits(r, records)
}

// loseStretch loses decisions from one on: they are missing by number, and what follows is judged again from the next state.
func loseStretch(r *rand.Rand, records []journal.Record, n uint64) error {
	from := r.IntN(len(records))
	to := from + 1 + r.IntN(len(records)-from)
	kept := append(slices.Clone(records[:from]), records[to:]...)
	decisions := func(rs []journal.Record) (n uint64) {
		for _, x := range rs {
			if x.Kind == kindDecision && x.Body[0]&pieceFirst != 0 {
				n++
			}
		}
		return n
	}
	lost := decisions(records[from:to])
	if decisions(records[to:]) == 0 { // the end is missing: nobody can know of what
		lost = 0
	}
	states := slices.IndexFunc(records[to:], func(x journal.Record) bool { return x.Kind == kindState && x.Body[0]&pieceFirst != 0 })
	judged := decisions(records[:from])
	switch {
	case states >= 0:
		judged += decisions(records[to+states:])
	case lost == 0 && from > 0:
		judged = decisions(kept)
	}
	got, err := read(kept)
	whole := records[from].Body[0]&pieceFirst != 0 && (to == len(records) || records[to].Body[0]&pieceFirst != 0)
	if !whole { // in the middle of a long one
		judged = got.Judged
	}
	if err != nil || got.First != nil || got.Dropped < lost || got.Judged > got.Records || (whole && (got.Dropped != lost || got.Records != n-decisions(records[from:to]))) {
		return fmt.Errorf("without records %d to %d (%d decisions): %+v, difference %+v, error %w", from, to, lost, got, got.First, err)
	}
	if lost > 0 && got.Judged != judged {
		return fmt.Errorf("without records %d to %d: judged %d, want %d", from, to, got.Judged, judged)
	}
	return nil
}

// flipBits changes one bit of what was decided, then one of a state that is not the first: both are named.
func flipBits(r *rand.Rand, records []journal.Record) error {
	at := r.IntN(len(records))
	for records[at].Kind != kindDecision || records[at].Body[0] != pieceFirst|pieceLast {
		at = (at + 1) % len(records)
	}
	var n note
	(&codec{buf: slices.Clone(records[at].Body[1:]), reading: true}).note(&n)
	got, err := read(flipped(records, at, 8*(len(records[at].Body)-1-r.IntN(8))+r.IntN(8)))
	if err != nil || got.First == nil || got.First.Seq != n.seq || got.First.Input != inputText(n.in) {
		return fmt.Errorf("a bit of the hash of decision %d flipped: difference %+v, error %w", n.seq, got.First, err)
	}
	for i, x := range records[1:] {
		if x.Kind != kindState || x.Body[0] != pieceFirst|pieceLast {
			continue
		}
		got, err := read(flipped(records, i+1, 8+r.IntN(8*(len(x.Body)-1))))
		if err == nil && got.First == nil && got.Dropped == 0 {
			return fmt.Errorf("a bit of the state in record %d flipped, and nothing is told", i+1)
		}
	}
	return nil
}

// flipped is records with one bit of one of them changed.
func flipped(records []journal.Record, at, bit int) []journal.Record {
	out := slices.Clone(records)
	out[at].Body = slices.Clone(out[at].Body)
	out[at].Body[bit/8] ^= 1 << (bit % 8)
	return out
}

// TestTheJournalKnowsEveryField: who adds a field to what is written has to add it there, or to say here why not.
func TestTheJournalKnowsEveryField(t *testing.T) {
	for _, k := range []struct {
		v      any
		fields int
		left   string
	}{
		{trunk{}, 13, "running is made; queue and out are empty between decisions, at is that of the next"},
		{State{}, 23, "ledger, index and blocks are made; at, out and view say nothing of the next decision"},
		{entry{}, 28, "block is made"},
		{operation{}, 3, ""},
		{rootSeat{}, 11, ""},
		{budget{}, 4, ""},
		{course{}, 6, ""},
		{Phase{}, 3, "Run cannot be written"},
		{routed{}, 3, ""},
		{Ledger{}, 3, ""},
		{Spec{}, 8, ""},
		{Child{}, 13, "Start cannot be written: that there was one is"},
		{Call{}, 5, ""},
		{Timer{}, 5, ""},
		{Failed{}, 5, ""},
		{Action{}, 11, "Child without what is below it"},
		{Decision{}, 11, ""},
		{Answer{}, 6, ""},
		{Incarnation{}, 2, ""},
		{At{}, 2, ""},
	} {
		if typ := reflect.TypeOf(k.v); typ.NumField() != k.fields {
			t.Errorf("%s has %d fields, the journal of decisions knows %d (%s)", typ.Name(), typ.NumField(), k.fields, k.left)
		}
	}
}
