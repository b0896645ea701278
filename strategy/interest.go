package strategy

import (
	"fmt"
	"maps"
	"sync/atomic"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
)

// Interest is which market data the living incarnation of one strategy wants. It outlives incarnations: the feed's side reads it for
// each message, the strategy's side writes it once in each start. A nil or zero Interest wants everything.
type Interest struct{ said atomic.Pointer[interest] }

type interest struct {
	epoch uint64
	of    map[market.Instrument]feeds.Kinds // nil: everything
}

// Wants reports whether data of a kind is wanted of an instrument. Changes of state are wanted in any case. Safe for any number of
// goroutines.
func (i *Interest) Wants(kind feeds.Kinds, of market.Instrument) bool {
	if i == nil {
		return true
	}
	said := i.said.Load()
	return said == nil || said.of == nil || said.of[of]&kind != 0
}

// say sets what one incarnation wants. What one that was left behind says does not count.
func (i *Interest) say(epoch uint64, of map[market.Instrument]feeds.Kinds) {
	next := &interest{epoch, of}
	for {
		before := i.said.Load()
		if before != nil && before.epoch > epoch || i.said.CompareAndSwap(before, next) {
			return
		}
	}
}

// subscribe takes one wish of OnStart.
func (s *shell) subscribe(i market.Instrument, kinds feeds.Kinds) {
	needs := NeedsOf(s.user)
	switch _, mine := s.contracts[i]; {
	case !s.starting:
		s.mistake("Subscribe(%s) outside OnStart", i)
	case !mine:
		s.mistake("Subscribe(%s): the strategy is not configured for it", i)
	case kinds&^needs.kinds() != 0:
		s.mistake("Subscribe(%s, %b): the strategy has handlers for %b alone", i, kinds, needs.kinds())
	default:
		if s.subscribed == nil {
			s.subscribed = map[market.Instrument]feeds.Kinds{}
		}
		s.subscribed[i] |= kinds
	}
}

// mistake is what no market makes right: the handler ends as if it had returned an error.
func (s *shell) mistake(format string, args ...any) {
	if s.fault == nil {
		s.fault = fmt.Errorf("strategy %s: "+format, append([]any{s.cfg.Name}, args...)...)
	}
}

// listen makes what OnStart has subscribed to what is delivered.
func (s *shell) listen() {
	s.cfg.Interest.say(uint64(s.self.Epoch()), maps.Clone(s.subscribed))
}
