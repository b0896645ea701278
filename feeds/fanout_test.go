package feeds_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
)

var (
	simAcme = market.MustListed("SIM", "ACME")
	simBolt = market.MustListed("SIM", "BOLT")
)

// ear is a Sink that writes down what it hears under its name, in a list that all share.
type ear struct {
	name string
	all  *[]string
}

func (e ear) say(format string, args ...any) {
	*e.all = append(*e.all, e.name+": "+fmt.Sprintf(format, args...))
}

func (e ear) Quote(q feeds.Quote) { e.say("quote %s", q.Instrument.Symbol()) }
func (e ear) Depth(d feeds.Depth) {
	e.say("depth %s %s %s@%s %v", d.Instrument.Symbol(), d.Side, d.Qty, d.Price, d.Complete)
}
func (e ear) Trade(t feeds.Trade) { e.say("trade %s", t.Instrument.Symbol()) }
func (e ear) State(c feeds.StateChange) {
	e.say("state %s %s", c.Instrument.Symbol(), c.State)
}

// prover is an ear that wants to be told of proofs.
type prover struct{ ear }

func (p prover) Proven(mono int64)                          { p.say("proven %d", mono) }
func (p prover) ProvenBook(i market.Instrument, mono int64) { p.say("proven %s %d", i.Symbol(), mono) }

func TestFanoutHandsToEachWhatItAskedForInOrder(t *testing.T) {
	var heard []string
	a, b, c := ear{"a", &heard}, ear{"b", &heard}, prover{ear{"c", &heard}}
	f, err := feeds.NewFanout(
		feeds.Subscriber{Name: "a", Kinds: feeds.AllKinds, Instruments: []market.Instrument{simAcme}, Sink: a},
		feeds.Subscriber{Name: "b", Kinds: feeds.Trades, Sink: b},
		feeds.Subscriber{Name: "c", Kinds: feeds.Quotes | feeds.Depths, Instruments: []market.Instrument{simBolt, simAcme}, Sink: c},
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		do   func()
		want string
	}{
		{"a quote", func() { f.Quote(feeds.Quote{Instrument: simAcme}) }, "a: quote ACME, c: quote ACME"},
		{"a quote again, by the same way", func() { f.Quote(feeds.Quote{Instrument: simAcme}) }, "a: quote ACME, c: quote ACME"},
		{"a quote of another", func() { f.Quote(feeds.Quote{Instrument: simBolt}) }, "c: quote BOLT"},
		{"a trade", func() { f.Trade(feeds.Trade{Instrument: simBolt}) }, "b: trade BOLT"},
		{"depth", func() { f.Depth(feeds.Depth{Instrument: simBolt, Side: market.Buy}) }, "c: depth BOLT buy 0@0 false"},
		{"a state reaches who asked for no kind of it", func() { f.State(feeds.StateChange{Instrument: simAcme, State: feeds.Suspect}) }, "a: state ACME suspect, b: state ACME suspect, c: state ACME suspect"},
		{"the state of a book goes to its readers", func() { f.State(feeds.StateChange{Instrument: simBolt, State: feeds.Live}) }, "b: state BOLT live, c: state BOLT live"},
		{"the state of the channel goes to all", func() { f.State(feeds.StateChange{State: feeds.Down}) }, "a: state  down, b: state  down, c: state  down"},
		{"a proof", func() { f.Proven(7) }, "c: proven 7"},
		{"a proof of one book", func() { f.ProvenBook(simAcme, 8) }, "c: proven ACME 8"},
	} {
		heard = heard[:0]
		tt.do()
		if got := strings.Join(heard, ", "); got != tt.want {
			t.Errorf("%s: heard %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestFanoutNamesEveryMistake(t *testing.T) {
	_, err := feeds.NewFanout(
		feeds.Subscriber{Sink: feeds.Discard{}},
		feeds.Subscriber{Name: "x"},
		feeds.Subscriber{Name: "x", Sink: feeds.Discard{}, Instruments: []market.Instrument{{}}},
	)
	if err == nil {
		t.Fatal("NewFanout() accepted them")
	}
	for _, want := range []string{"subscriber 0 has no name", `"x" has no sink`, `two subscribers are called "x"`, `"x" asks for an invalid instrument`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
}

func TestFanoutDoesNotAllocate(t *testing.T) {
	f, _ := feeds.NewFanout(feeds.Subscriber{Name: "a", Kinds: feeds.AllKinds, Sink: feeds.Discard{}})
	n := 0
	both := []market.Instrument{simAcme, simBolt}
	if got := testing.AllocsPerRun(100, func() {
		n++
		f.Quote(feeds.Quote{Instrument: both[n%2]})
		f.Depth(feeds.Depth{Instrument: both[n%2]})
	}); got != 0 {
		t.Errorf("allocations = %v, want none", got)
	}
}

// hanging is an ear that waits in its first quote until it is released.
type hanging struct {
	ear
	reached, release chan struct{}
}

func (h *hanging) Quote(q feeds.Quote) {
	h.ear.Quote(q)
	if h.reached != nil {
		reached := h.reached
		h.reached = nil
		close(reached)
		<-h.release
	}
}

// TestHangingSubscriberHoldsUpNobodyElse leaves an incarnation behind that hangs in a subscriber. What is heard by each is
// kept apart, for the race detector to find two in one Sink.
func TestHangingSubscriberHoldsUpNobodyElse(t *testing.T) {
	var slow, next []string
	h := &hanging{ear{"slow", &slow}, make(chan struct{}), make(chan struct{})}
	reached := h.reached
	all, err := feeds.NewFanout(
		feeds.Subscriber{Name: "slow", Kinds: feeds.AllKinds, Sink: h},
		feeds.Subscriber{Name: "next", Kinds: feeds.AllKinds, Sink: ear{"next", &next}},
	)
	if err != nil {
		t.Fatal(err)
	}
	var over atomic.Bool
	never := func() bool { return false }
	old := all.Turn(over.Load)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		old.Quote(feeds.Quote{Instrument: simAcme})
		old.State(feeds.StateChange{State: feeds.Suspect})
		old.Leave()
	}()
	<-reached
	over.Store(true)
	present := all.Turn(never)
	present.State(feeds.StateChange{State: feeds.Down})
	present.Trade(feeds.Trade{Instrument: simBolt})
	if got, want := strings.Join(next, ", "), "next: state  down, next: trade BOLT"; got != want {
		t.Errorf("the other one heard %q, want %q", got, want)
	}
	show := func(to feeds.Sink) { to.State(feeds.StateChange{State: feeds.Live}) }
	present.Owing(show)
	close(h.release)
	<-ended
	if got, want := strings.Join(slow, ", "), "slow: quote ACME"; got != want {
		t.Errorf("the hanging one heard %q, want %q: nothing beside what it hangs in", got, want)
	}
	present.State(feeds.StateChange{State: feeds.Syncing})
	present.Owing(show)
	present.Owing(show)
	present.Trade(feeds.Trade{Instrument: simAcme})
	if got, want := strings.Join(slow, ", "), "slow: quote ACME, slow: state  live, slow: trade ACME"; got != want {
		t.Errorf("the hanging one heard %q, want %q: shown once what it was not told", got, want)
	}
	if got, want := strings.Join(next, ", "), "next: state  down, next: trade BOLT, next: state  syncing, next: trade ACME"; got != want {
		t.Errorf("the other one heard %q, want %q: nothing of the incarnation that was left behind", got, want)
	}
}

func TestSubscriberThatPanickedIsToldAgain(t *testing.T) {
	var heard []string
	b := &breaks{ear{"b", &heard}}
	all, err := feeds.NewFanout(feeds.Subscriber{Name: "b", Kinds: feeds.AllKinds, Sink: b})
	if err != nil {
		t.Fatal(err)
	}
	func() {
		old := all.Turn(func() bool { return false })
		defer func() { _ = recover() }()
		defer old.Leave()
		old.Trade(feeds.Trade{Instrument: simAcme})
	}()
	all.Turn(func() bool { return false }).State(feeds.StateChange{State: feeds.Down})
	if got, want := strings.Join(heard, ", "), "b: state  down"; got != want {
		t.Errorf("heard %q, want %q", got, want)
	}
}

// breaks is an ear that panics at a trade.
type breaks struct{ ear }

func (b *breaks) Trade(feeds.Trade) { panic("trade") }

func TestBufferReleasedTwicePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("the second release did not panic")
		}
	}()
	feeds.LentTwice()
}

func TestBuffersAreUsedAgain(t *testing.T) {
	if first, second := feeds.Lent([]byte("one"), []byte("two")); first != "two" || second != "two" {
		t.Errorf("bytes after release = %q, of the next = %q, want the same buffer", first, second)
	}
}

func TestServiceNamesEveryMistake(t *testing.T) {
	_, err := feeds.NewService(feeds.ServiceConfig{
		Request: loopback(1),
		Lines:   []feeds.Line{{Name: "a"}, {Name: "channel", Address: loopback(0)}, {Name: "a", Address: unspecified}},
	})
	if err == nil {
		t.Fatal("NewService() accepted them")
	}
	for _, want := range []string{"no function that makes", "no board", "re-request server and no function", "line a has no address", `want one that is not "channel"`, `two lines are called "a"`, "want a multicast group", "hold = 0"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
	if _, err := feeds.NewService(feeds.ServiceConfig{}); err == nil || !strings.Contains(err.Error(), "no lines") {
		t.Errorf("error = %v, want one that says that there are no lines", err)
	}
}
