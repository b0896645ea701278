package strategy_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/strategy"
)

var (
	conflateSeed  = flag.Uint64("conflate.seed", uint64(time.Now().UnixNano()), "seed of the random streams through a full box")
	conflateTimes = flag.Int("conflate.times", 300, "how many random streams there are")
)

// told is one thing that a feed says, or that a strategy hears. N counts what the feed says; a gap has none.
type told struct {
	kind     string // quote, trade, state, gap
	of       market.Instrument
	n        uint64
	state    feeds.State
	readable bool // when it was heard: the book of that instrument
}

// tape notes what it hears.
type tape struct{ heard []told }

func (p *tape) note(c *strategy.Context, e told) {
	if e.of.Valid() {
		_, err := c.Quote(e.of)
		e.readable = err == nil
	}
	p.heard = append(p.heard, e)
}

func (p *tape) OnQuote(c *strategy.Context, q feeds.Quote) error {
	p.note(c, told{kind: "quote", of: q.Instrument, n: q.Seq})
	return nil
}

func (p *tape) OnTrade(c *strategy.Context, e feeds.Trade) error {
	p.note(c, told{kind: "trade", of: e.Instrument, n: e.Seq})
	return nil
}

func (p *tape) OnFeedState(c *strategy.Context, e feeds.StateChange) error {
	kind := "state"
	if e.Why == "box was full" {
		kind = "gap"
	}
	p.note(c, told{kind: kind, of: e.Instrument, n: e.Seq, state: e.State})
	return nil
}

// TestWhatIsHeardIsWhatWasSaid sends random streams through boxes that are often full.
func TestWhatIsHeardIsWhatWasSaid(t *testing.T) {
	t.Logf("repeat with -conflate.seed=%d", *conflateSeed)
	lost, merged := 0, 0
	for i := range *conflateTimes {
		rnd := rand.New(rand.NewPCG(*conflateSeed, uint64(i))) //nolint:gosec // no secret
		said, heard := stream(t, rnd)
		l, m, err := judge(said, heard)
		if err != nil {
			t.Fatalf("stream %d: %v\nsaid  %v\nheard %v", i, err, said, heard)
		}
		lost, merged = lost+l, merged+m
	}
	if lost == 0 || merged == 0 {
		t.Errorf("%d lost and %d merged, want some of both, or nothing was tried", lost, merged)
	}
}

func stream(t *testing.T, rnd *rand.Rand) (said, heard []told) {
	t.Helper()
	p := &tape{}
	r := newRig(t, func(r *rig) { r.box.Lanes[mailbox.Data-1].Cap = r.box.MaxKeys + 1 + rnd.IntN(6) })
	r.start(p, strategy.State{})
	feed := strategy.Inlet(r.to, 0, r.cfg.Contracts, strategy.NeedsOf(p))
	for n := range uint64(40 + rnd.IntN(60)) {
		e := told{of: []market.Instrument{acme, bolt}[rnd.IntN(2)], n: n + 1}
		switch k := rnd.IntN(10); {
		case k < 4:
			e.kind = "quote"
			feed.Quote(quote(e.of, e.n))
		case k < 7:
			e.kind = "trade"
			feed.Trade(trade(e.of, e.n))
		default:
			e.kind, e.state = "state", []feeds.State{feeds.Live, feeds.Live, feeds.Suspect, feeds.Down}[rnd.IntN(4)]
			if rnd.IntN(2) == 0 {
				e.of = market.Instrument{}
			}
			feed.State(feeds.StateChange{Pos: feeds.Pos{Epoch: 1, Seq: e.n}, Instrument: e.of, State: e.state, Why: "planted"})
		}
		said = append(said, e)
		if rnd.IntN(5) == 0 {
			r.settle()
		}
	}
	r.settle()
	return said, p.heard
}

// judge holds what was heard against what was said, for each instrument with its channel: nothing overtakes, a missing trade or
// change of state is told as a gap where it is missing, nothing behind it is readable before a Live that was said after it, and
// the newest quote is heard unless a doubt or a gap has made it void.
func judge(said, heard []told) (lost, merged int, err error) {
	at := map[uint64]int{} // what was heard, by number
	for i, e := range heard {
		if e.kind != "gap" {
			at[e.n] = i
		}
	}
	for _, of := range []market.Instrument{acme, bolt} {
		last, newest := uint64(0), uint64(0)
		for i, e := range heard {
			if e.of != of && e.of.Valid() || e.kind == "gap" {
				continue
			}
			if e.n <= last {
				return 0, 0, fmt.Errorf("%s: %d is heard behind %d", of, e.n, last)
			}
			last = e.n
			if err := unreadable(said, heard[:i+1], at, of); err != nil {
				return 0, 0, err
			}
		}
		void := false
		for _, e := range said {
			_, told := at[e.n]
			switch {
			case e.kind == "quote" && e.of == of:
				newest, void = e.n, false
				if !told {
					merged++
				}
			case e.of == of || !e.of.Valid():
				void = void || e.kind == "state"
				if !told {
					lost++
					void = true
					if err := gapOf(said, heard, at, e); err != nil {
						return 0, 0, err
					}
				}
			}
		}
		if _, told := at[newest]; newest > 0 && !told && !void && !gapped(heard, of) {
			return 0, 0, fmt.Errorf("%s: the newest quote %d is not heard", of, newest)
		}
	}
	return lost, merged, nil
}

// gapOf looks for the gap of a missing trade or change of state: behind all of its stream that was said before, and ahead of all
// that was said after it.
func gapOf(said, heard []told, at map[uint64]int, missing told) error {
	from, to := 0, len(heard)
	for _, e := range said {
		i, told := at[e.n]
		if !told || e.of != missing.of || e.kind == "quote" {
			continue
		}
		if e.n < missing.n {
			from = i + 1
		} else {
			to = min(to, i)
		}
	}
	for _, e := range heard[from:to] {
		if e.kind == "gap" && e.of == missing.of {
			return nil
		}
	}
	return fmt.Errorf("%+v is missing and no gap says so", missing)
}

// unreadable checks the last that was heard: a book behind a hole may not be read before a Live that was said after the hole.
func unreadable(said, heard []told, at map[uint64]int, of market.Instrument) error {
	now := heard[len(heard)-1]
	if !now.readable {
		return nil
	}
	holes := map[market.Instrument]bool{}
	for _, e := range said {
		if e.n > now.n || e.of != of && e.of.Valid() {
			continue
		}
		_, told := at[e.n]
		if !told && e.kind != "quote" {
			holes[e.of] = true
		}
		if told && e.kind == "state" && e.state == feeds.Live {
			delete(holes, of) // a channel that is Live says so of all its books
			if !e.of.Valid() {
				delete(holes, e.of)
			}
		}
	}
	if len(holes) > 0 {
		return fmt.Errorf("%+v is heard while the book is readable, behind holes in %v", now, holes)
	}
	return nil
}

func gapped(heard []told, of market.Instrument) bool {
	for _, e := range heard {
		if e.kind == "gap" && (e.of == of || !e.of.Valid()) {
			return true
		}
	}
	return false
}
