package supervision

import (
	"slices"
	"time"
)

// state is a whole trunk between two decisions: nothing is on its way then.
func (c *codec) state(t *trunk) {
	if c.reading {
		t.spec, t.ledger, t.sups, t.running = &Spec{}, NewLedger(0), map[string]*State{}, nil
	}
	c.spec(t.spec)
	c.seat(&t.root)
	c.ledger(t.ledger)
	c.places(&t.places)
	c.course(&t.course)
	list(c, &t.zombies, c.incarnation)
	text(c, &t.tripped)
	count(c, &t.timer)
	running := t.running
	list(c, &running, func(v **State) {
		if c.reading {
			*v = &State{ledger: t.ledger, index: map[string]*entry{}}
		}
		c.supervisor(*v)
		if c.reading {
			t.add(*v)
		}
	})
	if c.reading && c.err == nil {
		c.sound(t)
	}
}

// sound refuses a state that no tree can be in, where a decision would look for what is not there.
func (c *codec) sound(t *trunk) {
	if at := t.course; at.next < 0 || at.next > len(at.phases) || (at.down && !at.closed && at.next == 0) {
		c.fail("phase %d of %d", at.next, len(at.phases))
	}
	for _, s := range t.sups {
		if s.simple() && len(s.spec.Children) != 1 {
			c.fail("%s is simple with %d children, want its template alone", s.path, len(s.spec.Children))
		}
		if s.op.part == pausing && s.op.x == nil {
			c.fail("%s restarts nobody", s.path)
		}
		for _, e := range s.kids {
			c.below(s, e)
		}
	}
}

// below refuses a child that does not stand below its supervisor: whoever walks down would not come to an end.
func (c *codec) below(s *State, e *entry) {
	own := e.path == s.path && (e.child.Sub != nil || e.epoch == s.epoch)
	if own || e.path != join(s.path, e.name) {
		c.fail("%q stands below %q as %q", e.path, s.path, e.name)
	}
}

func (c *codec) seat(v *rootSeat) {
	whole(c, &v.startTimeout)
	whole(c, &v.shutdown)
	count(c, &v.epoch)
	c.flag(&v.alive)
	c.flag(&v.started)
	c.flag(&v.pending)
	count(c, &v.starter)
	c.flag(&v.late)
	count(c, &v.stopper)
	c.flag(&v.stops)
	count(c, &v.timer)
}

func (c *codec) ledger(v *Ledger) {
	table(c, &v.epochs, func(n *uint64) { count(c, n) })
	count(c, &v.names)
	table(c, &v.owner, func(s *string) { text(c, s) })
}

func (c *codec) places(v *budget) {
	whole(c, &v.size)
	whole(c, &v.within)
	whole(c, &v.taken)
	list(c, &v.waiting, func(w *routed) {
		c.about(&w.sup, &w.epoch)
		granted, _ := w.in.(Granted)
		text(c, &granted.Path)
		w.in = granted
	})
}

func (c *codec) course(v *course) {
	list(c, &v.phases, func(p *Phase) {
		text(c, &p.Name)
		whole(c, &p.Timeout)
	})
	c.flag(&v.down)
	c.flag(&v.closed)
	whole(c, &v.next)
	count(c, &v.timer)
	c.flag(&v.failed)
}

func (c *codec) supervisor(s *State) {
	c.specOf(&s.spec)
	c.about(&s.path, &s.epoch)
	c.flag(&s.budget)
	count(c, &s.life)
	c.flag(&s.frozen)
	c.flag(&s.told)
	c.flag(&s.booted)
	text(c, &s.reason)
	c.failed(&s.failed)
	if c.err != nil {
		return
	}
	c.hint = 0
	list(c, &s.kids, func(e **entry) {
		c.entryOf(s, e)
		if c.reading {
			s.index[(*e).path] = *e
			s.show(*e)
		}
	})
	list(c, &s.window, func(t *time.Time) { c.time(t) })
	count(c, &s.op.part)
	c.entryIn(s, &s.op.x)
	c.entryIn(s, &s.op.cur)
	list(c, &s.line, c.call)
	count(c, &s.timer)
	count(c, &s.deadline)
	count(c, &s.last)
}

// entryIn is an entry that the operation points at: none, one of the list, or one that has left it meanwhile.
func (c *codec) entryIn(s *State, e **entry) {
	const none, gone = -1, -2
	at := none
	if *e != nil {
		if at = slices.Index(s.kids, *e); at < 0 {
			at = gone
		}
	}
	whole(c, &at)
	switch {
	case at == gone:
		c.entryOf(s, e)
	case !c.reading || at == none:
	case at < 0 || at >= len(s.kids):
		c.fail("entry %d of %s is wanted, there are %d", at, s.path, len(s.kids))
	default:
		*e = s.kids[at]
	}
}

func (c *codec) entryOf(s *State, v **entry) {
	if c.reading {
		*v = &entry{}
	}
	e := *v
	c.childOf(s, e)
	text(c, &e.name)
	text(c, &e.path)
	c.flag(&e.dynamic)
	count(c, &e.status)
	c.time(&e.since)
	count(c, &e.epoch)
	for _, yes := range []*bool{&e.alive, &e.begun, &e.start, &e.ready} {
		c.flag(yes)
	}
	said := e.early != nil
	if c.flag(&said); said {
		if c.reading {
			e.early = new(Evidence)
		}
		text(c, e.early)
	}
	c.time(&e.until)
	whole(c, &e.fails)
	text(c, &e.ending)
	for _, yes := range []*bool{&e.late, &e.member, &e.todo, &e.drop, &e.shared, &e.held} {
		c.flag(yes)
	}
	called := e.by != nil
	if c.flag(&called); called {
		if c.reading {
			e.by = &Call{}
		}
		c.call(e.by)
	}
	list(c, &e.enders, c.call)
	for i := range e.timers {
		count(c, &e.timers[i])
	}
	text(c, &e.end)
	c.time(&e.endAt)
	c.time(&e.next)
}

// childOf is the child of an entry: one in the spec, or one that came by call.
func (c *codec) childOf(s *State, e *entry) {
	kids, at := s.spec.Children, -1
	if !c.reading {
		at = c.place(kids, e.child)
	}
	whole(c, &at)
	switch {
	case at == -1:
		if c.reading {
			e.child = &Child{}
		}
		c.child(e.child)
	case !c.reading:
	case at < 0 || at >= len(kids):
		e.child = &Child{}
		c.fail("child %d of %s is wanted, there are %d", at, s.path, len(kids))
	default:
		e.child = &kids[at]
	}
}

// place is where in a spec a child stands, -1 when it is not one of it. Entries are in the order of their spec, so the search
// begins behind the last that was found.
func (c *codec) place(kids []Child, child *Child) int {
	for i := range kids {
		at := (c.hint + i) % len(kids)
		if &kids[at] == child {
			c.hint = at + 1
			return at
		}
	}
	return -1
}
