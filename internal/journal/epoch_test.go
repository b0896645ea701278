package journal_test

import (
	"fmt"
	"math/rand/v2"
	"path"
	"testing"

	"github.com/failshut/failshut/internal/journal"
)

func TestEpochOutlivesEitherCopyAndBoth(t *testing.T) {
	name := path.Join(dir, "epoch")
	disk := written(t, "one")
	{
		l, _ := open(t, disk, small())
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	copies := []int64{0, journal.EpochGap}
	random := rand.New(rand.NewPCG(*seed, 2))
	for i := range int64(journal.EpochCopy) {
		for c, at := range copies {
			fs := disk.Clone(*seed)
			fs.Flip(name, at+i, uint(random.IntN(8)))
			if _, rec := open(t, fs, small()); rec.Epoch != 3 || rec.EpochCopiesBad != 1 || rec.State != journal.OK {
				t.Fatalf("seed %d: byte %d of copy %d flipped: %+v, want epoch 3", *seed, i, c, rec)
			}
			fs.Crash(journal.LoseAll)
			fs.Flip(name, copies[1-c]+i, 0)
			if _, rec := open(t, fs, small()); rec.Epoch != 4 || rec.EpochCopiesBad != 1 {
				t.Fatalf("byte %d of copy %d flipped after copy %d was mended: %+v, want epoch 4", i, 1-c, c, rec)
			}
		}
		fs := disk.Clone(*seed)
		fs.Flip(name, i, 0)
		fs.Flip(name, journal.EpochGap+i, 0)
		if _, rec := open(t, fs, small()); rec.Epoch != 3 || rec.EpochCopiesBad != 2 {
			t.Fatalf("byte %d of both copies flipped: %+v, want epoch 3 from the segments", i, rec)
		}
	}
}

func TestEpochFilePutBackFromAnOldCopyDoesNotRepeat(t *testing.T) {
	fs := written(t, "one")
	old := fs.Bytes(path.Join(dir, "epoch"))
	for range 3 {
		l, _ := open(t, fs, small())
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	f, err := fs.Open(path.Join(dir, "epoch"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(old, 0); err != nil {
		t.Fatal(err)
	}
	for want := uint32(5); want < 7; want++ {
		l, rec := open(t, fs, small())
		if rec.Epoch != want {
			t.Fatalf("Recovery = %+v, want epoch %d", rec, want)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNoRequestNumberEverComesTwice(t *testing.T) {
	starts := 5_000 * *rounds
	random := rand.New(rand.NewPCG(*seed, 3))
	type id struct {
		group string
		epoch uint32
		n     uint64
	}
	given := map[id]bool{}
	group := 0
	o := small()
	fs := journal.NewFaultFS(journal.NewMemFS(*seed))
	opened, corrupt, wiped, flips, dead := 0, 0, 0, 0, 0
	for range starts {
		o.Group = fmt.Sprint(group)
		if random.IntN(3) == 0 {
			fs.Inject(fs.RandomFault(random, 60))
		}
		l, rec, err := journal.Open(fs, dir, o)
		if err == nil {
			opened++
			for range 1 + random.IntN(4) { // A cancel's number needs no record.
				n := id{o.Group, l.Epoch(), l.Next()}
				if given[n] {
					t.Fatalf("seed %d: %+v given twice, recovery %+v", *seed, n, rec)
				}
				given[n] = true
				if random.IntN(2) == 0 {
					_, _ = l.Append(journal.KindFirst, 1, []byte("x"))
				}
				if random.IntN(2) == 0 {
					_, _ = l.Commit()
				}
			}
			if l.State() == journal.Dead {
				dead++
			}
		}
		fs.Crash(losses[random.IntN(len(losses))])
		if random.IntN(4) == 0 {
			names, err := fs.List(dir)
			if err != nil {
				t.Fatal(err)
			}
			name := path.Join(dir, append(names, "none")[random.IntN(len(names)+1)])
			if size := min(8192, len(fs.Disk().Bytes(name))); size > 0 && fs.Disk().Flip(name, int64(random.IntN(size)), uint(random.IntN(8))) {
				flips++
			}
		}
		if rec.State == journal.Corrupt {
			corrupt++
			if random.IntN(4) == 0 { // The operator wipes it, under a new group.
				wiped++
				group++
				fs = journal.NewFaultFS(journal.NewMemFS(*seed + uint64(group)))
			}
		}
	}
	t.Logf("seed %d: %d starts, %d opened, %d dead, %d flips, %d corrupt, %d wiped, %d numbers", *seed, starts, opened, dead, flips, corrupt, wiped, len(given))
	if corrupt == 0 || dead == 0 || flips == 0 || wiped == 0 {
		t.Fatal("a kind of fault never came: the run proves nothing")
	}
}
