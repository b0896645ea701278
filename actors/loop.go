package actors

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// Loop is one goroutine for the actors of a hot chain: a message from one to another is a hop in a queue of the same
// goroutine and wakes nobody. Each keeps its mailbox, its turn, its epoch and its supervisor: a panic ends only its
// actor; one that hangs is abandoned by its watchdog, and the others move to a fresh goroutine. While a handler runs
// the others wait, so a handler that blocks blocks them all. Make one with System.NewLoop; it ends with its System.
type Loop struct {
	sys    *System
	name   string
	thread bool
	spins  bool
	only   *cell // the pinned actor it is made for, and ends with; nil: anybody's

	queue  line
	parked atomic.Bool
	wake   chan struct{} // one place
	closed atomic.Bool
	actors atomic.Int64
	counts loopCounts

	// The consumer's own; a fresh goroutine inherits them.
	window spinWindow
	now    int64 // Instant
	stale  int   // messages since now was read
	turns  uint64

	mu      sync.Mutex
	started bool
	live    bool // the goroutine that has the loop has not ended
	ended   chan struct{}
}

type loopCounts struct{ turns, parks, looks, hits atomic.Uint64 }

// LoopConfig describes a loop.
type LoopConfig struct {
	// Name labels the loop in LoopStats.
	Name string
	// Wait is what the loop does when none of its actors has a message.
	Wait Wait
	// Thread wires the goroutine to one thread of the operating system.
	Thread bool
}

// NewLoop makes a loop. ErrNoSpareCore where it shall spin and no core is spare, ErrConfig, ErrStopped.
func (s *System) NewLoop(cfg LoopConfig) (*Loop, error) {
	l := &Loop{
		sys: s, name: cfg.Name, thread: cfg.Thread,
		wake: make(chan struct{}, 1), ended: make(chan struct{}), window: newSpinWindow(), stale: turnMessages,
	}
	if s.ordered != nil {
		return l, nil
	}
	var err error
	if l.spins, err = claimCore(cfg.Wait); err != nil {
		s.hooks.spinRefused(&s.events, Name(cfg.Name))
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		l.giveCoreBack()
		return nil, ErrStopped
	}
	s.loops[l] = struct{}{}
	return l, nil
}

// Place is the loop as the place of an actor.
func (l *Loop) Place() Place { return Place{loop: l} }

// start begins the goroutine, once.
func (l *Loop) start() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.started {
		return
	}
	l.started, l.live = true, true
	go l.work()
}

// push queues a cell and wakes the goroutine if it sleeps. Safe for any number of goroutines.
func (l *Loop) push(c *cell) {
	l.queue.push(c)
	l.rouse()
}

func (l *Loop) rouse() {
	if l.parked.Load() && l.parked.CompareAndSwap(true, false) {
		l.wake <- struct{}{}
	}
}

// moveOn gives the loop to a fresh goroutine: the one that had it hangs in the handler of an actor that was abandoned,
// or a Goexit ends it. A pinned actor that hangs leaves nobody behind who would have to move: its goroutine keeps the
// loop, and is waited for no longer.
func (l *Loop) moveOn(hung bool) {
	if hung && l.only != nil {
		l.end()
		return
	}
	go l.work()
}

func (l *Loop) work() {
	if l.thread {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
	}
	for l.only == nil || l.only.state.Load() != stateDead {
		c := l.next()
		if c == nil {
			break
		}
		if !c.turn() && l.only == nil {
			return // a fresh goroutine has the loop
		}
	}
	l.end()
}

// next waits for a cell; nil when the loop is closed and nothing is left.
func (l *Loop) next() *cell {
	for {
		if c := l.queue.pop(); c != nil {
			return c
		}
		if l.closed.Load() {
			return nil
		}
		l.stale = turnMessages // after a wait the reading is old
		if l.spins && l.spin() {
			continue
		}
		l.park()
	}
}

func (l *Loop) spin() bool {
	hit, looked := l.window.wait(l.queue.news)
	l.counts.looks.Add(uint64(looked))
	if hit {
		l.counts.hits.Add(1)
	}
	return hit
}

// park sleeps until there is something to do. No wake is lost: the flag is set first, then the queue looked at again,
// and whoever takes the flag down sends a token.
func (l *Loop) park() {
	l.parked.Store(true)
	if (l.queue.news() || l.closed.Load()) && l.parked.CompareAndSwap(true, false) {
		return
	}
	l.counts.turns.Store(l.turns)
	l.counts.parks.Add(1)
	<-l.wake
}

// reading is the Instant of the next turn: at most turnMessages messages old, for a clock costs as much as a hop.
func (l *Loop) reading() int64 {
	if l.stale >= turnMessages {
		l.now, l.stale = l.sys.clock.instant(), 0
		l.counts.turns.Store(l.turns)
	}
	return l.now
}

// took counts the messages of a turn that is over.
func (l *Loop) took(n int) {
	l.stale += n
	l.turns++
}

// crowded says whether others wait for their turn; only the consumer may ask.
func (l *Loop) crowded() bool { return l.queue.ready != nil || l.queue.news() }

// end records that no goroutine has the loop any more.
func (l *Loop) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.live {
		return
	}
	l.live = false
	l.giveCoreBack()
	l.sys.mu.Lock()
	delete(l.sys.loops, l)
	l.sys.mu.Unlock()
	close(l.ended) // last: whoever waited for it finds the loop on no list
}

func (l *Loop) giveCoreBack() {
	if l.spins {
		releaseCore()
	}
}

// stop ends the goroutine when its queue is empty and waits for it.
func (l *Loop) stop(ctx context.Context) error {
	l.closed.Store(true)
	l.discard()
	l.rouse()
	select {
	case <-l.ended:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// discard ends a loop whose goroutine never began.
func (l *Loop) discard() {
	l.mu.Lock()
	began := l.started
	l.started, l.live = true, l.live || !began
	l.mu.Unlock()
	if !began {
		l.end()
	}
}

// LoopStats are the counts of a Loop, or of the goroutine of a pinned actor, since its start.
type LoopStats struct {
	Name   string
	Actors int
	// Spins says whether it spins before it sleeps.
	Spins bool
	// Turns are the turns given to actors, the last few left out while it works, Parks how often it slept. Looks are those
	// made while spinning, each of
	// two or three nanoseconds; Hits are the spins that found a message.
	Turns, Parks, Looks, Hits uint64
}

// Loops lists the loops and pinned actors, sorted by name. The list is the caller's.
func (s *System) Loops() []LoopStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]LoopStats, 0, len(s.loops))
	for l := range s.loops {
		out = append(out, LoopStats{
			Name: l.name, Actors: int(l.actors.Load()), Spins: l.spins, Turns: l.counts.turns.Load(),
			Parks: l.counts.parks.Load(), Looks: l.counts.looks.Load(), Hits: l.counts.hits.Load(),
		})
	}
	slices.SortFunc(out, func(a, b LoopStats) int { return cmp.Compare(a.Name, b.Name) })
	return out
}
