package orders_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
)

// randomRecords is what a random story of one account left in a journal, and the machine that told it.
func randomRecords(t *testing.T, seed uint64, i int) *world {
	t.Helper()
	w := newWorld(rand.New(rand.NewPCG(seed, uint64(i))))
	w.flags, w.events = map[orders.Flag]int{}, map[orders.EventKind]int{}
	if i%2 == 0 {
		w.working()
	}
	for range 4 + w.r.IntN(40) {
		if err := w.one(); err != nil {
			t.Fatalf("-seed %d, run %d: %v\n%s", seed, i, err, w.told())
		}
	}
	return w
}

// foldAll folds records, of which none may be refused.
func foldAll(t *testing.T, c *orders.Checkpoint, records []journal.Record) {
	t.Helper()
	for _, r := range records {
		if err := c.Fold(r); err != nil {
			t.Fatal(err)
		}
	}
}

// asRecords makes the records of a checkpoint of c, in parts of size bytes.
func asRecords(t *testing.T, c *orders.Checkpoint, size int) (out []journal.Record) {
	t.Helper()
	fs := journal.NewMemFS(1)
	l, _, err := journal.Open(fs, "j", journal.Options{Node: "n1", Group: "10", Segment: journal.SegmentMin, Floor: 1})
	if err != nil {
		t.Fatal(err)
	}
	for l.Watermark() < c.At() {
		if _, err := l.Append(journal.KindFirst, 1, nil); err != nil {
			t.Fatal(err)
		}
		if l.Queued() > 100 || journal.LSN(l.Queued())+l.Watermark() == c.At() {
			if _, err := l.Commit(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := writeCheckpoint(l, c, size, func() {}); err != nil {
		t.Fatal(err)
	}
	for r, err := range l.Replay() {
		if err != nil {
			t.Fatal(err)
		}
		p, err := journal.PartOf(r)
		if err != nil {
			t.Fatal(err)
		}
		r.Body = slices.Clone(r.Body)
		if out = append(out, r); p.Last {
			break
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return out
}

// writeCheckpoint appends what c has as a checkpoint. between is called ahead of each record and once behind the last.
func writeCheckpoint(l *journal.Log, c *orders.Checkpoint, size int, between func()) error {
	w, err := l.BeginCheckpoint(c.At())
	if err != nil {
		return err
	}
	for part, err := range c.Parts(size) {
		if err != nil {
			return err
		}
		between()
		if _, err := w.Part(part); err != nil {
			return err
		}
	}
	between()
	if _, err := w.Close(); err != nil {
		return err
	}
	between()
	for l.Queued() > 0 {
		if _, err := l.Commit(); err != nil {
			return err
		}
	}
	return nil
}

// TestACheckpointAndTheRestAreTheWholeJournal cuts random stories anywhere: what a checkpoint of the first part and a replay
// of the rest give is in every field what a replay of all gives.
func TestACheckpointAndTheRestAreTheWholeJournal(t *testing.T) {
	s, n := drawSeed(t), 1000
	if testing.Short() {
		n = 200
	}
	parts, cut := 0, 0
	for i := range n {
		w := randomRecords(t, s, i)
		all := orders.NewCheckpoint(nil)
		foldAll(t, all, w.recs)
		at := w.r.IntN(len(w.recs) + 1)
		first := orders.NewCheckpoint(nil)
		foldAll(t, first, w.recs[:at])
		if at == 0 {
			continue
		}
		state := asRecords(t, first, 64+w.r.IntN(600))
		parts, cut = parts+len(state)-1, cut+len(w.recs)-at
		got := orders.NewCheckpoint(nil)
		foldAll(t, got, state)
		if got.At() != first.At() {
			t.Fatalf("-seed %d, run %d: the checkpoint covers %d, want %d", s, i, got.At(), first.At())
		}
		foldAll(t, got, w.recs[at:])
		if why := orders.Differ(got, all); why != "" {
			t.Fatalf("-seed %d, run %d, cut at %d of %d: %s\n%s", s, i, at, len(w.recs), why, w.told())
		}
		a, _ := got.Digest(account)
		b, ok := all.Digest(account)
		if a != b || !ok {
			t.Fatalf("-seed %d, run %d: digests differ", s, i)
		}
	}
	if parts < n || cut < n {
		t.Fatalf("%d parts and %d records behind them in %d runs: they prove little", parts, cut, n)
	}
	t.Logf("%d runs, %d parts, %d records behind them", n, parts, cut)
}

// TestNoDamagedStateIsTaken changes, cuts and lengthens every byte of a state.
func TestNoDamagedStateIsTaken(t *testing.T) {
	s := drawSeed(t)
	w := randomRecords(t, s, 2)
	w.recs = w.recs[:min(len(w.recs), 12)]
	c := orders.NewCheckpoint(nil)
	foldAll(t, c, w.recs)
	state := asRecords(t, c, journal.MaxPart)
	if len(state) != 2 {
		t.Fatalf("%d records, want a part and its end", len(state))
	}
	const head = 16 // the journal's own
	body := state[0].Body
	try := func(what string, b []byte) {
		t.Helper()
		r := state[0]
		r.Body = b
		got := orders.NewCheckpoint(nil)
		err := got.Fold(r)
		if err == nil {
			err = got.Fold(state[1])
		}
		if !errors.Is(err, orders.ErrRecord) {
			t.Errorf("%s: %v, want %v", what, err, orders.ErrRecord)
		}
	}
	for i := head + len(account) + 1; i < len(body); i++ {
		for _, bit := range []byte{1, 0x80, 0xff} {
			b := bytes.Clone(body)
			b[i] ^= bit
			try(fmt.Sprintf("byte %d ^ %x", i, bit), b)
		}
		try(fmt.Sprintf("cut at %d", i), body[:i])
	}
	try("a byte more", append(bytes.Clone(body), 0))
}

// FuzzState reads states made of anything.
func FuzzState(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{1})
	f.Add(orders.StateOf(orders.NewCheckpoint(nil), account))
	w := newWorld(rand.New(rand.NewPCG(1, 2)))
	w.flags, w.events = map[orders.Flag]int{}, map[orders.EventKind]int{}
	w.working()
	c := orders.NewCheckpoint(nil)
	for _, r := range w.recs {
		if err := c.Fold(r); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(orders.StateOf(c, account))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := orders.ReadState(account, b)
		if err != nil {
			if !errors.Is(err, orders.ErrRecord) {
				t.Fatalf("%v, want %v", err, orders.ErrRecord)
			}
			return
		}
		again := orders.StateOf(got, account)
		if back, err := orders.ReadState(account, again); err != nil || orders.Differ(back, got) != "" {
			t.Fatalf("what was read from %x came back as another, %v", b, err)
		}
	})
}

// TestACheckpointHasEveryAccount has records of two accounts in turn: each owner finds its own, and one that has none finds an
// empty state.
func TestACheckpointHasEveryAccount(t *testing.T) {
	s := drawSeed(t)
	a, b := randomRecords(t, s, 2), randomRecords(t, s, 4)
	c := orders.NewCheckpoint(nil)
	lsn := journal.LSN(0)
	for i := range max(len(a.recs), len(b.recs)) {
		for _, r := range [][]journal.Record{a.recs, b.recs} {
			if i >= len(r) {
				continue
			}
			rec := r[i]
			if &r[0] == &b.recs[0] {
				_, now, in, err := orders.Decode(rec)
				if err != nil {
					t.Fatal(err)
				}
				if rec.Kind, rec.Body, err = orders.Encode(nil, "OTHER", now, in); err != nil {
					t.Fatal(err)
				}
			}
			lsn++
			rec.LSN = lsn
			if err := c.Fold(rec); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := c.Accounts(); !slices.Equal(got, []market.Account{account, "OTHER"}) {
		t.Fatalf("accounts %v", got)
	}
	back := orders.NewCheckpoint(nil)
	foldAll(t, back, asRecords(t, c, 200))
	if why := orders.Differ(back, c); why != "" {
		t.Fatal(why)
	}
	for who, w := range map[market.Account]*world{account: a, "OTHER": b} {
		alone := orders.NewCheckpoint(nil)
		for _, r := range w.recs {
			if err := alone.Fold(r); err != nil {
				t.Fatal(err)
			}
		}
		got, _ := back.Digest(who)
		if want, _ := alone.Digest(account); got != want {
			t.Errorf("%s came back with another digest", who)
		}
	}
	if _, ok := back.Digest("NOBODY"); ok {
		t.Error("an account without a record has a state")
	}
}

func TestRecordsThatDoNotFollowOnMakeNoCheckpoint(t *testing.T) {
	w := randomRecords(t, drawSeed(t), 2)
	c := orders.NewCheckpoint(nil)
	if err := c.Fold(w.recs[1]); !errors.Is(err, orders.ErrRecord) {
		t.Fatalf("Fold() of LSN 2 first = %v, want %v", err, orders.ErrRecord)
	}
	foldAll(t, c, w.recs[:1])
	later := w.recs[1]
	later.Version = 200
	if err := c.Fold(later); !errors.Is(err, orders.ErrRecord) {
		t.Fatalf("Fold() of a later version = %v, want %v", err, orders.ErrRecord)
	}
}
