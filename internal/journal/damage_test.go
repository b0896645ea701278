package journal_test

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/failshut/failshut/internal/journal"
)

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
			var lost error
			var got []string
			for r, err := range journal.Read(fs, dir, 0) {
				if err != nil {
					lost = errors.Join(lost, err)
				} else if r.Kind == journal.KindFirst {
					got = append(got, string(r.Body))
				}
			}
			hit := len(starts) - 3
			for hit+1 < len(starts) && off >= starts[hit+1] {
				hit++
			}
			if want := strings.Join(slices.Delete(slices.Clone(texts), hit-1, hit), "|"); !errors.Is(lost, journal.ErrCorrupt) || strings.Join(got, "|") != want {
				t.Fatalf("%s: Read() = %q and %v, want all but the damaged record and ErrCorrupt", where, got, lost)
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
