package strategy

import (
	"fmt"
	"time"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
)

// gapWhy is the reason of a change of state that speaks of the strategy's own box and not of the feed.
const gapWhy = "box was full"

// showAfter lets gaps of several instruments, which come in a bunch, be healed by one showing.
const showAfter = 10 * time.Millisecond

type showKey struct{}

// passed notes the position to which this incarnation has come in the stream of a message.
func (s *shell) passed(m *Message, at feeds.Pos) {
	n := s.stream(m)
	if n >= len(s.passes) {
		s.passes = append(s.passes, make([]feeds.Pos, n+1-len(s.passes))...)
	}
	s.passes[n] = at
}

// stream numbers the stream of a message: of each feed the channel and each instrument, and the book of each.
func (s *shell) stream(m *Message) int {
	n := (int(m.feed)*(len(s.instruments)+1) + int(m.place)) * 2
	if m.book {
		n++
	}
	return n
}

// onGap tells that data was lost on its way here. Its position is the last of the same stream that this incarnation was told, 0 where
// there is none: what was lost comes behind it.
func (s *shell) onGap(m Message) error {
	s.gapped[m.key()] = true
	s.askShow(showAfter)
	h, ok := s.user.(FeedStateHandler)
	if !ok {
		return nil
	}
	e := feeds.StateChange{Instrument: s.instrumentOf(m.place), State: feeds.Suspect, Why: gapWhy, Mono: s.instant}
	if n := s.stream(&m); n < len(s.passes) {
		e.Pos = s.passes[n]
	}
	name := fmt.Sprint(m.feed, " ", m.place, " ", m.book)
	return s.handle(momentRoot(s.cfg.Incarnation, ofGap, name, int64(m.seq)), func(c *Context) error { return h.OnFeedState(c, e) })
}

// onMark takes blindness away where the feed has said Live.
func (s *shell) onMark(m Message) {
	if m.live {
		delete(s.gapped, m.key())
	}
}

// askShow has the feed asked for a showing, once for all that was lost so far.
func (s *shell) askShow(in time.Duration) {
	if s.cfg.Show != nil && !s.asking {
		s.asking = true
		s.self.After(showKey{}, in, Message{kind: gotShow})
	}
}

// onShow asks the feed, and again where it does not take the question.
func (s *shell) onShow() {
	s.asking = false
	if err := s.cfg.Show(); err != nil {
		s.askShow(attachEvery)
	}
}

// instrumentOf is what stands at a place, the zero Instrument for the channel.
func (s *shell) instrumentOf(place uint16) market.Instrument {
	if place == 0 {
		return market.Instrument{}
	}
	return s.instruments[place-1]
}

// blind reports whether data of i, or a change of a whole channel, was lost on its way here, so that no book of it can be read.
func (s *shell) blind(i market.Instrument) bool {
	for k := range s.gapped {
		if place := placeOf(k); place == 0 || s.instruments[place-1] == i {
			return true
		}
	}
	return false
}
