package supervision

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
)

// witness holds a living tree against what its children saw themselves: that they were started, told to stop and left, when, and
// what their fences said then. It knows the spec and whom calls have named, and nothing of lines, snapshots and decisions.
type witness struct {
	spec   *Spec
	asked  map[string]bool // names in calls: nothing is expected of their order
	lives  map[string][]*sighted
	grants map[string][]int64 // by incarnation of a supervisor, when ends were answered by a restart
	sum    sightings
	wrong  error // the first
}

// sightings count what was looked at.
type sightings struct{ Births, Ordered, Stops, Grants int }

func (s *sightings) add(o sightings) {
	s.Births += o.Births
	s.Ordered += o.Ordered
	s.Stops += o.Stops
	s.Grants += o.Grants
}

// sighted is one incarnation of a worker, as it sees itself.
type sighted struct {
	Incarnation
	above string
	sup   uint64       // epoch of its supervisor
	fence func() error // nil, ErrNotReady, ErrFenced
	told  bool         // to stop
	works bool         // a function of it runs
	over  bool         // its last function has returned
	ended int64
}

func newWitness(spec *Spec) *witness {
	return &witness{spec: spec, asked: map[string]bool{}, lives: map[string][]*sighted{}, grants: map[string][]int64{}}
}

func (w *witness) fail(format string, a ...any) {
	if w.wrong == nil {
		w.wrong = fmt.Errorf("seen by the children: "+format, a...)
	}
}

// calls notes whom a command names.
func (w *witness) calls(st statement) {
	if callVerbs[st.words[0]] != 0 {
		w.asked[st.words[2]] = true
	}
}

func (l *sighted) acts() bool { return !errors.Is(l.fence(), actors.ErrFenced) }

// leave: its last function returns.
func (l *sighted) leave(now time.Time) { l.works, l.over, l.ended = false, true, now.UnixNano() }

// last is the latest life of a path, nil when there was none.
func (w *witness) last(path string) *sighted {
	if all := w.lives[path]; len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}

// first reports whether l is the first of its path under its supervisor: of one_for_one, one that is being restarted holds up no boot.
func (w *witness) first(l *sighted) bool {
	for _, other := range w.lives[l.Path] {
		if other.sup == l.sup {
			return other == l
		}
	}
	return false
}

// free reports whether a call has named a path or what it is in.
func (w *witness) free(path string) bool {
	for name := range strings.SplitSeq(path, "/") {
		if w.asked[name] {
			return true
		}
	}
	return false
}

// born: the last incarnation of the path has ended or is fenced; whoever is to be ready before it is; of a group nobody lives that
// comes later.
func (w *witness) born(l *sighted) {
	w.sum.Births++
	before := w.last(l.Path)
	for _, old := range w.lives[l.Path] {
		if old.acts() {
			w.fail("%s#%d is started while #%d may act", l.Path, l.Epoch, old.Epoch)
		}
	}
	if before != nil && before.Epoch >= l.Epoch {
		w.fail("%s#%d is started after #%d", l.Path, l.Epoch, before.Epoch)
	}
	l.works = true
	w.lives[l.Path] = append(w.lives[l.Path], l)
	sup := specAt(w.spec, l.above)
	if w.free(l.Path) || sup.Strategy == SimpleOneForOne {
		return
	}
	w.sum.Ordered++
	again := before != nil && before.sup == l.sup
	for _, c := range w.earlier(l) {
		e := w.last(c)
		switch {
		case !again && (e == nil || e.sup != l.sup):
			w.fail("%s#%d is started before %s, which is ahead of it", l.Path, l.Epoch, c)
		case e != nil && (sup.Strategy.group() || !again && w.first(e)) && errors.Is(e.fence(), actors.ErrNotReady):
			w.fail("%s#%d is started while %s#%d ahead of it is not ready", l.Path, l.Epoch, c, e.Epoch)
		}
	}
	if sup.Strategy.group() || !again {
		for _, other := range w.later(l) {
			w.fail("%s#%d is started while %s#%d, which is behind it, may act", l.Path, l.Epoch, other.Path, other.Epoch)
		}
	}
	if again && !before.told && before.over && sup.Strategy == OneForOne {
		w.grant(l, before.ended, sup)
	}
}

// grant: an end that was answered by a restart is in the window of its supervisor, however others in it have ended.
func (w *witness) grant(l *sighted, at int64, sup *Spec) {
	w.sum.Grants++
	id := fmt.Sprintf("%s#%d", l.above, l.sup)
	all := append(w.grants[id], at)
	slices.Sort(all)
	w.grants[id] = all
	for i, from := range all {
		n := 0
		for _, t := range all[i:] {
			if time.Duration(t-from) <= sup.Period {
				n++
			}
		}
		if n > sup.Intensity {
			w.fail("%s has restarted %d times within %s, want %d: the last is %s#%d", id, n, sup.Period, sup.Intensity, l.Path, l.Epoch)
			return
		}
	}
}

// stopped: who was ready is told to stop when all behind it have ended or are fenced.
func (w *witness) stopped(l *sighted) {
	if !l.told && l.fence() == nil && !w.free(l.Path) && specAt(w.spec, l.above).Strategy != SimpleOneForOne {
		w.sum.Stops++
		for _, other := range w.later(l) {
			w.fail("%s#%d is told to stop before %s#%d, which is behind it", l.Path, l.Epoch, other.Path, other.Epoch)
		}
	}
	l.told = true
}

// earlier are the paths of the workers that its supervisor lists ahead of it, but those that calls have named.
func (w *witness) earlier(l *sighted) (out []string) {
	for i := range specAt(w.spec, l.above).Children {
		c := &specAt(w.spec, l.above).Children[i]
		path := join(l.above, c.Name)
		if path == l.Path {
			break
		}
		if c.Sub == nil && !w.free(path) {
			out = append(out, path)
		}
	}
	return out
}

// later are the lives that may act of those that its supervisor lists behind it, and below them.
func (w *witness) later(l *sighted) (out []*sighted) {
	behind := false
	for i := range specAt(w.spec, l.above).Children {
		c := join(l.above, specAt(w.spec, l.above).Children[i].Name)
		for path := range w.lives {
			other := w.last(path)
			if behind && (path == c || strings.HasPrefix(path, c+"/")) && !w.free(path) && other.acts() {
				out = append(out, other)
			}
		}
		behind = behind || c == l.Path
	}
	return out
}

// accounted: of a tree that is over nobody may act, and no function of a child runs.
func (w *witness) accounted() error {
	for path, all := range w.lives {
		for _, l := range all {
			if l.acts() {
				w.fail("%s#%d may act behind the end of the tree", path, l.Epoch)
			}
			if l.works {
				w.fail("%s#%d has not returned", path, l.Epoch)
			}
		}
	}
	return w.wrong
}

// specAt is the supervisor at a path in the tree of root.
func specAt(root *Spec, path string) *Spec {
	at := root
	for name := range strings.SplitSeq(path, "/") {
		for i := range at.Children {
			if at.Children[i].Name == name {
				at = at.Children[i].Sub
				break
			}
		}
	}
	return at
}

// staged is a history that a test makes up for a witness.
type staged struct {
	*witness
	now int64
}

func (s *staged) is(l *sighted, err error) { l.fence = func() error { return err } }

func (s *staged) start(path string, epoch, sup uint64) *sighted {
	l := &sighted{Incarnation: Incarnation{path, epoch}, above: parentOf(path), sup: sup}
	s.is(l, actors.ErrNotReady)
	s.born(l)
	return l
}

func (s *staged) up(path string, epoch, sup uint64) *sighted {
	l := s.start(path, epoch, sup)
	s.is(l, nil)
	return l
}

func (s *staged) down(l *sighted) {
	l.leave(time.Unix(0, s.now))
	s.is(l, actors.ErrFenced)
}

// Each history is one that a tree must never make its children see, but for the first; each is found, and by its own words.
func TestAWitnessFindsWhatChildrenMustNotSee(t *testing.T) {
	for _, c := range []struct {
		name, want string
		play       func(s *staged)
	}{
		{"a boot, a restart of the group and a stop, all in order", "", func(s *staged) {
			a, b, c := s.up("g/a", 1, 1), s.up("g/b", 1, 1), s.up("g/c", 1, 1)
			s.down(b)
			s.stopped(c)
			s.down(c)
			b, c = s.up("g/b", 2, 1), s.up("g/c", 2, 1)
			for _, l := range []*sighted{c, b, a} {
				s.stopped(l)
				s.down(l)
			}
		}},
		{"two incarnations", "g/a#2 is started while #1 may act", func(s *staged) { s.up("g/a", 1, 1); s.up("g/a", 2, 1) }},
		{"an epoch twice", "g/a#1 is started after #1", func(s *staged) { s.down(s.up("g/a", 1, 1)); s.down(s.up("g/a", 1, 1)) }},
		{"a boot out of order", "g/b#1 is started before g/a", func(s *staged) { s.up("g/b", 1, 1) }},
		{"a boot that does not wait", "g/b#1 is started while g/a#1 ahead of it is not ready", func(s *staged) { s.start("g/a", 1, 1); s.up("g/b", 1, 1) }},
		{"a group that is not down", "g/a#2 is started while g/b#1, which is behind it, may act", func(s *staged) {
			a := s.up("g/a", 1, 1)
			s.up("g/b", 1, 1)
			s.down(a)
			s.up("g/a", 2, 1)
		}},
		{"a stop out of order", "g/a#1 is told to stop before g/b#1", func(s *staged) {
			a := s.up("g/a", 1, 1)
			s.up("g/b", 1, 1)
			s.stopped(a)
		}},
		{"one restart too many", "o#1 has restarted 3 times within 5s, want 2", func(s *staged) {
			x, y := s.up("o/x", 1, 1), s.up("o/y", 1, 1)
			for i, l := range []*sighted{x, y, x} {
				s.now = int64(i) * int64(2500*time.Millisecond) // the third is exactly one period after the first
				s.down(s.last(l.Path))
				s.up(l.Path, s.last(l.Path).Epoch+1, 1)
			}
		}},
		{"restarts that a period parts", "", func(s *staged) {
			s.up("o/x", 1, 1)
			for i := range uint64(3) {
				s.now = int64(i) * int64(2501*time.Millisecond)
				s.down(s.last("o/x"))
				s.up("o/x", i+2, 1)
			}
			s.down(s.last("o/x"))
		}},
		{"one that is left over", "g/a#1 may act behind the end", func(s *staged) { s.up("g/a", 1, 1).works = false }},
		{"one that goes on", "g/a#1 has not returned", func(s *staged) { s.is(s.up("g/a", 1, 1), actors.ErrFenced) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			worker := func(name string) Child { return DefaultChild(name, nil) }
			g, o := DefaultSpec("", worker("a"), worker("b"), worker("c")), DefaultSpec("", worker("x"), worker("y"))
			g.Strategy, o.Intensity = RestForOne, 2
			root := DefaultSpec("root", SubTree("g", g), SubTree("o", o))
			s := &staged{witness: newWitness(&root)}
			c.play(s)
			if c.want == "" && s.wrong == nil {
				for _, all := range s.lives {
					for _, l := range all {
						s.down(l)
					}
				}
			}
			err := s.accounted()
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("the witness says %v, want %q", err, c.want)
			}
		})
	}
}
