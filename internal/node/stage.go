package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/cluster"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/internal/config"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/supervision"
)

// stage is a node and the embedded exchange that it trades on, in one process: what the demonstration and the daemon have in
// common.
type stage struct {
	sys      *actors.System
	exchange *Exchange
	node     *Node
	lock     *dataLock
	file     *os.File // the exchange's ledger
	started  time.Time
	socket   string

	door  sync.Mutex
	admin string
}

// staged is how the node of a stage stands.
type staged struct {
	File      *config.File
	Dir       string
	Raft      cluster.Config
	Disk      journal.FS
	Seed      uint64
	Listen    string        // of the admin listener
	Socket    config.Socket // empty: admin.sock in Dir, for its owner alone
	Decisions supervision.Journal
	Log       *slog.Logger
	Metrics   func(*Node) http.Handler
	Hooks     Hooks
	Said      func(format string, args ...any)
}

// begin makes the system, with the clock by which everything of the stage goes.
func (s *stage) begin(seed uint64, log *slog.Logger) error {
	sys, err := actors.New(systemConfig("node", actors.Real(), actors.Shared(0), seed, log))
	if err != nil {
		return err
	}
	s.sys, s.started = sys, sys.Now()
	return nil
}

func (s *stage) openExchange(ctx context.Context, ledger string, f *config.File, seed uint64, log *slog.Logger) (err error) {
	if s.file, err = os.OpenFile(ledger, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err != nil {
		return err
	}
	if s.exchange, err = OpenExchange(ctx, f.Exchange, seed, s.file, log); err != nil {
		return fmt.Errorf("the exchange: %w", err)
	}
	return nil
}

// openNode starts the node on the exchange, and returns when its tree is up.
func (s *stage) openNode(ctx context.Context, plan *Plan, c staged) error {
	trips := filepath.Join(c.Dir, "trips")
	if err := os.MkdirAll(trips, 0o700); err != nil {
		return err
	}
	world := World{
		System: s.sys, Disk: c.Disk, Dir: filepath.Join(c.Dir, "journal"), Trips: risk.NewDirTrips(trips),
		Nonce: uint64(s.started.UnixNano()), Seed: c.Seed, Snapshots: filepath.Join(c.Dir, "snapshots"), Boot: bootClock, Log: c.Log,
		Cluster: RaftCluster(c.Raft), Port: s.exchange.Port(), Decisions: c.Decisions,
		Feeds: s.exchange.liveFeed(ctx, plan.Venue, c.File.Node.Feeds[0]),
	}
	channel := path(inFeeds, string(plan.Venue))
	world.Show = func(name string) error { return feeds.Address(s.sys, channel).Tell(feeds.Show(name)) }
	access, err := accessOf(c.File.Node.Admin, s.sys.Now)
	if err != nil {
		return err
	}
	access.Log = c.Log
	n, err := New(plan, world, c.Hooks)
	if err != nil {
		return err
	}
	mode, err := strconv.ParseUint(cmp.Or(c.Socket.Mode, "0600"), 8, 32)
	if err != nil {
		return fmt.Errorf("admin.socket.mode is %q, want an octal number: %w", c.Socket.Mode, err)
	}
	s.socket = cmp.Or(c.Socket.Path, "admin.sock")
	if !filepath.IsAbs(s.socket) {
		s.socket = filepath.Join(c.Dir, s.socket)
	}
	door := Door{Socket: s.socket, Mode: os.FileMode(mode), Listen: c.Listen, Access: access}
	door.Bound = func(name, addr string) {
		if name == "admin" {
			s.door.Lock()
			s.admin = addr
			s.door.Unlock()
		}
		if name == "socket" {
			addr = "--addr unix:" + addr
		}
		c.Said("%s: %s", name, addr)
	}
	n.world.Control = []supervision.Child{ControlChild(door, NewFace(n, c.Metrics(n))), n.observer()}
	s.node = n
	return n.Start(ctx)
}

// Admin is the address of the admin listener.
func (s *stage) Admin() string {
	s.door.Lock()
	defer s.door.Unlock()
	return s.admin
}

// Socket is the path of the control socket.
func (s *stage) Socket() string { return s.socket }

// Node is the node of the stage.
func (s *stage) Node() *Node { return s.node }

// Ended gives the result of the node's tree when it has ended, by Shutdown or by itself.
func (s *stage) Ended() <-chan supervision.Result { return s.node.Tree().Done() }

// Shutdown begins the orderly stop; Skip leaves its phases out.
func (s *stage) Shutdown() { s.node.Shutdown() }

// Skip goes on to stopping at once.
func (s *stage) Skip() { s.node.Tree().SkipPhases() }

// close stops what runs, in reverse; it is harmless for what never started.
func (s *stage) close(ctx context.Context) error {
	errs := []error{s.sys.Stop(ctx)}
	if s.exchange != nil {
		errs = append(errs, s.exchange.Stop(ctx))
	}
	if s.file != nil {
		errs = append(errs, s.file.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.release())
	}
	return errors.Join(errs...)
}

// observeEvery is how often whoever waits at the door looks again, should nothing have rung.
const observeEvery = 100 * time.Millisecond

// observer rings the node's bell now and then, so that a wait at the door needs no clock.
func (n *Node) observer() supervision.Child {
	c := supervision.DefaultChild("observer", func(_ context.Context, b *supervision.Birth) error {
		b.Run(func(ctx context.Context, out actors.Outside) error {
			for {
				if err := out.Until(ctx, out.Now().Add(observeEvery)); err != nil {
					return err
				}
				n.bell.ring()
			}
		})
		return nil
	})
	c.Watchdog = n.plan.Supervision.Watchdogs.Control
	return c
}
