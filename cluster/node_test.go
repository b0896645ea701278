package cluster_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/failshut/failshut/cluster"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tape is a machine that keeps every command it was given, and a hash over them.
type tape struct {
	mu       sync.Mutex
	n        uint64
	last     uint64
	sum      [32]byte
	restored bool
}

func (m *tape) Apply(index, term uint64, cmd []byte) []byte {
	if string(cmd) == "panic" {
		panic("the machine was asked to")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.n, m.last = m.n+1, index
	h := sha256.New()
	h.Write(m.sum[:])
	h.Write(binary.LittleEndian.AppendUint64(nil, index))
	h.Write(cmd)
	h.Sum(m.sum[:0])
	return nil
}

func (m *tape) Freeze() func(io.Writer) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := binary.LittleEndian.AppendUint64(nil, m.n)
	b = append(binary.LittleEndian.AppendUint64(b, m.last), m.sum[:]...)
	return func(w io.Writer) error { _, err := w.Write(b); return err }
}

func (m *tape) Restore(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil || len(b) != 48 {
		return fmt.Errorf("tape of %d bytes: %w", len(b), err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.n, m.last, m.sum, m.restored = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:]), [32]byte(b[16:]), true
	return nil
}

func (m *tape) Digest() [32]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sum
}

func (m *tape) count() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.n
}

func config(dir string, m cluster.Machine) cluster.Config {
	t := cluster.DefaultTuning()
	t.Segment = 64 << 10
	return cluster.Config{
		Dir: dir, Cluster: "test", Node: "n1", Machine: m, Tuning: t,
		Peers: []cluster.Peer{{ID: "n1", Role: cluster.Voter}},
	}
}

// running is a node under Run.
type running struct {
	*cluster.Node
	tape  *tape
	leads chan cluster.Leadership
	ended chan error
	stop  context.CancelFunc
}

func start(t *testing.T, cfg cluster.Config) *running {
	t.Helper()
	r := &running{tape: &tape{}, leads: make(chan cluster.Leadership, 64), ended: make(chan error, 1)}
	cfg.Machine = r.tape
	cfg.OnLeadership = func(l cluster.Leadership) { r.leads <- l }
	var err error
	if r.Node, err = cluster.Open(cfg); err != nil {
		t.Fatalf("Open() error = %v", err)
	}
	var ctx context.Context
	ctx, r.stop = context.WithCancel(t.Context())
	go func() { r.ended <- r.Run(ctx) }()
	return r
}

// leader waits until the node leads.
func (r *running) leader(t *testing.T) cluster.Leadership {
	t.Helper()
	for l := range r.leads {
		if l.Leading {
			return l
		}
	}
	return cluster.Leadership{}
}

func (r *running) close(t *testing.T) {
	t.Helper()
	r.stop()
	if err := <-r.ended; err != nil {
		t.Fatalf("Run() = %v, want nil", err)
	}
}

func (r *running) propose(t *testing.T, cmd string) uint64 {
	t.Helper()
	index, err := r.Propose(t.Context(), []byte(cmd))
	if err != nil {
		t.Fatalf("Propose(%q) error = %v", cmd, err)
	}
	return index
}

func found(t *testing.T, cfg cluster.Config) {
	t.Helper()
	if err := cluster.Found(cfg); err != nil {
		t.Fatalf("Found() error = %v", err)
	}
}

func TestStateComesBackFromLogAndSnapshot(t *testing.T) {
	for _, snapshot := range []bool{false, true} {
		t.Run(fmt.Sprintf("snapshot=%v", snapshot), func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				cfg := config(dir, nil)
				cfg.Tuning.Trailing = 5
				found(t, cfg)
				n := start(t, cfg)
				first := n.leader(t)
				var last uint64
				for i := range 40 {
					if at := n.propose(t, fmt.Sprintf("command %d", i)); at <= last {
						t.Fatalf("index %d after %d", at, last)
					} else {
						last = at
					}
					if snapshot && i == 29 {
						if err := n.Snapshot(); err != nil {
							t.Fatalf("Snapshot() error = %v", err)
						}
					}
				}
				if n.Applied() != last || n.Leader() != "n1" || n.Term() != first.Term {
					t.Fatalf("applied %d, leader %q, term %d: want %d, n1, %d", n.Applied(), n.Leader(), n.Term(), last, first.Term)
				}
				want := n.tape.Digest()
				n.close(t)

				n = start(t, cfg)
				if n.tape.restored != snapshot {
					t.Fatalf("restored = %v, want %v", n.tape.restored, snapshot)
				}
				again := n.leader(t)
				if again.Term <= first.Term {
					t.Fatalf("term %d after term %d", again.Term, first.Term)
				}
				n.propose(t, "one more") // Committed: so is all before it.
				if n.tape.count() != 41 {
					t.Fatalf("%d commands, want 41", n.tape.count())
				}
				n.close(t)
				n = start(t, cfg)
				n.leader(t)
				synctest.Wait()
				if n.tape.count() != 41 || n.tape.Digest() == want {
					t.Fatalf("%d commands after the third start, want 41 and another digest", n.tape.count())
				}
				n.close(t)
			})
		})
	}
}

func TestProposalIsNotAppendedWithoutALeaderOrAfterClose(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		cfg := config(dir, nil)
		found(t, cfg)
		n := start(t, cfg)
		want := func(what string, ctx context.Context, cmd []byte) {
			t.Helper()
			if _, err := n.Propose(ctx, cmd); !errors.Is(err, cluster.ErrNotAppended) || errors.Is(err, cluster.ErrFateUnknown) {
				t.Fatalf("%s: Propose() error = %v, want ErrNotAppended", what, err)
			}
		}
		ctx := t.Context()
		want("before an election", ctx, []byte("x"))
		n.leader(t)
		want("empty", ctx, nil)
		want("too large", ctx, make([]byte, cluster.MaxCommand+1))
		gone, cancel := context.WithCancel(ctx)
		cancel()
		want("ended context", gone, []byte("x"))
		n.propose(t, "x")
		n.close(t)
		want("closed", ctx, []byte("x"))
		if err := n.Close(); err != nil {
			t.Fatalf("second Close() = %v", err)
		}
		if n.tape.count() != 1 {
			t.Fatalf("%d commands applied, want 1", n.tape.count())
		}
	})
}

func TestFailedStoreEndsTheNode(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		cfg := config(dir, nil)
		var told []error
		cfg.Events.Fatal = func(err error) { told = append(told, err) }
		found(t, cfg)
		broken := errors.New("input/output error")
		var calls atomic.Int64
		var fail atomic.Bool
		n := start(t, cluster.WithFault(cfg, func(string) error {
			if calls.Add(1); fail.Load() {
				return broken
			}
			return nil
		}))
		n.leader(t)
		n.propose(t, "good")
		synctest.Wait()
		fail.Store(true)
		before := calls.Load()
		_, err := n.Propose(t.Context(), []byte("lost"))
		if !errors.Is(err, cluster.ErrFateUnknown) || !errors.Is(err, cluster.ErrStore) {
			t.Fatalf("Propose() error = %v, want ErrFateUnknown of ErrStore", err)
		}
		if err := <-n.ended; !errors.Is(err, cluster.ErrStore) || !errors.Is(err, broken) {
			t.Fatalf("Run() = %v, want ErrStore", err)
		}
		if got := calls.Load(); got != before+1 || len(told) != 1 {
			t.Fatalf("%d calls after the failed one, told %d times: want none and once", got-before-1, len(told))
		}
		n.stop()
	})
}

func TestHungStoreIsSeenAndEndsNoWaitForEver(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		cfg := config(dir, nil)
		begin := time.Now()
		instant := func() int64 { return 1 + int64(time.Since(begin)) }
		cfg.Instant = instant
		found(t, cfg)
		hung := make(chan struct{})
		var hang atomic.Bool
		n := start(t, cluster.WithFault(cfg, func(string) error {
			if hang.Load() {
				<-hung
			}
			return nil
		}))
		n.leader(t)
		n.propose(t, "good")
		synctest.Wait()
		if age := n.StoreAge(instant()); age != 0 {
			t.Fatalf("StoreAge() = %v with nothing under way", age)
		}
		hang.Store(true)
		ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
		defer cancel()
		if _, err := n.Propose(ctx, []byte("hangs")); !errors.Is(err, cluster.ErrFateUnknown) {
			t.Fatalf("Propose() error = %v, want ErrFateUnknown", err)
		}
		if age := n.StoreAge(instant()); age != 400*time.Millisecond {
			t.Fatalf("StoreAge() = %v, want 400ms", age)
		}
		close(hung)
		n.close(t)
	})
}

func TestPanicOfTheMachineEndsTheNode(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		cfg := config(dir, nil)
		found(t, cfg)
		n := start(t, cfg)
		n.leader(t)
		n.propose(t, "good")
		if _, err := n.Propose(t.Context(), []byte("panic")); !errors.Is(err, cluster.ErrFateUnknown) {
			t.Fatalf("Propose() error = %v, want ErrFateUnknown", err)
		}
		err := <-n.ended
		if !errors.Is(err, cluster.ErrMachine) || !strings.Contains(err.Error(), "was asked to") || !strings.Contains(err.Error(), "node_test.go") {
			t.Fatalf("Run() = %v, want ErrMachine with the panic and its stack", err)
		}
		n.stop()
		if n.tape.count() != 1 {
			t.Fatalf("%d commands, want 1", n.tape.count())
		}
	})
}

func TestNodeThatMustEndDoesNothingUntilItIsClosed(t *testing.T) {
	for _, how := range []string{"store", "machine"} {
		t.Run(how, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				cfg := config(dir, &tape{})
				found(t, cfg)
				var calls atomic.Int64
				var fail atomic.Bool
				n, err := cluster.Open(cluster.WithFault(cfg, func(string) error {
					if calls.Add(1); fail.Load() {
						return errors.New("input/output error")
					}
					return nil
				})) // Nobody runs it: it has to wait for its end.
				if err != nil {
					t.Fatal(err)
				}
				if !leads(n) {
					t.Fatal("no leader")
				}
				ctx := t.Context()
				if _, err := n.Propose(ctx, []byte("good")); err != nil {
					t.Fatal(err)
				}
				cmd := "panic"
				if how == "store" {
					fail.Store(true)
					cmd = "lost"
				}
				if _, err := n.Propose(ctx, []byte(cmd)); !errors.Is(err, cluster.ErrFateUnknown) {
					t.Fatalf("Propose() error = %v, want ErrFateUnknown", err)
				}
				before := calls.Load()
				<-time.After(10 * time.Second) // Virtual: elections come and go.
				if _, err := n.Propose(ctx, []byte("after")); err == nil {
					t.Fatal("Propose() after the failure: nil error")
				}
				if err := n.Snapshot(); how == "machine" && err == nil {
					t.Fatal("Snapshot() of a machine that panicked: nil error")
				}
				if got := calls.Load(); how == "store" && got != before {
					t.Fatalf("%d calls to the disk after the failed one, want none", got-before)
				}
				if got := cfg.Machine.(*tape).count(); got != 1 {
					t.Fatalf("%d commands, want 1", got)
				}
				if err := n.Close(); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

func TestEngineTakesSnapshotsByItselfAndKeepsThree(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		cfg := config(dir, nil)
		cfg.Tuning.SnapshotEntries, cfg.Tuning.Trailing = 10, 5
		found(t, cfg)
		n := start(t, cfg)
		n.leader(t)
		for range 6 {
			for range 15 {
				n.propose(t, "x")
			}
			<-time.After(3 * cfg.Tuning.SnapshotInterval) // Virtual: the bubble's clock jumps.
		}
		n.close(t)
		entries, err := os.ReadDir(filepath.Join(dir, "raft", "snapshots"))
		if err != nil || len(entries) != 3 {
			t.Fatalf("%d snapshots, %v, want 3", len(entries), err)
		}
		n = start(t, cfg)
		n.leader(t)
		synctest.Wait()
		if n.tape.count() != 90 || !n.tape.restored {
			t.Fatalf("%d commands, restored %v, want 90 from a snapshot", n.tape.count(), n.tape.restored)
		}
		n.close(t)
	})
}
