package journal_test

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"syscall"
	"testing"

	"github.com/failshut/failshut/internal/journal"
)

var losses = []journal.Loss{journal.LoseAll, journal.LoseTail, journal.LoseSectors, journal.LoseNothing}

// firstSegment is the path of the first segment.
func firstSegment() string { return path.Join(dir, journal.SegmentName(1)) }

// tailOf returns where the log's records end in the first segment.
func tailOf(fs *journal.MemFS) (starts []int64, end int64) {
	b := fs.Bytes(firstSegment())
	at := journal.HeaderSize
	for {
		_, size, err := journal.ParseFrame(b[at:])
		if err != nil {
			return starts, int64(at)
		}
		starts, at = append(starts, int64(at)), at+size
	}
}

// written returns a disk that crashed with the texts durable, each its own batch.
func written(t *testing.T, texts ...string) *journal.MemFS {
	t.Helper()
	fs := journal.NewMemFS(*seed)
	l, _ := open(t, fs, small())
	for _, text := range texts {
		appendText(t, l, text)
		commit(t, l)
	}
	fs.Crash(journal.LoseAll)
	return fs
}

func isPrefix(got, of []string) bool {
	return len(got) <= len(of) && strings.Join(got, "|") == strings.Join(of[:len(got)], "|")
}

func TestFlippedBitIsCutAtTheEndAndFoundBeforeIt(t *testing.T) {
	texts := []string{"first", "second one", "the third", "4", "the fifth record", "six is the last one"}
	disk := written(t, texts...)
	starts, end := tailOf(disk)
	last := starts[len(starts)-1]
	from := starts[len(starts)-3]
	cut, found := 0, 0
	for off := from; off < end; off++ {
		for bit := range uint(8) {
			fs := disk.Clone(*seed)
			if !fs.Flip(firstSegment(), off, bit) {
				t.Fatalf("no byte at %d", off)
			}
			l, rec := open(t, fs, small())
			where := fmt.Sprintf("byte %d bit %d", off, bit)
			if rec.Epoch != 2 || l.Next() != 1 {
				t.Fatalf("%s: epoch %d, want 2 and request numbers from 1", where, rec.Epoch)
			}
			if off >= last {
				cut++
				if rec.State != journal.OK || rec.Torn == 0 || rec.Last != 6 {
					t.Fatalf("%s of the last record: %+v, want it cut", where, rec)
				}
				if got := bodies(t, fs); strings.Join(got, "|") != strings.Join(texts[:5], "|") {
					t.Fatalf("%s: read %q", where, got)
				}
				continue
			}
			found++
			var at *journal.CorruptError
			if rec.State != journal.Corrupt || !errors.As(rec.Err, &at) || at.Segment != firstSegment() || at.Offset > off {
				t.Fatalf("%s before valid records: %+v, want corrupt at or before it", where, rec)
			}
			if _, err := l.Append(journal.KindFirst, 1, nil); !errors.Is(err, journal.ErrCorrupt) {
				t.Fatalf("%s: Append() error = %v, want ErrCorrupt", where, err)
			}
			if _, err := l.Commit(); !errors.Is(err, journal.ErrCorrupt) {
				t.Fatalf("%s: Commit() error = %v, want ErrCorrupt", where, err)
			}
			var err error
			for _, err = range journal.Read(fs, dir, 0) {
				continue
			}
			if !errors.Is(err, journal.ErrCorrupt) {
				t.Fatalf("%s: Read() ended with %v, want ErrCorrupt", where, err)
			}
		}
	}
	t.Logf("%d flips cut, %d found", cut, found)
}

func TestWriteTornAtAnyByteKeepsWholeRecordsOnly(t *testing.T) {
	base := []string{"durable one", "durable two"}
	torn := []string{"seven.", strings.Repeat("longer than all that is written over it ", 5), "end"}
	size := 0
	for _, text := range torn {
		size += journal.FrameSize(len(text))
	}
	for keep := range size + 1 {
		mem := written(t, base...)
		fs := journal.NewFaultFS(mem)
		l, _ := open(t, fs, small())
		for _, text := range torn {
			appendText(t, l, text)
		}
		fs.Inject(journal.Fault{Call: journal.CallWrite, At: fs.Calls(journal.CallWrite) + 1, Keep: keep, Halt: true})
		if _, err := l.Commit(); !errors.Is(err, journal.ErrDead) {
			t.Fatalf("keep %d: Commit() error = %v, want ErrDead", keep, err)
		}
		fs.Crash(journal.LoseNothing)
		want := append([]string{}, base...)
		left := keep
		for _, text := range torn {
			size := journal.FrameSize(len(text))
			padding := size - journal.FrameSize(0) - len(text) // It reads as zeros, written or not.
			if left >= size-padding {
				want = append(want, text)
			}
			left -= size
		}
		l, rec := open(t, fs, small())
		if got := bodies(t, fs); rec.State != journal.OK || strings.Join(got, "|") != strings.Join(want, "|") {
			t.Fatalf("keep %d: %+v, read %q, want %q", keep, rec, got, want)
		}
		// What is written now is shorter than what was cut: nothing of the old may show behind it.
		want = append(want, "x")
		appendText(t, l, "x")
		commit(t, l)
		fs.Crash(journal.LoseAll)
		if _, rec = open(t, fs, small()); rec.State != journal.OK || rec.Torn != 0 {
			t.Fatalf("keep %d: second recovery %+v, want nothing torn", keep, rec)
		}
		if got := bodies(t, fs); strings.Join(got, "|") != strings.Join(want, "|") {
			t.Fatalf("keep %d: read %q after the second start, want %q", keep, got, want)
		}
	}
}

func TestRecordsBehindTheEndMustFollowOn(t *testing.T) {
	tests := []struct {
		name  string
		r     journal.Record
		state journal.State
		last  journal.LSN
	}{
		{"of an older epoch, cut", journal.Record{LSN: 6, Epoch: 1, Kind: journal.KindFirst}, journal.OK, 5},
		{"of an older epoch and a later place, cut", journal.Record{LSN: 9, Epoch: 1, Kind: journal.KindFirst}, journal.OK, 5},
		{"an LSN that was there, cut", journal.Record{LSN: 5, Epoch: 2, Kind: journal.KindFirst}, journal.OK, 5},
		{"the next one, read", journal.Record{LSN: 6, Epoch: 2, Kind: journal.KindFirst}, journal.OK, 6},
		{"with one missing between, corrupt", journal.Record{LSN: 7, Epoch: 2, Kind: journal.KindFirst}, journal.Corrupt, 5},
		{"of a newer epoch that did not begin, corrupt", journal.Record{LSN: 6, Epoch: 3, Kind: journal.KindFirst}, journal.Corrupt, 5},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fs := written(t, "one", "two")
			l, _ := open(t, fs, small())
			appendText(t, l, "three")
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			_, end := tailOf(fs)
			f, err := fs.Open(firstSegment())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.WriteAt(journal.AppendFrame(nil, tt.r), end); err != nil {
				t.Fatal(err)
			}
			if _, rec := open(t, fs, small()); rec.State != tt.state || rec.Last != tt.last {
				t.Fatalf("Recovery = %+v, want %v with last %d", rec, tt.state, tt.last)
			}
		})
	}
}

// session opens a journal on fs, writes in small batches over two segments, and
// returns what was appended and how much of it was acknowledged.
func session(fs journal.FS) (appended []string, acked int, l *journal.Log) {
	l, _, err := journal.Open(fs, dir, small())
	if err != nil {
		return nil, 0, nil
	}
	base := int(l.Watermark())
	for i := range 12 {
		text := fmt.Sprintf("%d of epoch %d %s", i, l.Epoch(), strings.Repeat("x", 7000))
		if _, err := l.Append(journal.KindFirst, 1, []byte(text)); err != nil {
			break
		}
		appended = append(appended, text)
		if i%3 == 2 {
			_, _ = l.Commit()
		}
	}
	return appended, max(0, int(l.Watermark())-base), l
}

func TestEveryCallMayFailOrEndTheMachine(t *testing.T) {
	count := journal.NewFaultFS(journal.NewMemFS(*seed))
	session(count)
	calls := count.Calls(journal.CallAny)
	if calls < 40 {
		t.Fatalf("a session makes %d calls: the matrix would prove nothing", calls)
	}
	dead, corrupt, refused := 0, 0, 0
	for _, before := range []int{0, 1} { // On a new journal, and on one with a past.
		for at := 1; at <= calls; at++ {
			for _, loss := range losses {
				for _, halt := range []bool{false, true} {
					fs := journal.NewFaultFS(journal.NewMemFS(*seed + uint64(at)))
					var want []string
					for range before {
						past, _, l := session(fs)
						want = append(want, past...)
						if err := l.Close(); err != nil {
							t.Fatal(err)
						}
					}
					fs.Inject(journal.Fault{Call: journal.CallAny, At: fs.Calls(journal.CallAny) + at, Keep: at % 40, Halt: halt})
					appended, acked, l := session(fs)
					want = append(want, appended...)
					least := len(want) - len(appended) + acked
					if l == nil {
						refused++
					} else if l.State() == journal.Dead {
						dead++
						wantNoMoreCalls(t, fs, l)
					}
					fs.Crash(loss)
					where := fmt.Sprintf("call %d of a session after %d, %d lost, halt %v", at, before, loss, halt)
					l, rec := open(t, fs, small())
					if rec.State == journal.Corrupt && loss == journal.LoseSectors {
						corrupt++ // Later sectors without earlier ones: not to be told from damage, so shut.
						continue
					}
					got := bodies(t, fs)
					if rec.State != journal.OK || !isPrefix(got, want) || len(got) < least {
						t.Fatalf("%s: %+v, read %d records, want the first %d to %d", where, rec, len(got), least, len(want))
					}
					appendText(t, l, "goes on")
					commit(t, l)
				}
			}
		}
	}
	if dead == 0 || refused == 0 {
		t.Fatalf("%d logs died and %d did not open: the matrix proved nothing", dead, refused)
	}
	t.Logf("%d calls, %d logs died, %d refused to open, %d corrupt by sectors", calls, dead, refused, corrupt)
}

// wantNoMoreCalls checks that a dead log leaves the disk alone.
func wantNoMoreCalls(t *testing.T, fs *journal.FaultFS, l *journal.Log) {
	t.Helper()
	before := fs.Calls(journal.CallAny)
	for range 3 {
		if _, err := l.Append(journal.KindFirst, 1, nil); !errors.Is(err, journal.ErrDead) {
			t.Fatalf("Append() to a dead log: %v, want ErrDead", err)
		}
		if _, err := l.Commit(); !errors.Is(err, journal.ErrDead) {
			t.Fatalf("Commit() of a dead log: %v, want ErrDead", err)
		}
	}
	if got := fs.Calls(journal.CallAny); got != before {
		t.Fatalf("a dead log made %d calls: a failed write or sync is never tried again", got-before)
	}
	if l.Queued() != 0 || l.Err() == nil {
		t.Fatalf("dead log: queued %d, err %v", l.Queued(), l.Err())
	}
}

func TestBatchHalfOnTheDiskInAnyOrderIsNeverReadAsSomethingElse(t *testing.T) {
	cutShort, corrupt := 0, 0
	for round := range 200 {
		mem := journal.NewMemFS(*seed + uint64(round))
		fs := journal.NewFaultFS(mem)
		l, _ := open(t, fs, small())
		appendText(t, l, "durable")
		commit(t, l)
		want := []string{"durable"}
		for i := range 12 {
			want = append(want, fmt.Sprintf("%d %s", i, strings.Repeat("y", 100)))
			appendText(t, l, want[i+1])
		}
		fs.Inject(journal.Fault{Call: journal.CallSync, At: fs.Calls(journal.CallSync) + 1, Halt: true})
		if _, err := l.Commit(); !errors.Is(err, journal.ErrDead) {
			t.Fatalf("Commit() error = %v, want ErrDead", err)
		}
		fs.Crash(journal.LoseSectors)
		_, rec := open(t, fs, small())
		if rec.State == journal.Corrupt {
			corrupt++
			continue
		}
		got := bodies(t, fs)
		if !isPrefix(got, want) || len(got) < 1 {
			t.Fatalf("seed %d round %d: read %q", *seed, round, got)
		}
		if len(got) < len(want) {
			cutShort++
		}
	}
	if cutShort == 0 || corrupt == 0 {
		t.Fatalf("%d cut short, %d corrupt: want both", cutShort, corrupt)
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

func TestLostSegmentIsCorrupt(t *testing.T) {
	fs := journal.NewMemFS(*seed)
	_, _, l := session(fs)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	lost := 0
	for _, name := range names {
		if !strings.HasSuffix(name, ".seg") {
			continue
		}
		cut := fs.Clone(*seed)
		if err := cut.Remove(path.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		_, rec := open(t, cut, small())
		if last := lost == 1; !last && rec.State != journal.Corrupt {
			t.Fatalf("without %s: %+v, want corrupt", name, rec)
		}
		lost++
	}
	if lost != 2 {
		t.Fatalf("%d segments, want 2", lost)
	}
	only := written(t, "x")
	if err := only.Remove(firstSegment()); err != nil {
		t.Fatal(err)
	}
	if _, rec := open(t, only, small()); rec.State != journal.Corrupt || rec.Wiped {
		t.Fatalf("without its only segment: %+v, want corrupt, not wiped", rec)
	}
}

func TestSlowSyncGathersTheNextBatch(t *testing.T) {
	fs := journal.NewFaultFS(journal.NewMemFS(*seed))
	o := small()
	var sizes []int
	o.Events.BatchEnd = func(records, _ int, _ error) { sizes = append(sizes, records) }
	l, _ := open(t, fs, o)
	begun, resume := make(chan bool), make(chan bool)
	fs.OnSync(func() { begun <- true; <-resume })
	ended := make(chan error, 1)
	appendText(t, l, "alone")
	go func() { _, err := l.Commit(); ended <- err }()
	<-begun
	for range 500 { // The disk hangs, and nobody who appends waits for it.
		appendText(t, l, "meanwhile")
	}
	resume <- true
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	fs.OnSync(nil)
	commit(t, l)
	if len(sizes) != 2 || sizes[0] != 1 || sizes[1] != 500 {
		t.Fatalf("batches of %v, want 1 and 500", sizes)
	}
}

func TestLogThatMayLoseItsTail(t *testing.T) {
	fs := journal.NewFaultFS(journal.NewMemFS(*seed))
	o := small()
	o.NoSync, o.Files = true, 2
	l, _ := open(t, fs, o)
	before := fs.Calls(journal.CallSync)
	for range 20 {
		appendText(t, l, "decision")
		commit(t, l)
	}
	if got := fs.Calls(journal.CallSync) - before; got != 0 {
		t.Fatalf("%d syncs, want none", got)
	}
	for range 100 {
		appendText(t, l, strings.Repeat("x", 6000))
		commit(t, l)
	}
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	segments := 0
	for _, n := range names {
		if strings.HasSuffix(n, ".seg") {
			segments++
		}
	}
	if segments != 3 {
		t.Fatalf("%d segments, want the one written and 2 kept", segments)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, rec := open(t, fs, o); rec.State != journal.OK || rec.Last != 121 {
		t.Fatalf("Recovery = %+v, want ok up to 121", rec)
	}
}
