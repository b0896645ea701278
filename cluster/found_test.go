package cluster_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/cluster"
)

func TestFoundingIsAskedForAndDoneOnce(t *testing.T) {
	dir := t.TempDir()
	cfg := config(dir, &tape{})
	if _, err := cluster.Open(cfg); !errors.Is(err, cluster.ErrNotFounded) {
		t.Fatalf("Open() of an empty directory: %v, want ErrNotFounded", err)
	}
	found(t, cfg)
	if err := cluster.Found(cfg); !errors.Is(err, cluster.ErrFounded) {
		t.Fatalf("second Found(): %v, want ErrFounded", err)
	}
	other := cfg
	other.Node = "n2"
	if _, err := cluster.Open(other); !errors.Is(err, cluster.ErrIdentity) {
		t.Fatalf("Open() as another node: %v, want ErrIdentity", err)
	}
	other = cfg
	other.Cluster = "production"
	if _, err := cluster.Open(other); !errors.Is(err, cluster.ErrIdentity) {
		t.Fatalf("Open() of another cluster: %v, want ErrIdentity", err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "raft")); err != nil {
		t.Fatal(err)
	}
	if _, err := cluster.Open(cfg); !errors.Is(err, cluster.ErrNotFounded) {
		t.Fatalf("Open() of a directory whose log is lost: %v, want ErrNotFounded", err)
	}
	found(t, cfg) // Founding that was cut short after the identity.
	n, err := cluster.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestWrongConfigurationIsRefused(t *testing.T) {
	good := config(t.TempDir(), &tape{})
	tests := map[string]func(*cluster.Config){
		"not loopback":        func(c *cluster.Config) { c.Listen = "0.0.0.0:0" },
		"no port":             func(c *cluster.Config) { c.Listen = "127.0.0.1" },
		"no node":             func(c *cluster.Config) { c.Node = "" },
		"zero tuning":         func(c *cluster.Config) { c.Tuning = cluster.Tuning{} },
		"lease over beat":     func(c *cluster.Config) { c.Tuning.Lease = time.Second },
		"role missing":        func(c *cluster.Config) { c.Peers = []cluster.Peer{{ID: "n1"}} },
		"not a peer":          func(c *cluster.Config) { c.Peers = []cluster.Peer{{ID: "n2", Role: cluster.Voter}} },
		"three, and no ports": func(c *cluster.Config) { c.Peers = append(c.Peers, cluster.Peer{ID: "n2", Role: cluster.Voter}) },
	}
	for name, change := range tests {
		cfg := good
		change(&cfg)
		if err := cluster.Found(cfg); !errors.Is(err, cluster.ErrConfig) {
			t.Errorf("%s: Found() error = %v, want ErrConfig", name, err)
		}
	}
}

func TestIdentityFindsEveryFlippedBit(t *testing.T) {
	cfg := config(t.TempDir(), &tape{})
	found(t, cfg)
	name := filepath.Join(cfg.Dir, "identity")
	good, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1 << (i % 8)
		if err := os.WriteFile(name, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := cluster.Open(cfg); !errors.Is(err, cluster.ErrCorrupt) && !errors.Is(err, cluster.ErrIdentity) {
			t.Fatalf("byte %d flipped: Open() error = %v", i, err)
		}
	}
}

func TestPortOfTheConfigurationIsOpenedAndClosed(t *testing.T) {
	cfg := config(t.TempDir(), nil)
	cfg.Listen = "127.0.0.1:0"
	cfg.Peers[0].Addr = "127.0.0.1:7101"
	cfg.Log = slog.New(slog.DiscardHandler)
	found(t, cfg)
	n := start(t, cfg)
	c, err := net.Dial("tcp", n.Addr())
	if err != nil {
		t.Fatalf("dial %s: %v", n.Addr(), err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	n.leader(t)
	n.propose(t, "over the port")
	busy := config(t.TempDir(), &tape{})
	busy.Listen = n.Addr()
	found(t, busy)
	if _, err := cluster.Open(busy); err == nil || !strings.Contains(err.Error(), n.Addr()) {
		t.Fatalf("Open() on a port in use: %v, want an error that names it", err)
	}
	n.close(t)
}
