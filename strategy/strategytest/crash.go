package strategytest

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"strconv"
	"strings"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
)

var only = flag.String("crash", "", "strategytest: one crash of CrashEach, as its failure prints it, such as 12/effect/1")

// trap is where a run breaks the strategy: at its k-th message, counted over all incarnations from 1.
type trap struct {
	k      int
	point  point
	effect int // of afterEffect: the n-th call of the strategy to its account within the message, from 1; of kill: turns after it
}

// point says where within a message.
type point string

const (
	before      point = "before" // the message is never seen
	afterEffect point = "effect" // what was asked for has left, and the message has not ended
	after       point = "after"  // the message was handled whole, and its incarnation ends
	hang        point = "hang"   // the watchdog leaves it behind in the message, which it handles after that
	kill        point = "kill"   // the process of the node dies so many turns after the message; at 0 the message is never seen
)

// String is the trap as -crash takes it.
func (t trap) String() string {
	s := strconv.Itoa(t.k) + "/" + string(t.point)
	if t.point == afterEffect || t.point == kill {
		s += "/" + strconv.Itoa(t.effect)
	}
	return s
}

// parseTrap reads what String writes.
func parseTrap(s string) (trap, error) {
	bad := fmt.Errorf("crash %q, want K/before, K/after, K/hang, K/effect/N or K/kill/N", s)
	parts := strings.Split(s, "/")
	if len(parts) < 2 {
		return trap{}, bad
	}
	k, err := strconv.Atoi(parts[0])
	t := trap{k: k, point: point(parts[1])}
	switch {
	case err != nil || k < 1:
		return trap{}, bad
	case len(parts) == 2 && (t.point == before || t.point == after || t.point == hang):
		return t, nil
	case len(parts) == 3 && (t.point == afterEffect || t.point == kill):
		if t.effect, err = strconv.Atoi(parts[2]); err == nil && (t.effect > 0 || t.effect == 0 && t.point == kill) {
			return t, nil
		}
	}
	return trap{}, bad
}

// errCrash is what a trap ends an incarnation with.
const errCrash = "strategytest: a crash that the test wanted"

// bait counts what the strategy handles and asks for, and springs a trap.
type bait struct {
	trap    trap
	message int   // the one that is handled, from 1
	effects []int // calls to the account of each message
	sprung  bool
	turns   int  // of the system since the message at which the process is to die
	missed  bool // it is no mistake that the trap was not sprung
	died    bool // nothing that is left of that process sees anything
}

// springs reports whether the trap is here. It does so once.
func (b *bait) springs(at point, effect int) bool {
	if b.sprung || b.trap != (trap{b.message, at, effect}) {
		return false
	}
	b.sprung = true
	return true
}

// spring breaks the strategy where the trap says.
func (b *bait) spring(at point, effect int) {
	if b.springs(at, effect) {
		panic(errCrash)
	}
}

// dies reports whether the process is to die now. It is asked before each turn.
func (b *bait) dies() bool {
	if b.trap.point != kill || b.message < b.trap.k {
		return false
	}
	b.turns++
	b.died = b.turns > b.trap.effect
	b.sprung = b.sprung || b.died
	return b.died
}

// on makes the trial go over the bait.
func (b *bait) on(t strategy.Trial) strategy.Trial {
	t.Strategy = func(a actors.Actor[strategy.Message]) actors.Actor[strategy.Message] { return &baited{b, a, b.died} }
	if b.trap.point == kill {
		t.Dies, t.Loss = b.dies, strategy.Loss(b.trap.k%3) //nolint:gosec // of three
	}
	t.Orders = func(d strategy.Desk) strategy.Desk { return baitedDesk{d, b} }
	return t
}

// baited is the actor of an incarnation with the bait before it.
type baited struct {
	bait  *bait
	actor actors.Actor[strategy.Message]
	next  bool // of the process after the one that died
}

// gone reports whether the incarnation is of a process that is dead.
func (a *baited) gone() bool { return a.bait.died && !a.next }

func (a *baited) Receive(c *actors.Context[strategy.Message], m strategy.Message) error {
	if a.gone() {
		return nil
	}
	a.bait.message++
	a.bait.effects = append(a.bait.effects, 0)
	if a.bait.trap == (trap{a.bait.message, kill, 0}) {
		a.bait.died = true
		return nil
	}
	a.bait.spring(before, 0)
	if a.bait.springs(hang, 0) {
		if err := c.System().Hang(c.Name(), c.Epoch()); err != nil {
			return err
		}
	}
	if err := a.actor.Receive(c, m); err != nil {
		return err
	}
	a.bait.spring(after, 0)
	return nil
}

// Starting is that of the actor.
func (a *baited) Starting(c *actors.Context[strategy.Message]) error {
	if s, ok := a.actor.(actors.Starter[strategy.Message]); ok {
		return s.Starting(c)
	}
	return nil
}

// Stopping is that of the actor.
func (a *baited) Stopping(c *actors.Context[strategy.Message], r actors.Reason) error {
	if s, ok := a.actor.(actors.Stopper[strategy.Message]); ok && !a.gone() {
		return s.Stopping(c, r)
	}
	return nil
}

// baitedDesk is the account with the bait behind each call.
type baitedDesk struct {
	strategy.Desk
	bait *bait
}

func (d baitedDesk) asked(err error) error {
	if n := len(d.bait.effects); n > 0 && err == nil {
		d.bait.effects[n-1]++
		d.bait.spring(afterEffect, d.bait.effects[n-1])
	}
	return err
}

// Place counts.
func (d baitedDesk) Place(in risk.Intent) error { return d.asked(d.Desk.Place(in)) }

// Cancel counts.
func (d baitedDesk) Cancel(name string, cause risk.Cause) error {
	return d.asked(d.Desk.Cancel(name, cause))
}

// CancelAll counts.
func (d baitedDesk) CancelAll(name string) error { return d.asked(d.Desk.CancelAll(name)) }

// Attach counts.
func (d baitedDesk) Attach(name string, epoch uint64) error {
	return d.asked(d.Desk.Attach(name, epoch))
}

// Crashes are how CrashEach goes about it.
type Crashes struct {
	Stride  int  // breaks the strategy at each n-th message alone; 0 and 1: at every one
	Most    int  // of open orders on one side of an instrument at once; 0 is 1, for Target and Rest keep to that
	OneLife bool // no process dies
	AtOnce  int  // runs are made side by side, for strategies that share nothing between their values; 0 and 1: one after the other
}

// CrashEach counts the messages of a clean run, and then makes a run for each of them in which the strategy panics: before it
// sees the message, after each thing that it asked of its account while it handled it, and after it; and one in which it hangs in
// the message, is left behind, and handles it after all, fenced. Its supervisor brings it back from what journal and venue know,
// and the run goes on to its end. In one more run for each message the process of the node dies at it, or up to seven turns of
// whatever actors later: all of what was not synced of its journal is lost, or a part, or nothing, the venue goes on, and another process
// reconciles with it.
//
// After each run these hold: no decision was taken twice by the venue (J1), the position is the venue's (J2), what is open is the same at
// the node and at the venue (J7), no order was let through while the strategy was not ready, there are never two orders on
// a side, each mailbox balances, no goroutine is left when all runs have ended, and what Invariant has added. A failure ends the search
// and prints the line that repeats it.
func (w *W) CrashEach(c Crashes) {
	w.t.Helper()
	if *only != "" {
		t, err := parseTrap(*only)
		if err != nil {
			w.t.Fatalf("strategytest: %v", err)
		}
		w.crash(t, c)
		return
	}
	running := goroutines()
	clean := &bait{}
	o := w.try(clean.on(w.trial))
	if bad := append(w.crashed(o, c), w.idle(o)...); len(bad) > 0 {
		w.t.Fatalf("strategytest: without a crash: %s", strings.Join(bad, "; "))
	}
	var traps []trap
	for k := 1; k <= len(clean.effects); k += max(1, c.Stride) {
		traps = append(traps, trap{k: k, point: before}, trap{k: k, point: after}, trap{k: k, point: hang})
		if c.dies(w) {
			traps = append(traps, trap{k, kill, k % 8})
		}
		for n := range clean.effects[k-1] {
			traps = append(traps, trap{k, afterEffect, n + 1})
		}
	}
	if !w.crashes(traps, c) {
		return
	}
	if n := left(running); n > 0 {
		w.t.Errorf("strategytest: %d goroutines are left of %d runs, want none: a strategy starts none", n, len(traps)+1)
	}
	w.t.Logf("strategytest: %d messages, %d crashes, %d orders without one", len(clean.effects), len(traps), len(o.Applied))
	if len(o.Applied) == 0 {
		w.t.Error("strategytest: no order was placed without a crash, want a market in which the strategy trades")
	}
}

// dies reports whether the process is to die.
func (c Crashes) dies(w *W) bool { return !c.OneLife && w.trial.Recording == nil }

// left is how many goroutines there are above those before, once those that are on their way out have gone.
func left(before int) int {
	for range 10_000 {
		if runtime.NumGoroutine() <= before {
			return 0
		}
		runtime.Gosched()
	}
	return max(0, goroutines()-before)
}

// goroutines counts those that are anywhere but in the runtime itself: a coroutine that has ended may stand in its exit for good.
func goroutines() int {
	all := make([]runtime.StackRecord, runtime.NumGoroutine()+64)
	n, _ := runtime.GoroutineProfile(all)
	count := 0
	for _, r := range all[:min(n, len(all))] {
		for frames, more := runtime.CallersFrames(r.Stack()), true; more; {
			var f runtime.Frame
			if f, more = frames.Next(); f.Function != "" && !strings.HasPrefix(f.Function, "runtime.") {
				count++
				break
			}
		}
	}
	return count
}

// crashes makes a run for each trap and looks at them in their order. It reports whether all held, and ends with the first that
// did not.
func (w *W) crashes(traps []trap, c Crashes) bool {
	w.t.Helper()
	killed := 0
	for r := range ahead(max(1, c.AtOnce), traps, w.spring) {
		if r.bait.trap.point == kill {
			if r.bait.sprung {
				killed++
			} else {
				r.bait.missed = true // the message comes while the node is stopped in order
			}
		}
		if !w.held(r, c) {
			return false
		}
	}
	if killed == 0 && len(traps) > 0 && c.dies(w) {
		w.t.Error("strategytest: no process died, want a market that is longer than a node takes to stop")
		return false
	}
	return true
}

// sprung is a run with a trap.
type sprung struct {
	bait    *bait
	outcome strategy.Outcome
	err     error
}

func (w *W) spring(t trap) sprung {
	r := sprung{bait: &bait{trap: t}}
	r.outcome, r.err = w.trials.Try(context.Background(), r.bait.on(w.trial))
	return r
}

// crash makes one run with a trap.
func (w *W) crash(t trap, c Crashes) {
	w.t.Helper()
	w.ran = true
	w.held(w.spring(t), c)
}

// held reports whether all held in a run.
func (w *W) held(r sprung, c Crashes) bool {
	w.t.Helper()
	if r.err != nil {
		w.t.Fatalf("strategytest: %v", r.err)
	}
	b, o := r.bait, r.outcome
	bad := w.crashed(o, c)
	if b.missed {
		// judged as a run without a crash
	} else if !b.sprung {
		bad = append(bad, fmt.Sprintf("there was no such moment in %d messages", b.message))
	} else if b.trap.point == kill && o.Lives != 2 {
		bad = append(bad, fmt.Sprintf("the death of the process left %d lives, want two", o.Lives))
	} else if b.trap.point != kill && len(o.Ended) == 0 {
		bad = append(bad, "the crash ended no incarnation")
	}
	if len(bad) == 0 {
		return true
	}
	w.t.Errorf("strategytest: after a crash at %s: %s\nrepeat: go test -run '^%s$' -args -crash %s   (seed %d)",
		b.trap, strings.Join(bad, "; "), w.t.Name(), b.trap, w.trial.Seed)
	return false
}

// crashed lists what must not be after a run.
func (w *W) crashed(o strategy.Outcome, c Crashes) []string {
	bad := w.broken(o)
	if most := max(1, c.Most); o.Most > most {
		bad = append(bad, fmt.Sprintf("%d orders were open on one side, want at most %d", o.Most, most))
	}
	return bad
}
