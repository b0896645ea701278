package supervision

import (
	"slices"
	"time"
)

// budget bounds the restarts of a whole tree: a restart takes a place when it begins, and the place is free again when
// within has passed.
type budget struct {
	size    int // 0 is no bound
	within  time.Duration
	taken   int
	waiting []routed // in order of asking; the input is what they are told
}

func (b *budget) forget(path string) {
	b.waiting = slices.DeleteFunc(b.waiting, func(w routed) bool { return w.in == Input(Granted{path}) })
}

// claim gives a place at once, or holds the restart until one comes free.
func (t *trunk) claim(s *State, path string) {
	w := routed{s.path, s.epoch, Granted{path}}
	if t.places.taken >= t.places.size {
		t.places.waiting = append(t.places.waiting, w)
		t.emit(Decision{Kind: LineHold, Path: path})
		return
	}
	t.grant(w)
}

func (t *trunk) grant(w routed) {
	t.places.taken++
	t.arm(budgetTimer, Action{Delay: t.places.within})
	t.queue = append(t.queue, w)
}

func (t *trunk) placeFree() {
	t.places.taken--
	for len(t.places.waiting) > 0 {
		w := t.places.waiting[0]
		t.places.waiting = t.places.waiting[1:]
		if s := t.sups[w.sup]; s != nil && s.epoch == w.epoch {
			t.grant(w)
			return
		}
	}
}
