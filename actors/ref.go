package actors

import (
	"context"
	"errors"

	"github.com/failshut/failshut/mailbox"
)

// Ref is the address of one incarnation. It is a comparable value; the zero Ref answers ErrUnknown. An old Ref
// never reaches a new incarnation.
type Ref[M any] struct{ in *incarnation[M] }

// Tell offers m to the actor's mailbox and says what came of it: nil, ErrFull, ErrSuspended while it starts,
// ErrClosed while it stops, ErrFenced once it has ended or was abandoned, ErrUnknown for the zero Ref, ErrGapped where
// its mailbox conflates and told the actor of a loss instead. It never blocks and allocates nothing. Safe for any number of goroutines, also from the actor's own handler.
func (r Ref[M]) Tell(m M) error {
	if r.in == nil {
		return ErrUnknown
	}
	if r.in.barred.Load() {
		return r.in.barrier()
	}
	return r.in.tell(envelope[M]{message: m})
}

// TellAll tells the messages in their order until one is refused, and says how many were accepted: each of those is
// handled once, and the error is that of the next one, nil where there is none.
func (r Ref[M]) TellAll(ms ...M) (accepted int, err error) {
	for i, m := range ms {
		if err := r.Tell(m); err != nil {
			return i, err
		}
	}
	return len(ms), nil
}

// OfferWait is OfferWait to this incarnation.
func (r Ref[M]) OfferWait(ctx context.Context, out Outside, m M) error {
	return OfferWait(ctx, out, r, m)
}

// Name is the name of the actor, "" for the zero Ref.
func (r Ref[M]) Name() Name {
	if r.in == nil {
		return ""
	}
	return r.in.life.name
}

// Epoch is the ordinal of the incarnation, 0 for the zero Ref.
func (r Ref[M]) Epoch() Epoch {
	if r.in == nil {
		return 0
	}
	return r.in.life.epoch
}

// Open says whether the mailbox has been opened: Starting has returned and the Life is open. It stays true
// after the end.
func (r Ref[M]) Open() bool { return r.in != nil && r.in.open.Load() }

func (r Ref[M]) resolve() (*incarnation[M], error) {
	if r.in == nil {
		return nil, ErrUnknown
	}
	if r.in.barred.Load() {
		return nil, r.in.barrier()
	}
	return r.in, nil
}

// barrier says why a Ref does not lead into the mailbox any more.
func (c *cell) barrier() error {
	if c.over.Load() {
		return ErrFenced
	}
	return ErrClosed
}

func (in *incarnation[M]) tell(e envelope[M]) error {
	if err := in.offer(in.laneOf(e.message), e); err != nil {
		return in.refusal(err)
	}
	return nil
}

// offer puts e into the mailbox and wakes the actor, also where e is lost in a gap: that is what waits then.
func (in *incarnation[M]) offer(l mailbox.Lane, e envelope[M]) error {
	var err error
	if untilOf(e) == 0 {
		err = in.box.OfferIn(l, e)
	} else {
		err = in.box.OfferBy(l, e)
	}
	if err == nil || errors.Is(err, ErrGapped) {
		in.kick()
	}
	return err
}

// refusal tells a box closed for good from one whose actor is stopping.
func (in *incarnation[M]) refusal(err error) error {
	if errors.Is(err, ErrClosed) && in.over.Load() {
		return ErrFenced
	}
	return err
}

// Address is the address of a name: each Tell goes to its present incarnation. It is a comparable value; the
// zero Address answers ErrUnknown.
type Address[M any] struct{ entry *entry }

// Follow gives the address of a name, whether or not such an actor exists yet.
func Follow[M any](s *System, n Name) Address[M] { return Address[M]{entry: s.entry(n)} }

// Tell is Ref.Tell to the present incarnation, found by one atomic load. ErrUnknown when there is none,
// ErrSuspended when it is starting or to be started again, ErrType when it takes messages of another type.
// Control is taken also for a supervised name that is being started again: the next incarnation gets it.
func (a Address[M]) Tell(m M) error { return a.tell(envelope[M]{message: m}) }

func (a Address[M]) tell(e envelope[M]) error {
	in, err := a.resolve()
	if err != nil {
		return err
	}
	err = in.tell(e)
	if !errors.Is(err, ErrFenced) && !errors.Is(err, ErrClosed) {
		return err
	}
	// The incarnation may have changed since the address was resolved.
	if next, _ := a.resolve(); next != nil && next != in {
		return next.tell(e)
	}
	return err
}

// OfferWait is OfferWait to the present incarnation.
func (a Address[M]) OfferWait(ctx context.Context, out Outside, m M) error {
	return OfferWait(ctx, out, a, m)
}

// Name is the name followed.
func (a Address[M]) Name() Name {
	if a.entry == nil {
		return ""
	}
	return a.entry.name
}

// Ref is the present incarnation; the errors are those of Tell.
func (a Address[M]) Ref() (Ref[M], error) {
	in, err := a.resolve()
	return Ref[M]{in: in}, err
}

func (a Address[M]) resolve() (*incarnation[M], error) {
	if a.entry == nil {
		return nil, ErrUnknown
	}
	t := a.entry.target.Load()
	if t.err != nil && a.entry.forgotten.Load() {
		now := a.entry.present()
		if now == nil {
			return nil, ErrUnknown
		}
		t = now.target.Load()
	}
	if t.err != nil {
		return nil, t.err
	}
	in, ok := t.to.(*incarnation[M])
	if !ok {
		return nil, ErrType
	}
	if in.lastQueue.Load() && !in.over.Load() { // one that is over may have left its mailbox to the next incarnation
		return nil, ErrClosed
	}
	return in, nil
}

// Recipient is what can be told a message of type M: a Ref or an Address.
type Recipient[M any] interface {
	Tell(m M) error
	Name() Name
	resolve() (*incarnation[M], error)
}
