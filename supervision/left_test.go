package supervision

import (
	"strings"
	"testing"
)

// TestAHoldEndsWithASupervisorThatIsLeft: nobody starts x again below a supervisor that was abandoned, so it is shown to wait
// no more, and its timers do not fire.
func TestAHoldEndsWithASupervisorThatIsLeft(t *testing.T) {
	s := played(t, `
		sup root budget=1/1h intensity=5
		child z in=root
		sup p in=root shutdown=1s
		sup q in=p intensity=5
		child x in=q
		child y in=q backoff=10m..10m/1h
		child h in=p stop=hang shutdown=infinity
		start root
		crash z
		crash x
		crash y`)
	if held := s.t.snapshot().Held; len(held) != 1 || held[0] != "p/q/x" {
		t.Fatalf("held = %q, want p/q/x", held)
	}
	s = played(t, "terminate_child root p\nadvance 1s", s)
	if held := s.t.snapshot().Held; len(held) != 0 {
		t.Errorf("held = %q below a supervisor that was left, want nobody", held)
	}
	for _, al := range s.alarms {
		if al.timer.Kind == waitTimer {
			t.Errorf("the backoff of %s is still armed", al.timer.Path)
		}
	}
}

// played plays the lines of a case, on a new stage or on one that stands.
func played(t *testing.T, text string, on ...*stage) *stage {
	t.Helper()
	c := &scriptCase{name: t.Name()}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case declares[words[0]]:
			c.decls = append(c.decls, statement{words: words})
		default:
			c.steps = append(c.steps, statement{words: words})
		}
	}
	if len(on) == 0 {
		p, err := declare(c)
		if err != nil {
			t.Fatal(err)
		}
		on = []*stage{newStage(p)}
	}
	for _, st := range c.steps {
		if _, err := on[0].play(st); err != nil {
			t.Fatal(err)
		}
	}
	return on[0]
}
