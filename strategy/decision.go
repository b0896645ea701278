package strategy

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
)

// Decision names one wish of a strategy: what was being handled, and the how-manieth wish in that handler. It holds
// neither chance nor clock, so a handler that runs again over the same input asks under the same name, and the second
// asking places nothing (P3). The zero Decision is none.
type Decision struct{ cause risk.Cause }

// DecisionOf gives the decision that orders and journal know by cause.
func DecisionOf(cause risk.Cause) Decision { return Decision{cause: cause} }

// Cause returns the key under which orders and journal know the decision.
func (d Decision) Cause() risk.Cause { return d.cause }

// Zero reports whether d is no decision.
func (d Decision) Zero() bool { return d == Decision{} }

// String returns the key as hexadecimal digits.
func (d Decision) String() string { return hex.EncodeToString(d.cause[:]) }

// The first byte of a decision says what was being handled.
const (
	ofData byte = iota + 1
	ofReport
	ofTimer
	ofStart
	ofOnce
	ofState
	ofTold
	ofGate
	ofStop
	ofWant
	ofRefusals
	ofGap
)

// root is a decision without its ordinal: what is being handled.
type root [21]byte

// dataRoot names a market message. Its position never returns: incarnation counts the lives of the node's journal, feed
// is the feed's place in the configuration, epoch and seq are the message's, and kind tells a quote from a trade of one message.
// Place is the instrument's among those of the strategy: books that changed in one packet are told at one position.
func dataRoot(incarnation uint32, feed uint8, kind byte, epoch uint32, seq uint64, place uint16) root {
	var r root
	r[0] = ofData
	binary.BigEndian.PutUint32(r[1:], incarnation)
	r[5], r[6] = feed, kind
	binary.BigEndian.PutUint32(r[7:], epoch)
	binary.BigEndian.PutUint64(r[11:], seq)
	binary.BigEndian.PutUint16(r[19:], place)
	return r
}

// stateRoot names a change of state. A channel changes its state where no message is, so its position returns: all that
// it says, and when, is in the name.
func stateRoot(incarnation uint32, feed uint8, e feeds.StateChange) root {
	var r root
	r[0] = ofState
	binary.BigEndian.PutUint32(r[1:], incarnation)
	r[5] = feed
	text := fmt.Appendf(nil, "%d %d %s %d %t %s %d", e.Epoch, e.Seq, e.Instrument, e.State, e.Reset, e.Why, e.Mono)
	sum := sha256.Sum256(text)
	copy(r[6:], sum[:])
	return r
}

// reportRoot names an event of an order by its evidence, which is told again under the same name after a crash. One record
// may be the evidence of several events, so what tells them apart is in the name. An event without evidence, such as a
// refusal, is never told again: n is its number among those of this life of the node.
func reportRoot(incarnation uint32, e *orders.Event, n uint64) root {
	var r root
	if e.Evidence == 0 {
		r[0] = ofTold
		binary.BigEndian.PutUint64(r[1:], n)
		binary.BigEndian.PutUint32(r[9:], incarnation)
		return r
	}
	r[0] = ofReport
	binary.BigEndian.PutUint64(r[1:], e.Evidence)
	r[9] = byte(e.Kind)
	h := sha256.New()
	h.Write(e.Cause[:])
	_, _ = fmt.Fprintf(h, "%q %q %q", e.Order, e.Request, e.Exec)
	copy(r[10:], h.Sum(nil))
	return r
}

// timerRoot names a tick by its key and the time it was due.
func timerRoot(incarnation uint32, key string, due int64) root {
	return momentRoot(incarnation, ofTimer, key, due)
}

// momentRoot names what happens at a moment by what it is, which word it goes by and when it was: an instant, which each life of
// the node counts from the beginning.
func momentRoot(incarnation uint32, of byte, key string, due int64) root {
	var r root
	r[0] = of
	sum := sha256.Sum256([]byte(key))
	copy(r[1:9], sum[:8])
	binary.BigEndian.PutUint64(r[9:], uint64(due))
	binary.BigEndian.PutUint32(r[17:], incarnation)
	return r
}

// startRoot names OnStart of one incarnation, whose decisions are made anew each time.
func startRoot(incarnation uint32, epoch uint64) root {
	var r root
	r[0] = ofStart
	binary.BigEndian.PutUint32(r[1:], incarnation)
	binary.BigEndian.PutUint64(r[5:], epoch)
	return r
}

// nth is the decision of the n-th wish under r, counted from 0.
func (r root) nth(n uint16) Decision {
	var d Decision
	copy(d.cause[:], r[:])
	binary.BigEndian.PutUint16(d.cause[22:], n+1)
	return d
}

// once is the decision that a text names: one order over every crash, for as long as the journal remembers it.
func once(text string) Decision {
	var d Decision
	sum := sha256.Sum256([]byte(text))
	d.cause[0] = ofOnce
	copy(d.cause[1:17], sum[:16])
	return d
}
