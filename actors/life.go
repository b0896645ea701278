package actors

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/failshut/failshut/mailbox"
)

// Fence answers whether an incarnation may have an effect outside the process. Copies ask the same fence; the
// zero Fence answers ErrFenced. Safe for any number of goroutines.
type Fence struct{ state *atomic.Uint32 }

const (
	fenceNotReady uint32 = iota
	fenceReady
	fenced
)

// Check is nil, ErrNotReady or ErrFenced, by one atomic load. Ask at the last moment before the effect.
func (f Fence) Check() error {
	if f.state == nil {
		return ErrFenced
	}
	switch f.state.Load() {
	case fenceReady:
		return nil
	case fenceNotReady:
		return ErrNotReady
	default:
		return ErrFenced
	}
}

// Birth describes an incarnation to Begin.
type Birth struct {
	Name Name
	// Epoch must be above the last one of the name, as far as that is remembered; 0 is the next.
	Epoch Epoch
	Class Class
	// Watchdog, if more than 0, abandons the incarnation with ReasonHung when its actor handles one message
	// for longer, or a Run function neither beats nor waits in its Outside for longer. It runs on the real clock
	// only.
	Watchdog time.Duration
}

// Life is one incarnation of a name: its fence, its context, and its parts, which are at most one actor and
// any number of Run functions. Supervisors begin and end it; a Spawn without one makes its own, which ends
// with its last part. Safe for any number of goroutines.
type Life struct {
	sys      *System
	entry    *entry
	name     Name
	epoch    Epoch
	class    Class
	auto     bool
	serial   uint64
	fence    atomic.Uint32
	ctx      context.Context
	cancel   context.CancelFunc
	gone     chan struct{} // closed when the life is over
	isOver   atomic.Bool   // ended, for those who do not lock
	watchdog time.Duration
	watch    timer

	// telling is held from the end of a part until all have been told of it, and taken before mu: parts that end at
	// once on several goroutines are told in the order of their ends, so nobody hears the last before the first.
	telling sync.Mutex

	mu        sync.Mutex
	open      bool
	stopping  bool
	ended     bool
	abandoned bool
	hung      bool
	actor     *cell
	works     []*work
	left      int
	begun     int // parts that there ever were
}

// Begin starts an incarnation without parts: its name is taken, a Tell to it is ErrSuspended, its fence
// ErrNotReady. It ends with End, Abandon or Kill, or when the System stops. ErrNameTaken, ErrEpoch, ErrStopped.
func (s *System) Begin(b Birth) (*Life, error) { return s.begin(b, false) }

func (s *System) begin(b Birth, auto bool) (*Life, error) {
	if b.Name == "" {
		return nil, fmt.Errorf("%w: name is empty", ErrConfig)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return nil, ErrStopped
	}
	e := s.entryLocked(b.Name)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.life != nil {
		return nil, fmt.Errorf("%w: %s#%d", ErrNameTaken, b.Name, e.life.epoch)
	}
	switch {
	case b.Epoch > 0:
	case e.last == 0: // it may have been forgotten
		b.Epoch = s.memory.epoch + 1
	default:
		b.Epoch = e.last + 1
	}
	if b.Epoch <= e.last {
		return nil, fmt.Errorf("%w: %s#%d, want above %d", ErrEpoch, b.Name, b.Epoch, e.last)
	}
	l := &Life{
		sys: s, entry: e, name: b.Name, epoch: b.Epoch, class: b.Class, auto: auto, open: auto,
		gone: make(chan struct{}), watchdog: b.Watchdog,
	}
	l.ctx, l.cancel = context.WithCancel(&inside{Context: context.Background(), life: l})
	s.serial++
	l.serial = s.serial
	s.lives[l] = struct{}{}
	e.life, e.last, e.class = l, b.Epoch, b.Class
	if e.retired == nil {
		e.refuse(true)
	}
	l.watch.pos, l.watch.owns = -1, l
	if l.watchdog > 0 && s.ordered == nil {
		s.timers.mu.Lock()
		s.timers.arm(&l.watch, s.Mono()+int64(l.watchdog/4))
		s.timers.mu.Unlock()
	}
	return l, nil
}

// Name is the name of the incarnation.
func (l *Life) Name() Name { return l.name }

// Epoch is the ordinal of the incarnation.
func (l *Life) Epoch() Epoch { return l.epoch }

// Fence is the fence of the incarnation.
func (l *Life) Fence() Fence { return Fence{state: &l.fence} }

// Context ends when the incarnation is asked to stop, or is over.
func (l *Life) Context() context.Context { return l.ctx }

// Open lets the mailbox of the actor take messages, as soon as its Starting has returned.
func (l *Life) Open() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = true
	if l.actor != nil {
		l.actor.admit()
	}
}

// Ready makes the fence answer nil, unless the incarnation is over.
func (l *Life) Ready() { l.fence.CompareAndSwap(fenceNotReady, fenceReady) }

// Parts is how many parts have not ended.
func (l *Life) Parts() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.left
}

// Begun is how many parts there have been: whoever has had so many Exits, but for those of ReasonHung, has had all so far.
func (l *Life) Begun() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.begun
}

// Abandoned says whether the incarnation was left behind.
func (l *Life) Abandoned() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.abandoned
}

// Stop asks all parts to end: the context is cancelled, the actor gets its Stop ahead of data, then its
// Stopping. Each part tells its Exit; an incarnation without parts stays until End. Stopping twice is once.
func (l *Life) Stop() {
	l.mu.Lock()
	if l.stopping || l.ended {
		l.mu.Unlock()
		return
	}
	l.stopping = true
	actor, works := l.actor, slices.Clone(l.works)
	l.mu.Unlock()
	l.cancel()
	if actor != nil {
		actor.signal(signalStop)
	}
	for _, w := range works {
		w.wake()
	}
}

// Kill fences the incarnation and closes its mailbox at once. No Stopping runs; each part still tells its Exit
// when it ends.
func (l *Life) Kill() {
	l.fence.Store(fenced)
	l.mu.Lock()
	actor, works := l.actor, slices.Clone(l.works)
	l.stopping = true
	l.mu.Unlock()
	l.cancel()
	if actor != nil {
		actor.bar()
		actor.body.close(mailbox.Stopped)
		actor.failAsks(ReasonKilled)
		actor.stopAsking()
		actor.signal(signalKill)
		actor.tellDown(ReasonKilled)
	}
	for _, w := range works {
		w.wake()
	}
}

// End makes the incarnation over: fenced, its name free. Parts that are left are abandoned. A Tell to the name
// is ErrSuspended if it is to be started again, else ErrUnknown.
func (l *Life) End(again bool) {
	l.mu.Lock()
	left := l.left
	l.mu.Unlock()
	if left > 0 {
		l.Abandon()
	} else {
		l.finish()
	}
	l.entry.expect(again)
}

// Abandon leaves the incarnation behind: it is fenced, its mailbox goes to dead letters, its name is free and
// expected back. Parts that end later tell an Exit that is Late.
func (l *Life) Abandon() {
	l.mu.Lock()
	if l.ended {
		l.mu.Unlock()
		return
	}
	l.abandoned = l.left > 0
	zombie, reason := l.abandoned, ReasonAbandoned
	if l.hung {
		reason = ReasonHung
	}
	actor, works := l.actor, slices.Clone(l.works)
	l.mu.Unlock()
	if zombie {
		l.sys.mu.Lock()
		l.sys.zombies = append(l.sys.zombies, l)
		l.sys.mu.Unlock()
		l.sys.hooks.abandoned(&l.sys.events, l.name, l.epoch)
	}
	if actor != nil {
		actor.bar()
		actor.shut(mailbox.Abandoned)
		actor.failAsks(reason)
		actor.stopAsking()
		actor.fold()
	}
	l.finish()
	if actor != nil {
		actor.leave()
		actor.tellDown(reason)
	}
	for _, w := range works {
		w.wake()
	}
}

// finish makes the life over, once.
func (l *Life) finish() {
	l.fence.Store(fenced)
	l.mu.Lock()
	if l.ended {
		l.mu.Unlock()
		return
	}
	l.ended = true
	abandoned := l.abandoned
	l.isOver.Store(true)
	l.mu.Unlock()
	l.cancel()
	close(l.gone)
	s := l.sys
	s.timers.mu.Lock()
	s.timers.disarm(&l.watch)
	s.timers.mu.Unlock()
	l.entry.mu.Lock()
	if abandoned {
		l.entry.zombies++
	}
	if l.entry.life == l {
		l.entry.life = nil
		if l.entry.target.Load().to != nil && l.entry.retired == nil {
			l.entry.refuse(true)
		}
	}
	l.entry.mu.Unlock()
	if l.auto {
		s.remember(l.entry)
	}
	s.mu.Lock()
	delete(s.lives, l)
	if s.stopping && len(s.lives) == 0 {
		s.stopOnce.Do(func() { close(s.drained) })
	}
	s.mu.Unlock()
}

// attach adds a part; add is called with the life locked.
func (l *Life) attach(add func() error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended || l.stopping {
		return fmt.Errorf("%w: %s#%d is stopping", ErrFenced, l.name, l.epoch)
	}
	if err := add(); err != nil {
		return err
	}
	l.left++
	l.begun++
	return nil
}

// partEnded removes a part and tells its Exit.
func (l *Life) partEnded(x Exit, c *cell, w *work) {
	l.telling.Lock()
	defer l.telling.Unlock()
	l.mu.Lock()
	if c != nil && l.actor == c {
		l.actor = nil
	}
	if w != nil {
		l.works = slices.DeleteFunc(l.works, func(o *work) bool { return o == w })
	}
	l.left--
	x.Name, x.Epoch, x.Class, x.Left, x.Late = l.name, l.epoch, l.class, l.left, l.abandoned
	last := l.left == 0
	zombie := l.abandoned && last
	l.mu.Unlock()
	if zombie {
		l.sys.mu.Lock()
		l.sys.zombies = slices.DeleteFunc(l.sys.zombies, func(o *Life) bool { return o == l })
		l.sys.mu.Unlock()
	}
	if c != nil {
		l.entry.mu.Lock()
		if l.entry.life == l && l.entry.retired == nil {
			l.entry.refuse(x.Reason.Abnormal())
		}
		l.entry.mu.Unlock()
	}
	if last && (l.auto || l.sys.isStopping()) {
		l.finish()
	}
	if c != nil {
		c.tellDown(x.Reason)
	}
	l.sys.tellExit(x)
	if zombie {
		l.buried()
	}
}

// buried notes that an incarnation which was left behind has told its last Exit: its name may be forgotten now.
func (l *Life) buried() {
	l.entry.mu.Lock()
	l.entry.zombies--
	l.entry.mu.Unlock()
	if l.auto {
		l.sys.remember(l.entry)
	}
}

// endIfEmpty ends an incarnation without parts when the system stops.
func (l *Life) endIfEmpty() {
	if l.Parts() == 0 {
		l.finish()
	}
}

func (s *System) isStopping() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopping
}

// Zombie names a part of an abandoned incarnation that has not ended.
type Zombie struct {
	Name  Name
	Epoch Epoch
	// Parts are "" for the actor and the labels of Run functions.
	Parts []string
}

// Zombies lists what was abandoned and has not ended, in order of abandonment. The list is the caller's.
func (s *System) Zombies() []Zombie {
	s.mu.Lock()
	lives := slices.Clone(s.zombies)
	s.mu.Unlock()
	out := make([]Zombie, 0, len(lives))
	for _, l := range lives {
		z := Zombie{Name: l.name, Epoch: l.epoch}
		l.mu.Lock()
		if l.actor != nil {
			z.Parts = append(z.Parts, "")
		}
		for _, w := range l.works {
			z.Parts = append(z.Parts, w.label)
		}
		l.mu.Unlock()
		if len(z.Parts) > 0 {
			out = append(out, z)
		}
	}
	return out
}
