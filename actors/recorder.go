package actors

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"sync"
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

// recorder is a ring of the last messages. It belongs to the actor's turn, and costs no lock, no clock reading of its
// own, except for one message in 64, and no allocation but that of the ring at the first message.
type recorder[M any] struct {
	size        int
	ring        []flight
	n           uint64
	at          int64
	began       int64 // when the handler of a message that is timed was called, else 0
	kinds       []reflect.Type
	dynamic     bool // M is an interface, so messages have types of their own
	brief       func(M) [32]byte
	fingerprint func(M) uint64
}

// kindsMax bounds the types that a recorder tells apart.
const kindsMax = 1 << 10

func newRecorder[M any](sp Spec[M]) (recorder[M], error) {
	r := recorder[M]{size: sp.Recorder, brief: sp.Brief, fingerprint: sp.Fingerprint}
	t := reflect.TypeFor[M]()
	r.dynamic = t.Kind() == reflect.Interface
	r.kinds = []reflect.Type{t}
	switch {
	case r.size == 0:
		r.size = recorded
	case r.size == NoRecorder:
		r.size = 0
	case r.size < 0 || r.size&(r.size-1) != 0:
		return r, fmt.Errorf("recorder = %d, want a power of two, 0 for %d, or NoRecorder", r.size, recorded)
	}
	return r, nil
}

// record writes down the message that is about to be handled.
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
	f.at, f.lane, f.outcome, f.wait, f.service = r.at, item.Lane, InHand, 0, 0
	if item.At != 0 {
		f.wait = micros(r.at - item.At)
	}
	switch s := item.Message.slip; {
	case s != nil && s.parcel != nil: // it is made in the turn
		f.kind, f.fingerprint, f.brief = 0, 0, [32]byte{}
	case r.dynamic || r.fingerprint != nil || r.brief != nil:
		r.describe(f, item.Message.message)
	}
	if r.n%64 == 63 {
		r.began = in.sys.Mono()
	}
	r.n++
}

// describe writes what depends on the message itself.
func (r *recorder[M]) describe(f *flight, m M) {
	if r.dynamic {
		f.kind = r.kindOf(m)
	}
	if r.fingerprint != nil {
		f.fingerprint = r.fingerprint(m)
	}
	if r.brief != nil {
		f.brief = r.brief(m)
	}
}

// recordEnd completes the last record.
func (in *incarnation[M]) recordEnd(o Outcome) {
	r := &in.recorder
	if r.n == 0 {
		return
	}
	f := &r.ring[(r.n-1)&uint64(len(r.ring)-1)]
	if f.outcome != InHand {
		return // Starting or Stopping failed, with no message in hand
	}
	f.outcome = o
	if r.began != 0 {
		f.service = micros(in.sys.Mono() - r.began)
		r.began = 0
	}
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

// records copies the ring, oldest first.
func (in *incarnation[M]) records() []Record {
	r := &in.recorder
	if r.n == 0 {
		return nil
	}
	size := uint64(len(r.ring))
	out := make([]Record, 0, min(r.n, size))
	for i := r.n - min(r.n, size); i < r.n; i++ {
		f := r.ring[i&(size-1)]
		out = append(out, Record{
			At: f.at, Lane: f.lane, Type: r.kinds[f.kind].String(), Fingerprint: f.fingerprint,
			Brief: strings.TrimRight(string(f.brief[:]), "\x00"),
			Wait:  time.Duration(f.wait) * time.Microsecond, Service: time.Duration(f.service) * time.Microsecond,
			Outcome: f.outcome,
		})
	}
	return out
}

// Recording is a copy of a flight recorder.
type Recording struct {
	Name    Name
	Epoch   Epoch
	Records []Record // oldest first
	// Torn says that the actor hangs in a handler, so that the copy was not made by itself.
	Torn bool
}

// hangsAfter is how long an actor has to answer before a look from outside.
const hangsAfter = 100 * time.Millisecond

// Recording copies the flight recorder of the present incarnation of a name: the actor itself does at its next message,
// or at once when it is idle. One that hangs in a handler is looked at from outside, and the copy is Torn. ErrFenced
// when the name has no actor, else the cause of ctx.
func (s *System) Recording(ctx context.Context, n Name) (Recording, error) {
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
	rec := Recording{Name: n, Epoch: l.epoch}
	if s.ordered != nil { // the caller is who drives
		rec.Records = c.body.records()
		return rec, nil
	}
	copied := c.copies.ask()
	c.signal(signalRecording)
	for {
		wait := time.NewTimer(hangsAfter)
		select {
		case rec.Records = <-copied:
			wait.Stop()
			return rec, nil
		case <-l.gone:
			wait.Stop()
			return Recording{}, fmt.Errorf("%w: %s#%d", ErrFenced, n, l.epoch)
		case <-ctx.Done():
			wait.Stop()
			return Recording{}, context.Cause(ctx)
		case <-wait.C:
		}
		if records, hangs := c.tornRecords(); hangs {
			rec.Records, rec.Torn = records, true
			return rec, nil
		}
	}
}

// tornRecords copies the recorder of an actor that is inside a handler before and after; its records are at rest then.
func (c *cell) tornRecords() (records []Record, hangs bool) {
	before := c.steps.Load()
	if before%2 == 0 {
		return nil, false
	}
	records = c.body.records()
	return records, c.steps.Load() == before
}

// copies are the requests for a copy of the recorder.
type copies struct {
	mu   sync.Mutex
	asks []chan<- []Record
}

func (cs *copies) ask() <-chan []Record {
	answer := make(chan []Record, 1)
	cs.mu.Lock()
	cs.asks = append(cs.asks, answer)
	cs.mu.Unlock()
	return answer
}

// answerCopies is called in the cell's turn.
func (c *cell) answerCopies() {
	c.copies.mu.Lock()
	asks := c.copies.asks
	c.copies.asks = nil
	c.copies.mu.Unlock()
	for _, answer := range asks {
		answer <- c.body.records()
	}
}
