package actors

import (
	"maps"
	"sync"
	"time"

	"github.com/failshut/failshut/mailbox"
)

// deadLettersKept is how many dead letters a System remembers.
const deadLettersKept = 1024

// Letter tells of a message that was accepted and will not be handled. One that was merged with another, conflated in the
// counts of its mailbox, is none.
type Letter struct {
	Name   Name
	Epoch  Epoch
	Class  Class
	Lane   mailbox.Lane
	Reason mailbox.Reason
	// Type is the Go type of the message.
	Type string
	// From is who sent it, "" where that was not said.
	From Name
	// At is the Instant at which it was accepted, 0 where it was not stamped, and Age how long ago that was.
	At  int64
	Age time.Duration
}

// DeadCount is the key under which dead letters are counted for ever.
type DeadCount struct {
	Class  Class
	Reason mailbox.Reason
}

type deadLetters struct {
	mu     sync.Mutex
	kept   []Letter
	next   int
	counts map[DeadCount]uint64

	subscribers []Ref[Letter] // copied before it is changed
}

// bury records a message that c will not handle.
func (s *System) bury(l Letter, c *cell) {
	if l.At != 0 {
		l.Age = time.Duration(max(0, s.Mono()-l.At))
	}
	d := &s.dead
	d.mu.Lock()
	if len(d.kept) < deadLettersKept {
		d.kept = append(d.kept, l)
	} else {
		d.kept[d.next] = l
		d.next = (d.next + 1) % deadLettersKept
	}
	if d.counts == nil {
		d.counts = make(map[DeadCount]uint64)
	}
	d.counts[DeadCount{Class: l.Class, Reason: l.Reason}]++
	subscribers := d.subscribers
	d.mu.Unlock()
	s.hooks.deadLetter(&s.events, l)
	if subscribers != nil && !subscribed(subscribers, c) {
		d.tell(subscribers, l)
	}
}

// DeadLetters lists the last 1,024 dead letters, oldest first. The list is the caller's.
func (s *System) DeadLetters() []Letter {
	d := &s.dead
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make([]Letter, 0, len(d.kept))
	out = append(out, d.kept[d.next:]...)
	return append(out, d.kept[:d.next]...)
}

// DeadCounts counts all dead letters since the start. The map is the caller's.
func (s *System) DeadCounts() map[DeadCount]uint64 {
	s.dead.mu.Lock()
	defer s.dead.mu.Unlock()
	return maps.Clone(s.dead.counts)
}
