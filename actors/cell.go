package actors

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/failshut/failshut/mailbox"
)

// Latches of a mailbox.
const (
	signalStop mailbox.Signal = 1 << iota
	signalKill
	signalLeave
	signalLastQueue
)

// Where a cell or a coroutine stands with the run queue.
const (
	stateUnborn uint32 = iota // the engine has not started it: nothing may push it
	stateIdle
	stateReady   // in the run queue
	stateRunning // has its turn
	stateLeft    // has its turn, on a worker that was given up and replaced
	stateDead
)

type phase uint8

const (
	phaseNew phase = iota
	phaseLive
	phaseEnding
	phaseStopped // Stopping has been called, or never will be
	phaseEnded
)

// cell is the part of an actor that does not depend on its message type: its place in the run queue, its
// lifecycle and the guard around its handlers. Whoever has its turn owns the fields that are not atomic.
type cell struct {
	sys    *System
	life   *Life
	body   body
	loop   *Loop // nil: the system's own dispatch runs it
	state  atomic.Uint32
	due    atomic.Int32 // ticks that wait to be delivered
	over   atomic.Bool  // ended, killed or abandoned: its Ref is fenced
	barred atomic.Bool  // a Ref has to look closer: over, or lastQueue
	// lastQueue: what is queued is handled, nothing more is taken.
	lastQueue atomic.Bool
	began     atomic.Bool // Starting returned nil
	open      atomic.Bool // the mailbox takes messages, ticks may be delivered

	// Who tells looks at what is above, the turn writes what is below: they do not share a cache line.
	_      cacheLine
	moves  atomic.Uint64 // what it did, but for taking messages from its mailbox
	behind *cell         // in the queue of a loop
	folded sync.Once
	engine engineMailbox
	asked  askList // put to this actor
	asking askList // by this actor

	watchers watchers

	draining    bool // after signalLastQueue
	phase       phase
	instant     int64     // of this turn
	now         time.Time // the same on the real clock, zero until somebody asks
	took        int       // steps of this turn
	reason      Reason
	err         error
	stack       []byte
	messageType string
	recent      []Record
	fingerprint uint64 // of the message that was in hand when it failed
	seen        uint64 // progress at the last look of the watchdog, which alone uses it
	since       int64
	_           cacheLine
}

// cacheLine keeps what follows it off the line of what goes before.
type cacheLine [64]byte

// body is the part of an actor that knows its message type.
type body interface {
	starting() error
	next() bool // handles one message, tick or signal; false when there is none
	stopping(r Reason) error
	raise(s mailbox.Signal)
	signals() mailbox.Signal
	pending() bool
	resume()
	close(r mailbox.Reason)
	retire(r mailbox.Reason)
	fold(e *entry)
	cancelAll()
	messageType() string
	recordEnd(o Outcome)
	suspectInHand() uint64
	records() []Record
	film() film
	taken() uint64
}

// kick puts the cell into the run queue unless it is there or has its turn.
func (c *cell) kick() {
	if c.state.Load() == stateIdle && c.state.CompareAndSwap(stateIdle, stateReady) {
		c.queueUp()
	}
}

// queueUp waits for the next turn. The state is ready.
func (c *cell) queueUp() {
	if c.loop != nil {
		c.loop.push(c)
		return
	}
	c.sys.dispatch.push(c)
}

// queueAgain is queueUp after a turn. A worker that goes on will look at the queue itself, so it wakes no other.
func (c *cell) queueAgain(goesOn bool) {
	if c.loop == nil && goesOn {
		c.sys.dispatch.pushQuietly(c)
		return
	}
	c.queueUp()
}

// replaceWorker puts another goroutine in the place of the one that runs the cell, because it hangs in an abandoned
// handler or a Goexit ends it.
func (c *cell) replaceWorker(hung bool) {
	if c.loop != nil {
		c.loop.moveOn(hung)
		return
	}
	c.sys.dispatch.replace()
}

func (c *cell) signal(s mailbox.Signal) {
	c.body.raise(s)
	c.kick()
}

// leave tells an abandoned actor to end when it can; a worker that is in its handler is replaced.
func (c *cell) leave() {
	c.body.raise(signalLeave)
	if c.state.CompareAndSwap(stateRunning, stateLeft) {
		c.replaceWorker(true)
	}
	c.kick()
}

// admit opens the mailbox when both its Starting has returned and its life is open. The life must be locked.
func (c *cell) admit() {
	if c.life.open && c.began.Load() && !c.life.ended {
		c.body.resume()
		c.open.Store(true)
		c.kick()
	}
}

// turn runs the cell for a while. A Goexit of a handler ends the goroutine, or the coroutine of Drive, after
// the cell is back in order.
func (c *cell) turn() bool {
	c.state.Store(stateRunning)
	switch {
	case c.sys.ordered != nil:
		return c.run(1)
	case c.loop == nil:
		c.read(c.sys.clock.instant())
		return c.run(turnMessages)
	}
	c.read(c.loop.reading())
	limit := turnMessages
	if c.loop.crowded() {
		limit = 1 // what one handler tells another is handled before this one's next message
	}
	goOn := c.run(limit)
	if goOn {
		c.loop.took(c.took)
	}
	return goOn
}

// read sets the time of the turn.
func (c *cell) read(instant int64) { c.instant, c.now = instant, time.Time{} }

// time is the time of the turn on the real clock. It is read when it is first asked for, since most turns never do.
func (c *cell) time() time.Time {
	if c.now.IsZero() {
		c.now = c.sys.clock.Now()
		c.instant = c.sys.Instant(c.now)
	}
	return c.now
}

// overdue says whether the turn has had its time.
func (c *cell) overdue() bool {
	return c.sys.ordered == nil && c.sys.clock.instant()-c.instant > turnNanos
}

func (c *cell) run(limit int) (goOn bool) {
	finished := false
	defer func() {
		if finished {
			return
		}
		p := recover()
		c.fail(p, stack())
		goOn = c.settle()
		switch {
		case p != nil:
		case c.sys.ordered != nil:
			panic(errGoexit)
		case goOn, c.loop != nil && c.loop.only != nil:
			c.replaceWorker(false) // this goroutine ends, and nobody may be left waiting
		}
	}()
	c.took = 1
	for ; c.step() && c.took < limit; c.took++ {
		if c.took%turnLook == 0 && c.overdue() || c.loop != nil && c.loop.queue.news() {
			break
		}
	}
	finished = true
	return c.settle()
}

// settle gives the turn back and says whether the worker may go on. The swap decides, once, between it and leave:
// a worker that was given up has been replaced and must end, any other is still counted and must not. One that was
// given up first brings its cell to the end, for the pool may be gone by then.
func (c *cell) settle() bool {
	if c.phase != phaseEnded && c.sys.ordered == nil && c.state.Load() == stateLeft {
		c.read(c.sys.clock.instant())
		c.run(turnMessages)
		return false
	}
	switch c.phase {
	case phaseEnded:
		return c.state.Swap(stateDead) != stateLeft
	case phaseLive:
		goOn := c.state.Swap(stateIdle) != stateLeft
		more := c.open.Load() && c.due.Load() > 0 || c.body.pending()
		if more && c.state.CompareAndSwap(stateIdle, stateReady) {
			c.queueAgain(goOn)
		}
		return goOn
	default:
		goOn := c.state.Swap(stateReady) != stateLeft
		c.queueAgain(goOn)
		return goOn
	}
}

// step does one thing and says whether there may be more to do.
func (c *cell) step() bool {
	switch c.phase {
	case phaseLive:
		return c.body.next()
	case phaseNew:
		c.start()
	case phaseEnding:
		c.windDown()
	case phaseStopped:
		c.complete()
		return false
	case phaseEnded:
		return false
	}
	return true
}

func (c *cell) start() {
	c.engine.started()
	if c.obey(c.body.signals()) {
		return
	}
	c.moves.Add(1)
	err := c.body.starting()
	if err != nil {
		c.end(reasonOf(err), err)
		return
	}
	c.phase = phaseLive
	c.life.mu.Lock()
	c.began.Store(true)
	c.admit()
	c.life.mu.Unlock()
}

// hasTurn says whether it has its turn, so that user code may be running.
func (c *cell) hasTurn() bool {
	s := c.state.Load()
	return s == stateRunning || s == stateLeft
}

// progress changes with all that the cell does.
func (c *cell) progress() uint64 { return c.moves.Load() + c.body.taken() }

// obey begins the end that a signal asks for.
func (c *cell) obey(s mailbox.Signal) bool {
	switch {
	case s&signalLeave != 0:
		c.end(ReasonAbandoned, nil)
	case s&signalKill != 0:
		c.end(ReasonKilled, nil)
	case s&signalStop != 0:
		c.end(ReasonShutdown, nil)
	default:
		c.draining = c.draining || s&signalLastQueue != 0
		return false
	}
	return true
}

// end begins the end of the incarnation. A failure on the way down replaces an orderly reason.
func (c *cell) end(r Reason, err error) {
	if errors.Is(err, ErrDone) {
		err = nil
	}
	if c.reason == "" || !c.reason.Abnormal() {
		c.reason, c.err = r, err
	}
	if c.phase < phaseEnding {
		c.phase = phaseEnding
	}
	if c.reason.Abnormal() {
		c.failAsks(c.reason)
	}
}

// fail records what went through the guard: a panic, or a Goexit where p is nil.
func (c *cell) fail(p any, stack []byte) {
	c.fingerprint = c.body.suspectInHand()
	c.body.recordEnd(Crashed)
	c.stack, c.messageType, c.recent = stack, c.body.messageType(), c.body.records()
	r, err := failure(p)
	c.end(r, err)
}

func failure(p any) (Reason, error) {
	switch p := p.(type) {
	case nil:
		return ReasonGoexit, errors.New("runtime.Goexit called")
	case error:
		return ReasonCrash, fmt.Errorf("panic: %w", p)
	default:
		return ReasonCrash, fmt.Errorf("panic: %v", p)
	}
}

// windDown shuts the mailbox and calls Stopping. The phase moves first, so that a panic in Stopping does not
// come back here.
func (c *cell) windDown() {
	c.phase = phaseStopped
	left := c.body.signals()&signalLeave != 0 || c.reason == ReasonAbandoned
	if !left { // Abandon has done it
		c.shut(c.dropReason())
	}
	c.body.cancelAll()
	if !c.began.Load() || left || c.reason == ReasonKilled {
		return
	}
	c.moves.Add(1)
	err := c.body.stopping(c.reason)
	if err != nil {
		c.end(reasonOf(err), err)
	}
}

// bar fences the Refs of the cell.
func (c *cell) bar() {
	c.over.Store(true)
	c.barred.Store(true)
}

// fold hands the mailbox, closed or retired, to the entry of the name, once. Whoever comes second waits for the
// first: the name must not be free for the next incarnation before its mailbox is there to be inherited.
func (c *cell) fold() {
	c.folded.Do(func() {
		c.body.fold(c.life.entry)
		c.leavePlace()
	})
}

// shut closes the mailbox, or retires it where a supervisor may start the name again: Control is for the next
// incarnation then.
func (c *cell) shut(r mailbox.Reason) {
	if c.life.auto || c.sys.isStopping() {
		c.body.close(r)
		return
	}
	c.body.retire(r)
}

func (c *cell) dropReason() mailbox.Reason {
	switch {
	case c.sys.isStopping():
		return mailbox.Shutdown
	case c.reason.Abnormal() && c.reason != ReasonKilled:
		return mailbox.Restarted
	}
	return mailbox.Stopped
}

func (c *cell) complete() {
	c.phase = phaseEnded
	c.bar()
	c.body.cancelAll()
	c.stopAsking()
	c.failAsks(c.reason)
	c.engine.stopped()
	c.fold()
	c.life.partEnded(Exit{Reason: c.reason, Err: c.err, Stack: c.stack, MessageType: c.messageType, Recent: c.recent, Fingerprint: c.fingerprint}, c, nil)
}
