package orders_test

import (
	"errors"
	"testing"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
)

// closable is a bench whose scopes a test can hold CLOSED, without any edge.
func closable(t *testing.T) (*bench, *[]risk.Scope) {
	t.Helper()
	scopes := new([]risk.Scope)
	b := newBench(t)
	b.wrap = func(p orders.Parts) orders.Parts {
		p.Closed = func(risk.Reading) []risk.Scope { return *scopes }
		return p
	}
	b.restart()
	b.hear(orders.Link{Event: orders.LinkLogon})
	b.hear(orders.Link{Event: orders.LinkReplayed})
	b.hear(orders.MassEnd{})
	b.risk.Open(t)
	return b, scopes
}

var whole = risk.AccountScope(account)

func newReport(n orders.New) orders.Report {
	return orders.Report{
		ID: n.ID, OrderID: "V-" + string(n.ID), Type: orders.ExecNew, Status: orders.StatusNew,
		Instrument: n.Instrument, Side: n.Side, Qty: n.Qty, Leaves: n.Qty,
	}
}

func (b *bench) pass(d time.Duration) {
	b.risk.Now.Mono += int64(d)
	b.risk.Now.Wall += int64(d)
}

func TestTickWithdrawsWhatIsLiveInAClosedScope(t *testing.T) {
	for name, c := range map[string]struct {
		scope risk.Scope
		want  int
	}{
		"firm":                 {risk.Firm, 2},
		"the account":          {whole, 2},
		"another account":      {risk.AccountScope("B"), 0},
		"the strategy":         {risk.Scope{Account: string(account), Strategy: strategy, Instrument: risk.All}, 2},
		"another strategy":     {risk.Scope{Account: string(account), Strategy: "other", Instrument: risk.All}, 0},
		"the instrument":       {risk.Scope{Account: risk.All, Strategy: risk.All, Instrument: acme.String()}, 2},
		"the symbol":           {risk.Scope{Account: risk.All, Strategy: risk.All, Instrument: "ACME"}, 2},
		"another instrument":   {risk.Scope{Account: risk.All, Strategy: risk.All, Instrument: "BOLT@SIM"}, 0},
		"no scope that exists": {},
	} {
		t.Run(name, func(t *testing.T) {
			b, scopes := closable(t)
			b.place(1)
			b.place(2)
			b.commit()
			b.hear(newReport(b.wire.placed[0]))
			*scopes = []risk.Scope{c.scope}
			b.handle(orders.Tick{})
			if len(b.wire.cancelled) != c.want {
				t.Fatalf("%d cancels left, want %d", len(b.wire.cancelled), c.want)
			}
			b.pass(100 * time.Millisecond)
			b.handle(orders.Tick{})
			if len(b.wire.cancelled) != c.want {
				t.Fatalf("%d cancels left, want none beside those under way", len(b.wire.cancelled))
			}
		})
	}
}

func TestWhatWaitsForTheDiskInAClosedScopeNeverLeaves(t *testing.T) {
	b, scopes := closable(t)
	b.place(1)
	*scopes = []risk.Scope{whole}
	b.handle(orders.Tick{})
	b.commit()
	if len(b.wire.placed) != 0 || len(b.wire.cancelled) != 0 || !b.saw(orders.EventUnsent) {
		t.Fatalf("%d orders and %d cancels left, want neither, and the order proven unsent", len(b.wire.placed), len(b.wire.cancelled))
	}
}

// TestWhatComesToLightInAClosedScopeIsWithdrawn reveals a live order in every
// way there is, after the scope was closed and before any tick.
func TestWhatComesToLightInAClosedScopeIsWithdrawn(t *testing.T) {
	foreign := orders.Report{
		ID: "PHONE", OrderID: "V9", ExecID: "E9", Type: orders.ExecNew, Status: orders.StatusNew,
		Instrument: acme, Side: market.Buy, Qty: 5 * market.Unit, Leaves: 5 * market.Unit,
	}
	ours := func(b *bench, s orders.Status) orders.Report {
		r := newReport(b.wire.placed[0])
		r.ExecID, r.Status = "E1", s
		return r
	}
	for name, c := range map[string]struct{ before, after func(b *bench) }{
		"an unsolicited report": {func(*bench) {}, func(b *bench) { b.hear(foreign) }},
		"the list of a mass status": {
			func(b *bench) { b.handle(orders.Reconcile{}) },
			func(b *bench) { b.hear(orders.Found(foreign)) },
		},
		"UNKNOWN, found working": {
			func(b *bench) { b.place(1); b.commit(); b.pass(6 * time.Second); b.handle(orders.Tick{}) },
			func(b *bench) { b.hear(orders.Found(ours(b, orders.StatusNew))) },
		},
		"UNKNOWN, reported working": {
			func(b *bench) { b.place(1); b.commit(); b.pass(6 * time.Second); b.handle(orders.Tick{}) },
			func(b *bench) { b.hear(ours(b, orders.StatusNew)) },
		},
		"ended, and working after all": {
			func(b *bench) {
				b.place(1)
				b.commit()
				r := ours(b, orders.StatusCanceled)
				r.Type, r.Leaves = orders.ExecCanceled, 0
				b.hear(r)
			},
			func(b *bench) { b.hear(orders.Found(ours(b, orders.StatusNew))) },
		},
		"a logon": {
			func(b *bench) { b.place(1); b.commit(); b.hear(orders.Link{Event: orders.LinkLogout}) },
			func(b *bench) { b.hear(orders.Link{Event: orders.LinkLogon}) },
		},
		"a restart": {
			func(b *bench) { b.place(1); b.commit() },
			func(b *bench) { b.restart(); b.hear(orders.Link{Event: orders.LinkLogon}) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, scopes := closable(t)
			c.before(b)
			if len(b.wire.cancelled) != 0 {
				t.Fatalf("%d cancels left before the scope was closed", len(b.wire.cancelled))
			}
			*scopes = []risk.Scope{whole}
			c.after(b)
			if len(b.wire.cancelled) != 1 {
				t.Fatalf("%d cancels left, want 1", len(b.wire.cancelled))
			}
		})
	}
}

func TestCancelThatALivingLinkRefusesIsTriedAgain(t *testing.T) {
	for name, ask := range map[string]func(b *bench, scopes *[]risk.Scope){
		"asked for":       func(b *bench, _ *[]risk.Scope) { b.handle(orders.CancelOrder{ID: b.wire.placed[0].ID}) },
		"all asked for":   func(b *bench, _ *[]risk.Scope) { b.handle(orders.CancelAll{Why: "kill"}) },
		"in a closed one": func(b *bench, scopes *[]risk.Scope) { *scopes = []risk.Scope{whole}; b.handle(orders.Tick{}) },
	} {
		t.Run(name, func(t *testing.T) {
			b, scopes := closable(t)
			b.place(1)
			b.commit()
			b.hear(newReport(b.wire.placed[0]))
			b.wire.refuse = errors.New("full")
			ask(b, scopes)
			for range 600 { // a minute
				b.pass(100 * time.Millisecond)
				b.handle(orders.Tick{})
			}
			if n := len(b.wire.cancelled); n < 12 || n > 20 {
				t.Fatalf("tried %d times in a minute, want 12 to 20", n)
			}
			b.wire.refuse = nil
			tried := len(b.wire.cancelled)
			for range 100 {
				b.pass(10 * time.Millisecond)
				b.pass(90 * time.Millisecond)
				b.handle(orders.Tick{})
				if len(b.wire.cancelled) > tried {
					break
				}
			}
			c := b.wire.cancelled[len(b.wire.cancelled)-1]
			b.hear(orders.Report{
				ID: c.ID, Orig: c.Orig, ExecID: "E2", Type: orders.ExecCanceled, Status: orders.StatusCanceled,
				Instrument: acme, Side: market.Buy, Qty: 10 * market.Unit,
			})
			b.handle(orders.Tick{})
			if o := b.order(b.wire.placed[0].ID); !o.Closed || len(b.wire.cancelled) != tried+1 {
				t.Fatalf("%v after %d cancels that were taken, want CXL after 1", o.Status, len(b.wire.cancelled)-tried)
			}
		})
	}
}

// TestCancelThatTheVenueRefusesIsRepeatedOnlyWhileTheScopeIsClosed is R16b's
// end of closing, over which a level stands.
func TestCancelThatTheVenueRefusesIsRepeatedOnlyWhileTheScopeIsClosed(t *testing.T) {
	b, scopes := closable(t)
	b.place(1)
	b.commit()
	b.hear(newReport(b.wire.placed[0]))
	refuse := func() {
		c := b.wire.cancelled[len(b.wire.cancelled)-1]
		b.hear(orders.CancelReject{ID: c.ID, Orig: c.Orig, Status: orders.StatusNew})
	}
	b.handle(orders.CancelOrder{ID: b.wire.placed[0].ID})
	refuse()
	for range 100 {
		b.pass(100 * time.Millisecond)
		b.handle(orders.Tick{})
	}
	if n := len(b.wire.cancelled); n != 1 {
		t.Fatalf("%d cancels left of an order that may work on, want 1", n)
	}
	*scopes = []risk.Scope{whole}
	for range 600 {
		b.pass(100 * time.Millisecond)
		b.handle(orders.Tick{})
		if len(b.order(b.wire.placed[0].ID).Pending) > 0 {
			refuse()
		}
	}
	if n := len(b.wire.cancelled) - 1; n < 12 || n > 20 {
		t.Fatalf("%d cancels left in a minute, want 12 to 20", n)
	}
}
