package supervision

import (
	"cmp"
	"slices"
)

// onCall answers a call, or puts it in line behind the operation of a group supervisor.
func (s *State) onCall(c Call) {
	if s.life != up || s.frozen || s.reason != "" {
		s.answer(c, Answer{Word: "not_running"})
		return
	}
	s.last++
	c.order = s.last
	if s.busy() && !s.passes(c) {
		s.line = append(s.line, c)
		return
	}
	s.handle(c)
}

// busy reports whether calls have to wait: a group supervisor does one thing at a time, but waits for nobody's backoff.
func (s *State) busy() bool {
	if !s.spec.Strategy.group() {
		return false
	}
	if s.op.part == stopping || s.op.part == starting {
		return true
	}
	for _, e := range s.kids {
		if e.by != nil || len(e.enders) > 0 {
			return true
		}
	}
	return false
}

// passes reports whether a call need not wait in line: to end a child that is on its way up, or that waits to be.
func (s *State) passes(c Call) bool {
	e := s.index[join(s.path, c.Name)]
	return c.Verb == TerminateChild && e != nil && (e.status == Starting || e.status == Waiting)
}

// serve answers the calls in line as far as the operation lets it.
func (s *State) serve() {
	for len(s.line) > 0 && s.life == up && !s.busy() {
		c := s.line[0]
		s.line = s.line[1:]
		if s.frozen {
			s.answer(c, Answer{Word: "not_running"})
			continue
		}
		s.handle(c)
	}
}

func (s *State) handle(c Call) {
	e := s.index[join(s.path, c.Name)]
	switch c.Verb {
	case StartChild:
		s.startChild(c, e)
	case TerminateChild:
		s.terminateChild(c, e)
	case RestartChild, DeleteChild:
		s.again(c, e)
	case startTree, stopTree:
		s.answer(c, Answer{Word: "not_found"})
	default:
		s.answer(c, Answer{Word: "not_found"})
	}
}

// startChild adds a child at the end of the list and starts it; the call is answered when it is ready.
func (s *State) startChild(c Call, e *entry) {
	switch {
	case e != nil && e.alive:
		s.answer(c, Answer{Word: "already_started", Epoch: e.epoch})
		return
	case e != nil:
		s.answer(c, Answer{Word: "already_present"})
		return
	case s.ledger.taken(c.Name, s.path):
		s.answer(c, Answer{Word: "name_taken"})
		return
	}
	child, bad := s.childOf(c)
	if bad != nil {
		s.answer(c, Answer{Word: "bad_spec", At: bad.Name, Detail: bad.Field})
		return
	}
	if s.ledger.names == TreeWide {
		s.ledger.owner[c.Name] = s.path
	}
	e = s.add(child, c.Name, true)
	e.by = &c
	s.begin(e)
}

// childOf is the child that a start_child asks for: of a simple supervisor, its template under another name.
func (s *State) childOf(c Call) (*Child, *BadSpec) {
	if s.simple() {
		if len(c.Child.unread) > 0 {
			return nil, &BadSpec{c.Name, "simple"}
		}
		t := s.spec.Children[0]
		t.Name = c.Name
		if c.Child.Start != nil {
			t.Start = c.Child.Start
		}
		return &t, nil
	}
	child := c.Child
	child.Name = c.Name
	return &child, checkChild(&child, s.spec, s.ledger.names)
}

// terminateChild stops a child, or what would start it. The call is answered when the child is down.
func (s *State) terminateChild(c Call, e *entry) {
	switch {
	case e == nil && s.simple() && s.ledger.epochs[join(s.path, c.Name)] > 0:
		s.answer(c, Answer{OK: true}) // was an instance once
		return
	case e == nil:
		s.answer(c, Answer{Word: "not_found"})
		return
	}
	if s.spec.Strategy.group() && (e.status == Restarting || e == s.op.cur) {
		s.endOperation()
	}
	s.unwait(e)
	e.todo, e.late = false, false
	if e.by != nil {
		e.drop = e.dynamic && e.by.Verb == StartChild
		s.answerUp(e, Answer{Word: "interrupted"})
	}
	e.drop = e.drop || s.simple()
	e.enders = append(e.enders, c)
	switch {
	case !e.alive:
		s.terminated(e)
	case e.status != Stopping:
		s.stop(e)
	}
}

// terminated answers those who asked for the end of e.
func (s *State) terminated(e *entry) {
	enders := e.enders
	e.enders, e.todo, e.late, e.member = nil, false, false, false
	if e.drop || e.child.Restart == Temporary {
		s.remove(e)
	} else {
		s.set(e, Stopped)
	}
	for _, c := range enders {
		s.answer(c, Answer{OK: true})
	}
	if s.op.part == stopping {
		s.stopNext()
	}
}

// again starts a child that is down (restart_child), or forgets it (delete_child).
func (s *State) again(c Call, e *entry) {
	switch {
	case s.simple():
		s.answer(c, Answer{Word: "simple_one_for_one"})
	case e == nil:
		s.answer(c, Answer{Word: "not_found"})
	case e.status == Restarting || e.status == Waiting:
		s.answer(c, Answer{Word: "restarting"})
	case e.alive:
		s.answer(c, Answer{Word: "running"})
	case c.Verb == DeleteChild:
		s.remove(e)
		s.answer(c, Answer{OK: true})
	default:
		e.by = &c
		s.begin(e)
	}
}

// answerUp answers the call that was bringing e up, if one was.
func (s *State) answerUp(e *entry, a Answer) {
	if e.by == nil {
		return
	}
	c := *e.by
	e.by = nil
	s.answer(c, a)
}

func (s *State) answer(c Call, a Answer) {
	line := Decision{Kind: LineReply, Path: join(s.path, c.Name), Verb: c.Verb, Answer: a}
	s.do(Action{Do: DoReply, Tag: c.Tag, Answer: a, Line: line})
}

// refuseAll answers every call that is not answered yet, in order of arrival: the supervisor is going down.
func (s *State) refuseAll() {
	open := s.line
	s.line = nil
	for _, e := range s.kids {
		if e.by != nil {
			open = append(open, *e.by)
			e.by = nil
		}
		open = append(open, e.enders...)
		e.enders = nil
	}
	slices.SortFunc(open, func(a, b Call) int { return cmp.Compare(a.order, b.order) })
	for _, c := range open {
		s.answer(c, Answer{Word: "not_running"})
	}
}
