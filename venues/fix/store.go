package fix

import (
	"sync"
	"time"

	"github.com/quickfixgo/quickfix"
)

// store keeps what a session was sent, so that it can be sent again: the last so many messages. What is older is gap-filled.
type store struct {
	mu       sync.Mutex
	created  time.Time
	out, in  int
	keep     int
	messages map[int][]byte
	first    int // no message below this number is kept
}

var _ quickfix.MessageStore = (*store)(nil)

func newStore(keep int, created time.Time) *store {
	return &store{created: created, out: 1, in: 1, keep: keep, messages: map[int][]byte{}, first: 1}
}

func (s *store) locked(f func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	return nil
}

func (s *store) NextSenderMsgSeqNum() (n int) { _ = s.locked(func() { n = s.out }); return n }
func (s *store) NextTargetMsgSeqNum() (n int) { _ = s.locked(func() { n = s.in }); return n }

func (s *store) IncrNextSenderMsgSeqNum() error { return s.locked(func() { s.out++ }) }
func (s *store) IncrNextTargetMsgSeqNum() error { return s.locked(func() { s.in++ }) }

func (s *store) SetNextSenderMsgSeqNum(n int) error { return s.locked(func() { s.out = n }) }
func (s *store) SetNextTargetMsgSeqNum(n int) error { return s.locked(func() { s.in = n }) }

func (s *store) CreationTime() time.Time     { return s.created }
func (s *store) SetCreationTime(t time.Time) { s.created = t }

// SaveMessage keeps a message and lets the oldest go.
func (s *store) SaveMessage(seq int, msg []byte) error {
	return s.locked(func() { s.save(seq, msg) })
}

func (s *store) save(seq int, msg []byte) {
	s.messages[seq] = msg
	for ; len(s.messages) > s.keep && s.first <= seq; s.first++ {
		delete(s.messages, s.first)
	}
}

// SaveMessageAndIncrNextSenderMsgSeqNum keeps and counts.
func (s *store) SaveMessageAndIncrNextSenderMsgSeqNum(seq int, msg []byte) error {
	return s.locked(func() { s.save(seq, msg); s.out++ })
}

// GetMessages returns what is kept of a range.
func (s *store) GetMessages(from, to int) ([][]byte, error) {
	var out [][]byte
	s.mu.Lock()
	defer s.mu.Unlock()
	for seq := max(from, s.first); seq <= min(to, s.out-1); seq++ {
		if m, ok := s.messages[seq]; ok {
			out = append(out, m)
		}
	}
	return out, nil
}

// IterateMessages gives each that is kept of a range.
func (s *store) IterateMessages(from, to int, f func([]byte) error) error {
	all, _ := s.GetMessages(from, to)
	for _, m := range all {
		if err := f(m); err != nil {
			return err
		}
	}
	return nil
}

// Refresh reads nothing anew.
func (s *store) Refresh() error { return nil }

// Reset begins again at 1, which a logon with ResetSeqNumFlag asks for.
func (s *store) Reset() error {
	return s.locked(func() {
		s.out, s.in, s.first = 1, 1, 1
		clear(s.messages)
	})
}

// Close keeps everything.
func (s *store) Close() error { return nil }
