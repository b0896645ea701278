package journal_test

import (
	"errors"
	"syscall"
	"testing"

	"github.com/failshut/failshut/internal/journal"
)

// spacious returns an open log on a disk whose free space the test answers for, with a floor of three segments.
func spacious(t *testing.T) (*journal.FaultFS, *journal.Log, *[]bool) {
	t.Helper()
	fs := journal.NewFaultFS(journal.NewMemFS(*seed))
	fs.AnswerFree(3 * journal.SegmentMin)
	told := &[]bool{}
	o := small()
	o.Floor = 3 * journal.SegmentMin
	o.Events.Low = func(low bool, _ int64) { *told = append(*told, low) }
	l, _ := open(t, fs, o)
	if free, known := l.Free(); l.Low() || free != 3*journal.SegmentMin || !known {
		t.Fatalf("at the floor: low %v, free %d %v", l.Low(), free, known)
	}
	return fs, l, told
}

func TestLookSeesSpaceThatOthersTookAndGaveBackWithoutARecord(t *testing.T) {
	fs, l, told := spacious(t)
	for _, c := range []struct {
		free int64
		low  bool
	}{
		{3*journal.SegmentMin - 1, true}, {0, true}, {3 * journal.SegmentMin, true}, {4*journal.SegmentMin - 1, true}, // the log's own next segment would take it below again
		{4 * journal.SegmentMin, false}, {3 * journal.SegmentMin, false}, {1 << 40, false},
	} {
		fs.AnswerFree(c.free)
		if low := l.Look(); low != c.low || l.Low() != c.low {
			t.Fatalf("Look() with %d bytes free = %v, want %v", c.free, low, c.low)
		}
		if free, known := l.Free(); free != c.free || !known {
			t.Fatalf("Free() = %d %v, want %d", free, known, c.free)
		}
	}
	if len(*told) != 2 || !(*told)[0] || (*told)[1] {
		t.Fatalf("events %v, want low and then not", *told)
	}
	if lsn := appendText(t, l, "on"); lsn == 0 || l.State() != journal.OK {
		t.Fatalf("state %v", l.State())
	}
}

func TestSpaceThatCannotBeAskedForIsLow(t *testing.T) {
	fs, l, _ := spacious(t)
	fs.Inject(journal.Fault{Call: journal.CallFree, At: fs.Calls(journal.CallFree) + 1})
	if !l.Look() {
		t.Fatal("Look() = false though the file system did not answer")
	}
	if _, known := l.Free(); known {
		t.Fatal("Free() is known though the file system did not answer")
	}
	fs.AnswerFree(4 * journal.SegmentMin)
	if l.Look() {
		t.Fatal("Look() = true after the file system answered again")
	}
}

func TestLookMakesTheReserveThatWasMissing(t *testing.T) {
	fs := journal.NewFaultFS(journal.NewMemFS(*seed))
	o := small()
	// A first open makes the segment, then the reserve: the second allocation.
	fs.Inject(journal.Fault{Call: journal.CallAllocate, At: 3})
	l, _ := open(t, fs, o)
	if !l.Low() {
		t.Fatal("Low() = false without a reserve")
	}
	if l.Look() || fs.Disk().Bytes(dir+"/reserve") == nil {
		t.Fatal("Look() did not make the reserve")
	}
}

func TestLookAtADeadLogChangesNothing(t *testing.T) {
	fs, l, told := spacious(t)
	fs.Inject(journal.Fault{Call: journal.CallSync, At: fs.Calls(journal.CallSync) + 1})
	appendText(t, l, "last")
	if _, err := l.Commit(); !errors.Is(err, journal.ErrDead) {
		t.Fatalf("Commit() error = %v", err)
	}
	fs.AnswerFree(0)
	if l.Look() || len(*told) != 0 {
		t.Fatalf("Look() at a dead log = %v, events %v", l.Low(), *told)
	}
}

func TestFullDiskHasRoomForLastWords(t *testing.T) {
	mem := journal.NewMemFS(*seed)
	o := small()
	o.Floor = 3 * journal.SegmentMin
	var low []bool
	o.Events.Low = func(is bool, _ int64) { low = append(low, is) }
	mem.SetSpace(6 * journal.SegmentMin)
	l, _ := open(t, mem, o)
	if l.Low() {
		t.Fatal("Low() with four segments free and a floor of three")
	}
	mem.SetSpace(3*journal.SegmentMin - 1)
	appendText(t, l, "notices")
	commit(t, l)
	if !l.Low() || l.State() != journal.OK || len(low) != 1 || !low[0] {
		t.Fatalf("low %v, events %v, state %v: want low, and the log going on", l.Low(), low, l.State())
	}
	mem.SetSpace(0) // Nothing can be allocated any more; what is left is the segment's end and the reserve.
	body := make([]byte, 8000)
	n := 0
	for ; n < 100; n++ {
		if _, err := l.Append(journal.KindFirst, 1, body); err != nil {
			break
		}
		if _, err := l.Commit(); err != nil {
			break
		}
	}
	if n < 10 || n > 20 || l.State() != journal.Dead || !errors.Is(l.Err(), syscall.ENOSPC) {
		t.Fatalf("wrote %d records of 8 kB, state %v, %v: want the rest of one segment and the reserve, then dead of ENOSPC", n, l.State(), l.Err())
	}
	mem.Crash(journal.LoseAll)
	mem.SetSpace(1 << 30)
	if _, rec := open(t, mem, o); rec.State != journal.OK || rec.Records != uint64(n)+2 {
		t.Fatalf("Recovery = %+v, want %d records", rec, n+2)
	}
}
