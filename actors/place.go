package actors

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
)

// ErrNoSpareCore says that one more spinning goroutine would take a core that others need.
var ErrNoSpareCore = errors.New("actors: no spare core")

// Place says on which goroutine an actor of a shared system runs. The zero Place is the pool of workers. Under the
// deterministic dispatch every place is accepted and means nothing.
type Place struct {
	loop   *Loop
	pinned bool
	wait   Wait
	thread bool
}

// Pinned is a goroutine of the actor's own, which lives as long as the actor. A Tell to it wakes no worker that must
// first find it in a queue, and nobody's handler delays it.
func Pinned(w Wait) Place { return Place{pinned: true, wait: w} }

// OnThread is the place with its goroutine wired to one thread of the operating system. It changes nothing for the
// pool, nor for a Loop, which is made with its thread.
func (p Place) OnThread() Place {
	p.thread = p.pinned
	return p
}

// takePlace puts the cell on its goroutine, which start begins. A pinned one gets a loop of its own.
func (c *cell) takePlace(p Place) error {
	switch {
	case c.sys.ordered != nil:
		return nil
	case p.pinned:
		l, err := c.sys.NewLoop(LoopConfig{Name: string(c.life.name), Wait: p.wait, Thread: p.thread})
		if err != nil {
			return err
		}
		l.only = c
		c.loop = l
	case p.loop != nil && p.loop.sys != c.sys:
		return fmt.Errorf("%w: %s: its loop is of another system", ErrConfig, c.life.name)
	default:
		c.loop = p.loop
	}
	if c.loop != nil {
		c.loop.actors.Add(1)
	}
	return nil
}

// leavePlace counts the cell out. A loop of its own ends with its goroutine, or at once if that never began.
func (c *cell) leavePlace() {
	if c.loop == nil {
		return
	}
	c.loop.actors.Add(-1)
	if c.loop.only != nil {
		c.loop.discard()
	}
}

// Wait says what a goroutine with nothing to do does. The zero Wait is Auto.
type Wait uint8

// The ways to wait.
const (
	Auto Wait = iota // Spin where a core is spare, else Park
	Park             // sleep until there is a message: no CPU, and a wake of 60 to 170 microseconds on small machines
	Spin             // look for a message for a bounded time, then Park; ErrNoSpareCore where no core is spare
)

// String gives the lower-case name of the way to wait.
func (w Wait) String() string {
	if w > Spin {
		return fmt.Sprintf("invalid(%d)", uint8(w))
	}
	return [...]string{"auto", "park", "spin"}[w]
}

// spinners counts the goroutines of the process that may spin: cores are the process's, not a System's.
var spinners struct {
	mu sync.Mutex
	n  int
}

// spareCores is how many may: one core is for the other end of the hop, one for everything else. GOMAXPROCS above
// the number of cores makes no core.
var spareCores = func() int { return min(runtime.GOMAXPROCS(0), runtime.NumCPU()) - 2 }

// claimCore says whether one who waits so may spin. A claim is given back by releaseCore.
func claimCore(w Wait) (spins bool, err error) {
	if w > Spin {
		return false, fmt.Errorf("%w: wait = %s, want auto, park or spin", ErrConfig, w)
	}
	if w == Park {
		return false, nil
	}
	spinners.mu.Lock()
	defer spinners.mu.Unlock()
	spare := max(spareCores(), 0)
	if spinners.n < spare {
		spinners.n++
		return true, nil
	}
	if w == Auto {
		return false, nil
	}
	return false, fmt.Errorf("%w: %d spin and %d may, want Auto or Park", ErrNoSpareCore, spinners.n, spare)
}

func releaseCore() {
	spinners.mu.Lock()
	defer spinners.mu.Unlock()
	spinners.n--
}
