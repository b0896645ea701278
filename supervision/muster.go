package supervision

import (
	"slices"
	"time"
)

// muster is what a roster knows of its children, as a value: which are wanted, how each stands, and what to do when one fails.
type muster struct {
	backoff Backoff
	giveUps int           // so many failures in a row of calm, within
	within  time.Duration // this long, and the child is left down
	seats   []*seat       // in the order in which they were first wanted
}

// seat is one child of a roster.
type seat struct {
	child  Child
	wanted bool
	stand  stand
	fails  int
	gaveUp []time.Time
	upAt   time.Time
}

// stand is how a child of a roster stands.
type stand uint8

const (
	absent  stand = iota // not asked for
	waiting              // to be asked for again, after a backoff
	asked                // a start_child is on its way
	present              // it runs
	leaving              // a terminate_child is on its way
	left                 // down for good: an operator's matter
)

// errand is one thing a muster asks for.
type errand struct {
	do    errandKind
	child Child
	delay time.Duration // of again
	times int           // of page
}

type errandKind uint8

const (
	startIt     errandKind = iota + 1
	terminateIt            // it is not wanted any more
	again                  // ask for it once more in delay
	page                   // it is left down, after so many times
)

func (m *muster) seat(name string) *seat {
	i := slices.IndexFunc(m.seats, func(s *seat) bool { return s.child.Name == name })
	if i < 0 {
		return nil
	}
	return m.seats[i]
}

// look takes what is wanted now: what is missing is asked for, what is too much is terminated. What waits for its backoff goes on
// waiting.
func (m *muster) look(want []Child) (todo []errand) {
	for _, s := range m.seats {
		s.wanted = false
	}
	for _, c := range want {
		c.Restart = Temporary
		s := m.seat(c.Name)
		if s == nil {
			s = &seat{child: c}
			m.seats = append(m.seats, s)
		}
		s.child, s.wanted = c, true
		if s.stand == absent {
			todo = append(todo, s.ask()...)
		}
	}
	for _, s := range m.seats {
		if !s.wanted && s.stand == present {
			s.stand = leaving
			todo = append(todo, errand{do: terminateIt, child: s.child})
		}
	}
	m.seats = slices.DeleteFunc(m.seats, func(s *seat) bool {
		return !s.wanted && (s.stand == absent || s.stand == waiting || s.stand == left)
	})
	return todo
}

// answered takes the answer to a start: one that is there already is there.
func (m *muster) answered(name string, a Answer, now time.Time, draw float64) []errand {
	s := m.seat(name)
	switch {
	case s == nil || s.stand != asked:
		return nil
	case a.OK && a.Ignored:
		s.stand = left
		return nil
	case a.OK || a.Word == "already_started":
		s.stand, s.upAt = present, now
		if !s.wanted {
			s.stand = leaving
			return []errand{{do: terminateIt, child: s.child}}
		}
		return nil
	}
	return m.later(s, draw)
}

// later asks for a child again after the backoff of the group.
func (m *muster) later(s *seat, draw float64) []errand {
	s.stand = absent
	if !s.wanted {
		return nil
	}
	s.stand = waiting
	s.fails++
	return []errand{{do: again, child: s.child, delay: m.backoff.delay(s.fails, draw)}}
}

// due takes the end of a wait.
func (m *muster) due(name string) []errand {
	s := m.seat(name)
	if s == nil || s.stand != waiting {
		return nil
	}
	return s.ask()
}

func (s *seat) ask() []errand {
	s.stand = asked
	return []errand{{do: startIt, child: s.child}}
}

// gone takes the end of a child. One that gave up is asked for again, unless it has done so too often; one that ended in order
// was meant to.
func (m *muster) gone(name string, reason Reason, now time.Time, draw float64) []errand {
	s := m.seat(name)
	switch {
	case s == nil || (s.stand != present && s.stand != leaving):
		return nil
	case s.stand == leaving:
		s.stand = absent
		if s.wanted { // again, meanwhile
			return s.ask()
		}
		return nil
	case reason.Orderly():
		s.stand = left
		return nil
	}
	if now.Sub(s.upAt) >= m.backoff.Reset {
		s.fails = 0
	}
	s.gaveUp = slices.DeleteFunc(append(s.gaveUp, now), func(t time.Time) bool { return now.Sub(t) > m.within })
	if n := len(s.gaveUp); n >= m.giveUps {
		s.stand, s.gaveUp = left, nil
		return []errand{{do: page, child: s.child, times: n}}
	}
	return m.later(s, draw)
}
