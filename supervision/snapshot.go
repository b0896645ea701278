package supervision

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Snapshot is a tree as it stood after a decision. It is immutable and may be read by any goroutine, also when the tree that
// it shows is dead.
type Snapshot struct {
	Name    string        // of the root
	Epoch   uint64        // of the root; 0 when it does not run
	Up      bool          // every child of the spec has been ready
	Frozen  bool          // going down: ends are recorded, nothing is restarted
	Phase   string        // the phase that runs
	Budget  Budget        // of the whole tree; zero is none
	Taken   int           // its places that are taken
	Held    []string      // who waits for one, in order
	Sups    []*Supervisor // those that run, sorted by path; the root's is ""
	Zombies []Incarnation // left and not ended, in order
}

// Supervisor is one running supervisor.
type Supervisor struct {
	Path     string
	Epoch    uint64
	Strategy Strategy
	Used     int // restarts in the window, as of the last decision; see UsedAt
	Allowed  int // the intensity
	Period   time.Duration

	window []time.Time
	blocks []*[]Entry // of the list, in its order
}

// UsedAt counts the restarts that are in the window at now: it empties by time alone, and a snapshot is of the last decision.
func (v *Supervisor) UsedAt(now time.Time) int {
	return len(v.window) - expired(v.window, now, v.Period)
}

// Entry is one child in the list of a supervisor.
type Entry struct {
	Name    string
	Path    string
	Sup     bool   // it is a supervisor
	Epoch   uint64 // of its incarnation; 0 when there is none
	Status  Status
	Since   time.Time
	Started bool // its start has returned, and it has not ended
	Ready   bool
	Class   Class
	Restart Restart
	// Watchdog is how long one message may take, 0 for any time.
	Watchdog time.Duration
	Starts   uint64 // attempts of the path so far
	End      Reason // how its last incarnation ended, or its last start failed
	EndAt    time.Time
	Fails    int       // failures in a row
	Next     time.Time // when its backoff ends
}

// Sup returns the running supervisor at path ("" is the root).
func (s *Snapshot) Sup(path string) (*Supervisor, bool) {
	i, ok := slices.BinarySearchFunc(s.Sups, path, func(v *Supervisor, p string) int { return cmp.Compare(v.Path, p) })
	if !ok {
		return nil, false
	}
	return s.Sups[i], true
}

// Find returns the entry at path, in the list of the supervisor above it.
func (s *Snapshot) Find(path string) (Entry, bool) {
	sup, ok := s.Sup(path[:max(strings.LastIndexByte(path, '/'), 0)])
	if !ok {
		return Entry{}, false
	}
	for _, b := range sup.blocks {
		for i := range *b {
			if (*b)[i].Path == path {
				return (*b)[i], true
			}
		}
	}
	return Entry{}, false
}

// Count returns the counts of OTP: a simple supervisor has one spec, its template; active are
// those that have started and not ended.
func (v *Supervisor) Count() (specs, active, supervisors, workers int) {
	specs = v.Len()
	if v.Strategy == SimpleOneForOne {
		specs = 1
	}
	for e := range v.Children() {
		if e.Started {
			active++
		}
		if e.Sup {
			supervisors++
		} else {
			workers++
		}
	}
	return specs, active, supervisors, workers
}

// snapshot is the tree now. What has not changed since the last one is shared with it.
func (t *trunk) snapshot() *Snapshot {
	s := &Snapshot{Name: t.spec.Name, Up: t.root.started, Frozen: t.course.down, Zombies: slices.Clone(t.zombies)}
	s.Budget, s.Taken = t.spec.Budget, t.places.taken
	for _, w := range t.places.waiting {
		s.Held = append(s.Held, w.in.(Granted).Path)
	}
	if t.root.alive {
		s.Epoch = t.root.epoch
	}
	if c := t.course; c.down && !c.closed && c.next > 0 {
		s.Phase = c.phases[c.next-1].Name
	}
	s.Sups = make([]*Supervisor, len(t.running))
	for i, sup := range t.running {
		s.Sups[i] = sup.snapshot()
	}
	return s
}

func (s *State) snapshot() *Supervisor {
	if s.view != nil {
		return s.view
	}
	v := &Supervisor{Path: s.path, Epoch: s.epoch, Strategy: s.spec.Strategy, Allowed: s.spec.Intensity, Period: s.spec.Period}
	v.window = slices.Clip(s.window) // it is only added to behind its end, and cut at its beginning
	v.Used = v.UsedAt(s.at.Now)
	v.blocks = make([]*[]Entry, len(s.blocks))
	for i, b := range s.blocks {
		v.blocks[i] = b.show()
	}
	s.view = v
	return v
}

func (e *entry) snapshot() Entry {
	v := Entry{
		Name: e.name, Path: e.path, Sup: e.child.Sub != nil, Status: e.status, Since: e.since, Class: e.child.Class,
		Started: e.start, Ready: e.alive && e.ready, Restart: e.child.Restart, Watchdog: e.child.Watchdog, Starts: e.epoch, End: e.end, EndAt: e.endAt, Fails: e.fails, Next: e.next,
	}
	if e.alive {
		v.Epoch = e.epoch
	}
	return v
}

// Standing is what an incarnation may do outside the process.
type Standing uint8

// What an incarnation may do. The zero Standing is invalid, and nothing.
const (
	Fenced Standing = iota + 1 // nothing, ever again
	NotYet                     // nothing yet: it is not ready
	MayAct                     // act; also while it stops
)

// standing is that of path#epoch.
func (t *trunk) standing(path string, epoch uint64) Standing {
	p := t.parent(path)
	if p == nil {
		return Fenced
	}
	switch e := p.live(path, epoch); {
	case e == nil:
		return Fenced
	case e.ready:
		return MayAct
	}
	return NotYet
}
