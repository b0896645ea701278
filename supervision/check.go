package supervision

import (
	"fmt"
	"time"
)

// Names says how far the uniqueness of names reaches. It is asked by the check of specs and of start_child, and by nothing
// else in a decision.
type Names uint8

// How far a name is unique.
const (
	Siblings Names = iota + 1 // within its supervisor: the living tree, where the path is the name
	TreeWide                  // in the whole tree: scripts, where a command names a child without its path
)

// BadSpec is a mistake of a specification. Mistakes are in the order of the search: the supervisor's own fields, then child by
// child, and below a child that is a supervisor before the next. A call is told the first.
type BadSpec struct{ Name, Field string }

// wanted is what the fields of a spec may be.
var wanted = map[string]string{
	"strategy": "one of the four", "intensity": "0 or more", "period": "more than 0",
	"auto_shutdown": "never, any or all significant; never for a simple one", "budget": "of the root only, starts and within more than 0, or none",
	"children":  "no more than 256 supervisors below each other; of a simple one, exactly one, that is none",
	"duplicate": "a name that no sibling has", "name": "1 to 64 letters, digits, '_', '-', '.'", "restart": "permanent, transient or temporary",
	"significant": "a child that is not permanent, below an auto_shutdown", "shutdown": "0 or more, or brutal, but for a supervisor",
	"start_timeout": "more than 0", "class": "one of the five; plain for a supervisor", "ready": "not by itself but for plain",
	"backoff": "0 < base <= cap and reset > 0, or none", "watchdog": "0 or more", "recorder": "a power of two up to 65536, 0 or none",
	"start": "a Start function, or a supervisor",
}

// Error names the child or supervisor, its field, and what that may be.
func (b *BadSpec) Error() string {
	return fmt.Sprintf("%s: %s, want %s", b.Name, b.Field, wanted[b.Field])
}

// check walks a spec and lists its mistakes, in the order of the search.
type check struct {
	names Names
	seen  map[string]bool // under TreeWide
	bad   []*BadSpec
}

// checkTree lists all mistakes of root and all below it.
func checkTree(root *Spec, names Names) []*BadSpec {
	c := check{names: names, seen: map[string]bool{}}
	if !nests(root, 0) {
		c.report(root.Name, "children")
		return c.bad
	}
	if names == Siblings && !validName(root.Name) {
		c.report(root.Name, "name")
	}
	c.seen[root.Name] = true
	c.sup(root.Name, root, true)
	return c.bad
}

// checkChild is the first mistake of a child that comes by call, without regard to the names of others.
func checkChild(ch *Child, sup *Spec, names Names) *BadSpec {
	c := check{names: names, seen: map[string]bool{}}
	if ch.Sub != nil && !nests(ch.Sub, 1) {
		return &BadSpec{ch.Name, "children"}
	}
	c.child(ch, sup)
	if len(c.bad) == 0 {
		return nil
	}
	return c.bad[0]
}

// nests reports whether supervisors stand no deeper below s than can be written down, which one that holds itself does not.
func nests(s *Spec, depth int) bool {
	if depth >= nestMax {
		return false
	}
	for i := range s.Children {
		if sub := s.Children[i].Sub; sub != nil && !nests(sub, depth+1) {
			return false
		}
	}
	return true
}

func (c *check) report(name, field string) { c.bad = append(c.bad, &BadSpec{name, field}) }

func (c *check) sup(name string, s *Spec, root bool) {
	simple := s.Strategy == SimpleOneForOne
	for _, f := range []struct {
		field string
		bad   bool
	}{
		{"strategy", !s.Strategy.valid()},
		{"intensity", s.Intensity < 0},
		{"period", s.Period <= 0},
		{"auto_shutdown", s.AutoShutdown >= autoShutdownEnd || (simple && s.AutoShutdown != NeverShutdown)},
		{"budget", !s.Budget.valid() || (!root && s.Budget != Budget{})},
		{"children", simple && (len(s.Children) != 1 || s.Children[0].Sub != nil)},
	} {
		if f.bad || s.unread[f.field] {
			c.report(name, f.field)
		}
	}
	seen := map[string]bool{}
	if c.names == TreeWide {
		seen = c.seen
	}
	for i := range s.Children {
		ch := &s.Children[i]
		if seen[ch.Name] {
			c.report(ch.Name, "duplicate")
		}
		seen[ch.Name] = true
		c.child(ch, s)
	}
}

// child checks one child without regard to the names of others.
func (c *check) child(ch *Child, sup *Spec) {
	sub := ch.Sub != nil
	for _, f := range []struct {
		field string
		bad   bool
	}{
		{"name", c.names == Siblings && !validName(ch.Name)},
		{"restart", !ch.Restart.valid()},
		{"significant", ch.Significant && (ch.Restart == Permanent || sup.AutoShutdown == NeverShutdown)},
		{"shutdown", ch.Shutdown < 0 && (ch.Shutdown != Brutal || sub)},
		{"start_timeout", ch.StartTimeout <= 0},
		{"class", !ch.Class.valid() || (sub && ch.Class != Plain)},
		{"ready", false},
		{"backoff", !ch.Backoff.valid()},
		{"watchdog", ch.Watchdog < 0},
		{"recorder", !validRecorder(ch.Recorder)},
		{"start", c.names == Siblings && (ch.Start == nil) != sub},
	} {
		if f.bad || ch.unread[f.field] {
			c.report(ch.Name, f.field)
		}
	}
	if sub {
		c.sup(ch.Name, ch.Sub, false)
	}
}

// validName reports whether s may be a part of a path: 1 to 64 letters, digits, '_', '-', '.'.
func validName(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, r := range []byte(s) {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-', r == '.':
		default:
			return false
		}
	}
	return true
}

// filled is s with the zero values of its children replaced by what a living tree presumes.
func filled(s Spec) Spec {
	kids := make([]Child, len(s.Children))
	for i, c := range s.Children {
		kids[i] = filledChild(c)
	}
	s.Children = kids
	return s
}

func filledChild(c Child) Child {
	stop, start := 5*time.Second, 10*time.Second
	if c.Sub != nil {
		sub := filled(*c.Sub)
		c.Sub, stop, start = &sub, Infinity, Infinity
	}
	if c.Shutdown == 0 {
		c.Shutdown = stop
	}
	if c.StartTimeout == 0 {
		c.StartTimeout = start
	}
	if c.Class == 0 {
		c.Class = Plain
	}
	return c
}
