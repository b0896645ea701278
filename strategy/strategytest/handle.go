package strategytest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
)

// Effects are what handlers have asked for, in order within each list.
type Effects struct {
	Placed    []risk.Intent
	Cancelled []strategy.Decision
	Swept     int      // CancelAll
	Refused   []string // by the shell, with its reason
	Held      []string // goals that wait, with their reason
	Err       error    // of a handler that failed: the strategy is over, and what that handler wished for was dropped
}

// Handler calls handlers of one value of a strategy, without a node: its account takes everything and says nothing by itself, its gate
// is open, and its clock stands still but for Wait. It is for one goroutine, the test's.
type Handler struct {
	t      testing.TB
	sys    *actors.System
	to     actors.Address[strategy.Message]
	feed   feeds.Sink
	market *marketMaker
	quotes map[market.Instrument]feeds.Quote
	mode   risk.Mode
	now    Effects
	seq    uint64
	told   uint64
}

const handled = actors.Name("handled")

// Handle starts a strategy, a pointer to a struct with its parameters, over the instrument ACME or those of the symbols, which are as
// Setup's. It is flat, its OnStart and its first OnGate have returned, and what these asked for is in the first Effects.
func Handle(t testing.TB, s any, symbols ...string) *Handler {
	t.Helper()
	contracts, err := Setup{Symbols: symbols}.contracts()
	if err != nil {
		t.Fatalf("strategytest: %v", err)
	}
	h := &Handler{t: t, market: newMarket(contracts), quotes: map[market.Instrument]feeds.Quote{}, mode: risk.Open}
	h.sys, err = actors.New(actors.Config{
		Name: "handle", Clock: actors.Virtual(time.Date(2026, time.January, 5, 14, 30, 0, 0, time.UTC)), Dispatch: actors.Deterministic(), AskMax: time.Second,
	})
	if err != nil {
		t.Fatalf("strategytest: %v", err)
	}
	t.Cleanup(func() { h.must(h.sys.Stop(context.Background())) })
	h.sys.OnExit(func(x actors.Exit) {
		if x.Reason.Abnormal() {
			h.now.Err = fmt.Errorf("%s: %w", x.Reason, x.Err)
		}
	})
	h.to = actors.Follow[strategy.Message](h.sys, handled)
	books := strategy.NewBooks(contracts)
	needs := strategy.NeedsOf(s)
	needs.Books = books
	h.feed = strategy.Inlet(h.to, 0, contracts, needs)
	shell := strategy.NewShell(strategy.Config{
		Name: "handled", Account: "TEST", Contracts: contracts, TTL: time.Second, Desk: till{h}, World: till{h}, Books: books, Events: strategy.Events{
			Refused: func(_, reason string, _ int) { h.now.Refused = append(h.now.Refused, reason) },
			Held:    func(_, reason string) { h.now.Held = append(h.now.Held, reason) },
		},
	}, s, strategy.WhyFirst, func(string) error { return nil })
	spec, err := actors.Spec[strategy.Message]{Name: handled, Epoch: 1, Class: "strategy", Actor: shell}.With(strategy.Options(strategy.Box(len(contracts), 1))...)
	h.must(err)
	_, err = actors.Spawn(h.sys, spec)
	h.must(err)
	h.pass(0)
	h.tell(strategy.Restored(strategy.State{}))
	h.state(feeds.StateChange{State: feeds.Live, Reset: true})
	return h
}

// Tell tells what lines say, in the words of Lines, all at one moment, and gives what was asked for since the last call. A trip is
// Gate's to say, and time Wait's.
func (h *Handler) Tell(lines ...string) Effects {
	h.t.Helper()
	before := len(h.market.steps)
	h.must(written(lines).into(h.market))
	for _, s := range h.market.steps[before:] {
		if s.Trip {
			h.t.Fatal("strategytest: a trip is not told, want Gate")
		}
		for _, e := range s.Events {
			h.say(e)
		}
	}
	return h.take(0)
}

// Gate changes the mode of the gate, and tells it.
func (h *Handler) Gate(m risk.Mode) Effects {
	h.t.Helper()
	h.mode = m
	h.tell(strategy.GateChanged(till{h}.Gate(market.Instrument{})))
	return h.take(0)
}

// Fill executes qty of an intent that was placed, at its price. What is filled whole is closed too.
func (h *Handler) Fill(in risk.Intent, cum, qty market.Qty) Effects {
	h.t.Helper()
	e := h.event(in, orders.EventFill)
	e.Cum, e.Leaves, e.LastQty, e.LastPx, e.Exec = cum+qty, in.Qty-cum-qty, qty, in.Price, fmt.Sprint("E", h.told+1)
	h.order(e)
	if e.Leaves <= 0 {
		e.Kind, e.LastQty, e.LastPx, e.Exec = orders.EventClosed, 0, 0, ""
		h.order(e)
	}
	return h.take(0)
}

// Refuse answers an intent that was placed with a no of that reason.
func (h *Handler) Refuse(in risk.Intent, reason risk.Code) Effects {
	h.t.Helper()
	e := h.event(in, orders.EventRefused)
	e.Order, e.Reason = "", orders.Reason(reason)
	h.order(e)
	return h.take(0)
}

// Close ends an order of an intent that was placed, with cum executed.
func (h *Handler) Close(in risk.Intent, cum market.Qty) Effects {
	h.t.Helper()
	e := h.event(in, orders.EventClosed)
	e.Cum = cum
	h.order(e)
	return h.take(0)
}

// Wait lets time pass: ticks that fall due are told.
func (h *Handler) Wait(d time.Duration) Effects {
	h.t.Helper()
	return h.take(d)
}

func (h *Handler) event(in risk.Intent, k orders.EventKind) orders.Event {
	return orders.Event{
		Kind: k, Order: market.ClOrdID(fmt.Sprintf("%x", in.Cause[:8])), Cause: in.Cause, Strategy: "handled", Instrument: in.Instrument, Side: in.Side,
		Qty: in.Qty, Price: in.Price, Evidence: h.told + 1,
	}
}

// order tells an event of an order.
func (h *Handler) order(e orders.Event) {
	h.t.Helper()
	h.told++
	h.must(h.to.Tell(strategy.Told(e, h.told)))
}

func (h *Handler) tell(m strategy.Message) {
	h.t.Helper()
	h.must(h.to.Tell(m))
	h.pass(0)
}

// say hands an event of the market on, with the present time and the next number.
func (h *Handler) say(e feeds.Event) {
	h.seq++
	pos, recv, mono := feeds.Pos{Epoch: 1, Seq: h.seq}, market.StampOf(h.sys.Now()), h.sys.Mono()
	switch e := e.(type) {
	case feeds.Quote:
		e.Pos, e.Event, e.Recv, e.Mono = pos, recv, recv, mono
		h.quotes[e.Instrument] = e
		h.feed.Quote(e)
	case feeds.Depth:
		e.Pos, e.Event, e.Recv, e.Mono = pos, recv, recv, mono
		h.feed.Depth(e)
	case feeds.Trade:
		e.Pos, e.Event, e.Recv, e.Mono = pos, recv, recv, mono
		h.feed.Trade(e)
	case feeds.StateChange:
		e.Pos, e.Recv, e.Mono = pos, recv, mono
		h.state(e)
	}
}

func (h *Handler) state(e feeds.StateChange) {
	if e.Instrument.Valid() {
		h.quotes[e.Instrument] = feeds.Quote{Instrument: e.Instrument, State: e.State}
	}
	h.feed.State(e)
}

// pass lets everything that is under way happen.
func (h *Handler) pass(d time.Duration) {
	h.t.Helper()
	h.must(h.sys.Advance(context.Background(), d))
}

// take lets everything that is under way happen, and gives what was asked for since it was last taken. An error stays.
func (h *Handler) take(d time.Duration) Effects {
	h.t.Helper()
	h.pass(d)
	out := h.now
	h.now = Effects{Err: out.Err}
	return out
}

// till is the account and the world of a Handler.
type till struct{ h *Handler }

// Place takes an intent.
func (a till) Place(in risk.Intent) error {
	a.h.now.Placed = append(a.h.now.Placed, in)
	return nil
}

// Cancel takes a cancel.
func (a till) Cancel(_ string, cause risk.Cause) error {
	a.h.now.Cancelled = append(a.h.now.Cancelled, strategy.DecisionOf(cause))
	return nil
}

// CancelAll takes a cancel of everything.
func (a till) CancelAll(string) error {
	a.h.now.Swept++
	return nil
}

// Attach is answered by Handle.
func (till) Attach(string, uint64) error { return nil }

// Quote is what was told last.
func (a till) Quote(i market.Instrument) (feeds.Quote, bool) {
	q, ok := a.h.quotes[i]
	return q, ok
}

// Gate is what was said last, everywhere.
func (a till) Gate(i market.Instrument) strategy.Gate {
	return strategy.Gate{Instrument: i, Mode: a.h.mode}
}

func (h *Handler) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatalf("strategytest: %v", err)
	}
}
