package cluster_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/failshut/failshut/cluster"
)

var (
	seed  = flag.Uint64("seed", 1, "seed of the random tests")
	flips = flag.Int("flips", 20, "bits flipped in each file of a data directory")
)

// filled makes a cluster with two log segments and a snapshot, and returns its
// directory, the digest of its machine and how many commands that had.
func filled(t *testing.T, snapshot bool) (dir string, digest [32]byte, count uint64) {
	t.Helper()
	dir = t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		cfg := config(dir, nil)
		cfg.Tuning.Trailing = 10
		found(t, cfg)
		n := start(t, cfg)
		n.leader(t)
		for i := range 100 {
			n.propose(t, fmt.Sprintf("%d %s", i, strings.Repeat("x", 1000)))
			if snapshot && i == 80 {
				if err := n.Snapshot(); err != nil {
					t.Fatal(err)
				}
			}
		}
		digest, count = n.tape.Digest(), n.tape.count()
		n.close(t)
	})
	return dir, digest, count
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// outcome opens a directory and, if that starts, lets it lead: state reports what the machine then holds.
func outcome(t *testing.T, dir string) (digest [32]byte, count uint64, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := &tape{}
		n, openErr := cluster.Open(config(dir, m))
		if openErr != nil {
			err = openErr
			return
		}
		if !leads(n) {
			err = errNoLeader
		}
		digest, count = m.Digest(), m.count()
		if closeErr := n.Close(); closeErr != nil {
			t.Error(closeErr)
		}
	})
	return digest, count, err
}

var errNoLeader = errors.New("started, and never led")

// leads lets virtual time pass until the node leads and has applied its log.
func leads(n *cluster.Node) bool {
	for range 100 {
		synctest.Wait()
		if n.Leader() == "n1" {
			synctest.Wait()
			return true
		}
		<-time.After(100 * time.Millisecond) // Virtual: the bubble's clock jumps.
	}
	return false
}

func TestFlippedBitIsFoundBeforeItIsUsed(t *testing.T) {
	for _, snapshot := range []bool{false, true} {
		good, digest, count := filled(t, snapshot)
		random := rand.New(rand.NewPCG(*seed, 7))
		var files []string
		if err := fs.WalkDir(os.DirFS(good), "raft", func(name string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				files = append(files, name)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		bad := filepath.Join(t.TempDir(), "bad")
		for _, name := range files {
			content, err := os.ReadFile(filepath.Join(good, name))
			if err != nil {
				t.Fatal(err)
			}
			end := len(bytes.TrimRight(content, "\x00"))
			found, harmless := 0, 0
			for range *flips {
				at, bit := random.IntN(max(1, end)), random.IntN(8)
				copyTree(t, good, bad)
				flipped := bytes.Clone(content)
				flipped[at] ^= 1 << bit
				if err := os.WriteFile(filepath.Join(bad, name), flipped, 0o600); err != nil {
					t.Fatal(err)
				}
				got, n, err := outcome(t, bad)
				switch {
				case err != nil:
					found++
				case got == digest && n == count:
					harmless++
				default:
					t.Errorf("seed %d: snapshot %v: %s byte %d of %d bit %d: started with %d of %d commands and said nothing", *seed, snapshot, name, at, end, bit, n, count)
				}
			}
			t.Logf("snapshot %v: %-50s %6d bytes: %d found, %d harmless", snapshot, name, end, found, harmless)
			if (strings.HasSuffix(name, ".wal") || strings.HasSuffix(name, ".bin")) && found == 0 {
				t.Errorf("%s: nothing found: the run proves nothing", name)
			}
		}
	}
}

func TestLogThatLostItsEndIsCorrupt(t *testing.T) {
	good, _, _ := filled(t, false)
	names, err := filepath.Glob(filepath.Join(good, "raft", "wal", "*.wal"))
	if err != nil || len(names) < 2 {
		t.Fatalf("segments %v, %v, want two", names, err)
	}
	name := names[len(names)-1]
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	end := len(bytes.TrimRight(content, "\x00"))
	for i := end - 3000; i < end; i++ {
		content[i] = 0
	}
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := outcome(t, good); !errors.Is(err, cluster.ErrCorrupt) {
		t.Fatalf("Open() error = %v, want ErrCorrupt: entries that were acknowledged are gone", err)
	}
}

func TestSnapshotThatIsGoneIsCorrupt(t *testing.T) {
	good, _, _ := filled(t, true)
	if err := os.RemoveAll(filepath.Join(good, "raft", "snapshots")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := outcome(t, good); !errors.Is(err, cluster.ErrCorrupt) {
		t.Fatalf("Open() error = %v, want ErrCorrupt: the log begins behind it", err)
	}
}

func TestNoWayBackToAnOlderSnapshot(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		cfg := config(dir, nil)
		found(t, cfg) // The log keeps everything: an older snapshot would do, and is refused all the same.
		n := start(t, cfg)
		n.leader(t)
		for range 2 {
			n.propose(t, "x")
			<-time.After(time.Second) // Virtual. Snapshots are named by time.
			if err := n.Snapshot(); err != nil {
				t.Fatal(err)
			}
		}
		n.close(t)
	})
	names, err := filepath.Glob(filepath.Join(dir, "raft", "snapshots", "*"))
	if err != nil || len(names) != 2 {
		t.Fatalf("snapshots %v, %v, want 2", names, err)
	}
	for _, file := range []string{"state.bin", "meta.json"} {
		bad := filepath.Join(t.TempDir(), "bad")
		copyTree(t, dir, bad)
		name := filepath.Join(bad, "raft", "snapshots", filepath.Base(names[1]), file)
		if err := os.WriteFile(name, []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := outcome(t, bad); err == nil || errors.Is(err, errNoLeader) {
			t.Fatalf("newest %s damaged: Open() error = %v", file, err)
		}
	}
}

// What a killed process leaves is what its files hold at that moment: the copy of a running node's directory.
func TestWhatWasAcknowledgedOutlivesAKill(t *testing.T) {
	dir, image := t.TempDir(), filepath.Join(t.TempDir(), "image")
	for kill := range uint64(12) {
		synctest.Test(t, func(t *testing.T) {
			cfg := config(dir, nil)
			cfg.Tuning.Trailing, cfg.Tuning.Segment = 20, 64<<10
			if kill == 0 {
				found(t, cfg)
			}
			n := start(t, cfg)
			n.leader(t)
			for i := range 25 {
				n.propose(t, fmt.Sprintf("%d %d %s", kill, i, strings.Repeat("x", int(kill*300))))
			}
			if kill%3 == 2 {
				if err := n.Snapshot(); err != nil {
					t.Fatal(err)
				}
			}
			synctest.Wait()
			copyTree(t, dir, image)
			if want := (kill + 1) * 25; n.tape.count() != want {
				t.Errorf("kill %d: %d commands, want %d", kill, n.tape.count(), want)
			}
			want := n.tape.Digest()
			n.close(t)
			copyTree(t, image, dir)
			m := &tape{}
			cfg.Machine = m
			again, err := cluster.Open(cfg)
			if err != nil {
				t.Fatalf("kill %d: Open() error = %v", kill, err)
			}
			if !leads(again) || m.Digest() != want {
				t.Errorf("kill %d: %d commands after the restart, want %d", kill, m.count(), (kill+1)*25)
			}
			if err := again.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// brittle is a machine whose snapshots cannot be read back.
type brittle struct {
	tape
	panics bool
}

func (b *brittle) Restore(io.Reader) error {
	if b.panics {
		panic("cannot be read")
	}
	return errors.New("cannot be read")
}

func TestSnapshotThatTheMachineRefusesStopsTheStart(t *testing.T) {
	dir, _, _ := filled(t, true)
	for _, m := range []*brittle{{panics: true}, {panics: false}} {
		if _, err := cluster.Open(config(dir, m)); err == nil {
			t.Fatalf("Open() with a machine that panics (%v) or refuses its snapshot: nil error", m.panics)
		}
	}
	if _, err := cluster.Open(config(dir, &forgetful{})); err == nil {
		t.Fatal("Open() with a machine that restores to another digest: nil error")
	}
}

// forgetful is a machine that takes its snapshot and is not what it was.
type forgetful struct{ tape }

func (*forgetful) Restore(io.Reader) error { return nil }

func FuzzCodec(f *testing.F) {
	encode := func(l *cluster.Entry) []byte {
		var b bytes.Buffer
		if err := (cluster.Codec{}).Encode(l, &b); err != nil {
			f.Fatal(err)
		}
		return b.Bytes()
	}
	f.Add([]byte{})
	f.Add(encode(&cluster.Entry{}))
	f.Add(encode(&cluster.Entry{Index: 1, Term: ^uint64(0), Type: 255, Data: []byte("data"), Extensions: []byte("ext")}))
	f.Add(encode(&cluster.Entry{Data: make([]byte, cluster.MaxCommand)}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var l cluster.Entry
		if err := (cluster.Codec{}).Decode(b, &l); err != nil {
			if !errors.Is(err, cluster.ErrCorrupt) {
				t.Fatalf("Decode() error = %v, want ErrCorrupt", err)
			}
			return
		}
		if again := encode(&l); !bytes.Equal(again, b) {
			t.Fatalf("% x encodes again as % x", b, again)
		}
	})
}
