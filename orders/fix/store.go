package fix

import (
	"sync"
	"time"

	"github.com/quickfixgo/quickfix"
)

// store is the engine's memory of a session: its two counters, and no message. What was sent is never sent again, so there is nothing to
// keep, and where the next life has to go on is in the evidence of the journal, not here.
type store struct {
	created time.Time
	moved   func(in int) // told each new number of the next message of the venue, in the engine's turn

	mu      sync.Mutex
	out, in int
}

var _ quickfix.MessageStore = (*store)(nil)

// Create gives the engine this store, whatever its session is called: there is one engine to a session.
func (s *store) Create(quickfix.SessionID) (quickfix.MessageStore, error) { return s, nil }

// counters returns the numbers of the next message out and in.
func (s *store) counters() (out, in int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out, s.in
}

// set has both counters go on at other numbers, for a logon that is yet to come.
func (s *store) set(out, in int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out, s.in = out, in
}

func (s *store) NextSenderMsgSeqNum() int { out, _ := s.counters(); return out }
func (s *store) NextTargetMsgSeqNum() int { _, in := s.counters(); return in }

func (s *store) IncrNextSenderMsgSeqNum() error { return s.change(func() { s.out++ }) }
func (s *store) IncrNextTargetMsgSeqNum() error { return s.change(func() { s.in++ }) }

func (s *store) SetNextSenderMsgSeqNum(n int) error { return s.change(func() { s.out = n }) }
func (s *store) SetNextTargetMsgSeqNum(n int) error { return s.change(func() { s.in = n }) }

func (s *store) change(f func()) error {
	s.mu.Lock()
	before := s.in
	f()
	in := s.in
	s.mu.Unlock()
	if in != before && s.moved != nil {
		s.moved(in)
	}
	return nil
}

func (s *store) CreationTime() time.Time     { return s.created }
func (s *store) SetCreationTime(t time.Time) { s.created = t }

// SaveMessage keeps nothing.
func (s *store) SaveMessage(int, []byte) error { return nil }

// SaveMessageAndIncrNextSenderMsgSeqNum counts, and keeps nothing.
func (s *store) SaveMessageAndIncrNextSenderMsgSeqNum(int, []byte) error {
	return s.IncrNextSenderMsgSeqNum()
}

// GetMessages has none: the engine fills the gap, so that no order of another time is executed.
func (s *store) GetMessages(int, int) ([][]byte, error) { return nil, nil }

// IterateMessages has none.
func (s *store) IterateMessages(int, int, func([]byte) error) error { return nil }

// Refresh reads nothing anew.
func (s *store) Refresh() error { return nil }

// Reset begins again at 1, which the engine does when a logon with ResetSeqNumFlag was agreed on.
func (s *store) Reset() error { s.set(1, 1); return nil }

// Close keeps everything, since the engine is closed and opened again.
func (s *store) Close() error { return nil }
