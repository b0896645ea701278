package supervision

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// model follows a tree by its lines alone, and keeps every line against what must always hold.
type model struct {
	s        *stage
	all      []string
	now      *time.Duration
	live     map[string]uint64 // unfenced incarnations by path; "" is the root
	last     map[string]uint64 // the last epoch of each path
	waiting  map[string]bool   // live and not ready
	restarts map[string][]time.Duration
	spent    map[string]bool // gave up: it grants nothing any more
	closing  map[string]bool
	group    map[string]string // a restart was granted over this child, and nothing has started since
	zombies  []Incarnation
	open     map[string]int // calls that are not answered, by their line
	byCall   map[string]int // and those that bring a child up, by supervisor
	frozen   bool
	phase    string // that runs
	halted   bool
	sum      tally
	wrong    error // the first
}

func newModel(s *stage) *model {
	m := &model{
		s: s, now: &s.now, live: map[string]uint64{}, last: map[string]uint64{}, waiting: map[string]bool{}, restarts: map[string][]time.Duration{},
		spent: map[string]bool{}, closing: map[string]bool{}, group: map[string]string{}, open: map[string]int{}, byCall: map[string]int{},
	}
	s.seen = m.line
	return m
}

func (m *model) fail(format string, a ...any) {
	if m.wrong == nil {
		m.wrong = fmt.Errorf(format+"\n"+strings.Join(m.all[max(0, len(m.all)-40):], "\n"), a...)
	}
}

func (m *model) path(name string) string {
	if name == m.s.spec.Name {
		return ""
	}
	return name
}

func parentOf(path string) string { return path[:max(strings.LastIndexByte(path, '/'), 0)] }

// calls counts a command that has to be answered.
func (m *model) calls(st statement, by int) {
	verb := st.words[0]
	switch {
	case callVerbs[verb] != 0:
		sup := m.s.sups[st.words[1]]
		m.open[verb+" "+join(sup, st.words[2])] += by
		if verb == "start_child" || verb == "restart_child" {
			m.byCall[sup] += by
		}
		if by > 0 {
			m.sum.Calls++
		}
	case verb == "start" || verb == "stop":
		m.open[verb+" "+st.words[1]] += by
	}
}

// line takes one line.
func (m *model) line(d Decision) {
	m.all = append(m.all, d.String())
	m.sum.Lines++
	path, sup := m.path(d.Path), m.path(d.Sup)
	switch d.Kind {
	case LineStart:
		m.start(path, d.Epoch)
	case LineStarted:
		m.mustLive(path, d.Epoch)
		if !m.manual(path) {
			delete(m.waiting, path)
		}
	case LineReady:
		m.mustLive(path, d.Epoch)
		delete(m.waiting, path)
	case LineStop, LineKill:
		m.mustLive(path, d.Epoch)
		m.stop(path)
	case LineExit, LineIgnore:
		m.mustLive(path, d.Epoch)
		m.gone(path)
	case LineFailed:
		if m.last[path] != d.Epoch {
			m.fail("%s is not the last attempt", d)
		}
		m.gone(path)
	case LineAbandon:
		m.mustLive(path, d.Epoch)
		m.gone(path)
		if path != "" {
			m.zombies = append(m.zombies, Incarnation{path, d.Epoch})
			m.sum.Zombies++
		}
	case LineLate:
		i := slices.Index(m.zombies, Incarnation{path, d.Epoch})
		if i < 0 {
			m.fail("%s was never left", d)
			return
		}
		m.zombies = slices.Delete(m.zombies, i, i+1)
	case LineRestart:
		m.restart(sup, path, d)
	case LineEscalate:
		m.escalate(sup, d)
	case LineAutoShutdown:
		m.closing[sup] = sup != ""
	case LinePhase:
		if m.phase != "" {
			m.fail("%s while %s runs", d, m.phase)
		}
		m.frozen, m.phase = true, d.Path
	case LinePhaseOK, LinePhaseFailed:
		if m.phase != d.Path {
			m.fail("%s, and %q runs", d, m.phase)
		}
		m.phase = ""
	case LineUnstopped:
		if !slices.Equal(d.Left, m.zombies) {
			m.fail("unstopped %v, want %v", d.Left, m.zombies)
		}
	case LineHalt:
		m.halted = true
		m.sum.Halts++
	case LineReply:
		m.reply(d)
	case LineRefuse, LineBackoff, LineHold:
	}
}

// start: one incarnation of a name at a time, under the next epoch, below a supervisor that lives and is not going down.
func (m *model) start(path string, epoch uint64) {
	up := parentOf(path)
	switch {
	case m.live[path] != 0:
		m.fail("start of %s#%d beside #%d", path, epoch, m.live[path])
	case epoch != m.last[path]+1:
		m.fail("start of %s#%d after #%d", path, epoch, m.last[path])
	case m.frozen:
		m.fail("start of %s in a tree that is going down", path)
	case path != "" && (m.live[up] == 0 || m.closing[up]):
		m.fail("start of %s below a supervisor that is down or closing", path)
	}
	if path != "" {
		m.together(path, up)
	}
	m.live[path], m.last[path], m.waiting[path] = epoch, epoch, true
	delete(m.restarts, path)
	delete(m.spent, path)
	delete(m.closing, path)
	delete(m.group, path)
}

// together: nobody of a group is started before the last of it has ended, and then one after the other.
func (m *model) together(path, up string) {
	s := m.s.t.sups[up]
	if s == nil || !s.spec.Strategy.group() {
		return
	}
	over, restarted := m.group[up]
	from := slices.IndexFunc(s.kids, func(e *entry) bool { return e.path == over })
	for i, e := range s.kids {
		switch {
		case e.path == path || m.live[e.path] == 0:
		case restarted && (s.spec.Strategy == OneForAll || (from >= 0 && i >= from)):
			m.fail("start of %s while %s of its group lives", path, e.path)
		case m.open["terminate_child "+e.path] > 0: // it is on its way out, and no member of any group
		case m.waiting[e.path] && m.byCall[up] == 0:
			m.fail("start of %s while %s before it is not ready", path, e.path)
		}
	}
	delete(m.group, up)
}

// manual reports whether a child says itself when it is ready. What comes by start_child does not.
func (m *model) manual(path string) bool {
	if path == "" {
		return false
	}
	spec := m.specOf(parentOf(path))
	for i := range spec.Children {
		c := &spec.Children[i]
		if spec.Strategy == SimpleOneForOne || join(parentOf(path), c.Name) == path {
			return !c.auto()
		}
	}
	return false
}

func (m *model) mustLive(path string, epoch uint64) {
	if m.live[path] != epoch || epoch == 0 {
		m.fail("%s#%d is not live, #%d is", path, epoch, m.live[path])
	}
}

// stop: a supervisor that goes down stops its children in reverse, and so is a group that is restarted.
func (m *model) stop(path string) {
	m.closing[path] = true
	up := parentOf(path)
	s := m.s.t.sups[up]
	if path == "" || s == nil || s.simple() || m.open["terminate_child "+path] > 0 { // who asks for its end does not wait for the group
		return
	}
	over, restarted := m.group[up]
	group := restarted && s.spec.Strategy == OneForAll
	seen := false
	for _, e := range s.kids {
		group = group || (restarted && e.path == over)
		if seen && m.live[e.path] != 0 && (group || m.closing[up]) {
			m.fail("stop of %s before %s, which comes later", path, e.path)
		}
		seen = seen || (e.path == path && (group || m.closing[up]))
	}
}

// gone: a supervisor is not down before all below it are.
func (m *model) gone(path string) {
	delete(m.live, path)
	delete(m.waiting, path)
	for p := range m.live {
		if p != "" && (path == "" || strings.HasPrefix(p, path+"/")) {
			m.fail("%q is down while %s lives", path, p)
		}
	}
}

func (m *model) specOf(sup string) *Spec { return specAt(m.s.spec, sup) }

// inWindow counts one by one.
func (m *model) inWindow(sup string) (n int) {
	for _, at := range m.restarts[sup] {
		if *m.now-at <= m.specOf(sup).Period {
			n++
		}
	}
	return n
}

func (m *model) restart(sup, path string, d Decision) {
	m.sum.Restarts++
	m.restarts[sup] = append(m.restarts[sup], *m.now)
	n := m.inWindow(sup)
	if d.N != n || d.M != m.specOf(sup).Intensity || n > d.M || m.spent[sup] || m.frozen {
		m.fail("%s, want %d of %d, spent %v, frozen %v", d, n, m.specOf(sup).Intensity, m.spent[sup], m.frozen)
	}
	if m.specOf(sup).Strategy.group() {
		m.group[sup] = path
	}
}

func (m *model) escalate(sup string, d Decision) {
	if d.Reason != Intensity {
		return
	}
	m.sum.Escalations++
	if n := m.inWindow(sup); n != m.specOf(sup).Intensity {
		m.fail("%s after %d of %d restarts", d, n, m.specOf(sup).Intensity)
	}
	m.spent[sup] = true
	m.closing[sup] = sup != ""
}

func (m *model) reply(d Decision) {
	key := d.Verb.String() + " " + d.Path
	m.open[key]--
	if m.open[key] < 0 {
		m.fail("%s: nobody has asked", d)
	}
	if d.Verb == StartChild || d.Verb == RestartChild {
		m.byCall[parentOf(d.Path)]--
	}
}

// check compares the snapshot with what the lines say, when nothing is left that runs without time.
func (m *model) check() error {
	v := m.s.t.snapshot()
	shown := 0
	for _, sup := range v.Sups {
		for e := range sup.Children() {
			if e.Epoch != m.live[e.Path] {
				m.fail("snapshot shows %s#%d, want #%d", e.Path, e.Epoch, m.live[e.Path])
			}
			if e.Epoch != 0 {
				shown++
			}
			if lives := e.Status == Starting || e.Status == Running || e.Status == Stopping; lives != (e.Epoch != 0) {
				m.fail("snapshot shows %s#%d %s", e.Path, e.Epoch, e.Status)
			}
			if e.Epoch != 0 && e.Ready == m.waiting[e.Path] {
				m.fail("snapshot shows %s ready: %v", e.Path, e.Ready)
			}
		}
		if sup.Used > sup.Allowed {
			m.fail("%s has used %d of %d", sup.Path, sup.Used, sup.Allowed)
		}
	}
	if err := sharedRightly(m.s.t, v); err != nil {
		m.fail("%v", err)
	}
	if v.Epoch != 0 {
		shown++
	}
	if shown != len(m.live) {
		m.fail("snapshot shows %d live, want %d: %v", shown, len(m.live), m.live)
	}
	for _, path := range v.Held {
		if e, ok := v.Find(path); !ok || e.Status != Restarting {
			m.fail("snapshot shows %s held, and it is %s", path, e.Status)
		}
	}
	if !slices.Equal(v.Zombies, m.zombies) {
		m.fail("snapshot shows zombies %v, want %v", v.Zombies, m.zombies)
	}
	return m.wrong
}

// workers are the names of those of a set that are no supervisors, sorted.
func workers[V any](m *model, set map[string]V) (names []string) {
	for path := range set {
		name := path[strings.LastIndexByte(path, '/')+1:]
		if _, sup := m.s.sups[name]; !sup && name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// over: every stop has ended, and every call is answered.
func (m *model) over() error {
	if len(m.live) > 0 {
		m.fail("these have not ended: %v", m.live)
	}
	for call, n := range m.open {
		if n != 0 {
			m.fail("%d answers are missing to %s", n, call)
		}
	}
	if m.phase != "" {
		m.fail("%s has not ended", m.phase)
	}
	if m.frozen && !m.halted {
		m.fail("the phases have run, and there was no halt")
	}
	return errors.Join(m.wrong)
}

func (m *model) add(sum *tally) {
	sum.Lines += m.sum.Lines
	sum.Restarts += m.sum.Restarts
	sum.Escalations += m.sum.Escalations
	sum.Halts += m.sum.Halts
	sum.Zombies += m.sum.Zombies
	sum.Calls += m.sum.Calls
}

// sharedRightly compares a snapshot, most of which is the one before, with one that is made anew.
func sharedRightly(t *trunk, v *Snapshot) error {
	if len(v.Sups) != len(t.sups) {
		return fmt.Errorf("snapshot shows %d supervisors, want %d", len(v.Sups), len(t.sups))
	}
	for _, sup := range v.Sups {
		s := t.sups[sup.Path]
		shown := slices.Collect(sup.Children())
		if len(shown) != len(s.kids) || len(shown) != sup.Len() {
			return fmt.Errorf("snapshot shows %d below %q, want %d", len(shown), sup.Path, len(s.kids))
		}
		for i, e := range s.kids {
			if shown[i] != e.snapshot() {
				return fmt.Errorf("snapshot shows %+v, want %+v", shown[i], e.snapshot())
			}
		}
	}
	return nil
}
