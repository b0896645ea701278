package journal_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/internal/journal"
)

// story is the simplest state that is a fold of records and forgets none of them: their names, in order. bulk makes the
// records large, so that few of them fill a segment.
type story struct{ names []string }

var bulk = strings.Repeat("x", 7000)

func (s *story) fold(r journal.Record) {
	if r.Kind == journal.KindFirst {
		name, _, _ := strings.Cut(string(r.Body), " ")
		s.names = append(s.names, name)
	}
}

// parts cuts the state into parts of a few bytes, so that there are several.
func (s *story) parts(size int) [][]byte {
	return slices.Collect(slices.Chunk([]byte(strings.Join(s.names, ",")+"."), size))
}

// told is the state that a restart makes of the log. It fails where a record is missing.
func told(t *testing.T, l *journal.Log, until journal.LSN) story {
	t.Helper()
	var s story
	var b []byte
	at := journal.LSN(0)
	for r, err := range l.Replay() {
		switch {
		case err != nil:
			t.Fatalf("Replay() error = %v behind LSN %d", err, at)
		case at == 0 && r.Kind == journal.KindCheckpoint:
			p, err := journal.PartOf(r)
			if err != nil {
				t.Fatal(err)
			}
			b = append(b, p.Bytes...)
			if p.Last {
				at = p.Covers
				s.names = strings.Split(strings.TrimSuffix(string(b), "."), ",")
			}
			continue
		case r.LSN != at+1:
			t.Fatalf("Replay() gave LSN %d behind %d", r.LSN, at)
		}
		s.fold(r)
		if at = r.LSN; at == until {
			return s
		}
	}
	return s
}

// teller writes records and checkpoints of their fold, as a node does, and counts how much of it is durable.
type teller struct {
	l     *journal.Log
	state story
	lsns  []journal.LSN // of the records of state
	wall  int64
	keep  time.Duration
	gone  int // segments that were retired
	made  int // checkpoints
}

func tell(fs journal.FS, wall int64) (*teller, error) {
	te := &teller{wall: wall}
	o := small()
	o.Wall = func() int64 { te.wall++; return te.wall }
	var err error
	te.l, _, err = journal.Open(fs, dir, o)
	return te, err
}

// write appends and commits n records, a checkpoint whenever one is due, and retires what may go. It ends at the log's death.
func (te *teller) write(n int) error {
	for i := range n {
		name := fmt.Sprintf("%d/%d", te.l.Epoch(), i)
		lsn, err := te.l.Append(journal.KindFirst, 1, []byte(name+" "+bulk))
		if err != nil {
			return err
		}
		te.state.names, te.lsns = append(te.state.names, name), append(te.lsns, lsn)
		if _, err := te.l.Commit(); err != nil {
			return err
		}
		if covers, due := te.l.Due(); due {
			if err := te.checkpoint(covers, 24); err != nil {
				return err
			}
		}
		if gone, err := te.l.Retire(te.wall, te.keep); err == nil {
			te.gone += gone
		}
	}
	return nil
}

// at is the state after the record lsn.
func (te *teller) at(lsn journal.LSN) story {
	n := len(te.state.names) - len(te.lsns) // what earlier lives told
	for _, l := range te.lsns {
		if l <= lsn {
			n++
		}
	}
	return story{te.state.names[:n]}
}

func (te *teller) checkpoint(covers journal.LSN, size int) error {
	w, err := te.l.BeginCheckpoint(covers)
	if err != nil {
		return err
	}
	state := te.at(covers)
	for i, part := range state.parts(size) {
		if _, err := w.Part(part); err != nil {
			return err
		}
		if i%2 == 0 {
			if _, err := te.l.Commit(); err != nil {
				return err
			}
		}
	}
	if _, err := w.Close(); err != nil {
		return err
	}
	te.made++
	_, err = te.l.Commit()
	return err
}

func (te *teller) durable() int { return len(te.at(te.l.Watermark()).names) }

func same(a, b story) bool { return slices.Equal(a.names, b.names) }

func segmentsOf(t *testing.T, fs journal.FS) (out []string) {
	t.Helper()
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if strings.HasSuffix(n, ".seg") {
			out = append(out, n)
		}
	}
	return out
}

func TestARestartBeginsAtTheCheckpointAndEndsInTheSameState(t *testing.T) {
	mem := journal.NewMemFS(*seed)
	fs := journal.NewFaultFS(mem)
	te, err := tell(fs, 1)
	if err != nil {
		t.Fatal(err)
	}
	te.keep = time.Hour
	if err := te.write(60); err != nil {
		t.Fatal(err)
	}
	if te.made < 2 || te.gone != 0 {
		t.Fatalf("%d checkpoints, %d segments gone, want several and none within an hour", te.made, te.gone)
	}
	c := te.l.Checkpoint()
	if c.Covers == 0 || c.First <= c.Covers || c.Close <= c.First || c.Parts < 2 {
		t.Fatalf("Checkpoint() = %+v", c)
	}
	fs.Crash(journal.LoseAll)
	reads := fs.Calls(journal.CallRead)
	l, rec := open(t, fs, small())
	if rec.State != journal.OK || rec.Checkpoint != c || rec.Records >= 60 {
		t.Fatalf("Recovery = %+v, want ok from %+v, of less than all records", rec, c)
	}
	t.Logf("%d reads, %d records, %d segments", fs.Calls(journal.CallRead)-reads, rec.Records, len(segmentsOf(t, fs)))
	if got := told(t, l, 0); !same(got, te.state) {
		t.Fatalf("replayed %v, want %v", got, te.state)
	}
	if got := bodies(t, fs); len(got) != 60 {
		t.Fatalf("%d records are kept, want all 60 for the audit", len(got))
	}
}

func TestCheckpointsComeAfterASegmentAndTwiceTheirOwnSize(t *testing.T) {
	te, err := tell(journal.NewMemFS(*seed), 1)
	if err != nil {
		t.Fatal(err)
	}
	if covers, due := te.l.Due(); due {
		t.Fatalf("Due() = %d in the first segment", covers)
	}
	for te.l.Watermark() < 12 { // nine records are a segment
		appendText(t, te.l, "x "+bulk)
		commit(t, te.l)
	}
	covers, due := te.l.Due()
	if !due || covers != 9 && covers != 10 {
		t.Fatalf("Due() = %d, %v behind the first segment, want its last record", covers, due)
	}
	w, err := te.l.BeginCheckpoint(covers)
	if err != nil {
		t.Fatal(err)
	}
	size := int64(0)
	for range 20 { // five segments long
		if _, err := w.Part(make([]byte, journal.MaxPart)); err != nil {
			t.Fatal(err)
		}
		size += int64(journal.FrameSize(journal.MaxBody))
	}
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for te.l.Queued() > 0 {
		if te.l.Checkpoint().Close != 0 {
			t.Fatal("a checkpoint counts before it is durable")
		}
		commit(t, te.l)
	}
	if c := te.l.Checkpoint(); c.Covers != covers || c.Size < size || c.Parts != 20 {
		t.Fatalf("Checkpoint() = %+v, want one of 20 parts that covers %d", c, covers)
	}
	segments := 0
	for {
		covers, due := te.l.Due()
		if due {
			if grown := int64(segments+2) * journal.SegmentMin; grown < 2*size { // the ends of segments are not filled
				t.Fatalf("due at %d, after %d bytes, want 2 × %d", covers, grown, size)
			}
			return
		}
		if segments > 20 {
			t.Fatal("never due again")
		}
		for before := covers; before == covers; covers, _ = te.l.Due() {
			appendText(t, te.l, "x "+bulk)
			commit(t, te.l)
		}
		segments++
	}
}

func TestWrongCheckpointsAreRefusedByName(t *testing.T) {
	l, _ := open(t, journal.NewMemFS(*seed), small())
	appendText(t, l, "queued")
	if _, err := l.BeginCheckpoint(2); !errors.Is(err, journal.ErrCheckpoint) {
		t.Fatalf("BeginCheckpoint() of what is not durable: %v", err)
	}
	if _, err := l.BeginCheckpoint(0); !errors.Is(err, journal.ErrCheckpoint) {
		t.Fatalf("BeginCheckpoint() of nothing: %v", err)
	}
	if _, err := l.Append(journal.KindCheckpoint, 1, nil); !errors.Is(err, journal.ErrKind) {
		t.Fatalf("Append() of a checkpoint: %v, want ErrKind", err)
	}
	commit(t, l)
	first, err := l.BeginCheckpoint(2)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.Close(); !errors.Is(err, journal.ErrCheckpoint) {
		t.Fatalf("Close() without a part: %v", err)
	}
	if _, err := first.Part(make([]byte, journal.MaxPart+1)); !errors.Is(err, journal.ErrTooLarge) {
		t.Fatalf("Part() of too much: %v", err)
	}
	second, err := l.BeginCheckpoint(2)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.Part([]byte("late")); !errors.Is(err, journal.ErrCheckpoint) {
		t.Fatalf("Part() of one that was given up: %v", err)
	}
	if _, err := second.Part([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := second.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := second.Close(); !errors.Is(err, journal.ErrCheckpoint) {
		t.Fatalf("second Close(): %v", err)
	}
	commit(t, l)
	if _, err := l.BeginCheckpoint(2); !errors.Is(err, journal.ErrCheckpoint) {
		t.Fatalf("BeginCheckpoint() of what is covered: %v", err)
	}
}

// TestACheckpointThatIsNotWholeCountsForNothing leaves one out of each kind: parts that nothing closes, of the same life and
// of an older one, in front of one that is whole.
func TestACheckpointThatIsNotWholeCountsForNothing(t *testing.T) {
	fs := journal.NewMemFS(*seed)
	for life := range 3 {
		l, _ := open(t, fs, small())
		appendText(t, l, fmt.Sprintf("%d", life))
		commit(t, l)
		covers := l.Watermark()
		for range 2 {
			w, err := l.BeginCheckpoint(covers)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range []string{"not", "closed"} {
				if _, err := w.Part([]byte(part)); err != nil {
					t.Fatal(err)
				}
			}
		}
		commit(t, l)
		fs.Crash(journal.LoseAll)
	}
	l, rec := open(t, fs, small())
	if rec.State != journal.OK || rec.Checkpoint != (journal.Checkpoint{}) {
		t.Fatalf("Recovery = %+v, want no checkpoint", rec)
	}
	if got := told(t, l, 0); !same(got, story{[]string{"0", "1", "2"}}) {
		t.Fatalf("replayed %v", got)
	}
}

func TestNoCheckpointIsDueWhileRoomIsLow(t *testing.T) {
	fs := journal.NewFaultFS(journal.NewMemFS(*seed))
	fs.AnswerFree(1 << 40)
	te, err := tell(fs, 1)
	if err != nil {
		t.Fatal(err)
	}
	for range 12 {
		appendText(t, te.l, "x "+bulk)
		commit(t, te.l)
	}
	if _, due := te.l.Due(); !due {
		t.Fatal("not due with room")
	}
	fs.AnswerFree(0)
	if !te.l.Look() {
		t.Fatal("not low")
	}
	if covers, due := te.l.Due(); due {
		t.Fatalf("Due() = %d on a full disk: its room is kept for last words", covers)
	}
}
