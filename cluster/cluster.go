// Package cluster is a Raft node that replicates opaque commands to a Machine:
// what a promise about limits rests on when processes and disks fail (P1, P9).
// It founds a cluster only when told to, answers every proposal with committed,
// not appended or fate unknown, and treats the first failed store call, the
// first damaged entry and the first panic of the machine as the end of the node
// (P2: doubt shuts). It never decides what a command means, never serves an older
// state than the one it acknowledged, and no type of its engine is in its API.
package cluster

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"
)

// MaxCommand is the most bytes a command may have: 64 KiB.
const MaxCommand = 64 << 10

// MaxSnapshot is the most bytes a machine's snapshot may have: 64 MiB.
const MaxSnapshot = 64 << 20

// Machine is what is replicated. Apply, Freeze and Digest are called by one
// goroutine at a time, in the order of the log; Restore only while Open runs.
// Equal commands in equal order must give equal digests on every node.
type Machine interface {
	// Apply carries out the committed command at index, which a leader of term
	// appended. cmd is the machine's to keep. The result goes to nobody but this node's proposer.
	Apply(index, term uint64, cmd []byte) []byte
	// Freeze returns a function that writes the state as it is now. It is called on
	// another goroutine, beside later Applies, and must not see them.
	Freeze() (encode func(io.Writer) error)
	// Restore replaces the state with a written one. On error the node does not start.
	Restore(io.Reader) error
	// Digest returns a hash of the whole state.
	Digest() [32]byte
}

// The decisions a caller can make.
var (
	// ErrNotAppended means that the command is in no log and never will be. It may be proposed again.
	ErrNotAppended = errors.New("cluster: not appended")
	// ErrFateUnknown means that the command may be committed, now or later, or never.
	// Nothing may be undone because of it; the machine's state tells.
	ErrFateUnknown = errors.New("cluster: fate unknown")
	// ErrNotFounded is the answer of Open when the directory holds no cluster (exit 6).
	ErrNotFounded = errors.New("cluster: not founded")
	// ErrFounded is the answer of Found when the directory already holds a cluster (exit 6).
	ErrFounded = errors.New("cluster: already founded")
	// ErrIdentity is the answer when the directory belongs to another cluster or node (exit 3).
	ErrIdentity = errors.New("cluster: identity differs")
	// ErrCorrupt means damage on the disk: the node must not start, or must end.
	ErrCorrupt = errors.New("cluster: corrupt")
	// ErrStore means that a write to the disk failed. It is never tried again: the node must end (exit 70).
	ErrStore = errors.New("cluster: store failed")
	// ErrMachine means that the machine panicked or failed to freeze: the node must end (exit 70).
	ErrMachine = errors.New("cluster: machine failed")
	// ErrConfig is the answer to a configuration that cannot work (exit 3).
	ErrConfig = errors.New("cluster: configuration")
)

// Role is what a peer does in the cluster. The zero Role is none.
type Role uint8

const (
	// Voter counts in the quorum.
	Voter Role = iota + 1
	// NonVoter replicates and may trade.
	NonVoter
)

// Peer is a founding member. ID is its name, Addr the host and port it listens on.
type Peer struct {
	ID, Addr string
	Role     Role
}

// Tuning are the engine's times and sizes.
type Tuning struct {
	Heartbeat, Election, Lease, Commit time.Duration
	// SnapshotInterval and SnapshotEntries say when a snapshot is taken: looked at
	// once an interval, if so many entries came since the last one.
	SnapshotInterval time.Duration
	SnapshotEntries  uint64
	// Trailing is how many entries stay in the log behind a snapshot.
	Trailing uint64
	// SnapshotsKept is how many snapshots stay on the disk.
	SnapshotsKept int
	// Segment is the size of a log segment in bytes.
	Segment int
	// Enqueue is how long a proposal may wait for the engine to take it; then it is ErrNotAppended.
	Enqueue time.Duration
}

// DefaultTuning returns the times and sizes that a node runs with.
func DefaultTuning() Tuning {
	return Tuning{
		Heartbeat: 200 * time.Millisecond, Election: 200 * time.Millisecond, Lease: 100 * time.Millisecond, Commit: 5 * time.Millisecond,
		SnapshotInterval: 60 * time.Second, SnapshotEntries: 20_000, Trailing: 20_000, SnapshotsKept: 3,
		Segment: 16 << 20, Enqueue: 500 * time.Millisecond,
	}
}

// Config says who a node is and what it replicates.
type Config struct {
	// Dir is the node's data directory: the files identity and raft/ in it are the
	// cluster's. The caller holds the directory's lock.
	Dir string
	// Cluster and Node are the names of the cluster and of this member of it.
	Cluster, Node string
	// Listen is the host and port for other nodes; the host must be a loopback
	// address. "" opens no port: only for a cluster of one.
	Listen string
	// Peers are the founding members; only Found reads them. This node must be one of them.
	Peers []Peer
	// Machine is what is replicated. The node owns it from Open to the end of Close.
	Machine Machine
	// Tuning has the engine's times and sizes; start from DefaultTuning.
	Tuning Tuning
	// Log takes the engine's lines; nil drops them.
	Log *slog.Logger
	// OnLeadership is called by Run for each change of leadership, in order. It
	// must not block: with 16 changes waiting the engine does.
	OnLeadership func(Leadership)
	// Instant returns nanoseconds of a monotonic clock, for StoreAge. nil: StoreAge is always 0.
	Instant func() int64
	// Events are hooks for those who watch. Nil ones are skipped.
	Events Events

	fault func(call string) error // asked ahead of each write to the disk, in tests
}

// Leadership tells that this node became the leader, or is no longer. Term is
// the term at the time of the call, which may already be a later one.
type Leadership struct {
	Leading bool
	Term    uint64
}

// Events are hooks; they must not block and must not call the node.
type Events struct {
	// StoreBegin and StoreEnd stand around each call that writes to the disk.
	StoreBegin func()
	StoreEnd   func(err error)
	// Fatal tells, once, why the node must end.
	Fatal func(err error)
}

// Validate lists every mistake. Its error is ErrConfig.
func (c Config) Validate() error {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: %s", ErrConfig, fmt.Sprintf(format, args...)))
	}
	if c.Dir == "" {
		wrong("dir is empty, want the data directory")
	}
	if c.Cluster == "" || c.Node == "" {
		wrong("cluster = %q, node = %q, want both", c.Cluster, c.Node)
	}
	if c.Listen != "" && !loopback(c.Listen) {
		wrong("listen = %q, want a loopback address: there is no TLS", c.Listen)
	}
	if c.Listen == "" && len(c.Peers) > 1 {
		wrong("listen is empty, want host and port for a cluster of %d", len(c.Peers))
	}
	t := c.Tuning
	if t.Segment < 1<<16 || t.SnapshotsKept < 1 || t.Enqueue <= 0 || t.SnapshotEntries < 1 {
		wrong("segment = %d, snapshots kept = %d, enqueue = %v, snapshot entries = %d, want at least 64 KiB, 1, above 0 and 1", t.Segment, t.SnapshotsKept, t.Enqueue, t.SnapshotEntries)
	}
	if t.Lease > t.Heartbeat || t.Election < t.Heartbeat {
		wrong("lease = %v, heartbeat = %v, election = %v, want them ascending", t.Lease, t.Heartbeat, t.Election)
	}
	return errors.Join(errs...)
}

func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
