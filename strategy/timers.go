package strategy

import "time"

type timerKey string

// tick is a Timer on its way; a period above 0 sets the next one when it arrives.
type tick struct {
	key    string
	due    int64
	period time.Duration
}

// clock is read anew where a timer is set or arrives: a turn may have begun before a handler that was slow.
func (s *shell) clock() int64 { return s.self.System().Mono() }

func (s *shell) after(key string, d time.Duration) {
	s.set(tick{key: key, due: s.clock() + int64(max(d, 0))})
}

func (s *shell) every(key string, d time.Duration) { s.set(tick{key, s.clock() + int64(d), d}) }

func (s *shell) set(t tick) {
	s.self.After(timerKey(t.key), time.Duration(t.due-s.clock()), Message{kind: gotTimer, rest: t})
}

// onTick tells a tick. The next of its key is set before, so that the handler may take it back, and on the grid of the
// first one, so that a late tick moves none.
func (s *shell) onTick(t tick) error {
	told := Timer{Key: t.key, Due: t.due}
	if t.period > 0 {
		told.Missed = int(max(0, s.clock()-t.due) / int64(t.period))
		s.set(tick{t.key, t.due + int64(told.Missed+1)*int64(t.period), t.period})
	}
	h, ok := s.user.(TimerHandler)
	if !ok {
		return nil
	}
	return s.handle(timerRoot(s.cfg.Incarnation, t.key, t.due), func(c *Context) error { return h.OnTimer(c, told) })
}
