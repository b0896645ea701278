package node

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/strategy"
)

var snapshotSeed = flag.Uint64("snapshot.seed", 1, "seed of the random faults of a disk under snapshots")

// attic is a node that has nothing but a virtual clock, and one strategy's snapshots.
type attic struct {
	t     *testing.T
	sys   *actors.System
	s     *snapshots
	k     keeper
	mem   *journal.MemFS
	disk  *journal.FaultFS
	aside []string
	epoch uint64
}

func newAttic(t *testing.T) *attic {
	t.Helper()
	sys, err := actors.New(systemConfig("attic", actors.Virtual(trialStart), actors.Deterministic(), 0, slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sys.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	a := &attic{t: t, sys: sys, mem: journal.NewMemFS(1)}
	a.disk = journal.NewFaultFS(a.mem)
	a.process()
	return a
}

// process is another life of the process over the same disk.
func (a *attic) process() {
	a.t.Helper()
	n := &Node{sys: a.sys, log: slog.New(slog.DiscardHandler), hooks: Hooks{Strategy: strategy.Events{
		SnapshotSetAside: func(name, why string) { a.aside = append(a.aside, name+": "+why) },
	}}}
	wake, err := actors.NewPipe[struct{}](a.sys, 1)
	if err != nil {
		a.t.Fatal(err)
	}
	a.s, a.epoch = &snapshots{n: n, name: "s/1", wake: wake}, 0
	a.k = keeper{s: a.s, disk: a.disk, dir: "snapshots", epoch: 1, bound: boundOf("s/1", []strategy.Param{{Name: "fast", Text: "5"}}, "build")}
}

// load reads the disk, as the keeper does first.
func (a *attic) load() error {
	body, err := a.k.load()
	a.s.found(body)
	return err
}

// work does what the keeper has been asked for.
func (a *attic) work() error {
	var errs []error
	for c, more := a.s.next(); more; c, more = a.s.next() {
		errs = append(errs, a.k.do(c))
	}
	return errors.Join(errs...)
}

// start is the next incarnation, which wants to begin from the snapshot of that text.
func (a *attic) start(want string) strategy.Memory {
	a.t.Helper()
	a.epoch++
	m := a.s.begin(a.epoch)
	if got, known := m.Recall(); string(got) != want || !known {
		a.t.Fatalf("incarnation %d begins from %q, known %t, want %q", a.epoch, got, known, want)
	}
	return m
}

func (a *attic) pass(d time.Duration) {
	a.t.Helper()
	if err := a.sys.Advance(a.t.Context(), d); err != nil {
		a.t.Fatal(err)
	}
}

func (a *attic) files() []string {
	a.t.Helper()
	names, err := a.mem.List("snapshots")
	if err != nil {
		a.t.Fatal(err)
	}
	return names
}

func (a *attic) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

const oursFile, ourFirstAside = "s%2F1.snapshot", "s%2F1.snapshot.aside-1"

func TestASnapshotIsThereInTheNextIncarnationAndTheNextProcess(t *testing.T) {
	a := newAttic(t)
	a.must(a.load())
	a.start("").Keep([]byte("one"))
	a.start("one").Keep([]byte("two")) // before the disk has seen the first
	a.must(a.work())
	if got := a.files(); !slices.Equal(got, []string{oursFile}) {
		t.Errorf("the files are %q, want %s alone", got, oursFile)
	}
	a.process()
	a.must(a.load())
	a.start("two")
	if len(a.aside) != 0 {
		t.Errorf("set aside: %q, want nothing", a.aside)
	}
}

func TestASnapshotInForceAtTwoCrashesIsSetAside(t *testing.T) {
	a := newAttic(t)
	a.must(a.load())
	a.start("").Keep([]byte("bad"))
	a.start("bad") // the one before began from nothing: that is not to blame
	a.start("bad") // one
	m := a.start("")
	if want := []string{"s/1: crashed twice"}; !slices.Equal(a.aside, want) {
		t.Errorf("set aside: %q, want %q", a.aside, want)
	}
	a.must(a.work())
	if got := a.files(); !slices.Equal(got, []string{ourFirstAside}) {
		t.Errorf("the files are %q, want what was set aside", got)
	}
	if body, err := decodeSnapshot(a.k.bound, a.mem.Bytes("snapshots/"+ourFirstAside)); string(body) != "bad" || err != nil {
		t.Errorf("set aside is %q, %v, want the bad one whole", body, err)
	}
	m.Keep([]byte("good"))
	a.start("good")
	a.start("good")
	a.start("")
	a.must(a.work())
	if got := a.files(); !slices.Equal(got, []string{ourFirstAside, "s%2F1.snapshot.aside-2"}) {
		t.Errorf("the files are %q, want both that were set aside", got)
	}
}

func TestWhatDoesNotCountAgainstASnapshot(t *testing.T) {
	for name, between := range map[string]func(a *attic, m strategy.Memory){
		"an end in order":        func(_ *attic, m strategy.Memory) { m.Close() },
		"a crash long ago":       func(a *attic, _ strategy.Memory) { a.pass(10*time.Minute + 1) },
		"an end in order, later": func(a *attic, m strategy.Memory) { m.Keep([]byte("kept")); m.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			a := newAttic(t)
			a.must(a.load())
			a.start("").Keep([]byte("kept"))
			for range 5 {
				between(a, a.start("kept"))
			}
			if len(a.aside) != 0 {
				t.Errorf("set aside: %q, want nothing", a.aside)
			}
		})
	}
	t.Run("but a second one within ten minutes does, whatever was kept between", func(t *testing.T) {
		a := newAttic(t)
		a.must(a.load())
		a.start("").Keep([]byte("kept"))
		a.start("kept").Keep([]byte("next"))
		a.pass(9 * time.Minute)
		a.start("next").Keep([]byte("last"))
		a.start("")
	})
}

func TestASnapshotThatRestoreRefusesIsSetAsideAtOnce(t *testing.T) {
	a := newAttic(t)
	a.must(a.load())
	a.start("").Keep([]byte("bad"))
	a.start("bad").Refuse("refused")
	a.start("")
	if want := []string{"s/1: refused"}; !slices.Equal(a.aside, want) {
		t.Errorf("set aside: %q, want %q", a.aside, want)
	}
}

func TestOneThatWasLeftBehindKeepsNothing(t *testing.T) {
	a := newAttic(t)
	a.must(a.load())
	left := a.start("")
	a.start("").Keep([]byte("ours"))
	left.Keep([]byte("theirs"))
	left.Refuse("theirs")
	left.Close()
	if got, known := left.Recall(); got != nil || !known {
		t.Errorf("it recalls %q, want nothing", got)
	}
	a.start("ours")
}

func TestAFileThatIsNotGoodIsSetAside(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(a *attic)
		why   string
	}{
		"other parameters": {func(a *attic) { a.k.bound = boundOf("s/1", []strategy.Param{{Name: "fast", Text: "6"}}, "build") }, errOtherBound.Error()},
		"another build":    {func(a *attic) { a.k.bound.build = "next" }, errOtherBound.Error()},
		"another name":     {func(a *attic) { a.k.bound.name = "t" }, errOtherBound.Error()},
		"a bit of it":      {func(a *attic) { a.mem.Flip("snapshots/"+oursFile, 60, 3) }, errCorrupt.Error()},
		"nothing in it": {func(a *attic) {
			f, err := a.disk.Create("snapshots/" + oursFile)
			a.must(err)
			a.must(f.Close())
		}, errCorrupt.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAttic(t)
			a.must(a.load())
			a.start("").Keep([]byte("kept"))
			a.must(a.work())
			a.process()
			c.spoil(a)
			before := a.mem.Bytes("snapshots/" + oursFile)
			a.must(a.load())
			a.start("")
			if want := []string{"s/1: " + c.why}; !slices.Equal(a.aside, want) {
				t.Errorf("set aside: %q, want %q", a.aside, want)
			}
			if !slices.Equal(a.files(), []string{ourFirstAside}) || !bytes.Equal(a.mem.Bytes("snapshots/"+ourFirstAside), before) {
				t.Errorf("the files are %q, want the one that was set aside, as it was", a.files())
			}
		})
	}
}

// TestADiskThatFailsAnywhereLeavesOneOfBothSnapshots over a loss of whatever was not durable: the old one or the new one whole, and
// nothing that is set aside.
func TestADiskThatFailsAnywhereLeavesOneOfBothSnapshots(t *testing.T) {
	r := rand.New(rand.NewPCG(*snapshotSeed, 1))
	fired := 0
	for n := range 400 {
		a := newAttic(t)
		a.must(a.load())
		m := a.start("")
		m.Keep([]byte("old"))
		a.must(a.work())
		a.disk.Inject(a.disk.RandomFault(r, 8))
		m.Keep([]byte("new"))
		err := a.work()
		if err != nil {
			fired++
		}
		a.disk.Crash(journal.Loss(1 + r.IntN(int(journal.LoseNothing))))
		a.process()
		a.must(a.load())
		a.epoch++
		got, _ := a.s.begin(a.epoch).Recall()
		if s := string(got); s != "new" && (s != "old" || err == nil) {
			t.Fatalf("-snapshot.seed=%d, run %d: after %v there is %q, want old or new", *snapshotSeed, n, err, s)
		}
		if len(a.aside) != 0 {
			t.Fatalf("-snapshot.seed=%d, run %d: set aside: %q", *snapshotSeed, n, a.aside)
		}
		if got := a.files(); len(got) != 1 {
			t.Fatalf("-snapshot.seed=%d, run %d: the files are %q, want one", *snapshotSeed, n, got)
		}
	}
	if fired < 100 {
		t.Errorf("%d faults fired, want more to be looked at", fired)
	}
}

func TestWhatWaitsForADiskThatHangsIsBounded(t *testing.T) {
	a := newAttic(t)
	a.s.known = true
	for n := range 100 {
		a.epoch++
		m := a.s.begin(a.epoch)
		m.Keep([]byte("x"))
		m.Keep(fmt.Append(nil, n))
		if n%2 == 0 {
			m.Refuse("refused")
		}
	}
	if n := len(a.s.pending); n > maxChores {
		t.Errorf("%d chores wait, want at most %d", n, maxChores)
	}
}

func FuzzSnapshotFile(f *testing.F) {
	b := boundOf("s", nil, "build")
	good := encodeSnapshot(b, []byte("body"))
	f.Add(good)
	f.Add(encodeSnapshot(b, nil))
	f.Add([]byte{})
	f.Add([]byte(snapshotMagic))
	f.Add(good[:len(good)-1])
	f.Fuzz(func(t *testing.T, file []byte) {
		body, err := decodeSnapshot(b, file)
		if err == nil && !bytes.Equal(encodeSnapshot(b, body), file) {
			t.Errorf("%x is read as %x, which is written another way", file, body)
		}
	})
}
