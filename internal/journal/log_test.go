package journal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/failshut/failshut/internal/journal"
)

const dir = "data/journal"

func small() journal.Options {
	return journal.Options{Node: "n1", Group: "10", Build: "test", Segment: journal.SegmentMin, Floor: 1}
}

func open(t *testing.T, fs journal.FS, o journal.Options) (*journal.Log, journal.Recovery) {
	t.Helper()
	l, rec, err := journal.Open(fs, dir, o)
	if err != nil {
		t.Fatalf("Open() error = %v", err)
	}
	return l, rec
}

func appendText(t *testing.T, l *journal.Log, text string) journal.LSN {
	t.Helper()
	lsn, err := l.Append(journal.KindFirst, 1, []byte(text))
	if err != nil {
		t.Fatalf("Append(%q) error = %v", text, err)
	}
	return lsn
}

func commit(t *testing.T, l *journal.Log) journal.LSN {
	t.Helper()
	lsn, err := l.Commit()
	if err != nil {
		t.Fatalf("Commit() error = %v", err)
	}
	return lsn
}

// bodies returns the caller's records in the journal, as text.
func bodies(t *testing.T, fs journal.FS) []string {
	t.Helper()
	var out []string
	next := journal.LSN(0)
	for r, err := range journal.Read(fs, dir, 0) {
		if err != nil {
			t.Fatalf("Read() error = %v after %d records", err, len(out))
		}
		if next != 0 && r.LSN != next {
			t.Fatalf("Read() LSN = %d, want %d", r.LSN, next)
		}
		next = r.LSN + 1
		if r.Kind >= journal.KindFirst {
			out = append(out, string(r.Body))
		}
	}
	return out
}

func TestRecordsComeBackInOrderOverOpens(t *testing.T) {
	fs := journal.NewMemFS(1)
	var want []string
	for epoch := uint32(1); epoch <= 3; epoch++ {
		l, rec := open(t, fs, small())
		if rec.State != journal.OK || rec.Epoch != epoch || rec.Torn != 0 || rec.Wiped != (epoch == 1) {
			t.Fatalf("Recovery = %+v, want epoch %d, ok", rec, epoch)
		}
		for i := range 10 {
			text := fmt.Sprintf("%d-%d", epoch, i)
			want = append(want, text)
			appendText(t, l, text)
		}
		if got := commit(t, l); got != journal.LSN(11*epoch) {
			t.Fatalf("Commit() = %d, want %d", got, 11*epoch)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := bodies(t, fs); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("read %v, want %v", got, want)
	}
}

func TestRecordKeepsEveryField(t *testing.T) {
	fs := journal.NewMemFS(1)
	o := small()
	o.Wall = func() int64 { return 1_700_000_000_000_000_001 }
	l, _ := open(t, fs, o)
	big := bytes.Repeat([]byte{0xa5}, journal.MaxBody)
	if _, err := l.Append(journal.Kind(255), 7, big); err != nil {
		t.Fatal(err)
	}
	commit(t, l)
	for r, err := range journal.Read(fs, dir, 1) {
		if err != nil {
			t.Fatal(err)
		}
		switch r.LSN {
		case 1:
			e, err := journal.DecodeEpochBody(r.Body)
			if err != nil || e != (journal.EpochBody{Group: "10", Node: "n1", Build: "test"}) || r.Kind != journal.KindEpoch {
				t.Fatalf("first record = %+v, %+v, %v", r, e, err)
			}
		case 2:
			if r.Kind != 255 || r.Version != 7 || r.Epoch != 1 || r.Wall != 1_700_000_000_000_000_001 || !bytes.Equal(r.Body, big) {
				t.Fatalf("record 2 = kind %d version %d epoch %d wall %d body %d bytes", r.Kind, r.Version, r.Epoch, r.Wall, len(r.Body))
			}
		}
	}
}

func TestSegmentsRollAndAreReadAsOneLog(t *testing.T) {
	fs := journal.NewMemFS(1)
	l, _ := open(t, fs, small())
	body := bytes.Repeat([]byte("x"), 5000)
	for range 60 {
		if _, err := l.Append(journal.KindFirst, 1, body); err != nil {
			t.Fatal(err)
		}
		commit(t, l)
	}
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(names) < 6 {
		t.Fatalf("files = %v, want several segments", names)
	}
	if got := len(bodies(t, fs)); got != 60 {
		t.Fatalf("read %d records, want 60", got)
	}
	n := 0
	for r, err := range journal.Read(fs, dir, 50) {
		if err != nil || r.LSN < 50 {
			t.Fatalf("Read(from 50) = LSN %d, %v", r.LSN, err)
		}
		n++
	}
	if n != 12 {
		t.Fatalf("Read(from 50) gave %d records, want 12", n)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, rec := open(t, fs, small()); rec.State != journal.OK || rec.Last != 61 || rec.Records != 61 {
		t.Fatalf("Recovery = %+v, want ok, 61 records", rec)
	}
}

func TestOneBatchIsOneSync(t *testing.T) {
	fs := journal.NewFaultFS(journal.NewMemFS(1))
	var marks []journal.LSN
	o := small()
	o.OnDurable = func(l journal.LSN) { marks = append(marks, l) }
	l, _ := open(t, fs, o)
	before := fs.Calls(journal.CallSync)
	for range 100 {
		appendText(t, l, "some record")
	}
	if l.Watermark() != 1 {
		t.Fatalf("watermark = %d before the commit, want 1", l.Watermark())
	}
	commit(t, l)
	if got := fs.Calls(journal.CallSync) - before; got != 1 {
		t.Fatalf("a batch of 100 records took %d syncs, want 1", got)
	}
	if l.Watermark() != 101 || len(marks) != 1 || marks[0] != 101 {
		t.Fatalf("watermark = %d, OnDurable %v, want 101 once", l.Watermark(), marks)
	}
	commit(t, l)
	if got := fs.Calls(journal.CallSync) - before; got != 1 {
		t.Fatalf("an empty commit took %d syncs, want none", got-1)
	}
}

func TestBatchIsBoundedAndOnQueuedAsksForTheRest(t *testing.T) {
	asked := 0
	o := small()
	o.BatchRecords = 10
	o.OnQueued = func() { asked++ }
	l, _ := open(t, journal.NewMemFS(1), o)
	for range 25 {
		appendText(t, l, "x")
	}
	for i, want := range []journal.LSN{11, 21, 26} {
		if asked != i+1 {
			t.Fatalf("asked for %d commits ahead of commit %d, want %d", asked, i+1, i+1)
		}
		if got := commit(t, l); got != want {
			t.Fatalf("Commit() = %d, want %d", got, want)
		}
	}
	if asked != 3 || l.Queued() != 0 {
		t.Fatalf("asked %d times, %d left, want 3 and 0", asked, l.Queued())
	}
}

func TestFullQueueIsAnAnswer(t *testing.T) {
	dropped := 0
	o := small()
	o.Queue = 3
	o.Events.Dropped = func() { dropped++ }
	fs := journal.NewMemFS(1)
	l, _ := open(t, fs, o)
	for range 3 {
		appendText(t, l, "fits")
	}
	if _, err := l.Append(journal.KindFirst, 1, nil); !errors.Is(err, journal.ErrFull) {
		t.Fatalf("Append() error = %v, want ErrFull", err)
	}
	commit(t, l)
	if lsn := appendText(t, l, "again"); lsn != 5 {
		t.Fatalf("LSN = %d after a refusal, want 5: a refusal takes none", lsn)
	}
	if dropped != 1 {
		t.Fatalf("dropped = %d, want 1", dropped)
	}
}

func TestWrongInputIsRefusedByName(t *testing.T) {
	fs := journal.NewMemFS(1)
	l, _ := open(t, fs, small())
	if _, err := l.Append(journal.KindFirst, 1, make([]byte, journal.MaxBody+1)); !errors.Is(err, journal.ErrTooLarge) {
		t.Fatalf("Append(16 KiB + 1) error = %v, want ErrTooLarge", err)
	}
	for _, k := range []journal.Kind{0, journal.KindEpoch, 15} {
		if _, err := l.Append(k, 1, nil); !errors.Is(err, journal.ErrKind) {
			t.Fatalf("Append(kind %d) error = %v, want ErrKind", k, err)
		}
	}
	if _, _, err := journal.Open(fs, dir, journal.Options{}); !errors.Is(err, journal.ErrOptions) {
		t.Fatalf("Open(zero options) error = %v, want ErrOptions", err)
	}
	if _, _, err := journal.Open(fs, dir, small()); !errors.Is(err, journal.ErrLocked) {
		t.Fatalf("second Open() error = %v, want ErrLocked", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(journal.KindFirst, 1, nil); !errors.Is(err, journal.ErrDead) {
		t.Fatalf("Append() after Close error = %v, want ErrDead", err)
	}
	other := small()
	other.Group = "20"
	if _, _, err := journal.Open(fs, dir, other); !errors.Is(err, journal.ErrForeign) {
		t.Fatalf("Open() under another group error = %v, want ErrForeign", err)
	}
	if _, _, err := journal.Open(fs, dir, small()); err != nil {
		t.Fatalf("Open() after a refused one error = %v: the lock was kept", err)
	}
}

func TestRunCommitsWhatManyProducersAppend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := journal.NewMemFS(1)
		o := small()
		o.Segment = 1 << 20
		l, _ := open(t, fs, o)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- l.Run(ctx) }()
		var wg sync.WaitGroup
		for p := range 8 {
			wg.Go(func() {
				for i := range 200 {
					if _, err := l.Append(journal.KindFirst, 1, fmt.Appendf(nil, "%d-%d", p, i)); err != nil {
						t.Errorf("Append() error = %v", err)
					}
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		if l.Queued() != 0 || l.Watermark() != 1601 {
			t.Fatalf("queued %d, watermark %d, want 0 and 1601", l.Queued(), l.Watermark())
		}
		appendText(t, l, "last")
		cancel()
		if err := <-ended; err != nil {
			t.Fatalf("Run() = %v, want nil", err)
		}
		if l.Watermark() != 1602 {
			t.Fatalf("watermark = %d after Run, want 1602: the rest is committed", l.Watermark())
		}
		if got := len(bodies(t, fs)); got != 1601 {
			t.Fatalf("read %d records, want 1601", got)
		}
	})
}

func TestNextIsNeverGivenTwice(t *testing.T) {
	l, _ := open(t, journal.NewMemFS(1), small())
	for want := uint64(1); want <= 100; want++ {
		if got := l.Next(); got != want {
			t.Fatalf("Next() = %d, want %d", got, want)
		}
	}
}

func TestAppendDoesNotAllocate(t *testing.T) {
	l, _ := open(t, journal.NewMemFS(1), small())
	body := make([]byte, 256)
	round := func() {
		for range 20 {
			if _, err := l.Append(journal.KindFirst, 1, body); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 4 { // Both buffers grow.
		for range 10 {
			round()
		}
		commit(t, l)
	}
	if got := testing.AllocsPerRun(5, round); got != 0 {
		t.Fatalf("20 appends allocate %v times, want 0", got)
	}
}
