package actors

import (
	"cmp"
	"fmt"
	"log/slog"
	"time"

	"github.com/failshut/failshut/mailbox"
)

// Actor handles the messages of one mailbox, one at a time. An error or a panic ends its incarnation, ErrDone
// ends it in order; there is no resume. It may also have Starting, called before its first message, and
// Stopping, called after its last one with the reason; errors and panics there count the same.
type Actor[M any] interface {
	Receive(c *Context[M], m M) error
}

// Starter is an Actor that wants a call before its first message. Its mailbox refuses messages until it has
// returned nil.
type Starter[M any] interface {
	Starting(c *Context[M]) error
}

// Stopper is an Actor that wants a call after its last message, also after a failure, but not when it is killed
// or was abandoned.
type Stopper[M any] interface {
	Stopping(c *Context[M], r Reason) error
}

// Func is an Actor of one function.
type Func[M any] func(c *Context[M], m M) error

// Receive calls f.
func (f Func[M]) Receive(c *Context[M], m M) error { return f(c, m) }

// Spec describes an actor to Spawn.
type Spec[M any] struct {
	// Life is the incarnation it belongs to. nil: Spawn begins one from Name, Epoch, Class and Watchdog, whose
	// fence is ready and whose mailbox is open once Starting has returned, and which ends with the actor.
	Life     *Life
	Name     Name
	Epoch    Epoch
	Class    Class
	Watchdog time.Duration
	// Box bounds the mailbox; its Class and Now are filled in.
	Box mailbox.Config
	// Lane says where a message waits; it must be pure. Needed where Box has more than one lane.
	Lane func(M) mailbox.Lane
	// Key says which messages of Control ask for the same thing, see mailbox.ByKey: a second one of a key is taken and
	// dropped while the first waits. A nil key never merges; any other must be comparable. An ask that is merged is
	// answered ErrNoReply. nil: nothing merges.
	Key func(M) any
	// Describe and GapOf are needed where a lane of Box conflates, see mailbox.Describe and mailbox.GapOf: what may be
	// done with a message, and the message that tells the actor of lost ones.
	Describe func(M) mailbox.Description
	GapOf    func(k mailbox.Key, from, to uint64) M
	// Recorder is how many messages the flight recorder remembers, a power of two: 64 bytes each. 0 is 64, NoRecorder
	// is none.
	Recorder int
	// Brief, if set, says in the recorder what a message is about, and Fingerprint which one it is, there and for the
	// quarantine, which otherwise hashes how the message prints: say it where that holds pointers. They are called for
	// every message that the recorder remembers and must be pure. A Fingerprint of 0 says that the message, or one that is the
	// same to its reader, does not come again: it is never put in quarantine.
	Brief       func(M) [32]byte
	Fingerprint func(M) uint64
	// PoisonAfter is that of the actor, see Config; 0 is the System's.
	PoisonAfter int
	Actor       Actor[M]
	// Place is the goroutine that runs it; zero: the pool of workers.
	Place Place
}

// incarnation is an actor with its mailbox and timers.
type incarnation[M any] struct {
	cell
	box  *mailbox.Box[envelope[M]]
	lane func(M) mailbox.Lane
	only mailbox.Lane // the lane of all messages where lane is nil
	_    cacheLine    // who tells looks at what is above, the turn writes what is below

	actor Actor[M]
	ctx   Context[M]
	item  [1]mailbox.Item[envelope[M]]
	ticks ticks[M]
	log   *slog.Logger

	reports  bool // the box has that lane
	beside   beside
	origin   slip // of what it sends
	recorder recorder[M]
	stash    stash[M]
	inHand   bool // item came from the box and may be stashed
	watching map[*cell]*watch[M]
	silence  silence
	poison   int // incarnations that a message may end
	// before is the retired mailbox of the incarnation before, until it is inherited.
	before anyBox
}

// Spawn starts an actor. It returns before Starting has run; until then a Tell is ErrSuspended. ErrNameTaken,
// ErrEpoch, ErrConfig, ErrStopped, or ErrFenced where the Life is stopping.
func Spawn[M any](s *System, sp Spec[M]) (Ref[M], error) {
	if sp.Actor == nil {
		return Ref[M]{}, fmt.Errorf("%w: %s has no actor", ErrConfig, sp.Name)
	}
	in := &incarnation[M]{actor: sp.Actor, lane: sp.Lane}
	in.ctx.in = in
	in.sys, in.body, in.poison = s, in, cmp.Or(sp.PoisonAfter, s.poisonAfter)
	var err error
	if in.recorder, err = newRecorder(sp); err != nil {
		return Ref[M]{}, fmt.Errorf("%w: %s: %w", ErrConfig, sp.Name, err)
	}
	own := sp.Life == nil
	if !own {
		sp.Name, sp.Class = sp.Life.name, sp.Life.class
	}
	if err := in.makeBox(sp); err != nil {
		return Ref[M]{}, fmt.Errorf("%w: %s: %w", ErrConfig, sp.Name, err)
	}
	l := sp.Life
	if own {
		var err error
		if l, err = s.begin(Birth{Name: sp.Name, Epoch: sp.Epoch, Class: sp.Class, Watchdog: sp.Watchdog}, true); err != nil {
			return Ref[M]{}, err
		}
		l.Ready()
	}
	in.life, in.origin.from = l, l
	if err := in.settleIn(sp.Place); err != nil {
		if own {
			l.finish()
		}
		return Ref[M]{}, err
	}
	in.inherit()
	s.engine.spawn(&in.cell)
	s.hooks.spawned(&s.events, l.name, l.epoch, l.class)
	return Ref[M]{in: in}, nil
}

func (in *incarnation[M]) makeBox(sp Spec[M]) error {
	cfg := sp.Box
	s := in.sys
	if cfg.Class == "" {
		cfg.Class = string(sp.Class)
	}
	if cfg.Events.Refused == nil && cfg.Events.Dropped == nil {
		cfg.Events = s.boxes
	}
	cfg.Now = s.clock.instant
	for i, l := range cfg.Lanes {
		if l.Cap > 0 {
			in.only = mailbox.Lane(i + 1)
		}
	}
	cfg.EasyWake = sp.Place.loop != nil
	in.reports = cfg.Lanes[mailbox.Reports-1].Cap > 0
	opts := []mailbox.Option[envelope[M]]{mailbox.Sink(in.bury), mailbox.SeldomDeadline(untilOf[M])}
	if in.recorder.size > 0 {
		opts = append(opts, mailbox.Tap[envelope[M]](func(int) { in.record(&in.item[0]) }))
	}
	if sp.Lane != nil {
		opts = append(opts, mailbox.ByLane(func(e envelope[M]) mailbox.Lane { return in.lane(e.message) }))
	}
	if sp.Key != nil {
		opts = append(opts, mailbox.ByKey(func(e envelope[M]) (any, bool) {
			k := sp.Key(e.message)
			return k, k != nil
		}))
	}
	if sp.Describe != nil {
		opts = append(opts, mailbox.Describe(func(e envelope[M]) mailbox.Description { return sp.Describe(e.message) }))
	}
	if sp.GapOf != nil {
		opts = append(opts, mailbox.GapOf(func(k mailbox.Key, from, to uint64) envelope[M] {
			return envelope[M]{message: sp.GapOf(k, from, to)}
		}))
	}
	var err error
	if in.box, err = mailbox.New(cfg, opts...); err != nil {
		return err
	}
	in.box.Suspend()
	return nil
}

// settleIn gives the incarnation its goroutine and its life.
func (in *incarnation[M]) settleIn(p Place) error {
	if err := in.takePlace(p); err != nil {
		return err
	}
	if err := in.life.attach(func() error { return in.become(in.life) }); err != nil {
		in.leavePlace()
		return err
	}
	if in.loop != nil {
		in.loop.start()
	}
	return nil
}

// become makes the incarnation the actor of its life, and its name lead to it. The life is locked.
func (in *incarnation[M]) become(l *Life) error {
	if l.actor != nil {
		return fmt.Errorf("%w: %s#%d has an actor", ErrNameTaken, l.name, l.epoch)
	}
	l.actor = &in.cell
	in.before = l.entry.lead(in, in)
	return nil
}

// inherit takes over the Control messages that wait for this incarnation in the mailbox of the one before.
func (in *incarnation[M]) inherit() {
	before := in.before
	in.before = nil
	if before == nil {
		return
	}
	if old, ok := before.(*incarnation[M]); ok {
		old.box.HandOn(in.box)
	} else {
		before.Close(mailbox.Restarted) // another type of actor: nobody can read them
	}
	in.life.entry.settle(before)
}

func (in *incarnation[M]) starting() error {
	if a, ok := in.actor.(Starter[M]); ok {
		return a.Starting(&in.ctx)
	}
	return nil
}

func (in *incarnation[M]) stopping(r Reason) error {
	if a, ok := in.actor.(Stopper[M]); ok {
		return a.Stopping(&in.ctx, r)
	}
	return nil
}

// next is the hot path: one message, the lanes looked at anew.
func (in *incarnation[M]) next() bool {
	if s := in.box.Signals(); s != 0 && in.obey(s) {
		return true
	}
	item := &in.item[0]
	beside := in.due.Load() != 0 && in.takeBeside(item)
	if !beside {
		if in.box.Take(in.item[:]) == 0 {
			if in.draining {
				in.finishQueue()
			}
			return false
		}
		in.inHand = true
	} else {
		in.moves.Add(1)
		if in.recorder.size > 0 {
			in.box.Hold(func() { in.record(item) })
		}
	}
	if in.silence.length > 0 && (!beside || item.Message.slip != nil) {
		in.hear(item.Message.message)
	}
	if in.sys.quarantine.active.Load() != 0 && in.inHand && in.park(item) {
		return in.handled(item)
	}
	if in.recorder.describes {
		in.describe(item)
	}
	var err error
	if item.Message.slip == nil {
		err = in.actor.Receive(&in.ctx, item.Message.message)
	} else {
		err = in.handle(&item.Message)
	}
	switch {
	case err != nil:
		in.failWith(err)
	case in.recorder.began != 0:
		in.recordEnd(Handled)
	}
	return in.handled(item)
}

// handled puts the message out of hand.
func (in *incarnation[M]) handled(item *mailbox.Item[envelope[M]]) bool {
	*item = mailbox.Item[envelope[M]]{}
	in.inHand = false
	if in.draining {
		in.finishQueue()
	}
	return true
}

// failWith begins the end that a handler's error asks for.
func (in *incarnation[M]) failWith(err error) {
	in.cell.messageType = in.messageType()
	r, o := reasonOf(err), Handled
	if r.Abnormal() {
		o = Failed
	}
	in.recordEnd(o)
	if r.Abnormal() {
		in.recent = in.records()
	}
	if r == ReasonError {
		in.cell.fingerprint = in.suspectInHand()
	}
	in.end(r, err)
}

func (in *incarnation[M]) raise(s mailbox.Signal)  { in.box.Raise(s) }
func (in *incarnation[M]) signals() mailbox.Signal { return in.box.Signals() }
func (in *incarnation[M]) pending() bool           { return in.box.Pending() }
func (in *incarnation[M]) resume()                 { in.box.Resume() }
func (in *incarnation[M]) close(r mailbox.Reason)  { in.Close(r) }
func (in *incarnation[M]) fold(e *entry)           { e.fold(in) }
func (in *incarnation[M]) taken() uint64           { return in.box.Taken() }

func (in *incarnation[M]) retire(r mailbox.Reason) {
	in.dropStash(r)
	in.box.Retire(r)
}

// messageType is the type of the message in hand, "" if there is none.
func (in *incarnation[M]) messageType() string {
	if in.item[0].Lane == 0 {
		return ""
	}
	return typeOf(in.item[0].Message)
}

func (in *incarnation[M]) bury(l mailbox.Letter[envelope[M]]) {
	if s := l.Message.slip; s != nil && s.ask != nil {
		s.ask.settle(in.dropped(l.Reason))
	}
	if l.Reason == mailbox.Conflated {
		return // what replaced it is handled: nothing is lost, and the lane has counted it
	}
	letter := Letter{
		Name: in.life.name, Epoch: in.life.epoch, Class: in.life.class,
		Lane: l.Lane, Reason: l.Reason, Type: typeOf(l.Message), At: l.At,
	}
	if s := l.Message.slip; s != nil && s.from != nil {
		letter.From = s.from.name
	}
	in.sys.bury(letter, &in.cell)
}
