package orders_test

import (
	"errors"
	"testing"
	"time"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
)

// doubtful is a bench with an order that the venue is silent about, and its id.
func doubtful(t *testing.T) (*bench, market.ClOrdID) {
	t.Helper()
	b := newBench(t)
	b.place(1)
	b.commit()
	id := b.wire.placed[0].ID
	b.risk.Pass(5 * time.Second)
	b.handle(orders.Tick{})
	if o := b.order(id); o.Status != orders.StatusUnknown {
		t.Fatalf("%v, want UNKNOWN", o.Status)
	}
	return b, id
}

// resolve says a word and returns what became of it, once it is on the disk.
func (b *bench) resolve(v orders.Resolve) orders.Signed {
	b.t.Helper()
	var said []orders.Signed
	b.handle(orders.ResolveOrder{Resolve: v, Reply: func(s orders.Signed) { said = append(said, s) }})
	early := len(said)
	b.commit()
	if len(said) != 1 || early == 1 && said[0].Refused == "" {
		b.t.Fatalf("answered %d times, %d before the disk had it: %+v", len(said), early, said)
	}
	return said[0]
}

func word(id market.ClOrdID, as orders.Ending) orders.Resolve {
	return orders.Resolve{Of: orders.Ref{ID: id}, As: as, By: "rick", Why: "asked the desk"}
}

func TestAnOperatorsWordEndsADoubtAndIsKeptOverARestart(t *testing.T) {
	const q = 10 * market.Unit
	filled := func(qty market.Qty) func(market.ClOrdID) orders.Resolve {
		return func(id market.ClOrdID) orders.Resolve {
			v := word(id, orders.EndingFilled)
			v.Qty, v.Price = qty, 49*dollar
			return v
		}
	}
	as := func(e orders.Ending) func(market.ClOrdID) orders.Resolve {
		return func(id market.ClOrdID) orders.Resolve { return word(id, e) }
	}
	for name, tt := range map[string]struct {
		word   func(market.ClOrdID) orders.Resolve
		status orders.Status
		cum    market.Qty
		held   market.Qty
	}{
		"rejected":       {as(orders.EndingRejected), orders.StatusRejected, 0, 0},
		"cancelled":      {as(orders.EndingCancelled), orders.StatusCanceled, 0, 0},
		"working":        {as(orders.EndingWorking), orders.StatusNew, 0, q},
		"filled":         {filled(q), orders.StatusFilled, q, 0},
		"filled in part": {filled(4 * market.Unit), orders.StatusCanceled, 4 * market.Unit, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b, id := doubtful(t)
			s := b.resolve(tt.word(id))
			if s.Refused != "" || s.From != orders.StatusUnknown || s.To != tt.status || s.HeldBefore != q || s.HeldAfter != tt.held || s.LSN == 0 || s.Unknown != 0 {
				t.Fatalf("%+v, want UNKNOWN to %v, held %v to %v", s, tt.status, q, tt.held)
			}
			if got := b.desk.Machine().Position(acme); got != tt.cum {
				t.Errorf("position %v, want %v", got, tt.cum)
			}
			if b.told.held[id] != tt.held {
				t.Errorf("the gate holds %v, want %v", b.told.held[id], tt.held)
			}
			digest := b.desk.Machine().Digest()
			b.restart()
			if b.desk.Machine().Digest() != digest {
				t.Error("the word is another one after a restart")
			}
			if o := b.order(id); tt.held == 0 && o.Status != tt.status {
				t.Errorf("%v after a restart, want %v", o.Status, tt.status)
			}
		})
	}
}

func TestAnOperatorsWordOpensNothingUntilTheVenueHasListedItsOrders(t *testing.T) {
	b, id := doubtful(t)
	b.resolve(word(id, orders.EndingRejected))
	b.place(2)
	b.commit()
	if e := b.last(); len(b.wire.placed) != 1 || e.Kind != orders.EventRefused || e.Reason != orders.ReasonUnknown {
		t.Fatalf("%d orders left, last event %v %s; want the new one refused: unknown", len(b.wire.placed), e.Kind, e.Reason)
	}
	if s := b.desk.Status(); s.ListWhole {
		t.Fatal("the list is whole, want it asked for anew")
	}
	b.handle(orders.Reconcile{})
	b.place(3)
	b.commit()
	if len(b.wire.placed) != 1 {
		t.Fatal("an order left while the list was asked for")
	}
	b.hear(orders.MassEnd{})
	b.place(4)
	b.commit()
	if len(b.wire.placed) != 2 {
		t.Fatalf("refused for %s behind a whole list, want it placed", b.last().Reason)
	}
}

func TestEvidenceIsBelievedOverAnOperatorsWord(t *testing.T) {
	b, id := doubtful(t)
	n := b.wire.placed[0]
	b.resolve(word(id, orders.EndingRejected))
	b.hear(fill(n, "E1", 4*market.Unit, 4*market.Unit))
	if got := b.desk.Machine().Position(acme); got != 4*market.Unit {
		t.Errorf("position %v after a fill of what was said to be rejected, want 4", got)
	}
	b.handle(orders.Reconcile{})
	found := newReport(n)
	found.Status, found.Cum, found.Leaves = orders.StatusPartFilled, 4*market.Unit, 6*market.Unit
	b.hear(orders.Found(found))
	b.hear(orders.MassEnd{Count: 1})
	if o := b.order(id); o.Held != 6*market.Unit || o.Closed {
		t.Errorf("%v, held %v, want it open again with 6", o.Status, o.Held)
	}
}

func TestAFillThatWasSaidAndIsThenReportedCountsOnce(t *testing.T) {
	b, id := doubtful(t)
	v := word(id, orders.EndingFilled)
	v.Qty = 10 * market.Unit
	b.resolve(v)
	b.hear(fill(b.wire.placed[0], "E1", 10*market.Unit, 10*market.Unit))
	if got := b.desk.Machine().Position(acme); got != 10*market.Unit {
		t.Fatalf("position %v, want 10", got)
	}
}

func TestAWordThatCannotBeIsRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(b *bench, v *orders.Resolve)
		want   orders.Reason
	}{
		"of no order":               {func(_ *bench, v *orders.Resolve) { v.Of.ID = "X" }, orders.ReasonNoOrder},
		"of one that is known":      {func(b *bench, _ *orders.Resolve) { b.hear(newReport(b.wire.placed[0])) }, orders.ReasonKnown},
		"unsigned":                  {func(_ *bench, v *orders.Resolve) { v.By = "" }, orders.ReasonInvalid},
		"without a reason":          {func(_ *bench, v *orders.Resolve) { v.Why = "" }, orders.ReasonInvalid},
		"of no kind":                {func(_ *bench, v *orders.Resolve) { v.As = 0 }, orders.ReasonInvalid},
		"a quantity of a rejection": {func(_ *bench, v *orders.Resolve) { v.Qty = 1 }, orders.ReasonInvalid},
		"filled by nothing":         {func(_ *bench, v *orders.Resolve) { v.As = orders.EndingFilled }, orders.ReasonInvalid},
		"filled above its quantity": {func(_ *bench, v *orders.Resolve) { v.As, v.Qty = orders.EndingFilled, 11*market.Unit }, orders.ReasonInvalid},
		"filled below what is known": {func(b *bench, v *orders.Resolve) {
			b.hear(fill(b.wire.placed[0], "E1", 4*market.Unit, 4*market.Unit))
			b.hear(orders.Link{Event: orders.LinkLogout})
			v.As, v.Qty = orders.EndingFilled, 3*market.Unit
		}, orders.ReasonInvalid},
		"rejected, and filled in part": {func(b *bench, _ *orders.Resolve) {
			b.hear(fill(b.wire.placed[0], "E1", 4*market.Unit, 4*market.Unit))
			b.hear(orders.Link{Event: orders.LinkLogout})
		}, orders.ReasonInvalid},
		"where the journal is dead": {func(b *bench, _ *orders.Resolve) {
			b.faults.Inject(journal.Fault{Call: journal.CallSync, At: b.faults.Calls(journal.CallSync) + 1, Err: errors.New("planted")})
			b.place(9)
			b.commit()
		}, orders.ReasonJournal},
	} {
		t.Run(name, func(t *testing.T) {
			b, id := doubtful(t)
			v := word(id, orders.EndingRejected)
			tt.change(b, &v)
			before := b.desk.Machine().Digest()
			if s := b.resolve(v); s.Refused != tt.want {
				t.Fatalf("refused for %q, want %q", s.Refused, tt.want)
			}
			if b.desk.Machine().Digest() != before {
				t.Error("a word that was refused changed something")
			}
		})
	}
}

// TestAWordThatTheDiskDoesNotKeepIsSaidToBeNone has the sync fail under it.
func TestAWordThatTheDiskDoesNotKeepIsSaidToBeNone(t *testing.T) {
	b, id := doubtful(t)
	b.faults.Inject(journal.Fault{Call: journal.CallSync, At: b.faults.Calls(journal.CallSync) + 1, Err: errors.New("planted")})
	var said []orders.Signed
	b.handle(orders.ResolveOrder{Resolve: word(id, orders.EndingRejected), Reply: func(s orders.Signed) { said = append(said, s) }})
	b.commit()
	b.handle(orders.Tick{})
	if len(said) != 1 || said[0].Refused != orders.ReasonJournal {
		t.Fatalf("answered %+v, want refused: journal", said)
	}
}

func TestADifferenceIsSignedForByItsNumber(t *testing.T) {
	b, said := reporting(t, nil)
	b.logon()
	stranger := newReport(orders.New{ID: "PHONE", Instrument: acme, Side: market.Buy, Qty: 5 * market.Unit})
	b.hear(orders.Found(stranger))
	b.hear(orders.MassEnd{Count: 1})
	wantSaid(t, "a list with a stranger", said(), [2]int{0, 1})
	d := b.desk.Status().Differing
	if len(d) != 1 || d[0].Number != 1 {
		t.Fatalf("differences %+v, want one, number 1", d)
	}
	var answers []orders.Signed
	accept := func(n uint64) {
		b.handle(orders.AcceptDifference{Accept: orders.Accept{Difference: n, By: "rick", Why: "by telephone"}, Reply: func(s orders.Signed) { answers = append(answers, s) }})
		b.commit()
	}
	accept(2)
	accept(1)
	accept(1)
	if len(answers) != 3 || answers[0].Refused != orders.ReasonNoOrder || answers[1].Refused != "" || answers[1].ID != "PHONE" || answers[2].Refused != orders.ReasonNoOrder {
		t.Fatalf("answers %+v, want no, yes, no", answers)
	}
	wantSaid(t, "a signature, before the venue has listed its orders", said())
	b.handle(orders.Reconcile{})
	b.hear(orders.Found(stranger))
	b.hear(orders.MassEnd{Count: 1})
	wantSaid(t, "the next list", said(), [2]int{0, 0})
	b.hear(orders.Found(newReport(orders.New{ID: "PHONE2", Instrument: acme, Side: market.Buy, Qty: market.Unit})))
	if d := b.desk.Status().Differing; len(d) != 1 || d[0].Number != 2 {
		t.Errorf("differences %+v, want another one, number 2", d)
	}
	b.commit()
	b.restart()
	if d := b.desk.Status().Differing; len(d) != 1 || d[0].Number != 2 {
		t.Errorf("differences %+v after a restart, want number 2 alone", d)
	}
}
