package journal_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"syscall"
	"testing"
	"time"

	"github.com/failshut/failshut/internal/journal"
)

func TestSegmentsBeforeTheCheckpointAreNotNeeded(t *testing.T) {
	disk, te := checkpointed(t)
	_, rec := open(t, disk.Clone(*seed), small())
	start := rec.Last - journal.LSN(rec.Records) + 1
	if start == 1 {
		t.Fatal("a restart reads everything")
	}
	for i, name := range segmentsOf(t, disk) {
		fs := disk.Clone(*seed)
		if err := fs.Remove(path.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		l, rec := open(t, fs, small())
		switch needed := name >= journal.SegmentName(start); {
		case needed && i < len(segmentsOf(t, disk))-1 && rec.State != journal.Corrupt:
			t.Fatalf("without %s: %v, want corrupt", name, rec.State)
		case !needed:
			if got := told(t, l, 0); rec.State != journal.OK || !same(got, te.state) {
				t.Fatalf("without %s: %+v, %d names, want ok and %d", name, rec, len(got.names), len(te.state.names))
			}
		}
	}
}

// checkpointed returns a disk on which a log with several checkpoints ended.
func checkpointed(t *testing.T) (*journal.MemFS, *teller) {
	t.Helper()
	fs := journal.NewMemFS(*seed)
	te, err := tell(fs, 1)
	if err != nil {
		t.Fatal(err)
	}
	te.keep = time.Hour
	if err := te.write(42); err != nil {
		t.Fatal(err)
	}
	if te.made < 2 {
		t.Fatalf("%d checkpoints", te.made)
	}
	if err := te.l.Close(); err != nil {
		t.Fatal(err)
	}
	return fs, te
}

// TestAFlippedBitInACheckpointIsCorruptAndNothingIsSkipped flips bits of everything that a restart reads: the log says so, and
// none of them gives another state.
func TestAFlippedBitInACheckpointIsCorruptAndNothingIsSkipped(t *testing.T) {
	disk, te := checkpointed(t)
	c := te.l.Checkpoint()
	r := rand.New(rand.NewPCG(*seed, 15))
	corrupt, fine := 0, 0
	for _, name := range segmentsOf(t, disk) {
		size := len(disk.Bytes(path.Join(dir, name)))
		at := places(disk.Bytes(path.Join(dir, name)), r)
		for _, off := range at {
			fs := disk.Clone(*seed)
			if !fs.Flip(path.Join(dir, name), int64(off), uint(r.IntN(8))) {
				t.Fatalf("no byte %d of %d in %s", off, size, name)
			}
			l, rec := open(t, fs, small())
			if rec.State == journal.Corrupt {
				corrupt++
				wantSalvage(t, l, c)
				continue
			}
			fine++
			if got := told(t, l, 0); !same(got, te.state) && (rec.Torn == 0 || !isPrefix(got.names, te.state.names)) {
				t.Fatalf("byte %d of %s: %+v, %d names, want %d or corrupt", off, name, rec, len(got.names), len(te.state.names))
			}
		}
	}
	if corrupt == 0 || fine == 0 {
		t.Fatalf("%d flips were found, %d did not matter: want both", corrupt, fine)
	}
	t.Logf("%d flips found, %d before the checkpoint or behind the end", corrupt, fine)
}

// places draws bytes of every frame of a checkpoint, of the header, and some others.
func places(b []byte, r *rand.Rand) (out []int) {
	for range 6 {
		out = append(out, r.IntN(journal.HeaderSize))
	}
	for at := journal.HeaderSize; ; {
		rec, size, err := journal.ParseFrame(b[at:])
		if err != nil {
			return append(out, at+r.IntN(len(b)-at))
		}
		n := 1
		if rec.Kind == journal.KindCheckpoint {
			n = 4
		}
		for range n {
			out = append(out, at+r.IntN(size))
		}
		at += size
	}
}

// wantSalvage reads what is left of a corrupt log: a checkpoint that is whole, the newest or one before it, or the oldest
// record, and then holes that are told.
func wantSalvage(t *testing.T, l *journal.Log, newest journal.Checkpoint) {
	t.Helper()
	if _, err := l.Append(journal.KindFirst, 1, nil); !errors.Is(err, journal.ErrCorrupt) {
		t.Fatalf("Append() error = %v, want ErrCorrupt", err)
	}
	parts, holes, records := 0, 0, 0
	for r, err := range l.Replay() {
		switch {
		case err != nil:
			holes++
		case r.Kind == journal.KindCheckpoint && records == 0 && holes == 0:
			parts++
			if p, err := journal.PartOf(r); err != nil || p.Covers > newest.Covers {
				t.Fatalf("part %+v, %v", p, err)
			}
		default:
			records++
		}
	}
	if holes == 0 && parts == 0 || records == 0 { // what is damaged may be covered by a checkpoint that is whole
		t.Fatalf("a corrupt log gave %d parts, %d records and %d holes", parts, records, holes)
	}
}

// TestEveryFaultOfEveryCallOfACheckpoint lets each call of a life with checkpoints, rolls and removals fail in each way, on a
// log without a past and on one with a checkpoint. Whatever happens, the next life has the state of all that was durable.
func TestEveryFaultOfEveryCallOfACheckpoint(t *testing.T) {
	faults := map[string]func(at int) journal.Fault{
		"EIO":    func(at int) journal.Fault { return journal.Fault{At: at, Keep: at % 64} },
		"ENOSPC": func(at int) journal.Fault { return journal.Fault{At: at, Err: syscall.ENOSPC} },
		"halt":   func(at int) journal.Fault { return journal.Fault{At: at, Keep: at * 37 % 9000, Halt: true} },
	}
	var sum struct{ runs, dead, corrupt, retired, from int }
	for past := range 2 {
		first := prepared(t, past)
		calls := plain(t, first.Clone(*seed))
		for at := 1; at <= calls; at++ {
			for i, name := range []string{"EIO", "ENOSPC", "halt"} {
				fault := faults[name]
				for j, loss := range losses {
					if *rounds == 1 && (at+i)%len(losses) != j {
						continue // each call in each way; with -rounds 2 with each loss
					}
					if name != "halt" && loss == journal.LoseSectors {
						continue // the last write was synced, or nobody said so: the same as the tail
					}
					fs := journal.NewFaultFS(first.Clone(*seed + uint64(at)))
					f := fault(at)
					f.Call = journal.CallAny
					fs.Inject(f)
					te := relive(fs, past)
					least := len(before(past))
					if te.l != nil {
						least = te.durable()
						sum.retired += te.gone
						if te.l.State() == journal.Dead {
							sum.dead++
							wantNoMoreCalls(t, fs, te.l)
						}
					}
					fs.Crash(loss)
					where := fmt.Sprintf("%s at call %d of %d, past %d, lost %d", name, at, calls, past, loss)
					l, rec := open(t, fs, small())
					sum.runs++
					if rec.State == journal.Corrupt && loss == journal.LoseSectors {
						sum.corrupt++
						continue
					}
					if rec.State != journal.OK {
						t.Fatalf("%s: %+v", where, rec)
					}
					got := told(t, l, 0)
					if !isPrefix(got.names, te.state.names) || len(got.names) < least {
						t.Fatalf("%s: %d names, want the first %d to %d of %v, got %v", where, len(got.names), least, len(te.state.names), te.state.names, got.names)
					}
					if rec.Checkpoint.Close > 0 {
						sum.from++
					}
					next := &teller{l: l, state: got, wall: 1 << 40}
					if err := next.write(11); err != nil { // it goes on, and makes its next checkpoint
						t.Fatalf("%s: the next life: %v", where, err)
					}
					if got := told(t, l, l.Watermark()); !same(got, next.state) {
						t.Fatalf("%s: the next life replays %v, want %v", where, got.names, next.state.names)
					}
				}
			}
		}
		t.Logf("past %d: %d calls", past, calls)
	}
	if sum.dead == 0 || sum.retired == 0 || sum.from == 0 {
		t.Fatalf("%+v: nothing died, nothing was retired, or no restart began at a checkpoint", sum)
	}
	t.Logf("%+v", sum)
}

// before is the state that a disk has from its past.
func before(past int) []string {
	var out []string
	for range past {
		for i := range 20 {
			out = append(out, fmt.Sprintf("1/%d", i))
		}
	}
	return out
}

// prepared returns a disk with that past: one life with a checkpoint, whose segments are kept.
func prepared(t *testing.T, past int) *journal.MemFS {
	t.Helper()
	fs := journal.NewMemFS(*seed)
	if err := fs.MkdirAll(dir); err != nil {
		t.Fatal(err)
	}
	for range past {
		te, err := tell(fs, 1)
		if err != nil {
			t.Fatal(err)
		}
		te.keep = time.Hour
		if err := te.write(20); err != nil {
			t.Fatal(err)
		}
		if te.made == 0 {
			t.Fatal("the past has no checkpoint")
		}
		if err := te.l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return fs
}

// relive is the life that is disturbed: it ends where the log dies, or at its own end.
func relive(fs journal.FS, past int) *teller {
	te, err := tell(fs, 1000)
	te.state.names = before(past)
	if err != nil {
		te.l = nil
		return te
	}
	_ = te.write(30) // a death is what the test looks for
	return te
}

// plain counts the calls of that life when nothing fails.
func plain(t *testing.T, mem *journal.MemFS) int {
	t.Helper()
	fs := journal.NewFaultFS(mem)
	past := 0
	if len(segmentsOf(t, mem)) > 0 {
		past = 1
	}
	te := relive(fs, past)
	if te.l == nil || te.l.State() != journal.OK || te.made < 2 || te.gone == 0 {
		t.Fatalf("an undisturbed life made %d checkpoints and retired %d segments: the matrix would prove nothing", te.made, te.gone)
	}
	return fs.Calls(journal.CallAny)
}
