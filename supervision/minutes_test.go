package supervision_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/supervision"
)

// kept is what was told of a journal.
type kept struct {
	dropped atomic.Int64
	dead    atomic.Int64
}

// story starts a tree that keeps a journal, lets it break and grow, and takes it down. What it says is in the world's trace.
func (w *world) story(j supervision.Journal) *kept {
	w.t.Helper()
	k := &kept{}
	events := w.events()
	events.JournalDropped = func(n int) { k.dropped.Add(int64(n)) }
	events.JournalDead = func(error) { k.dead.Add(1) }
	flaky := worker("b")
	flaky.Backoff = supervision.Backoff{Base: 2 * time.Millisecond, Cap: 20 * time.Millisecond, Reset: time.Minute}
	tree, err := supervision.Start(w.t.Context(), w.sys, supervision.Spec{
		Name: "root", Strategy: supervision.RestForOne, Intensity: 100, Period: time.Minute, Budget: supervision.Budget{Starts: 2, Within: 20 * time.Millisecond},
		Children: []supervision.Child{worker("a"), supervision.SubTree("m", supervision.DefaultSpec("m", worker("x"), worker("y"))), flaky},
	}, supervision.Options{
		Phases: []supervision.Phase{{Name: "trip", Run: func(context.Context) error { return nil }}}, Events: events, Journal: j,
	})
	if err != nil {
		w.t.Fatalf("Start() error = %v", err)
	}
	for n := 2; n < 6; n++ {
		w.tell("b", "panic")
		w.sees(fmt.Sprintf("started b#%d", n))
	}
	tree.StartChild("m", worker("z"), nil, nil)
	w.sees("reply start_child m/z ok m/z#1")
	w.tell("m/z", "error")
	w.sees("started m/z#2")
	tree.TerminateChild("m", "x", nil)
	w.sees("reply terminate_child m/x ok")
	tree.Shutdown()
	w.result(tree)
	return k
}

// closed waits until nobody writes into a journal any more.
func (w *world) closed(disk journal.FS, dir string) {
	w.t.Helper()
	w.until("the journal is closed", func() bool {
		lock, err := disk.Lock(dir+"/LOCK", "")
		if err != nil {
			return false
		}
		return lock.Close() == nil
	})
}

func replayOf(t *testing.T, disk journal.FS, dir string) supervision.Replay {
	t.Helper()
	r, err := supervision.ReplayJournal(journal.Read(disk, dir, 0))
	if err != nil {
		t.Fatalf("ReplayJournal() error = %v", err)
	}
	if r.First != nil {
		t.Fatalf("the replay differs: %+v", *r.First)
	}
	return r
}

func TestTheJournalOfALivingTreeReplaysWhole(t *testing.T) {
	for _, kind := range []string{"shared", "deterministic"} {
		disk := journal.NewMemFS(1)
		for life := uint64(1); life <= 2; life++ {
			worldOf(t, kind, func(w *world) {
				k := w.story(supervision.Journal{Dir: "decisions", Disk: disk})
				w.closed(disk, "decisions")
				r := replayOf(t, disk, "decisions")
				if r.Records < 20*life || r.Judged != r.Records || r.Dropped > 0 || r.Damage != nil {
					t.Errorf("%s, after life %d: %+v, want all of more than %d decisions judged", kind, life, r, 20*life)
				}
				if k.dropped.Load()+k.dead.Load() > 0 {
					t.Errorf("%s: %d dropped, dead %d times, want none", kind, k.dropped.Load(), k.dead.Load())
				}
			})
		}
	}
}

// plain is the trace of the story without a journal.
func plain(t *testing.T, run func(*testing.T, func(*world))) (lines []string) {
	run(t, func(w *world) {
		w.story(supervision.Journal{})
		lines = w.lines()
	})
	return lines
}

// TestAFailingDiskUnderTheJournalChangesNothing fails each call to the disk in turn: the tree says what it says without a
// journal, a dead log is told once, and what was written replays.
func TestAFailingDiskUnderTheJournalChangesNothing(t *testing.T) {
	run := func(t *testing.T, test func(*world)) {
		t.Helper()
		worldOf(t, "deterministic", test)
	}
	want, sound := plain(t, run), journal.NewFaultFS(journal.NewMemFS(1))
	run(t, func(w *world) { w.story(supervision.Journal{Dir: "decisions", Disk: sound, Size: journal.SegmentMin}) })
	calls := sound.Calls(journal.CallAny)
	for _, err := range []error{syscall.EIO, syscall.ENOSPC} {
		deaths := 0
		for at := 1; at <= calls; at++ {
			disk := journal.NewFaultFS(journal.NewMemFS(1))
			disk.Inject(journal.Fault{Call: journal.CallAny, At: at, Err: err, Keep: 5})
			run(t, func(w *world) {
				k := w.story(supervision.Journal{Dir: "decisions", Disk: disk, Size: journal.SegmentMin})
				if got := w.lines(); !slices.Equal(got, want) {
					t.Fatalf("%v at call %d changed the story:\n%s\nwant:\n%s", err, at, strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
				if k.dead.Load() > 1 {
					t.Errorf("%v at call %d: told dead %d times, want once", err, at, k.dead.Load())
				}
				deaths += int(k.dead.Load())
			})
			if r := replayOf(t, disk.Disk(), "decisions"); r.Dropped > 0 {
				t.Errorf("%v at call %d: %d decisions are missing before the end, want none", err, at, r.Dropped)
			}
		}
		if deaths < 5 {
			t.Errorf("%v at each of %d calls killed the log %d times: the disk is too tame", err, calls, deaths)
		}
	}
}

// stuck is a disk whose n-th write waits until it is let go.
type stuck struct {
	journal.FS
	mu     sync.Mutex
	at     int
	writes int
	gate   chan struct{}
}

func (s *stuck) Create(name string) (journal.File, error)   { return s.file(s.FS.Create(name)) }
func (s *stuck) Open(name string) (journal.File, error)     { return s.file(s.FS.Open(name)) }
func (s *stuck) OpenRead(name string) (journal.File, error) { return s.file(s.FS.OpenRead(name)) }

func (s *stuck) file(f journal.File, err error) (journal.File, error) {
	if err != nil {
		return nil, err
	}
	return &stuckFile{f, s}, nil
}

type stuckFile struct {
	journal.File
	disk *stuck
}

func (f *stuckFile) WriteAt(b []byte, off int64) (int, error) {
	f.disk.mu.Lock()
	f.disk.writes++
	waits := f.disk.writes >= f.disk.at
	f.disk.mu.Unlock()
	if waits {
		<-f.disk.gate
	}
	return f.File.WriteAt(b, off)
}

// TestASlowDiskUnderTheJournalChangesNothing holds the disk from each write on until the tree is over: what finds no room is
// dropped and counted, the tree says what it says without a journal, and the replay knows what is missing.
func TestASlowDiskUnderTheJournalChangesNothing(t *testing.T) {
	want := plain(t, inBubble)
	dropped := int64(0)
	for at := 1; at <= 40; at += 3 {
		disk := &stuck{FS: journal.NewMemFS(1), at: at, gate: make(chan struct{})}
		inBubble(t, func(w *world) {
			disk.gate = make(chan struct{})
			k := w.story(supervision.Journal{Dir: "decisions", Disk: disk}.Hold(3))
			if got := w.lines(); !slices.Equal(got, want) {
				t.Errorf("a disk that is slow from write %d on changed the story:\n%s\nwant:\n%s", at, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			close(disk.gate)
			w.closed(disk, "decisions")
			if k.dead.Load() > 0 {
				t.Errorf("a disk that is slow from write %d on killed the log", at)
			}
			r := replayOf(t, disk.FS, "decisions")
			if int64(r.Dropped) > k.dropped.Load() {
				t.Errorf("the replay misses %d decisions, told were %d", r.Dropped, k.dropped.Load())
			}
			dropped += k.dropped.Load()
		})
	}
	if dropped == 0 {
		t.Error("nothing was dropped: the disk is too fast")
	}
}
