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

// BadSpec is the first mistake of a specification in the order in which it is searched: the supervisor's own fields, then
// child by child, and below a child that is a supervisor before the next.
type BadSpec struct{ Name, Field string }

// Error names the child or supervisor, and its field.
func (b *BadSpec) Error() string {
	return fmt.Sprintf("supervision: bad spec: %s: %s", b.Name, b.Field)
}

// check walks a spec.
type check struct {
	names Names
	seen  map[string]bool // under TreeWide
}

// checkTree searches root and all below it.
func checkTree(root *Spec, names Names) *BadSpec {
	c := check{names: names, seen: map[string]bool{}}
	if names == Siblings && !validName(root.Name) {
		return &BadSpec{root.Name, "name"}
	}
	c.seen[root.Name] = true
	return c.sup(root.Name, root, true)
}

func (c *check) sup(name string, s *Spec, root bool) *BadSpec {
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
			return &BadSpec{name, f.field}
		}
	}
	beside := map[string]bool{}
	for i := range s.Children {
		if bad := c.listed(&s.Children[i], s, beside); bad != nil {
			return bad
		}
	}
	return nil
}

// listed checks one child of a list, and what is below it.
func (c *check) listed(ch *Child, sup *Spec, beside map[string]bool) *BadSpec {
	seen := beside
	if c.names == TreeWide {
		seen = c.seen
	}
	if seen[ch.Name] {
		return &BadSpec{ch.Name, "duplicate"}
	}
	seen[ch.Name] = true
	return c.child(ch, sup)
}

// child checks one child without regard to the names of others.
func (c *check) child(ch *Child, sup *Spec) *BadSpec {
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
			return &BadSpec{ch.Name, f.field}
		}
	}
	if sub {
		return c.sup(ch.Name, ch.Sub, false)
	}
	return nil
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
