package actors

import "time"

// ArmedTimers is how many timers are set.
func ArmedTimers(s *System) int {
	s.timers.mu.Lock()
	defer s.timers.mu.Unlock()
	return len(s.timers.heap)
}

// Workers is how many workers the pool counts, and how many are parked; the same when nothing is to be done.
func Workers(s *System) (counted, parked int) {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	return s.pool.live, len(s.pool.parked)
}

// Line is the run queue of a loop, of cells that a test tells apart by their numbers.
type Line struct{ q line }

// Push puts the cell of a number at the end.
func (l *Line) Push(n int) { l.q.push(&cell{took: n}) }

// Pop takes the number of the oldest.
func (l *Line) Pop() (n int, ok bool) {
	c := l.q.pop()
	if c == nil {
		return 0, false
	}
	return c.took, true
}

// SpareCores makes a test believe in n spare cores until it calls the result.
func SpareCores(n int) (undo func()) {
	before := spareCores
	spareCores = func() int { return n }
	return func() { spareCores = before }
}

// Spinning is how many goroutines have a claim on a core.
func Spinning() int {
	spinners.mu.Lock()
	defer spinners.mu.Unlock()
	return spinners.n
}

// SpinWindow is the window of a spinner that finds a message after each of the gaps, in looks; -1: never.
func SpinWindow(gaps ...int) (after []int) {
	w := newSpinWindow()
	for _, gap := range gaps {
		n := 0
		w.wait(func() bool { n++; return gap >= 0 && n > gap })
		after = append(after, w.looks)
	}
	return after
}

// SpinMost is the longest window.
const SpinMost = spinMost

// Watchers is how many watch the incarnation of r.
func Watchers[M any](r Ref[M]) int {
	ws := &r.in.watchers
	ws.mu.Lock()
	defer ws.mu.Unlock()
	n := 0
	for l := ws.first; l != nil; l = l.next {
		n++
	}
	return n
}

// SetVirtual moves the virtual clock on by d and lets nothing happen.
func SetVirtual(s *System, d time.Duration) { s.virtual.now.Add(int64(d)) }

// Names is how many names the system knows.
func Names(s *System) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.entries)
}

// ShutFingerprints is how many fingerprints are kept from their actors.
func ShutFingerprints(s *System) int64 { return s.quarantine.active.Load() }
