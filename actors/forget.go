package actors

import "slices"

// remembered is how many names are kept whose own life ended. What has more is forgotten, the name that ended first: a
// system that gives every order an actor of its own must not keep something of each for ever. Names that a supervisor
// begins are not among them: how many there are is its configuration, and their epochs are in journals.
const remembered = 256

// memory is what a System knows of names that ended for good. It is under the System's lock.
type memory struct {
	names []*entry            // that may be forgotten, first the one that ended first
	sums  map[Class]*BoxStats // what the mailboxes of forgotten names have counted
	epoch Epoch               // no forgotten name had a later one
}

// remember notes that the life of a name ended, and forgets the name that did so first, if there are too many. A system
// that stops forgets nothing more: whoever adds it up afterwards finds the names.
func (s *System) remember(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := &s.memory
	if e.noted || s.stopping {
		return
	}
	e.noted = true
	m.names = append(m.names, e)
	if len(m.names) <= remembered {
		return
	}
	first := m.names[0]
	m.names = slices.Delete(m.names, 0, 1)
	first.noted = false
	s.forget(first)
}

// forget drops a name, unless it is alive again, or something of it is still there: then it is remembered anew when that
// has ended. The System must be locked.
func (s *System) forget(e *entry) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.life != nil || e.retired != nil || len(e.boxes) > 0 || e.zombies != 0 {
		return
	}
	m := &s.memory
	m.epoch = max(m.epoch, e.last)
	if e.ended > 0 {
		if m.sums == nil {
			m.sums = make(map[Class]*BoxStats)
		}
		sum := m.sums[e.class]
		if sum == nil {
			sum = &BoxStats{Class: e.class}
			m.sums[e.class] = sum
		}
		sum.Ended += e.ended
		sum.Stats = addStats(sum.Stats, *e.past)
	}
	s.quarantine.forget(e)
	e.refuse(false)
	e.forgotten.Store(true)
	delete(s.entries, e.name)
}

// forgottenBoxes are the sums of forgotten names, one for each class. The System must be locked.
func (s *System) forgottenBoxes() []BoxStats {
	var out []BoxStats
	for _, sum := range s.memory.sums {
		out = append(out, *sum)
	}
	return out
}

// present is the entry that the name of a forgotten one has now, nil if it has none.
func (e *entry) present() *entry {
	e.sys.mu.Lock()
	defer e.sys.mu.Unlock()
	return e.sys.entries[e.name]
}
