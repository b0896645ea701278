package strategy

import (
	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/mailbox"
)

// Box is the mailbox of a strategy with so many contracts that listens to so many feeds: the four lanes of mailbox.DefaultConfig, of
// which Data conflates.
func Box(contracts, feeds int) mailbox.Config {
	c := mailbox.DefaultConfig("strategy")
	data := &c.Lanes[mailbox.Data-1]
	c.MaxKeys = feeds * (2*contracts + 1) // of each feed: a book each, and the channel itself
	data.Policy, data.Cap = mailbox.Conflate, data.Cap+c.MaxKeys
	return c
}

// Options are what the actor of a strategy is spawned with: its box, in which lane a message waits, and which of them a newer one may
// replace.
func Options(box mailbox.Config) []actors.Option {
	return []actors.Option{
		actors.WithBox(box), actors.WithLane(Lane), actors.WithConflation(describe, gapOf), actors.WithQuarantine(poisonAfter, fingerprint),
	}
}

// poisonAfter is how many incarnations a trade or a quote may end before it is put in quarantine.
const poisonAfter = 2

// fingerprint knows a trade or a quote again, which each showing of its feed brings back. Nothing else is put in quarantine: a
// timer or a gate is no less a fault of the strategy the next time, and what becomes of an order's event is the business of
// who keeps it, see Ear.
func fingerprint(m Message) uint64 {
	var p feeds.Pos
	switch m.kind {
	case gotTrade:
		p = m.trade.Pos
	case gotQuote:
		p = m.quote.Pos
	default:
		return 0
	}
	const odd = 0x9e3779b97f4a7c15
	h := uint64(m.kind)<<32 | uint64(m.feed)<<16 | uint64(m.place)
	for _, x := range [...]uint64{uint64(p.Epoch), p.Seq} {
		h = (h ^ x) * odd
		h ^= h >> 29
	}
	return h | 1
}

// describe says what the box may do with a message of a feed: a newer quote, or word of a book, replaces one that waits; a trade and a change of state
// are each told, or missed; a mark parts.
func describe(m Message) mailbox.Description {
	d := mailbox.Description{Key: m.key(), Seq: m.seq}
	switch m.kind {
	case gotQuote, gotBook:
		d.Kind = mailbox.State
	case gotMark:
		d.Kind, d.Snapshot = mailbox.Barrier, m.live
	default:
	}
	return d
}

// gapOf makes what stands where data was lost. It goes by the number of the last that was, which is in no other gap.
func gapOf(k mailbox.Key, _, to uint64) Message {
	return Message{kind: gotGap, feed: uint8(k >> 17), place: placeOf(k), book: k>>16&1 == 1, seq: to} //nolint:gosec // what key has put there
}

// key is the stream that a message of a feed is of.
func (m *Message) key() mailbox.Key {
	k := mailbox.Key(m.feed)<<17 | mailbox.Key(m.place)
	if m.book {
		k |= 1 << 16
	}
	return k
}

func placeOf(k mailbox.Key) uint16 { return uint16(k) } //nolint:gosec // the lower half
