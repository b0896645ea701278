package supervision

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
)

// liveStage plays a case on real actors: the deterministic dispatch on the virtual clock, and the same trunk behind the keeper.
type liveStage struct {
	*stage // what commands mean, and how the trace is written
	sys    *actors.System
	tree   *Tree
	pipes  map[Incarnation]*actors.Pipe[Reason]
	fences map[Incarnation]actors.Fence
	sees   *witness
	loses  func(actors.Exit) bool // ends that the tree does not hear of, as by a bug; may be nil
}

// livable reports whether fake children that really run can play a case: a coroutine cannot hang, nothing runs that is killed,
// a Run function that was told to stop ends with shutdown or breaks, and a supervisor's init is the trunk's own.
func livable(c *scriptCase) bool {
	if deaf[c.name] {
		return false
	}
	for _, st := range slices.Concat(c.decls, c.steps) {
		line := strings.Join(st.words, " ")
		for _, no := range []string{"hang", "brutal", "stop=normal", "shutdown=0", "advance 0s"} {
			if strings.Contains(line, no) {
				return false
			}
		}
		if st.words[0] == "sup" && strings.Contains(line, "start") {
			return false
		}
	}
	starts := 0
	for _, st := range c.steps {
		if st.words[0] == "start" {
			starts++
		}
	}
	for _, st := range c.steps {
		for _, l := range st.want { // a living tree is made for one life, and a coroutine does not wait when it is left
			if strings.HasPrefix(l, "late") || strings.HasPrefix(l, "reply stop root error") || strings.HasPrefix(l, "abandon") {
				return false
			}
		}
	}
	return starts == 1
}

// deaf are the cases in which a child is broken while it answers its stop, when these children listen no more.
var deaf = map[string]bool{"a_crash_while_it_is_terminated_is_its_end": true, "an_end_while_stopping_is_recorded": true}

func TestScriptsOnRealActors(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	played, all := 0, 0
	for _, f := range files {
		s, err := readScript(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range s.cases {
			all++
			if !livable(c) {
				continue
			}
			played++
			t.Run(strings.TrimSuffix(filepath.Base(f), ".txt")+"/"+c.name, func(t *testing.T) { playLive(t, f, c) })
		}
	}
	t.Logf("%d of %d cases can be played by real actors", played, all)
	if played < 75 {
		t.Errorf("%d cases played, want 75 or more", played)
	}
}

func playLive(t *testing.T, path string, c *scriptCase) {
	p, err := declare(c)
	if err != nil {
		t.Fatal(err)
	}
	sys, err := actors.New(actors.Config{Clock: actors.Virtual(caseBegan), Dispatch: actors.Deterministic()})
	if err != nil {
		t.Fatal(err)
	}
	l := newLiveStage(p, sys)
	defer func() {
		l.tree.Stop()
		if err := sys.Drive(context.Background(), nil); err != nil {
			t.Error(err)
		}
		if err := sys.Stop(context.Background()); err != nil {
			t.Errorf("Stop() error = %v", err)
		}
	}()
	for _, st := range c.steps {
		l.lines = nil
		if err := l.command(t.Context(), st); err != nil {
			t.Fatalf("%s:%d: %v", path, st.line, err)
		}
		if !slices.Equal(l.lines, st.want) {
			t.Fatalf("%s:%d: %s\n%s", path, st.line, strings.Join(st.words, " "), diff(st.want, l.lines))
		}
	}
}

func newLiveStage(p *plot, sys *actors.System) *liveStage {
	l := &liveStage{stage: newStage(p), sys: sys, pipes: map[Incarnation]*actors.Pipe[Reason]{}, fences: map[Incarnation]actors.Fence{}, sees: newWitness(p.spec)}
	l.animate(p.spec)
	phases := slices.Clone(p.phases)
	for i := range phases {
		phases[i].Run = func(ctx context.Context) error { return act(ctx, p.ends[i]) }
	}
	ev := Events{Decision: func(at time.Time, d Decision) {
		l.see(at)
		if l.seen != nil {
			l.seen(d)
		}
		l.emit(d.Short())
	}}
	l.tree = newTree(sys, *p.spec, Options{Phases: phases, Events: ev, Shutdown: Infinity}, TreeWide)
	l.tree.keeper.draw = func() float64 { return l.jitter }
	l.t = l.tree.keeper.t
	return l
}

// see writes "at" before the first line of a later instant.
func (l *liveStage) see(at time.Time) {
	if now := at.Sub(caseBegan); now != l.now {
		l.now, l.at = now, true
	}
}

// animate gives every child a Start function that does what its behaviour says.
func (l *liveStage) animate(s *Spec) {
	for i := range s.Children {
		c := &s.Children[i]
		if c.Sub != nil {
			l.animate(c.Sub)
			continue
		}
		if s.Strategy == SimpleOneForOne {
			from := l.byName[c.Name]
			c.Start = l.instance(func() *behaviour { return from })
			continue
		}
		c.Start = l.startOf(l.child[c])
	}
}

// instance begins the sequence anew for each name it is started under first.
func (l *liveStage) instance(from func() *behaviour) StartFunc {
	of := map[*Child]*behaviour{}
	return func(ctx context.Context, b *Birth) error {
		if of[b.child] == nil {
			f := from()
			of[b.child] = &behaviour{starts: f.starts, stop: f.stop, delay: f.delay}
			l.byName[b.child.Name] = of[b.child]
		}
		return l.startOf(of[b.child])(ctx, b)
	}
}

// act does an outcome as a real function does.
func act(ctx context.Context, o outcome) error {
	out, _ := OutsideOf(ctx)
	if o.delay > 0 && o.kind != "hang" {
		if err := out.Until(ctx, out.Now().Add(o.delay)); err != nil {
			return err
		}
	}
	switch o.kind {
	case "ignore":
		return ErrIgnore
	case "panic":
		panic("the script says so")
	case "error":
		return actors.ExitWith(actors.Reason(o.reason()))
	case "hang": // deaf to its stop: only when it is left does a wait of its own end
		return out.Until(context.WithoutCancel(ctx), out.Now().Add(Infinity/2))
	}
	return nil
}

func (l *liveStage) startOf(beh *behaviour) StartFunc {
	return func(ctx context.Context, b *Birth) error {
		id := Incarnation{string(b.Path()), b.Epoch()}
		l.fences[id] = b.Fence()
		me := &sighted{Incarnation: id, above: b.Above(), sup: l.t.sups[b.Above()].epoch, fence: b.Fence().Check}
		l.sees.born(me)
		up := false
		defer func() {
			if me.works = false; !up {
				me.leave(b.System().Now())
			}
		}()
		if err := act(ctx, beh.next()); err != nil {
			if ctx.Err() != nil {
				l.sees.stopped(me)
			}
			return err
		}
		pipe, err := actors.NewPipe[Reason](b.System(), 4)
		if err != nil {
			return err
		}
		l.pipes[id], up = pipe, true
		b.Run(func(ctx context.Context, out actors.Outside) error {
			me.works = true
			defer func() { me.leave(out.Now()) }()
			return live(ctx, out, pipe, beh, func() { l.sees.stopped(me) })
		})
		return nil
	}
}

// What a pipe brings to a child besides a reason to end.
const (
	hangNow Reason = "hang"
	goOn    Reason = "unhang"
)

// live is a child that runs: it ends as it is told to, or as it answers its stop, of which told is told.
func live(ctx context.Context, out actors.Outside, pipe *actors.Pipe[Reason], beh *behaviour, told func()) error {
	deaf, hung := context.WithoutCancel(ctx), false
	for {
		listens := ctx
		if hung {
			listens = deaf
		}
		reason, err := pipe.Next(listens, out)
		if err != nil && ctx.Err() != nil {
			told()
		}
		switch {
		case err == nil && reason == hangNow:
			hung = true
		case err == nil && reason == goOn:
			if hung = false; ctx.Err() != nil {
				told()
				return ctx.Err()
			}
		case err == nil && reason == Crashed, err != nil && !hung && beh.stop == "panic":
			panic("the script says so")
		case err == nil && reason == Normal:
			return nil
		case err == nil:
			return actors.ExitWith(actors.Reason(reason))
		case !hung && beh.stop == "hang":
			hung = true
		case !hung && beh.delay > 0:
			return out.Until(deaf, out.Now().Add(beh.delay))
		default:
			return err
		}
	}
}

// command does what a command means to the living tree; the time and the lines are the living tree's too.
func (l *liveStage) command(ctx context.Context, st statement) error {
	verb, args := st.words[0], st.words[1:]
	switch verb {
	case "start":
		if err := l.tree.open(); err != nil {
			return err
		}
		if l.loses != nil {
			l.sys.OnExit(func(x actors.Exit) {
				if !l.loses(x) {
					l.tree.onExit(x)
				}
			})
		}
		l.tree.post(order{in: treeStart{}})
	case "stop":
		l.tree.Stop()
	case "shutdown":
		l.tree.Shutdown()
	case "advance":
		d, err := time.ParseDuration(args[0])
		if err != nil {
			return err
		}
		if err := l.sys.Advance(ctx, d); err != nil {
			return err
		}
		l.now, l.at = l.sys.Now().Sub(caseBegan), false
		return nil
	case "jitter", "set":
		_, err := l.play(st)
		return err
	case "children", "count":
		path := l.sups[args[0]]
		map[string]func(string, string){"children": l.children, "count": l.count}[verb](args[0], path)
		return nil
	case "start_child":
		if err := l.startChild(st); err != nil {
			return err
		}
	case "terminate_child", "restart_child", "delete_child":
		l.tree.call(order{in: supCall{l.sups[args[0]], Call{Verb: callVerbs[verb], Name: args[1]}}})
	default:
		if err := l.poke(st); err != nil {
			return err
		}
	}
	return l.sys.Advance(ctx, 0)
}

func (l *liveStage) startChild(st statement) error {
	f, err := flags(st.line, st.words[3:], childKeys[1:]...)
	if err != nil {
		return err
	}
	b, err := readBehaviour(st.line, f)
	if err != nil {
		return err
	}
	path := l.sups[st.words[1]]
	c := readChild(st.words[2], f, false)
	c.Start = l.instance(func() *behaviour { return b })
	if s := l.t.sups[path]; s != nil && s.simple() {
		if f["start"] == "" {
			c.Start = nil
		} else {
			b.stop, b.delay = l.template(path)
		}
		if len(f) > 1 || (len(f) == 1 && c.Start == nil) {
			c.unread["simple"] = true
		}
	}
	l.tree.call(order{in: supCall{path, Call{Verb: StartChild, Name: c.Name, Child: c}}})
	return nil
}

// poke does something to one incarnation.
func (l *liveStage) poke(st statement) error {
	id, err := l.incarnation(st.line, st.words[1])
	if err != nil {
		return err
	}
	if st.words[0] == "act" { // the fence that effects are stopped by, not what the trunk thinks
		err := l.fences[id].Check()
		word := map[error]string{nil: "ok", actors.ErrNotReady: "not_ready", actors.ErrFenced: "fenced"}[err]
		l.emit("act " + nameAt(st.words[1], id) + " " + word)
		return nil
	}
	if _, sup := l.sups[st.words[1]]; sup {
		return l.tree.Inject(id.Path, Panic)
	}
	pipe := l.pipes[id]
	switch verb := st.words[0]; {
	case verb == "ready":
		r := Ready{Path: id.Path, Epoch: id.Epoch}
		if len(st.words) > 2 {
			r.Evidence = Evidence(st.words[2])
		}
		l.tree.post(r)
		return nil
	case pipe == nil:
		return fmt.Errorf("no pipe to %v", id)
	case verb == "crash":
		return pipe.Offer(Crashed)
	case verb == "exit":
		return pipe.Offer(Reason(st.words[2]))
	case verb == "hang" || verb == "unhang":
		return pipe.Offer(Reason(verb))
	}
	return fmt.Errorf("no such command: %s", st.words[0])
}
