package journal_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/failshut/failshut/internal/journal"
)

var losses = []journal.Loss{journal.LoseAll, journal.LoseTail, journal.LoseSectors, journal.LoseNothing}

func isPrefix(got, of []string) bool {
	return len(got) <= len(of) && strings.Join(got, "|") == strings.Join(of[:len(got)], "|")
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
