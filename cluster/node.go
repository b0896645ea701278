package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

const (
	notices      = 16 // changes of leadership that may wait for Run; the engine blocks on the next
	transportMax = 10 * time.Second
	poolMax      = 3
)

// Node is a member of a cluster. Its methods are safe for any number of goroutines.
type Node struct {
	cfg       Config
	store     *store
	fsm       *fsm
	raft      *raft.Raft
	transport raft.Transport
	notify    chan bool
	failed    chan struct{} // closed when there is a why

	once    sync.Once // for why
	why     error
	closing sync.Once
	ended   error
	closed  atomic.Bool
	gate    sync.RWMutex // proposals hold it to enter, Close to keep them out
	waiting sync.WaitGroup
}

// Found makes a new cluster of cfg.Peers in cfg.Dir, which must not hold one
// (ErrFounded). Every founding member is founded with the same peers. One that
// was cut short can be repeated. It starts nothing.
func Found(cfg Config) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	servers, err := servers(cfg)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return err
	}
	if err := ensureIdentity(cfg.Dir, cfg.Cluster, cfg.Node); err != nil {
		return err
	}
	log := engineLog(cfg.Log)
	st, snaps, err := openDisk(cfg, log)
	if err != nil {
		return err
	}
	_, transport := raft.NewInmemTransport(raft.ServerAddress(cfg.Node)) // The founding entry needs no network.
	err = raft.BootstrapCluster(engineConfig(cfg, log, nil), st, st, snaps, transport, raft.Configuration{Servers: servers})
	if errors.Is(err, raft.ErrCantBootstrap) {
		err = fmt.Errorf("%w: %s", ErrFounded, cfg.Dir)
	}
	return errors.Join(err, transport.Close(), st.close())
}

func servers(cfg Config) ([]raft.Server, error) {
	var out []raft.Server
	self := false
	for _, p := range cfg.Peers {
		s := raft.Server{ID: raft.ServerID(p.ID), Address: raft.ServerAddress(p.Addr)}
		switch p.Role {
		case Voter:
			s.Suffrage = raft.Voter
		case NonVoter:
			s.Suffrage = raft.Nonvoter
		default:
			return nil, fmt.Errorf("%w: peer %q: role = %d, want voter or nonvoter", ErrConfig, p.ID, p.Role)
		}
		if p.Addr == "" {
			s.Address = raft.ServerAddress(p.ID)
		}
		self = self || p.ID == cfg.Node
		out = append(out, s)
	}
	if !self {
		return nil, fmt.Errorf("%w: node %q is not one of the %d peers", ErrConfig, cfg.Node, len(cfg.Peers))
	}
	return out, nil
}

// openDisk opens the log and the snapshots, and refuses what is damaged.
func openDisk(cfg Config, log hclog.Logger) (*store, raft.SnapshotStore, error) {
	dir := filepath.Join(cfg.Dir, "raft")
	st, err := openStore(dir, cfg.Tuning.Segment, log)
	if err != nil {
		return nil, nil, err
	}
	files, err := raft.NewFileSnapshotStoreWithLogger(dir, cfg.Tuning.SnapshotsKept, log)
	if err == nil {
		err = verifySnapshots(filepath.Join(dir, "snapshots"), st, log)
	}
	if err != nil {
		return nil, nil, errors.Join(err, st.close())
	}
	return st, snapshots{files}, nil
}

func engineConfig(cfg Config, log hclog.Logger, notify chan<- bool) *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = raft.ServerID(cfg.Node)
	c.HeartbeatTimeout, c.ElectionTimeout = cfg.Tuning.Heartbeat, cfg.Tuning.Election
	c.LeaderLeaseTimeout, c.CommitTimeout = cfg.Tuning.Lease, cfg.Tuning.Commit
	c.MaxAppendEntries = 512
	c.SnapshotInterval, c.SnapshotThreshold = cfg.Tuning.SnapshotInterval, cfg.Tuning.SnapshotEntries
	c.TrailingLogs = cfg.Tuning.Trailing
	c.BatchApplyCh = false // With it a proposal that timed out may already be in the queue.
	c.ShutdownOnRemove = true
	c.NoSnapshotRestoreOnStart = false
	c.PreVoteDisabled = false
	c.NoLegacyTelemetry = true
	c.NotifyCh = notify
	c.Logger = log
	return c
}

// Open starts the node that Found made in cfg.Dir: identity compared, every log
// entry read, the newest snapshot restored into the machine. It comes back with
// the engine running, with or without a leader. Errors: ErrConfig and
// ErrIdentity (exit 3), ErrNotFounded (exit 6), ErrCorrupt, or what the disk or
// the listener said. Call Run, or Close.
func Open(cfg Config) (*Node, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Machine == nil {
		return nil, fmt.Errorf("%w: machine is nil", ErrConfig)
	}
	id, err := readIdentity(cfg.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s has no identity", ErrNotFounded, cfg.Dir)
	}
	if err == nil {
		err = id.is(cfg.Cluster, cfg.Node)
	}
	if err != nil {
		return nil, err
	}
	log := engineLog(cfg.Log)
	st, snaps, err := openDisk(cfg, log)
	if err != nil {
		return nil, err
	}
	n, err := start(cfg, st, snaps, log)
	if err != nil {
		return nil, errors.Join(err, st.close())
	}
	return n, nil
}

func start(cfg Config, st *store, snaps raft.SnapshotStore, log hclog.Logger) (*Node, error) {
	founded, err := raft.HasExistingState(st, st, snaps)
	if err != nil {
		return nil, err
	}
	if !founded {
		return nil, fmt.Errorf("%w: %s has no log: it was lost, or founding was cut short", ErrNotFounded, cfg.Dir)
	}
	n := &Node{cfg: cfg, store: st, notify: make(chan bool, notices), failed: make(chan struct{})}
	n.fsm = &fsm{machine: cfg.Machine, fatal: n.fatal}
	st.fatal, st.fault, st.instant, st.events = n.fatal, cfg.fault, cfg.Instant, cfg.Events
	if n.transport, err = listen(cfg, log); err != nil {
		return nil, err
	}
	n.raft, err = raft.NewRaft(engineConfig(cfg, log, n.notify), n.fsm, st, st, snaps, n.transport)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start: %w", err), closeTransport(n.transport))
	}
	return n, nil
}

func listen(cfg Config, log hclog.Logger) (raft.Transport, error) {
	if cfg.Listen == "" {
		_, t := raft.NewInmemTransport(raft.ServerAddress(cfg.Node))
		return t, nil
	}
	t, err := raft.NewTCPTransportWithConfig(cfg.Listen, nil, &raft.NetworkTransportConfig{
		MaxPool: poolMax, Timeout: transportMax, MaxRPCsInFlight: 1, Logger: log,
	})
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", cfg.Listen, err)
	}
	return t, nil
}

func closeTransport(t raft.Transport) error {
	if c, ok := t.(raft.WithClose); ok {
		return c.Close()
	}
	return nil
}

// fatal keeps the first reason why the node must end.
func (n *Node) fatal(err error) {
	n.once.Do(func() {
		n.why = err
		close(n.failed)
		if n.cfg.Events.Fatal != nil {
			n.cfg.Events.Fatal(err)
		}
	})
}

// Run hands out changes of leadership until ctx ends (nil) or the node must end
// (ErrStore, ErrCorrupt or ErrMachine), and closes the node.
func (n *Node) Run(ctx context.Context) error {
	for {
		select {
		case leading := <-n.notify:
			if n.cfg.OnLeadership != nil {
				n.cfg.OnLeadership(Leadership{Leading: leading, Term: n.Term()})
			}
		case <-n.failed:
			return errors.Join(n.why, n.Close())
		case <-ctx.Done():
			return n.Close()
		}
	}
}

// Close stops the engine and what belongs to it, and waits for them. Proposals
// under way get ErrFateUnknown, later ones ErrNotAppended. A second Close
// returns what the first one did.
func (n *Node) Close() error {
	n.closing.Do(func() {
		n.gate.Lock()
		n.closed.Store(true)
		n.gate.Unlock()
		n.ended = errors.Join(n.raft.Shutdown().Error(), closeTransport(n.transport))
		n.waiting.Wait()
		n.ended = errors.Join(n.ended, n.store.close())
	})
	return n.ended
}

// Propose asks the leader, if that is this node, to replicate cmd and waits
// until it is committed and applied here: then index is its place in the log.
// Otherwise the error is ErrNotAppended (no leader, queue full, closed, too
// large, empty) or ErrFateUnknown (leadership lost, store failed, ctx ended). cmd must
// not be changed afterwards.
func (n *Node) Propose(ctx context.Context, cmd []byte) (index uint64, err error) {
	if len(cmd) == 0 || len(cmd) > MaxCommand {
		return 0, fmt.Errorf("%w: command of %d bytes, want 1 to %d", ErrNotAppended, len(cmd), MaxCommand)
	}
	if ctx.Err() != nil {
		return 0, fmt.Errorf("%w: %w", ErrNotAppended, ctx.Err())
	}
	n.gate.RLock()
	if n.closed.Load() {
		n.gate.RUnlock()
		return 0, fmt.Errorf("%w: the node is closed", ErrNotAppended)
	}
	n.waiting.Add(1)
	n.gate.RUnlock()
	type outcome struct {
		index uint64
		err   error
	}
	done := make(chan outcome, 1)
	// The engine's future can only be waited for; it ends at the latest with the engine, for which Close waits.
	go func() {
		defer n.waiting.Done()
		f := n.raft.Apply(cmd, n.cfg.Tuning.Enqueue)
		err := f.Error()
		if err == nil {
			if failed, ok := f.Response().(error); ok {
				err = failed
			}
		}
		done <- outcome{f.Index(), fate(err)}
	}()
	select {
	case o := <-done:
		if o.err != nil {
			return 0, o.err
		}
		return o.index, nil
	case <-ctx.Done():
		return 0, fmt.Errorf("%w: %w", ErrFateUnknown, ctx.Err())
	}
}

// fate sorts the engine's errors by what they say about the log. Only those that
// the engine answers before it appends are ErrNotAppended; all others, and those
// we do not know, are ErrFateUnknown.
func fate(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrEnqueueTimeout), errors.Is(err, raft.ErrLeadershipTransferInProgress):
		return fmt.Errorf("%w: %w", ErrNotAppended, err)
	default:
		return fmt.Errorf("%w: %w", ErrFateUnknown, err)
	}
}

// Term returns the engine's present term.
func (n *Node) Term() uint64 { return n.raft.CurrentTerm() }

// Leader returns the id of the leader this node knows of, "" if none. It may be
// out of date: nothing may be allowed by it.
func (n *Node) Leader() string {
	_, id := n.raft.LeaderWithID()
	return string(id)
}

// Applied returns the index of the last command that the machine carried out since Open, 0 if none.
func (n *Node) Applied() uint64 { return n.fsm.applied.Load() }

// Addr returns where the node listens, "" if nowhere; with port 0 in the configuration it has the real one.
func (n *Node) Addr() string {
	if n.cfg.Listen == "" {
		return ""
	}
	return string(n.transport.LocalAddr())
}

// StoreAge returns how long the write to the disk that is under way has taken
// at now (of Config.Instant's clock), 0 if there is none: what a watchdog of a
// hung disk asks.
func (n *Node) StoreAge(now int64) time.Duration { return n.store.age(now) }

// Snapshot takes a snapshot now and waits for it. The engine takes them by itself too.
func (n *Node) Snapshot() error {
	err := n.raft.Snapshot().Error()
	if errors.Is(err, raft.ErrNothingNewToSnapshot) {
		return nil
	}
	return err
}
