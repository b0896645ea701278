package supervision

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

var (
	seedFlag = flag.Uint64("seed", 1, "seed of TestRandomTrees")
	treeFlag = flag.Int("n", 400, "how many trees TestRandomTrees grows")
)

// TestRandomTrees grows trees of every shape, lets everything happen to them, and holds what they say against a model that
// knows nothing of how it is decided. A failure prints the story as a script.
func TestRandomTrees(t *testing.T) {
	n := *treeFlag
	if testing.Short() {
		n = min(n, 100)
	}
	sum := &tally{}
	for i := range n {
		g := &grower{r: rand.New(rand.NewPCG(*seedFlag, uint64(i)))}
		if err := g.play(sum); err != nil {
			t.Fatalf("-seed %d, tree %d: %v\n%s", *seedFlag, i, err, strings.Join(g.text, "\n"))
		}
	}
	t.Logf("-seed %d -n %d: %+v", *seedFlag, n, *sum)
	for what, k := range map[string]int{"restarts": sum.Restarts, "escalations": sum.Escalations, "halts": sum.Halts, "zombies": sum.Zombies, "calls": sum.Calls} {
		if k < n/10 {
			t.Errorf("%d %s in %d trees: the trees are too tame", k, what, n)
		}
	}
}

// tally counts what happened in all trees.
type tally struct {
	Lines, Restarts, Escalations, Halts, Zombies, Calls int
	Seen                                                sightings // by the children of living trees
}

// grower writes one story as the lines of a script while it is played.
type grower struct {
	r     *rand.Rand
	text  []string
	sups  []string
	kids  []string
	group map[string]string // strategy by supervisor

	// tame leaves out what a coroutine cannot do: to answer a stop with normal, and to hang when it is killed, which is seen only
	// after a while; and a deadline of 0, which falls due with what it is for.
	tame   bool
	killed bool // what is made now may be killed
}

func (g *grower) pick(words ...string) string { return words[g.r.IntN(len(words))] }
func (g *grower) chance(percent int) bool     { return g.r.IntN(100) < percent }

func (g *grower) say(format string, a ...any) statement {
	line := fmt.Sprintf(format, a...)
	g.text = append(g.text, line)
	return statement{line: len(g.text), words: strings.Fields(line)}
}

func (g *grower) outcome() string {
	o := g.pick("ok", "ok", "ok", "ok", "ignore", "error", "error:no_feed", "panic", "hang")
	if g.tame && g.killed && o == "hang" {
		o = "ok"
	}
	return o + g.pick("", "", "@1s", "@300ms")
}

func (g *grower) starts() string {
	s := "ok"
	for range g.r.IntN(3) {
		s += "," + g.outcome()
	}
	if g.chance(2) { // most boots come up
		s = g.outcome() + "," + s
	}
	return s
}

// sup declares a supervisor and what is below it.
func (g *grower) sup(name, in string, depth int) (all []statement) {
	strategy := g.pick("one_for_one", "rest_for_one", "one_for_all", "simple_one_for_one")
	if in == "" && strategy == "simple_one_for_one" {
		strategy = "rest_for_one"
	}
	g.group[name] = strategy
	line := fmt.Sprintf("sup %s strategy=%s intensity=%d period=%s", name, strategy, g.r.IntN(4), g.pick("2s", "5s", "1m"))
	auto := "never"
	if strategy != "simple_one_for_one" && g.chance(25) {
		auto = g.pick("any_significant", "all_significant")
		line += " auto_shutdown=" + auto
	}
	switch {
	case in != "":
		line += " in=" + in + g.pick("", " restart=transient", " restart=temporary", " backoff=100ms..1s/10s", " shutdown=3s", " start_timeout=4s")
	case g.chance(40):
		line += g.pick(" budget=1/1s", " budget=2/10s", " budget=3/500ms")
	}
	all = append(all, g.say("%s", line))
	g.sups = append(g.sups, name)
	if strategy == "simple_one_for_one" {
		return append(all, g.child(name, auto))
	}
	for range 1 + g.r.IntN(4) {
		if depth > 0 && g.chance(35) {
			all = append(all, g.sup(fmt.Sprintf("s%d", len(g.sups)), name, depth-1)...)
			continue
		}
		all = append(all, g.child(name, auto))
	}
	return all
}

func (g *grower) child(in, auto string) statement {
	name := fmt.Sprintf("c%d", len(g.kids))
	g.kids = append(g.kids, name)
	restart := g.pick("permanent", "permanent", "transient", "temporary")
	stop, shutdown := g.pick("ok", "ok", "normal", "panic", "hang", "700ms"), g.pick("5s", "1s", "0", "brutal")
	if g.tame {
		stop, shutdown = g.pick("ok", "ok", "panic", "700ms", "hang"), g.pick("5s", "1s", "brutal")
		if g.killed = shutdown == "brutal"; g.killed {
			stop = "ok"
		}
	}
	line := fmt.Sprintf("child %s in=%s restart=%s start=%s stop=%s shutdown=%s", name, in, restart, g.starts(), stop, shutdown)
	if auto != "never" && restart != "permanent" && g.chance(60) {
		line += " significant=true"
	}
	line += g.pick("", "", " class=feed", " class=orders", " ready=manual", " class=risk start_timeout=30s")
	line += g.pick("", "", " backoff=200ms..2s/5s")
	line += g.pick("", "", " watchdog=1s")
	return g.say("%s", line)
}

// command is the next thing that happens.
func (g *grower) command(names, live, waiting []string) statement {
	x, sup := g.pick(names...), g.pick(g.sups...)
	g.killed = true
	if len(waiting) > 0 && g.chance(60) {
		return g.say("ready %s %s", g.pick(waiting...), g.pick("synced", "reconciled", "caught_up"))
	}
	if len(live) > 0 && g.chance(80) {
		x = g.pick(live...)
	}
	switch g.r.IntN(18) {
	case 0, 1, 14, 15, 16, 17:
		return g.say("crash %s", x)
	case 2:
		return g.say("exit %s %s", x, g.pick("normal", "shutdown", "shutdown:rebalance", "context_canceled"))
	case 3:
		return g.say("hang %s", x)
	case 4:
		return g.say("unhang %s", x)
	case 5, 6:
		return g.say("ready %s %s", x, g.pick("synced", "reconciled", "caught_up", "flat"))
	case 7:
		flag := ""
		if g.group[sup] == "simple_one_for_one" {
			flag = g.pick("", " start="+g.starts())
		} else {
			g.killed = false
			flag = fmt.Sprintf(" restart=%s start=%s stop=%s", g.pick("permanent", "transient", "temporary"), g.starts(), g.pick("ok", "hang", "1s"))
		}
		return g.say("start_child %s d%d%s", sup, g.r.IntN(8), flag)
	case 8:
		return g.say("%s %s %s", g.pick("terminate_child", "terminate_child", "restart_child", "delete_child"), sup, x)
	case 9:
		return g.say("crash %s", sup)
	case 10:
		return g.say("set %s %s", x, g.pick("start="+g.starts(), "stop=ok", "stop=hang"))
	case 11:
		return g.say("jitter %s", g.pick("0", "0.5", "1"))
	default:
		return g.say("advance %s", g.pick("0s", "100ms", "1s", "2s", "5s", "20s"))
	}
}

// play grows one tree, lets things happen to it and takes it down.
func (g *grower) play(sum *tally) error {
	g.group = map[string]string{}
	c := &scriptCase{name: "random", decls: g.sup("s0", "", 2)}
	for range g.r.IntN(3) {
		c.decls = append(c.decls, g.say("phase p%d %s timeout=2s", len(c.decls), g.outcome()))
	}
	p, err := declare(c)
	if err != nil {
		return err
	}
	s := newStage(p)
	s.limit = 100_000
	m := newModel(s)
	steps := 10 + g.r.IntN(40)
	names := slices.Clone(g.kids)
	for i := range 8 {
		names = append(names, fmt.Sprintf("d%d", i))
	}
	run := func(st statement) error {
		m.calls(st, +1)
		var mistake *scriptError
		_, err := s.play(st)
		if errors.As(err, &mistake) && !strings.Contains(mistake.text, "over ") { // the target cannot have that now
			m.calls(st, -1)
			g.text = g.text[:len(g.text)-1]
			err = nil
		}
		return errors.Join(err, m.check())
	}
	if err := run(g.say("start s0")); err != nil {
		return err
	}
	for range 20 { // most children say it at once
		if waiting := workers(m, m.waiting); len(waiting) > 0 && g.chance(95) {
			for _, evidence := range []string{"synced", "reconciled", "caught_up"} {
				if err := run(g.say("ready %s %s", waiting[0], evidence)); err != nil {
					return err
				}
			}
		}
	}
	for range steps {
		if err := run(g.command(names, workers(m, m.live), workers(m, m.waiting))); err != nil {
			return err
		}
	}
	for _, last := range []string{g.pick("stop s0", "shutdown"), "advance 10h"} {
		if err := run(g.say("%s", last)); err != nil {
			return err
		}
	}
	m.add(sum)
	return errors.Join(m.over(), replay(p, s, m.all), replayRecords(g.r, p, s.fed))
}

// replay gives a new trunk what the first was given: it must say the same.
func replay(p *plot, s *stage, want []string) error {
	t := newTrunk(p.spec, p.root, p.phases, TreeWide)
	i := 0
	for _, f := range s.fed {
		for _, a := range t.Decide(f.in, f.at) {
			if a.Do != DoEmit && a.Do != DoReply {
				continue
			}
			if i >= len(want) || a.Line.String() != want[i] {
				return fmt.Errorf("replay differs at line %d: %s", i, a.Line)
			}
			i++
		}
	}
	if i != len(want) {
		return fmt.Errorf("replay has %d lines, want %d", i, len(want))
	}
	return nil
}
