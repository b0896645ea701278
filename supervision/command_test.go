package supervision

import (
	"strconv"
	"strings"
	"time"
)

// arity is the number of words after a command, least and most; -1 is any.
var arity = map[string][2]int{
	"start": {1, 1}, "stop": {1, 1}, "shutdown": {0, 0}, "crash": {1, 1}, "exit": {2, 2}, "hang": {1, 1}, "unhang": {1, 1},
	"ready": {1, 2}, "act": {1, 1}, "start_child": {2, -1}, "terminate_child": {2, 2}, "restart_child": {2, 2}, "delete_child": {2, 2},
	"children": {1, 1}, "count": {1, 1}, "set": {2, 2}, "jitter": {1, 1}, "advance": {1, 1},
}

var callVerbs = map[string]Verb{"start_child": StartChild, "terminate_child": TerminateChild, "restart_child": RestartChild, "delete_child": DeleteChild}

// play runs one command and returns its lines.
func (s *stage) play(st statement) ([]string, error) {
	s.lines = nil
	verb, args := st.words[0], st.words[1:]
	n, known := arity[verb]
	switch {
	case !known:
		return nil, errorAt(st.line, "unknown command: %s", verb)
	case len(args) < n[0] || (n[1] >= 0 && len(args) > n[1]):
		return nil, errorAt(st.line, "malformed: %s", strings.Join(st.words, " "))
	}
	if err := s.command(st.line, verb, args); err != nil {
		return s.lines, err
	}
	if len(s.lines) > s.limit {
		return s.lines[:10], errorAt(st.line, "over %d lines from one command", s.limit)
	}
	return s.lines, nil
}

func (s *stage) command(line int, verb string, args []string) error {
	switch verb {
	case "start", "stop":
		if args[0] != s.spec.Name {
			return errorAt(line, "not the root: %s", args[0])
		}
		if verb == "start" {
			s.inject(treeStart{})
			return nil
		}
		s.inject(treeStop{})
	case "shutdown":
		s.inject(treeShutdown{})
	case "advance":
		d, err := time.ParseDuration(args[0])
		if err != nil || d < 0 {
			return errorAt(line, "malformed: %s", args[0])
		}
		s.advance(d)
	case "jitter":
		f, err := strconv.ParseFloat(args[0], 64)
		if err != nil || !(f >= 0 && f <= 1) {
			return errorAt(line, "malformed: %s", args[0])
		}
		s.jitter = f
	case "set":
		return s.change(line, args)
	case "children", "count", "start_child", "terminate_child", "restart_child", "delete_child":
		return s.supCommand(line, verb, args)
	default:
		return s.childCommand(line, verb, args)
	}
	return nil
}

func (s *stage) supCommand(line int, verb string, args []string) error {
	path, known := s.sups[args[0]]
	if !known {
		return errorAt(line, "unknown supervisor: %s", args[0])
	}
	switch verb {
	case "children":
		s.children(args[0], path)
		return nil
	case "count":
		s.count(args[0], path)
		return nil
	}
	if !nameForm.MatchString(args[1]) {
		return errorAt(line, "malformed: %s", args[1])
	}
	call := Call{Verb: callVerbs[verb], Name: args[1]}
	if verb == "start_child" {
		f, err := flags(line, args[2:], childKeys[1:]...)
		if err != nil {
			return err
		}
		b, err := readBehaviour(line, f)
		if err != nil {
			return err
		}
		call.Child = readChild(args[1], f, false)
		_, given := f["start"]
		simple := false
		if v, ok := s.t.snapshot().Sup(path); ok {
			simple = v.Strategy == SimpleOneForOne
		}
		if !simple || given {
			call.Child.Start = b.start
		}
		if simple && len(f) > 0 && (!given || len(f) > 1) {
			call.Child.unread["simple"] = true
		}
		if simple && given {
			b.stop, b.delay = s.template(path)
		}
	}
	s.inject(supCall{path, call})
	return nil
}

// template is how the template of a simple supervisor answers its stop.
func (s *stage) template(path string) (string, time.Duration) {
	t := s.byName[s.t.sups[path].spec.Children[0].Name]
	return t.stop, t.delay
}

// change sets what a child does from its next attempt or stop on.
func (s *stage) change(line int, args []string) error {
	b := s.byName[args[0]]
	if b == nil {
		return errorAt(line, "unknown name: %s", args[0])
	}
	f, err := flags(line, args[1:], "start", "stop")
	if err != nil {
		return err
	}
	now, err := readBehaviour(line, f)
	if err != nil {
		return err
	}
	if f["start"] != "" {
		b.starts, b.pos = now.starts, 0
		return nil
	}
	b.stop, b.delay = now.stop, now.delay
	return nil
}

// childCommand is a command to one incarnation.
func (s *stage) childCommand(line int, verb string, args []string) error {
	id, err := s.incarnation(line, args[0])
	if err != nil {
		return err
	}
	x := s.acts[id]
	if verb == "act" {
		word := map[Standing]string{Fenced: "fenced", NotYet: "not_ready", MayAct: "ok"}[s.standing(id)]
		s.emit("act " + nameAt(args[0], id) + " " + word)
		return nil
	}
	if verb == "unhang" {
		s.unhang(x)
		s.inject()
		return nil
	}
	if strings.Contains(args[0], "#") {
		return errorAt(line, "malformed: %s", args[0])
	}
	if x.ended || x.abandoned || !x.started {
		return errorAt(line, "not live: %s", args[0])
	}
	if x.child.Sub != nil {
		if verb != "crash" || !s.supStarted(id) {
			return errorAt(line, "not live: %s", args[0])
		}
		s.inject(supCrash{id.Path})
		return nil
	}
	switch verb {
	case "crash":
		s.end(x, Crashed)
	case "exit":
		s.end(x, Reason(args[1]))
	case "hang":
		s.hang(x)
	case "ready":
		e, ok := s.t.snapshot().Find(id.Path)
		if !ok || e.Ready || e.Status != Starting {
			return errorAt(line, "not to be ready: %s", args[0])
		}
		r := Ready{Path: id.Path, Epoch: id.Epoch}
		if len(args) > 1 {
			r.Evidence = Evidence(args[1])
		}
		s.tell(r)
	}
	s.inject()
	return nil
}

func nameAt(word string, id Incarnation) string {
	name, _, _ := strings.Cut(word, "#")
	return name + "#" + strconv.FormatUint(id.Epoch, 10)
}

func (s *stage) standing(id Incarnation) Standing {
	if id.Path == "" {
		if s.t.root.alive && s.t.root.epoch == id.Epoch {
			return MayAct
		}
		return Fenced
	}
	return s.t.standing(id.Path, id.Epoch)
}

func (s *stage) supStarted(id Incarnation) bool {
	if id.Path == "" {
		return s.t.root.started && s.t.root.epoch == id.Epoch
	}
	e, ok := s.t.snapshot().Find(id.Path)
	return ok && e.Started && e.Epoch == id.Epoch
}
