package journal_test

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/failshut/failshut/internal/journal"
)

func TestWhatIsRetiredIsOldCoveredAndReadByNobody(t *testing.T) {
	fs := journal.NewFaultFS(journal.NewMemFS(*seed))
	te, err := tell(fs, 1)
	if err != nil {
		t.Fatal(err)
	}
	te.keep = time.Duration(1 << 40)
	if err := te.write(60); err != nil {
		t.Fatal(err)
	}
	before, start := segmentsOf(t, fs), te.l.Checkpoint().Covers+1 // of what a reader that begins now needs
	if n, err := te.l.Retire(te.wall, 1<<40); n != 0 || err != nil {
		t.Fatalf("Retire() = %d, %v within the time of keeping, want nothing", n, err)
	}
	next, stop := iterPull(te.l)
	first, _ := next() // a reader has begun
	syncs := fs.Calls(journal.CallSyncDir)
	n, err := te.l.Retire(te.wall, 0)
	if err != nil || n == 0 || fs.Calls(journal.CallSyncDir) != syncs+1 {
		t.Fatalf("Retire() = %d, %v with %d syncs of the directory, want some segments and one sync", n, err, fs.Calls(journal.CallSyncDir)-syncs)
	}
	if err := te.write(30); err != nil { // a newer checkpoint needs less, the reader does not
		t.Fatal(err)
	}
	if got := segmentsOf(t, fs); got[0] != before[n] || journal.SegmentName(start) < got[0] {
		t.Fatalf("the oldest segment is %s, want %s, which holds LSN %d", got[0], before[n], start)
	}
	read := 1
	for {
		r, ok := next()
		if !ok {
			break
		}
		if read++; r.LSN < first.LSN && r.LSN < start {
			t.Fatalf("LSN %d was read", r.LSN)
		}
	}
	stop()
	if gone, err := te.l.Retire(te.wall, 0); gone == 0 || err != nil {
		t.Fatalf("Retire() = %d, %v when the reader has ended, want what it held", gone, err)
	}
	if got := told(t, te.l, te.l.Watermark()); !same(got, te.state) {
		t.Fatalf("replayed %v, want %v", got, te.state)
	}
	if err := te.l.Close(); err != nil {
		t.Fatal(err)
	}
	l, rec := open(t, fs, small())
	if got := told(t, l, 0); rec.State != journal.OK || !same(got, te.state) {
		t.Fatalf("after a restart: %+v, %d names, want %d", rec, len(got.names), len(te.state.names))
	}
	t.Logf("%d records read beside it", read)
}

// iterPull reads a log record by record. An error ends it.
func iterPull(l *journal.Log) (next func() (journal.Record, bool), stop func()) {
	records := make(chan journal.Record)
	done := make(chan struct{})
	go func() {
		defer close(records)
		for r, err := range l.Replay() {
			if err != nil {
				return
			}
			select {
			case records <- r:
			case <-done:
				return
			}
		}
	}()
	return func() (journal.Record, bool) { r, ok := <-records; return r, ok }, func() {
		close(done)
		for range records { // its end
			continue
		}
	}
}

func TestASegmentThatCannotBeRemovedIsTriedAgain(t *testing.T) {
	fs := journal.NewFaultFS(journal.NewMemFS(*seed))
	te, err := tell(fs, 1)
	if err != nil {
		t.Fatal(err)
	}
	te.keep = time.Hour
	if err := te.write(40); err != nil {
		t.Fatal(err)
	}
	fs.Inject(journal.Fault{Call: journal.CallRemove, At: fs.Calls(journal.CallRemove) + 2})
	n, err := te.l.Retire(te.wall, 0)
	if n != 1 || !errors.Is(err, syscall.EIO) || te.l.State() != journal.OK {
		t.Fatalf("Retire() = %d, %v, log %v: want one removed, the error, and a log that goes on", n, err, te.l.State())
	}
	if n, err := te.l.Retire(te.wall, 0); n == 0 || err != nil {
		t.Fatalf("Retire() again = %d, %v, want the rest", n, err)
	}
	if err := te.write(40); err != nil {
		t.Fatal(err)
	}
	fs.Inject(journal.Fault{Call: journal.CallSyncDir, At: fs.Calls(journal.CallSyncDir) + 1})
	if n, err := te.l.Retire(te.wall, 0); n == 0 || !errors.Is(err, journal.ErrDead) || te.l.State() != journal.Dead {
		t.Fatalf("Retire() with a directory that cannot be synced = %d, %v, log %v, want dead", n, err, te.l.State())
	}
	wantNoMoreCalls(t, fs, te.l)
}

// TestAReaderBesideAWriterIsGivenWhatItWants replays while another goroutine writes, checkpoints and retires.
func TestAReaderBesideAWriterIsGivenWhatItWants(t *testing.T) {
	te, err := tell(journal.NewMemFS(*seed), 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := te.write(20); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	l := te.l
	go func() { done <- te.write(120) }()
	for read := 0; ; read++ {
		mark := l.Watermark()
		if got := told(t, l, mark); len(got.names) < 18 {
			t.Errorf("replay %d up to LSN %d: %d names", read, mark, len(got.names))
		}
		select {
		case err := <-done:
			if err != nil || te.gone == 0 || read == 0 {
				t.Fatalf("%v, %d retired, %d replays beside it", err, te.gone, read)
			}
			return
		default:
		}
	}
}
