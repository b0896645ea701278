package strategy

import (
	"slices"

	"github.com/failshut/failshut/orders"
)

// Ear hears how far an incarnation has come with the events of its orders, so that the next one is told what this one was not. It is
// called in the strategy's turn and must not block.
type Ear interface {
	// Telling says that the n-th event is about to be told, and Heard that its handlers have returned: an incarnation that ends in
	// between ends of it.
	Telling(n uint64)
	Heard(n uint64)
	// Told says that every event up to the n-th was told, or the n-th alone where it was told Again, and that the account has answered
	// what was wished for then.
	Told(n uint64)
}

// Untold is an event that no incarnation has dealt with: what it says is in the State already.
type Untold struct {
	N     uint64
	Event orders.Event
}

// owing is an event that was told, and the wishes of its handlers that the account has not answered: while there is one, the event is
// told again after a crash. The same decisions place nothing twice.
type owing struct {
	n     uint64
	asked []Decision
}

// mostOwing bounds what waits for the account: beyond it the oldest counts as dealt with.
const mostOwing = 1024

// hear tells the n-th event.
func (s *shell) hear(n uint64, tell func() error) error {
	if s.cfg.Ear == nil {
		return tell()
	}
	s.cfg.Ear.Telling(n)
	if err := tell(); err != nil {
		return err
	}
	s.cfg.Ear.Heard(n)
	s.owing = append(s.owing, owing{n, slices.Clone(s.asked)})
	s.settleTold()
	return nil
}

// settleTold says which events are dealt with. The account's first word of a wish is an event too, so it is looked at with each.
func (s *shell) settleTold() {
	done := 0
	for ; done < len(s.owing); done++ {
		if len(s.owing)-done <= mostOwing && slices.ContainsFunc(s.owing[done].asked, s.unanswered) {
			break
		}
		s.cfg.Ear.Told(s.owing[done].n)
	}
	s.owing = slices.Delete(s.owing, 0, done)
}

func (s *shell) unanswered(d Decision) bool {
	w := s.book.live[d]
	return w != nil && w.Order == ""
}

// retell tells what an incarnation before this one was not told, or died of, each once. Orders and positions know of it.
func (s *shell) retell(all []Untold) error {
	for _, u := range all {
		if s.retold[u.N] {
			continue
		}
		if s.retold == nil {
			s.retold = map[uint64]bool{}
		}
		s.retold[u.N] = true
		e := u.Event
		e.Replay = true
		d := Decision{cause: e.Cause}
		if err := s.hear(u.N, func() error { return s.tellEvent(e, u.N, fillOf(e, d), d) }); err != nil {
			return err
		}
	}
	return nil
}
