package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/failshut/failshut/cluster"
	"github.com/failshut/failshut/internal/config"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
	"github.com/failshut/failshut/supervision"
)

// ErrVoters says that a file founds a cluster of several voters, which this version cannot be a member of.
var ErrVoters = errors.New("several nodes are not built")

// ErrKind says that a file reaches its venue in a way that is not built.
var ErrKind = errors.New("order entry over a wire is not built")

// DaemonConfig is one node of a file, on the data directory that InitCluster has made.
type DaemonConfig struct {
	File    *config.File // of the node, without mistakes
	Venue   *config.File // of the exchange that stands in this process until order entry goes over a wire
	Defs    strategy.Defs
	Dir     string // the data directory
	Log     *slog.Logger
	Metrics func(*Node) http.Handler
	Hooks   Hooks                            // told besides the daemon's own
	Said    func(format string, args ...any) // progress, for a person
	Change  func(*Plan)                      // last word on the plan, for drills; may be nil
	Disk    journal.FS                       // of the journal; nil: the operating system's
}

// DaemonAnswer is what a daemon says at its end.
type DaemonAnswer struct {
	Schema      string        `json:"schema"`
	Node        string        `json:"node"`
	Incarnation uint32        `json:"incarnation"` // the epoch of its journal
	UptimeMS    int64         `json:"uptime_ms"`
	Restarts    uint64        `json:"restarts"` // granted by its supervisors
	Unstopped   []string      `json:"unstopped"`
	Phases      []PhaseAnswer `json:"phases"`
	Exit        int           `json:"exit"`

	Result supervision.Result `json:"-"`
}

// PhaseAnswer is how a phase of the shutdown ended.
type PhaseAnswer struct {
	Name   string `json:"name"`
	Result string `json:"result"` // ok, or why not
}

// Daemon is a running node.
type Daemon struct {
	stage
	cfg      DaemonConfig
	journal  uint32 // the epoch of its journal
	restarts atomic.Uint64
	fatal    atomic.Pointer[error]
}

// clusterOf is the cluster of a node file, as its only voter.
func clusterOf(f *config.File, dir string) (cluster.Config, error) {
	c, t := f.Node.Cluster, cluster.DefaultTuning()
	r := c.Raft
	t.Heartbeat, t.Election, t.Lease, t.Commit = r.Heartbeat, r.Election, r.Lease, r.Commit
	t.SnapshotInterval, t.SnapshotsKept = r.SnapshotInterval, r.SnapshotsKept
	t.SnapshotEntries, t.Trailing = uint64(r.SnapshotEntries), uint64(r.Trailing) //nolint:gosec // at least 1
	raft := cluster.Config{Dir: dir, Cluster: c.Name, Node: f.Node.Node.ID, Tuning: t}
	if len(c.Peers) != 1 || c.Peers[0].ID != raft.Node || c.Peers[0].Role != "voter" {
		return raft, fmt.Errorf("cluster.peers has %d members, want %s alone, as a voter: %w", len(c.Peers), raft.Node, ErrVoters)
	}
	raft.Peers = []cluster.Peer{{ID: raft.Node, Addr: c.Peers[0].Addr, Role: cluster.Voter}}
	return raft, raft.Validate()
}

// InitCluster founds the cluster of a node file in a data directory, once: ErrUsed where there is anything already.
func InitCluster(f *config.File, dir string, now time.Time) error {
	raft, err := clusterOf(f, dir)
	if err != nil {
		return err
	}
	if err := fresh(dir); err != nil {
		return err
	}
	lock, err := lockData(dir, raft.Node, now)
	if err != nil {
		return err
	}
	return errors.Join(cluster.Found(raft), lock.release())
}

// OpenDaemon starts the node of the file and returns when its tree is up; the gate opens by itself afterwards, where the file says
// so. It never founds a cluster: cluster.ErrNotFounded where InitCluster was not called. An error leaves nothing running and the
// directory unlocked.
func OpenDaemon(ctx context.Context, cfg DaemonConfig) (*Daemon, error) {
	d := &Daemon{cfg: cfg}
	seed := uint64(cfg.File.Node.Node.Seed) //nolint:gosec // at least 0
	if seed == 0 {
		seed = rand.Uint64() // jitter alone depends on it
		cfg.Log.Info("drawn", "event", "start", "seed", seed)
	}
	if err := d.begin(seed, cfg.Log); err != nil {
		return nil, err
	}
	if err := d.open(ctx, seed); err != nil {
		return nil, errors.Join(err, d.close(context.WithoutCancel(ctx)))
	}
	return d, nil
}

func (d *Daemon) open(ctx context.Context, seed uint64) error {
	raft, err := clusterOf(d.cfg.File, d.cfg.Dir)
	if err != nil {
		return err
	}
	for _, v := range d.cfg.File.Node.Venues {
		if v.Kind != "sim" {
			return fmt.Errorf("venues: kind of %s is %q, want \"sim\", which is the exchange in this process: %w", v.Name, v.Kind, ErrKind)
		}
	}
	plan, err := PlanOf(d.cfg.File, d.cfg.Defs)
	if err != nil {
		return err
	}
	if d.cfg.Change != nil {
		d.cfg.Change(plan)
	}
	// Ahead of everything that would be made there: an emptied disk must not look like a node's, nor be in the way of a founding.
	if !cluster.HasIdentity(d.cfg.Dir) {
		return fmt.Errorf("%w: %s has no identity", cluster.ErrNotFounded, d.cfg.Dir)
	}
	if d.lock, err = lockData(d.cfg.Dir, plan.Node, d.started); err != nil {
		return err
	}
	exchange := filepath.Join(d.cfg.Dir, "exchange")
	if err := os.MkdirAll(exchange, 0o700); err != nil {
		return err
	}
	ledger := filepath.Join(exchange, "ledger-"+d.started.UTC().Format("20060102T150405.000000000Z")+".jsonl")
	if err := d.openExchange(ctx, ledger, d.cfg.Venue, seed, d.cfg.Log); err != nil {
		return err
	}
	disk := d.cfg.Disk
	if disk == nil {
		disk = journal.OS()
	}
	j := plan.Supervision.Journal
	admin := d.cfg.File.Node.Admin
	err = d.openNode(ctx, plan, staged{
		File: d.cfg.File, Dir: d.cfg.Dir, Raft: raft, Disk: disk, Seed: seed, Listen: admin.Listen, Socket: admin.Socket,
		Decisions: supervision.Journal{Dir: filepath.Join(d.cfg.Dir, "supervision"), Node: plan.Node, Size: int64(j.Size), Files: j.Files},
		Log:       d.cfg.Log, Metrics: d.cfg.Metrics, Hooks: d.hooks(), Said: d.cfg.Said,
	})
	if err == nil {
		d.journal = d.node.lifeOfJournal()
	}
	return err
}

func (d *Daemon) hooks() Hooks {
	h := d.cfg.Hooks
	decided, fatal, mode := h.Tree.Decision, h.Fatal, h.Mode
	h.Mode = func(k risk.Scope, from, to risk.Mode, why risk.Code) {
		if k == risk.Firm && from != to {
			d.cfg.Said("gate: %s", to)
		}
		if mode != nil {
			mode(k, from, to, why)
		}
	}
	h.Tree.Decision = func(at time.Time, x supervision.Decision) {
		if x.Kind == supervision.LineRestart {
			d.restarts.Add(1)
		}
		if decided != nil {
			decided(at, x)
		}
	}
	h.Fatal = func(err error) {
		d.fatal.Store(&err)
		if t := d.node.Tree(); t != nil {
			t.Shutdown() // not in order: the first phase latches
		}
		if fatal != nil {
			fatal(err)
		}
	}
	return h
}

// Close takes the result of the tree, stops the exchange and says how it went. It leaves nothing running.
func (d *Daemon) Close(ctx context.Context, result supervision.Result) (DaemonAnswer, error) {
	a := DaemonAnswer{
		Schema: "failshut.run/1", Node: d.node.plan.Node, Incarnation: d.journal,
		UptimeMS: d.sys.Now().Sub(d.started).Milliseconds(), Restarts: d.restarts.Load(), Unstopped: []string{}, Phases: []PhaseAnswer{},
		Exit: result.Code, Result: result,
	}
	for _, i := range result.Unstopped {
		a.Unstopped = append(a.Unstopped, fmt.Sprintf("%s#%d", i.Path, i.Epoch))
	}
	for _, p := range result.Phases {
		word := "ok"
		if !p.OK {
			word = string(p.Reason)
		}
		a.Phases = append(a.Phases, PhaseAnswer{p.Name, word})
	}
	err := d.close(ctx)
	if f := d.fatal.Load(); f != nil {
		err = errors.Join(*f, err)
	}
	return a, err
}
