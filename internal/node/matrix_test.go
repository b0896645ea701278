package node_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/failshut/failshut/internal/node"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/supervision"
	"github.com/failshut/failshut/venues/sim/ledger"
)

// The matrix: each way in which an actor can fail, for each actor that the living tree has. The rows of one actor share two
// demonstrations: no supervisor whose intensity is written in the tree sees more restarts than it grants.
var rows = [][]supervision.Fault{
	{supervision.Panic, supervision.Fail, supervision.Goexit, supervision.PanicStart},
	{supervision.NilMap, supervision.Runtime, supervision.Hang, supervision.PanicStop},
}

// endsWith is what the tree says at the end of an actor that has taken a fault while it ran.
var endsWith = map[supervision.Fault]string{
	supervision.Panic: "crash", supervision.Fail: "error", supervision.Goexit: "goexit", supervision.NilMap: "crash",
	supervision.Runtime: "crash",
}

// watched is the time of each watchdog and each stop in a demonstration in which an actor hangs.
const watched = time.Second

func TestEachFaultInEachActor(t *testing.T) {
	var cells sync.Map
	want := 0
	t.Run("cells", func(t *testing.T) {
		for _, actor := range livingActors(t) {
			for _, faults := range rows {
				want += len(faults)
				t.Run(fmt.Sprintf("%s/%v", actor, faults), func(t *testing.T) {
					t.Parallel()
					newPatient(t, actor, faults).run(&cells)
				})
			}
		}
	})
	got := 0
	cells.Range(func(_, _ any) bool { got++; return true })
	if got != want || want == 0 {
		t.Errorf("%d cells of the matrix were run, want %d", got, want)
	}
}

// livingActors are the workers that the snapshot of a node shows once it trades.
func livingActors(t *testing.T) []string {
	h := open(t, shipped(), nil)
	h.trades()
	var out []string
	for _, sup := range h.Node().Tree().Snapshot().Sups {
		for c := range sup.Children() {
			if !c.Sup {
				out = append(out, c.Path)
			}
		}
	}
	h.end()
	return out
}

// patient is one actor of a house that trades, and the faults it is to take, one after the other.
type patient struct {
	*house
	who    string
	faults []supervision.Fault
	dir    string

	heard sync.Mutex
	execs map[string]bool // of the fills that the account's owners told
}

func newPatient(t *testing.T, who string, faults []supervision.Fault) *patient {
	p := &patient{who: who, faults: faults, execs: map[string]bool{}}
	p.house = open(t, shipped(), func(c *node.DemoConfig) {
		p.dir = c.Dir
		ring := c.Hooks.Order
		c.Hooks.Order = func(o node.OrderTold) {
			if o.Event.Exec != "" {
				p.heard.Lock()
				p.execs[o.Event.Exec] = true
				p.heard.Unlock()
			}
			ring(o)
		}
		c.Change = p.plan
	})
	return p
}

// plan grants as many restarts as there are rows, and watches the actor that is to hang, and no other: a machine that is busy
// elsewhere ends none of them.
func (p *patient) plan(plan *node.Plan) {
	quick(plan)
	s := &plan.Supervision
	s.Root.Intensity, s.Budget.Restarts = 100, 100
	g := &s.Groups
	for _, i := range []*int{
		&g.Venues.Intensity, &g.Account.Intensity, &g.Feeds.Intensity, &g.Channel.Intensity, &g.Strategies.Intensity,
		&g.Strategy.Intensity, &g.Risk.Intensity,
	} {
		*i = 100
	}
	if !slices.Contains(p.faults, supervision.Hang) {
		return
	}
	watch, stop := &s.Watchdogs, &s.Shutdown
	for part, of := range map[string][2]*time.Duration{
		"control/": {&watch.Control, &stop.Control}, "/roster": {&watch.Control, &stop.Control}, "journal": {&watch.Journal, &stop.Journal},
		"cluster": {&watch.Cluster, &stop.Cluster}, "risk/": {&watch.Risk, &stop.Risk}, "/session": {&watch.Session, &stop.Session},
		"/orders": {&watch.Orders, &stop.Orders}, "/reconciler": {&watch.Reconciler, &stop.Reconciler}, "feeds/": {&watch.Feed, &stop.Feed},
		"/strategy": {&watch.Strategy, &stop.Strategy},
	} {
		if strings.Contains(p.who, part) {
			*of[0], *of[1] = watched, watched
		}
	}
}

func (p *patient) run(cells *sync.Map) {
	p.trades()
	for _, fault := range p.faults {
		cells.Store(fmt.Sprint(p.who, fault), true)
		switch fault {
		case supervision.PanicStart:
			p.start()
		case supervision.Hang:
			p.hang()
		case supervision.PanicStop:
			p.stop()
		default:
			p.fault(fault)
		}
		if p.t.Failed() {
			return
		}
	}
	p.judge()
}

// inject does faults to the present incarnation.
func (p *patient) inject(faults ...supervision.Fault) supervision.Incarnation {
	p.t.Helper()
	tree := p.Node().Tree()
	e, ok := tree.Snapshot().Find(p.who)
	if !ok || !e.Ready {
		p.t.Fatalf("%s is not there to be broken: %+v", p.who, e)
	}
	for _, f := range faults {
		if err := tree.Inject(p.who, f); err != nil {
			p.t.Fatal(err)
		}
	}
	return supervision.Incarnation{Path: p.who, Epoch: e.Epoch}
}

// stir gives a roster a message to break at: it hears of nothing unless a child of its group goes. All others hear of
// something all the time.
func (p *patient) stir() {
	if group, ok := strings.CutSuffix(p.who, "/roster"); ok {
		child := map[string]string{"venues": "A1", "feeds": "SIM", "strategies": "cross1"}[group]
		p.Node().Tree().TerminateChild(group, child, nil)
	}
}

// says waits for a line behind mark.
func (p *patient) says(mark int, format string, args ...any) {
	p.t.Helper()
	line := fmt.Sprintf(format, args...)
	p.until(line, func() bool { return slices.Contains(p.since(mark), line) })
}

// fault breaks the actor, and wants its end with the right word, its next incarnation, and a house that trades again.
func (p *patient) fault(f supervision.Fault) {
	p.t.Helper()
	mark := p.mark()
	id := p.inject(f)
	p.stir()
	p.says(mark, "exit %s#%d %s", id.Path, id.Epoch, endsWith[f])
	p.again(mark, id.Epoch+1)
	if z := p.Node().Tree().Snapshot().Zombies; len(z) > 0 {
		p.t.Errorf("after %s the tree has left %v, want nobody", f, z)
	}
}

// again wants the actor restarted as the tree's spec says, ready under epoch, and a house that trades.
func (p *patient) again(mark int, epoch uint64) {
	p.t.Helper()
	p.until(fmt.Sprintf("%s#%d, ready", p.who, epoch), func() bool {
		e, ok := p.Node().Tree().Snapshot().Find(p.who)
		return ok && e.Ready && e.Epoch >= epoch
	})
	restarted := slices.ContainsFunc(p.since(mark), func(line string) bool {
		w := strings.Fields(line)
		return w[0] == "restart" && w[2] == p.who
	})
	if !restarted {
		p.t.Errorf("%s is back without a restart that the tree speaks of:\n%s", p.who, strings.Join(p.since(mark), "\n"))
	}
	p.trades()
}

// start breaks the actor, and then its next start: the one after that holds.
func (p *patient) start() {
	p.t.Helper()
	mark := p.mark()
	id := p.inject(supervision.PanicStart, supervision.Panic)
	p.stir()
	p.says(mark, "exit %s#%d crash", id.Path, id.Epoch)
	p.says(mark, "failed %s#%d panic", id.Path, id.Epoch+1)
	p.again(mark, id.Epoch+2)
}

// hang blocks the actor: it is found, left, fenced and named; the house trades on beside it; and its late end changes nothing.
func (p *patient) hang() {
	p.t.Helper()
	tree := p.Node().Tree()
	defer tree.Release()
	mark := p.mark()
	id := p.inject(supervision.Hang)
	p.stir()
	p.until(fmt.Sprintf("the end of %s#%d, left behind", id.Path, id.Epoch), func() bool {
		return slices.ContainsFunc(p.since(mark), func(line string) bool {
			return strings.HasPrefix(line, fmt.Sprintf("abandon %s#%d ", id.Path, id.Epoch))
		})
	})
	p.again(mark, id.Epoch+1)
	if z := tree.Snapshot().Zombies; !slices.Equal(z, []supervision.Incarnation{id}) {
		p.t.Errorf("the tree names %v as left and not ended, want %v", z, id)
	}
	tree.Release()
	p.says(mark, "late %s#%d", id.Path, id.Epoch)
	if z := tree.Snapshot().Zombies; len(z) > 0 {
		p.t.Errorf("after its late end the tree names %v, want nobody", z)
	}
	p.trades()
}

// stop has the actor panic as the house is taken down: the stop goes on in order around it.
func (p *patient) stop() {
	p.t.Helper()
	mark := p.mark()
	id := p.inject(supervision.PanicStop)
	p.judge()
	p.says(mark, "exit %s#%d crash", id.Path, id.Epoch)
}

// judge ends the house and holds its books against the exchange's own: every execution known, equal positions, no order of the
// node twice, and none that is still open. An owner whose journal died under it may have told a fill that the next one hears
// and tells again, so what was told is a set here; that it counts once is what the positions say.
func (p *patient) judge() {
	p.t.Helper()
	if p.ended {
		return
	}
	a := p.end()
	if a.Result.Code != supervision.CodeOrderly || len(a.Result.Unstopped) > 0 || len(a.Differences) > 0 || a.Gate[len(a.Gate)-1].Mode != risk.Closed {
		p.t.Errorf("the end: %+v, differences %v, gate %v", a.Result, a.Differences, a.Gate)
	}
	if a.Orders == 0 || a.Fills == 0 {
		p.t.Errorf("%d orders and %d fills prove nothing", a.Orders, a.Fills)
	}
	truth, err := ledger.Open(filepath.Join(p.dir, "ledger.jsonl"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.heard.Lock()
	defer p.heard.Unlock()
	const account = market.Account("A1")
	for _, f := range slices.Concat(ledger.J4(truth, account, slices.Collect(maps.Keys(p.execs))), ledger.J6(truth, account)) {
		p.t.Errorf("the exchange's ledger: %s", f)
	}
}
