package node

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/internal/control"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/supervision"
)

// TreeAnswer is the published tree, in the order in which its children start.
type TreeAnswer struct {
	Schema string      `json:"schema"`
	Node   string      `json:"node"`
	At     string      `json:"at"`
	Frozen bool        `json:"frozen"` // going down: nothing is restarted
	Budget *treeBudget `json:"budget"` // restarts of the whole tree; null without a bound
	Nodes  []treeNode  `json:"nodes"`
}

type treeBudget struct {
	Used     int      `json:"used"`
	Allowed  int      `json:"allowed"`
	WithinMS int64    `json:"within_ms"`
	Held     []string `json:"held"` // children that wait for a place
}

type treeNode struct {
	Path          string         `json:"path"`
	Epoch         uint64         `json:"epoch"` // 0: no incarnation
	Kind          string         `json:"kind"`
	Strategy      *string        `json:"strategy"` // of a supervisor that runs
	Class         string         `json:"class"`
	Restart       string         `json:"restart"`
	Status        string         `json:"status"`
	Since         string         `json:"since"`
	Ready         bool           `json:"ready"`
	Intensity     *treeIntensity `json:"intensity"` // of a supervisor that runs
	NextAttemptAt *string        `json:"next_attempt_at"`
	LastEnd       *treeEnd       `json:"last_end"`
	Restarts      uint64         `json:"restarts"` // attempts to start it, but the first
	Mailbox       *treeBox       `json:"mailbox"`
	WatchdogMS    int64          `json:"watchdog_ms"` // 0: it may take any time
	Zombies       []treeZombie   `json:"zombies"`
}

type treeIntensity struct {
	Used     int   `json:"used"`
	Allowed  int   `json:"allowed"`
	PeriodMS int64 `json:"period_ms"`
}

type treeEnd struct {
	Reason    string  `json:"reason"`
	At        string  `json:"at"`
	StackHash *string `json:"stack_hash"` // of the last panic
}

type treeZombie struct {
	Epoch uint64 `json:"epoch"`
	Cause string `json:"cause"`
	Since string `json:"since"`
}

type treeBox struct {
	Lanes    []treeLane        `json:"lanes"`
	Accepted uint64            `json:"accepted"`
	Handled  uint64            `json:"handled"`
	Dropped  map[string]uint64 `json:"dropped"`
	Refused  map[string]uint64 `json:"refused"`
}

type treeLane struct {
	Lane      string `json:"lane"`
	Capacity  int    `json:"capacity"`
	Queued    int    `json:"queued"`
	HighWater int    `json:"high_water"`
	OldestMS  int64  `json:"oldest_ms"`
}

// wrecks is what the tree's snapshot does not keep of those that ended: the stack of the last panic, and why and when one was left.
type wrecks struct {
	mu     sync.Mutex
	stacks map[string]string
	left   map[supervision.Incarnation]treeZombie
}

func (w *wrecks) panicked(path string, stack []byte) {
	if len(stack) == 0 {
		return
	}
	h := fnv.New64a()
	_, _ = h.Write(stack)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stacks == nil {
		w.stacks = map[string]string{}
	}
	w.stacks[path] = fmt.Sprintf("%016x", h.Sum64())
}

func (w *wrecks) leave(id supervision.Incarnation, cause supervision.Reason, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.left == nil {
		w.left = map[supervision.Incarnation]treeZombie{}
	}
	w.left[id] = treeZombie{id.Epoch, string(cause), market.StampOf(at).String()}
}

func (w *wrecks) late(id supervision.Incarnation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.left, id)
}

// Tree shows what was published last: one path and what is below it, so many levels of it, or only what is not as it should be.
func (f *Face) Tree(q control.TreeQuery) (any, error) {
	a := TreeAnswer{Schema: "failshut.tree/1", Node: f.n.plan.Node, At: market.StampOf(f.n.sys.Now()).String(), Nodes: []treeNode{}}
	s := f.n.snapshot()
	if s == nil {
		return a, nil
	}
	a.Frozen = s.Frozen
	if s.Budget != (supervision.Budget{}) {
		a.Budget = &treeBudget{s.Taken, s.Budget.Starts, s.Budget.Within.Milliseconds(), append([]string{}, s.Held...)}
	}
	v := &treeView{f: f, s: s, q: q, now: f.n.sys.Now(), boxes: map[string]actors.BoxStats{}}
	for _, b := range f.n.sys.Boxes() {
		v.boxes[string(b.Name)] = b
	}
	if q.Path == "" {
		v.root()
	}
	v.walk("")
	if q.Path != "" && !v.found {
		return nil, &control.Problem{
			Status: http.StatusNotFound, Code: "usage", Exit: 2,
			Message: fmt.Sprintf("path is %q, where the tree has nobody; want a path that failshut tree and /api/v1/tree list", q.Path),
		}
	}
	a.Nodes = append(a.Nodes, v.nodes...)
	return a, nil
}

// treeView collects the nodes that a query asks for.
type treeView struct {
	f     *Face
	s     *supervision.Snapshot
	q     control.TreeQuery
	now   time.Time
	boxes map[string]actors.BoxStats
	nodes []treeNode
	found bool
}

// root shows the root as the place of its keeper, whose mailbox is there.
func (v *treeView) root() {
	name := "/" + v.s.Name
	n := treeNode{
		Path: name, Epoch: v.s.Epoch, Kind: "supervisor", Class: supervision.Plain.String(), Restart: supervision.Temporary.String(),
		Status: supervision.Starting.String(), Since: market.StampOf(v.now).String(), Ready: v.s.Up, Mailbox: v.box(name), Zombies: []treeZombie{},
	}
	switch {
	case v.s.Epoch == 0:
		n.Status = supervision.Stopped.String()
	case v.s.Frozen:
		n.Status = supervision.Stopping.String()
	case v.s.Up:
		n.Status = supervision.Running.String()
	}
	v.supervisor(&n, "")
	if !v.q.Unhealthy || n.unhealthy() {
		v.nodes = append(v.nodes, n)
	}
}

func (v *treeView) walk(path string) {
	sup, ok := v.s.Sup(path)
	if !ok {
		return
	}
	for e := range sup.Children() {
		v.found = v.found || e.Path == v.q.Path
		if v.asked(e.Path) {
			if n := v.node(e); !v.q.Unhealthy || n.unhealthy() {
				v.nodes = append(v.nodes, n)
			}
		}
		if e.Sup {
			v.walk(e.Path)
		}
	}
}

// asked reports whether path is the one asked for or below it, and not too deep.
func (v *treeView) asked(path string) bool {
	below := path
	if v.q.Path != "" {
		rest, ok := strings.CutPrefix(path, v.q.Path)
		if !ok || (rest != "" && rest[0] != '/') {
			return false
		}
		below = strings.TrimPrefix(rest, "/")
	}
	depth := 0
	if below != "" {
		depth = strings.Count(below, "/") + 1
	}
	return v.q.Depth == 0 || depth <= v.q.Depth
}

func (v *treeView) node(e supervision.Entry) treeNode {
	n := treeNode{
		Path: e.Path, Epoch: e.Epoch, Kind: "worker", Class: e.Class.String(), Restart: e.Restart.String(), Status: e.Status.String(),
		Since: market.StampOf(e.Since).String(), Ready: e.Ready, Restarts: e.Starts - min(1, e.Starts), Mailbox: v.box(e.Path),
		WatchdogMS: e.Watchdog.Milliseconds(), Zombies: []treeZombie{},
	}
	if e.Sup {
		n.Kind = "supervisor"
		v.supervisor(&n, e.Path)
	}
	if !e.Next.IsZero() {
		at := market.StampOf(e.Next).String()
		n.NextAttemptAt = &at
	}
	w := &v.f.n.wrecks
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.End != "" {
		n.LastEnd = &treeEnd{Reason: string(e.End), At: market.StampOf(e.EndAt).String()}
		if stack, ok := w.stacks[e.Path]; ok {
			n.LastEnd.StackHash = &stack
		}
	}
	for _, z := range v.s.Zombies {
		if z.Path == e.Path {
			left := w.left[z]
			left.Epoch = z.Epoch
			n.Zombies = append(n.Zombies, left)
		}
	}
	return n
}

// supervisor adds what a running supervisor has besides.
func (v *treeView) supervisor(n *treeNode, path string) {
	if sup, ok := v.s.Sup(path); ok {
		strategy := sup.Strategy.String()
		n.Strategy = &strategy
		n.Intensity = &treeIntensity{sup.UsedAt(v.now), sup.Allowed, sup.Period.Milliseconds()}
	}
}

// box is the mailbox of the actor at a path, over all its incarnations.
func (v *treeView) box(path string) *treeBox {
	b, ok := v.boxes[path]
	if !ok {
		return nil
	}
	total := b.Total()
	out := &treeBox{Accepted: total.Accepted, Handled: total.Handled, Dropped: map[string]uint64{}, Refused: map[string]uint64{}}
	for reason, n := range total.Dropped.All() {
		out.Dropped[reason.String()] = n
	}
	for reason, n := range total.Refused.All() {
		out.Refused[reason.String()] = n
	}
	for i, l := range b.Lanes {
		if l.Cap > 0 {
			out.Lanes = append(out.Lanes, treeLane{mailbox.Lane(i + 1).String(), l.Cap, l.Queued, l.HighWater, l.OldestAge.Milliseconds()})
		}
	}
	return out
}

// unhealthy reports whether somebody should look: it does not run or is not ready, it is back from an end that was not orderly and
// still in its supervisor's window, or somebody was left behind.
func (n *treeNode) unhealthy() bool {
	running := n.Status == supervision.Running.String() && n.Ready
	used := n.Intensity != nil && n.Intensity.Used > 0
	return !running || used || len(n.Zombies) > 0
}
