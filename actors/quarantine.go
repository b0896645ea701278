package actors

import (
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/failshut/failshut/mailbox"
)

const (
	poisonAfter   = 2                // failures of one name on one message, if Config does not say
	poisonWindow  = 10 * time.Minute // within which they count
	suspectsMax   = 16               // fingerprints that a name is suspected of
	quarantineMax = 256              // messages that a System keeps aside
	encodingMax   = 4 << 10          // bytes of a message that its default fingerprint looks at
)

// Parked is a message in quarantine: one that was taken aside before its handler because messages of its fingerprint
// had ended too many incarnations of the name.
type Parked struct {
	ID          uint64
	Name        Name
	Epoch       Epoch
	Class       Class
	Lane        mailbox.Lane
	Type        string
	Fingerprint uint64
	// At is the Instant at which it was taken aside.
	At int64
	// Recent are the messages that its actor handled before, oldest first.
	Recent []Record
}

// parked is a Parked with what may become of it.
type parked struct {
	Parked
	entry   *entry
	release func() error
	bury    func(r mailbox.Reason)
}

// quarantine is the messages of a System that are not handed to their actors. Its lock is the innermost.
type quarantine struct {
	active atomic.Int64 // fingerprints that are shut

	mu   sync.Mutex
	kept []*parked
	last uint64
}

// suspect is a fingerprint on which a name has failed.
type suspect struct {
	fingerprint uint64
	failures    []int64 // Instants of the last ones
	shut        bool
}

// failed counts a failure of the name on a fingerprint, and shuts it when there were too many.
func (q *quarantine) failed(e *entry, fingerprint uint64, after int, now int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.IndexFunc(e.suspects, func(s suspect) bool { return s.fingerprint == fingerprint })
	if i < 0 {
		if len(e.suspects) == suspectsMax {
			old := slices.IndexFunc(e.suspects, func(s suspect) bool { return !s.shut })
			if old < 0 {
				return
			}
			e.suspects = slices.Delete(e.suspects, old, old+1)
		}
		e.suspects = append(e.suspects, suspect{fingerprint: fingerprint})
		i = len(e.suspects) - 1
	}
	s := &e.suspects[i]
	s.failures = slices.DeleteFunc(s.failures, func(at int64) bool { return now-at > int64(poisonWindow) })
	s.failures = append(s.failures, now)
	if !s.shut && len(s.failures) >= after {
		s.shut = true
		q.active.Add(1)
	}
}

// concerns says whether messages of the name have to be looked at.
func (q *quarantine) concerns(e *entry) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.ContainsFunc(e.suspects, func(s suspect) bool { return s.shut })
}

// keep takes a message aside if its fingerprint is shut. evicted is the one that had to make room: never a report, for
// evidence leaves the quarantine only by being handled. Where nothing else is kept, the new one is handed out instead.
func (q *quarantine) keep(p *parked) (kept bool, evicted *parked) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !slices.ContainsFunc(p.entry.suspects, func(s suspect) bool { return s.shut && s.fingerprint == p.Fingerprint }) {
		return false, nil
	}
	if len(q.kept) == quarantineMax {
		old := slices.IndexFunc(q.kept, func(p *parked) bool { return p.Lane != mailbox.Reports })
		if old < 0 {
			return false, nil
		}
		evicted = q.kept[old]
		q.kept = slices.Delete(q.kept, old, old+1)
	}
	q.last++
	p.ID = q.last
	q.kept = append(q.kept, p)
	return true, evicted
}

// take takes a message out of the quarantine.
func (q *quarantine) take(id uint64) *parked {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.IndexFunc(q.kept, func(p *parked) bool { return p.ID == id })
	if i < 0 {
		return nil
	}
	p := q.kept[i]
	q.kept = slices.Delete(q.kept, i, i+1)
	return p
}

// putBack undoes a take, and what an acquit has lifted.
func (q *quarantine) putBack(p *parked, lifted ...suspect) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, s := range lifted {
		if i := slices.IndexFunc(p.entry.suspects, func(o suspect) bool { return o.fingerprint == s.fingerprint }); i >= 0 {
			p.entry.suspects[i].failures = append(s.failures, p.entry.suspects[i].failures...)
			s.shut = s.shut && !p.entry.suspects[i].shut
			p.entry.suspects[i].shut = p.entry.suspects[i].shut || s.shut
		} else {
			p.entry.suspects = append(p.entry.suspects, s)
		}
		if s.shut {
			q.active.Add(1)
		}
	}
	q.kept = append(q.kept, p)
	slices.SortFunc(q.kept, func(a, b *parked) int { return int(a.ID) - int(b.ID) }) //nolint:gosec // 256 of them
}

// acquit lets messages of the fingerprint through again, and hands out what it was suspected of.
func (q *quarantine) acquit(p *parked) (lifted []suspect) {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.IndexFunc(p.entry.suspects, func(s suspect) bool { return s.fingerprint == p.Fingerprint })
	if i < 0 {
		return nil
	}
	lifted = []suspect{p.entry.suspects[i]}
	if lifted[0].shut {
		q.active.Add(-1)
	}
	p.entry.suspects = slices.Delete(p.entry.suspects, i, i+1)
	return lifted
}

// forget drops what a name is suspected of.
func (q *quarantine) forget(e *entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, s := range e.suspects {
		if s.shut {
			q.active.Add(-1)
		}
	}
	e.suspects = nil
}

// Quarantine lists the messages that were taken aside, oldest first. The list is the caller's.
func (s *System) Quarantine() []Parked {
	q := &s.quarantine
	q.mu.Lock()
	defer q.mu.Unlock()
	out := make([]Parked, 0, len(q.kept))
	for _, p := range q.kept {
		out = append(out, p.Parked)
	}
	return out
}

// Release tells a message in quarantine to its name again, and lets others like it through: its failures are forgotten.
// ErrUnknown when there is no such message; with an error of Tell it stays where it is.
func (s *System) Release(id uint64) error {
	p := s.quarantine.take(id)
	if p == nil {
		return fmt.Errorf("%w: nothing in quarantine has the id %d", ErrUnknown, id)
	}
	lifted := s.quarantine.acquit(p) // first: its actor may come to the message before the Tell has returned
	if err := p.release(); err != nil {
		s.quarantine.putBack(p, lifted...)
		return fmt.Errorf("release of %d: %w", id, err)
	}
	s.hooks.released(&s.events, p.Parked)
	return nil
}

// Discard makes a dead letter of a message in quarantine; others like it still go there. ErrUnknown when there is no
// such message, ErrPolicy for a report: evidence leaves the quarantine only by being handled.
func (s *System) Discard(id uint64) error {
	p := s.quarantine.take(id)
	switch {
	case p == nil:
		return fmt.Errorf("%w: nothing in quarantine has the id %d", ErrUnknown, id)
	case p.Lane == mailbox.Reports:
		s.quarantine.putBack(p)
		return fmt.Errorf("%w: %d is a report", mailbox.ErrPolicy, id)
	}
	p.bury(mailbox.Poison)
	s.hooks.released(&s.events, p.Parked)
	return nil
}

// dropQuarantine ends the quarantine with its system.
func (s *System) dropQuarantine() {
	q := &s.quarantine
	q.mu.Lock()
	left := q.kept
	q.kept = nil
	q.mu.Unlock()
	for _, p := range left {
		p.bury(mailbox.Shutdown)
	}
}

// suspectInHand counts the failure of the incarnation on the message in hand, and returns its fingerprint; 0 where that
// cannot be avoided by taking the message aside: a cancel, which never waits, a tick, what does not come again, or nothing in hand.
func (in *incarnation[M]) suspectInHand() (mark uint64) {
	item := &in.item[0]
	if !in.inHand || item.Lane == mailbox.Control || in.poison < 0 {
		return 0
	}
	in.inHand = false
	defer func() { _ = recover() }() // the Fingerprint of the Spec may be what is broken
	mark = in.fingerprint(item.Message.message)
	if mark != 0 {
		in.sys.quarantine.failed(in.life.entry, mark, in.poison, in.sys.Mono())
	}
	return mark
}

// park takes the message in item aside if it is poison, and says whether it did.
func (in *incarnation[M]) park(item *mailbox.Item[envelope[M]]) bool {
	e, q := in.life.entry, &in.sys.quarantine
	if item.Lane == mailbox.Control || !q.concerns(e) {
		return false
	}
	letter := mailbox.Letter[envelope[M]]{Message: item.Message, Lane: item.Lane, At: item.At}
	m := item.Message.message
	p := &parked{
		Parked: Parked{
			Name: in.life.name, Epoch: in.life.epoch, Class: in.life.class, Lane: item.Lane,
			Type: typeOf(item.Message), Fingerprint: in.fingerprint(m), At: in.sys.Mono(),
		},
		entry:   e,
		release: func() error { return Address[M]{entry: e}.Tell(m) },
		bury: func(r mailbox.Reason) {
			letter.Reason = r
			in.bury(letter)
		},
	}
	kept, evicted := q.keep(p)
	if !kept {
		return false
	}
	in.stash.poison(item.Lane)
	if s := item.Message.slip; s != nil && s.ask != nil {
		s.ask.settle(in.dropped(mailbox.Poison))
	}
	if evicted != nil {
		evicted.bury(mailbox.Poison)
	}
	in.strike()
	told := p.Parked
	told.Recent = in.records()
	in.sys.hooks.quarantined(&in.sys.events, told)
	return true
}

// fingerprint is what the Spec says of m, or a hash of its type and of how it prints, as far as that is bounded.
func (in *incarnation[M]) fingerprint(m M) uint64 {
	if f := in.recorder.fingerprint; f != nil {
		return f(m)
	}
	h := fnv.New64a()
	_, _ = fmt.Fprintf(&bounded{to: h, left: encodingMax}, "%T %+v", m, m)
	return h.Sum64()
}

// bounded writes the first bytes and forgets the rest.
type bounded struct {
	to   io.Writer
	left int
}

func (b *bounded) Write(p []byte) (int, error) {
	n := min(len(p), b.left)
	b.left -= n
	_, err := b.to.Write(p[:n])
	return len(p), err
}
