package actors

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/failshut/failshut/mailbox"
)

// recorded is how many messages an actor remembers whose Spec does not say.
const recorded = 64

// NoRecorder as Spec.Recorder makes an actor that remembers no messages.
const NoRecorder = -1

// Outcome is what became of a recorded message.
type Outcome uint8

// The outcomes.
const (
	InHand  Outcome = iota // its handler has not returned
	Handled                // its handler returned nil or ErrDone
	Failed                 // its handler returned an error
	Crashed                // its handler panicked or called Goexit
)

// String gives the word of the outcome.
func (o Outcome) String() string {
	return [...]string{"in hand", "handled", "failed", "crashed"}[o&3]
}

// Record is a message as its actor's flight recorder remembers it.
type Record struct {
	// At is the Instant of the turn in which it was handled.
	At   int64
	Lane mailbox.Lane
	// Type is the Go type of the message.
	Type string
	// Fingerprint and Brief are what the functions of the Spec said, zero without them.
	Fingerprint uint64
	Brief       string
	// Wait is how long a stamped message waited, Service how long its handler took: 0 where that was not measured, which
	// is so for most, because reading the clock costs more than the record.
	Wait, Service time.Duration
	Outcome       Outcome
}

// flight is a Record as it is written: 64 bytes.
type flight struct {
	at          int64
	fingerprint uint64
	wait        uint32 // microseconds
	service     uint32
	kind        uint16
	lane        mailbox.Lane
	outcome     Outcome
	_           [4]byte
	brief       [32]byte
}

// recorder is a ring of the last messages. The actor's turn writes it as it takes them, so whoever holds the mailbox reads
// it whole. It costs no lock, no clock reading of its own, except for one message in 64, and no allocation but that of the
// ring at the first message.
type recorder[M any] struct {
	size        int
	ring        []flight
	n           uint64
	at          int64
	began       int64 // when the handler of a message that is timed was called, else 0
	kinds       []reflect.Type
	dynamic     bool // M is an interface, so messages have types of their own
	describes   bool // it has one of the next
	brief       func(M) [32]byte
	fingerprint func(M) uint64
}

// kindsMax bounds the types that a recorder tells apart.
const kindsMax = 1 << 10

func newRecorder[M any](sp Spec[M]) (recorder[M], error) {
	r := recorder[M]{size: sp.Recorder, brief: sp.Brief, fingerprint: sp.Fingerprint}
	r.describes = sp.Brief != nil || sp.Fingerprint != nil
	t := reflect.TypeFor[M]()
	r.dynamic = t.Kind() == reflect.Interface
	r.kinds = []reflect.Type{t}
	switch {
	case r.size == 0:
		r.size = recorded
	case r.size == NoRecorder:
		r.size, r.describes = 0, false
	case r.size < 0 || r.size&(r.size-1) != 0:
		return r, fmt.Errorf("recorder = %d, want a power of two, 0 for %d, or NoRecorder", r.size, recorded)
	}
	return r, nil
}

// record writes down a message that was taken. The mailbox is held.
func (in *incarnation[M]) record(item *mailbox.Item[envelope[M]]) {
	r := &in.recorder
	if r.ring == nil {
		r.ring = make([]flight, r.size)
	}
	if v := in.sys.virtual; v != nil {
		r.at = v.now.Load()
	} else if in.took <= 1 {
		r.at = in.instant
	}
	f := &r.ring[r.n&uint64(len(r.ring)-1)]
	f.at, f.lane, f.outcome, f.kind, f.wait, f.service = r.at, item.Lane, Handled, 0, 0, 0
	if r.describes {
		f.fingerprint, f.brief = 0, [32]byte{}
	}
	if item.At != 0 {
		f.wait = micros(r.at - item.At)
	}
	if r.dynamic && item.Message.isWhole() {
		f.kind = r.kindOf(item.Message.message)
	}
	if r.n%64 == 63 {
		r.began = in.sys.Mono()
	}
	r.n++
}

// describe writes down what the Spec says of the message in hand.
func (in *incarnation[M]) describe(item *mailbox.Item[envelope[M]]) {
	if !item.Message.isWhole() {
		return
	}
	r := &in.recorder
	var brief [32]byte
	var mark uint64
	if r.fingerprint != nil {
		mark = r.fingerprint(item.Message.message)
	}
	if r.brief != nil {
		brief = r.brief(item.Message.message)
	}
	in.box.Hold(func() {
		f := r.last()
		f.fingerprint, f.brief = mark, brief
	})
}

// last is the newest record; there must be one.
func (r *recorder[M]) last() *flight { return &r.ring[(r.n-1)&uint64(len(r.ring)-1)] }

// recordEnd completes the record of the message in hand, if there is one.
func (in *incarnation[M]) recordEnd(o Outcome) {
	r := &in.recorder
	if r.n == 0 || in.item[0].Lane == 0 {
		return
	}
	took := int64(0)
	if r.began != 0 {
		took = in.sys.Mono() - r.began
		r.began = 0
	}
	in.box.Hold(func() {
		f := r.last()
		f.outcome, f.service = o, micros(took)
	})
}

// strike takes the last record back: its message was not handled.
func (in *incarnation[M]) strike() {
	r := &in.recorder
	if r.size == 0 {
		return
	}
	r.began = 0
	in.box.Hold(func() { r.n-- })
}

func micros(nanos int64) uint32 { return uint32(min(max(nanos, 0)/1000, 1<<32-1)) } //nolint:gosec // bounded just here

// kindOf is the place of the type of m among the kinds, the most recent first to be looked at; 0, the interface itself,
// where there are too many.
func (r *recorder[M]) kindOf(m M) uint16 {
	t := reflect.TypeOf(m)
	for i := len(r.kinds) - 1; i > 0; i-- {
		if r.kinds[i] == t {
			return uint16(i) //nolint:gosec // at most kindsMax
		}
	}
	if t == nil || len(r.kinds) == kindsMax {
		return 0
	}
	r.kinds = append(r.kinds, t)
	return uint16(len(r.kinds) - 1) //nolint:gosec // at most kindsMax
}

// film is a copy of a recorder.
type film struct {
	ring  []flight
	n     uint64
	kinds []reflect.Type
}

func (in *incarnation[M]) film() (f film) {
	r := &in.recorder
	in.box.Hold(func() { f = film{ring: slices.Clone(r.ring), n: r.n, kinds: r.kinds} })
	return f
}

// records are those of the recorder, for the actor's own turn.
func (in *incarnation[M]) records() []Record { return in.film().records(false) }

// records lists what the film shows, oldest first. inHand says that the last message is in the hands of its actor.
func (f film) records(inHand bool) []Record {
	if f.n == 0 {
		return nil
	}
	size := uint64(len(f.ring))
	out := make([]Record, 0, min(f.n, size))
	for i := f.n - min(f.n, size); i < f.n; i++ {
		r := f.ring[i&(size-1)]
		out = append(out, Record{
			At: r.at, Lane: r.lane, Type: f.kinds[r.kind].String(), Fingerprint: r.fingerprint,
			Brief: strings.TrimRight(string(r.brief[:]), "\x00"),
			Wait:  time.Duration(r.wait) * time.Microsecond, Service: time.Duration(r.service) * time.Microsecond,
			Outcome: r.outcome,
		})
	}
	if inHand {
		out[len(out)-1].Outcome = InHand
	}
	return out
}

// Recording is a copy of a flight recorder.
type Recording struct {
	Name    Name
	Epoch   Epoch
	Records []Record // oldest first
	// Busy says that the actor had its turn when the copy was made: the last record may be of the message in its hands, and
	// its Outcome is InHand then.
	Busy bool
}

// Recording copies the flight recorder of the present incarnation of a name, at once, whether it is idle, at work or
// hangs. ErrFenced when the name has no actor.
func (s *System) Recording(n Name) (Recording, error) {
	l := s.living(n, 0)
	if l == nil {
		return Recording{}, fmt.Errorf("%w: %s", ErrFenced, n)
	}
	l.mu.Lock()
	c := l.actor
	l.mu.Unlock()
	if c == nil {
		return Recording{}, fmt.Errorf("%w: %s has no actor", ErrFenced, n)
	}
	busy := c.hasTurn()
	film := c.body.film()
	busy = busy && c.hasTurn()
	return Recording{Name: n, Epoch: l.epoch, Records: film.records(busy), Busy: busy}, nil
}
