package sim_test

import (
	"strings"
	"time"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/venues/sim"
)

const soon, later = 2 * time.Second, 8 * time.Second

// buys buys 3 of an offer, and must have them once in the end.
func buys(d *defended) {
	d.offer(20, "100")
	id := d.want(market.Buy, 3, "100")
	d.settle(later)
	d.expect(id, orders.StatusFilled, 3)
	d.judged(3)
}

// restsWhileAway has a bid filled while the link is down.
func restsWhileAway(d *defended) {
	id := d.want(market.Buy, 5, "99")
	d.cut(func() { d.hit(5, "99") })
	d.settle(later)
	d.expect(id, orders.StatusFilled, 5)
	d.judged(5)
}

// cancelsABid cancels a bid of 5 of which a part is executed as the cancel comes.
func cancelsABid(d *defended) {
	id := d.want(market.Buy, 5, "99")
	d.stop(id)
	d.settle(soon)
	d.expect(id, orders.StatusCanceled, 2)
	d.calm()
	d.judged(2)
}

var faultRows = map[sim.FaultKind]row{
	sim.DelayMessage: {
		[]string{"delay nth=1 session=A1 delay=700ms"}, "R12, R13: no answer is no refusal, and absent once is not gone", buys, sendsAgain,
	},
	sim.DropBefore: {
		[]string{"drop_before nth=1 session=A1"},
		"R12: an order is never sent again",
		func(d *defended) {
			d.offer(20, "100")
			id := d.want(market.Buy, 3, "100")
			d.settle(later)
			d.expect(id, orders.StatusRejected, 0)
			if r := d.state(id).Reason; r != orders.ReasonAbsent {
				d.problem("order %s ended for %q, want absent", id, r)
			}
			d.judged(0)
		}, sendsAgain,
	},
	sim.DropAfter: {[]string{"drop_after nth=1 session=A1"}, "R12, R15: UNKNOWN until the venue is asked", buys, sendsAgain},
	sim.LateAck:   {[]string{"late_ack nth=1 session=A1 delay=3s"}, "R12, R15: UNKNOWN until the venue is asked", buys, sendsAgain},
	sim.DupExec:   {[]string{"dup_exec every=1 session=A1"}, "R1: an execution counts once", buys, takes(countsTwice)},
	sim.DupResend: {[]string{"dup_resend nth=2 session=A1"}, "R1: a replay counts once", restsWhileAway, takes(countsTwice)},
	sim.Reorder: {
		[]string{"reorder nth=3 session=A1"},
		"R4, R7: a fill that comes late is a fill",
		func(d *defended) {
			d.offer(1, "99")
			d.offer(2, "100")
			id := d.want(market.Buy, 3, "100") // NEW, 1, 2: the first fill comes last
			d.settle(later)
			d.expect(id, orders.StatusFilled, 3)
			d.judged(3)
		},
		hearsNot(func(d *defended, in orders.Inbound) bool {
			r, ok := report(in, orders.ExecTrade)
			late := ok && r.Cum < d.most
			d.most = max(d.most, r.Cum)
			return late
		}),
	},
	sim.DisconnectAt: {
		[]string{"disconnect_at_byte nth=3 session=A1 msg=8"},
		"the replay of a logon is heard like the first telling", buys,
		hearsNot(func(_ *defended, in orders.Inbound) bool { r, ok := report(in); return ok && r.PossDup }),
	},
	sim.FillWhilePendingCancel: {
		[]string{"fill_while_pending_cancel nth=1 session=A1 qty=2"},
		"R4: a fill counts, whatever is asked of the order", cancelsABid,
		hearsNot(func(d *defended, in orders.Inbound) bool {
			r, ok := report(in, orders.ExecTrade)
			return ok && d.state(r.ID).Closing
		}),
	},
	sim.FillWhilePendingReplace: {
		[]string{"fill_while_pending_replace nth=1 session=A1 qty=2"},
		"R4, R5: a fill counts, and the worse of both terms is held",
		func(d *defended) {
			id := d.want(market.Buy, 5, "99")
			d.desk.Handle(d.risk.Now, orders.ReplaceOrder{ID: id, Qty: 7 * market.Unit, Cause: risk.Cause{200, 1}})
			d.settle(soon)
			d.expect(id, orders.StatusPartFilled, 2)
			if o := d.state(id); o.Total != 7*market.Unit || o.Held != 5*market.Unit {
				d.problem("order %s is of %v with %v held, want 7 and 5", id, o.Total, o.Held)
			}
			d.calm()
			d.judged(2)
		},
		hearsNot(func(d *defended, in orders.Inbound) bool {
			r, ok := report(in, orders.ExecTrade)
			return ok && len(d.state(r.ID).Pending) > 0
		}),
	},
	sim.FillBeforeAck: {
		[]string{"fill_before_ack nth=1 session=A1 qty=2"},
		"R4: a fill proves its order, acknowledged or not",
		func(d *defended) {
			id := d.want(market.Buy, 5, "99")
			d.settle(soon)
			d.expect(id, orders.StatusPartFilled, 2)
			d.judged(2)
		},
		hearsNot(func(d *defended, in orders.Inbound) bool {
			r, ok := report(in, orders.ExecTrade)
			return ok && d.state(r.ID).Status == orders.StatusSent
		}),
	},
	sim.Overfill: {
		[]string{"overfill nth=1 session=A1"},
		"R4: what was executed is counted, and more than was asked for is flagged",
		func(d *defended) {
			id := d.want(market.Buy, 3, "99")
			d.settle(soon)
			d.expect(id, orders.StatusFilled, 4)
			d.flagged("overfill")
			d.judged(4)
		},
		naive{hears: func(d *defended, in orders.Inbound) []orders.Inbound {
			if r, ok := report(in, orders.ExecTrade); ok {
				r.LastQty, r.Cum = min(r.LastQty, r.Qty), min(r.Cum, r.Qty)
				return []orders.Inbound{r}
			}
			return []orders.Inbound{in}
		}},
	},
	sim.Reject: {
		[]string{"reject nth=1 session=A1"},
		"R3: a refusal ends the order, and gives back what was held",
		func(d *defended) {
			d.offer(20, "100")
			id := d.want(market.Buy, 3, "100")
			if o := d.state(id); o.Status != orders.StatusRejected || o.Reason != orders.ReasonVenue || o.Held != 0 {
				d.problem("order %s is %v for %q with %v held, want it rejected by the venue at once", id, o.Status, o.Reason, o.Held)
			}
			d.calm()
			d.judged(0)
		},
		hearsNot(func(_ *defended, in orders.Inbound) bool { _, ok := report(in, orders.ExecRejected); return ok }),
	},
	sim.CancelRejected: {
		[]string{"cancel_reject nth=1 session=A1"},
		"R11: a cancel that is refused leaves the order open",
		func(d *defended) {
			id := d.want(market.Buy, 3, "99")
			d.stop(id)
			d.settle(soon)
			d.expect(id, orders.StatusNew, 0)
			d.hit(3, "99")
			d.expect(id, orders.StatusFilled, 3)
			d.calm()
			d.judged(3)
		},
		takes(func(d *defended, in orders.Inbound) orders.Inbound {
			if r, ok := in.(orders.CancelReject); ok {
				return ends(r.Orig, d.state(r.Orig))
			}
			return in
		}),
	},
	sim.BusinessFault: {
		[]string{"business_reject nth=1 session=A1"},
		"R11: a refusal above the session ends the request at once",
		func(d *defended) {
			id := d.want(market.Buy, 3, "99")
			if o := d.state(id); o.Status != orders.StatusRejected || o.Reason != orders.ReasonBusiness || o.Held != 0 {
				d.problem("order %s is %v for %q with %v held, want it rejected at once", id, o.Status, o.Reason, o.Held)
			}
			d.calm()
			d.judged(0)
		},
		hearsNot(func(_ *defended, in orders.Inbound) bool { _, ok := in.(orders.BusinessReject); return ok }),
	},
	sim.HalfOpen: {
		[]string{"half_open nth=3 session=A1 msg=8 delay=3s"},
		"R12, R18: silence is doubt, and the next logon brings what was said meanwhile", buys,
		hearsNot(func(_ *defended, in orders.Inbound) bool { r, ok := report(in); return ok && r.PossDup }),
	},
	sim.Stuck: {[]string{"stuck nth=1 session=A1 delay=2s"}, "R12: an order is never sent again", buys, sendsAgain},
	sim.SeqGap: {
		[]string{"seq_gap nth=3 session=A1"},
		"Gateway: a number that is missing ends the link, and the replay has it",
		func(d *defended) {
			d.offer(20, "100")
			id := d.want(market.Buy, 3, "100") // the fill is lost
			d.want(market.Buy, 1, "90")
			d.settle(0) // and known before anybody is asked
			d.expect(id, orders.StatusFilled, 3)
			d.settle(later)
			d.judged(3)
		},
		numbers(func(sim.Reply) bool { return false }),
	},
	sim.SeqTooLow: {
		[]string{"seq_too_low nth=3 session=A1"},
		"Gateway: a number too low without PossDup is not an old report; the link ends, and the replay has it right",
		func(d *defended) {
			d.offer(20, "100")
			id := d.want(market.Buy, 3, "100")
			d.expect(id, orders.StatusFilled, 3) // before anybody is asked
			d.settle(later)
			d.judged(3)
		},
		numbers(func(r sim.Reply) bool { _, ok := r.Body.(sim.Report); return ok && r.Seq == 1 && !r.PossDup }),
	},
	sim.SeqReset: {
		[]string{"seq_reset nth=2 session=A1"},
		"Gateway: a reset that nobody asked for is not believed, an operator's brings a reconcile", resets,
		naive{port: numbers(func(sim.Reply) bool { return false }).port},
	},
	sim.GapFillForReplay: {
		[]string{"gap_fill_for_replay nth=2 session=A1"},
		"R18, R10: what no replay tells is asked for", restsWhileAway,
		asksNot,
	},
	sim.LogonRefused: {
		[]string{"logon_refused nth=2 session=A1"},
		"a logon that is refused is tried again", restsWhileAway,
		takes(func(d *defended, in orders.Inbound) orders.Inbound {
			l, ok := in.(orders.Link)
			d.sulks = d.sulks || ok && strings.HasPrefix(l.Why, "refused")
			return in
		}),
	},
	sim.LogonSlow: {
		[]string{"logon_slow nth=2 session=A1"},
		"R20: no order is kept for a link that is down",
		func(d *defended) {
			id := d.want(market.Buy, 5, "99")
			d.cut(func() { d.hit(5, "99") })
			before := d.count(orders.EventRefused)
			if d.want(market.Buy, 1, "90"); d.count(orders.EventRefused) != before+1 {
				d.problem("an order was taken while the logon had no answer")
			}
			d.settle(later)
			d.expect(id, orders.StatusFilled, 5)
			if n := d.came(); n != 1 {
				d.problem("%d orders came to the venue, want the one of before", n)
			}
			d.judged(5)
		},
		naive{told: func(d *defended, e orders.Event) {
			if e.Kind == orders.EventRefused {
				d.again = func() { d.want(market.Buy, 1, "90") }
			}
		}},
	},
	sim.StatusNoAnswer: {
		[]string{"drop_after nth=1 session=A1", "status_noanswer while=true for=6s session=A1"},
		"R14: no answer is not the answer that nothing is there", buys,
		naive{told: func(d *defended, e orders.Event) {
			if e.Kind == orders.EventUnknown {
				d.again = func() {
					for range 2 {
						d.elapse(2100 * time.Millisecond)
						d.queue = append(d.queue, orders.Absent(e.Order))
						d.pump()
					}
				}
			}
		}},
	},
	sim.StatusAbsentThenFound: {
		[]string{"drop_after nth=1 session=A1", "status_absent_then_found nth=1 session=A1"},
		"R13: absent once is not gone", buys,
		takes(func(_ *defended, in orders.Inbound) orders.Inbound {
			if a, ok := in.(orders.Answer); ok && a.IsAbsent() {
				return orders.BusinessReject{ID: a.ID()}
			}
			return in
		}),
	},
	sim.MassStatusShort:   {[]string{"mass_status_short nth=1 session=A1"}, "R18: a list shorter than announced proves nothing", bidsAreListed(0), believesLists()},
	sim.MassStatusMissing: {[]string{"mass_status_missing nth=1 session=A1"}, "R13: an order that a list lacks is absent once, and asked for", bidsAreListed(1), believesLists()},
	sim.Forget: {
		[]string{"forget nth=1 session=A1"},
		"silence is asked about, R13: absent twice is gone",
		func(d *defended) {
			id := d.want(market.Buy, 3, "99")
			d.settle(later)
			d.expect(id, orders.StatusCanceled, 0)
			d.flagged("closed_by_absence")
			d.judged(0)
		},
		asksNot,
	},
	sim.BustFault: {
		[]string{"bust nth=1 session=A1 delay=1s"},
		"R4: what is taken back is not held, and its order is open again",
		func(d *defended) {
			d.offer(3, "100")
			id := d.want(market.Buy, 3, "100")
			d.expect(id, orders.StatusFilled, 3)
			d.operate(sim.SetPhase{Phase: sim.PhaseAuction}) // or both sides would meet again at once
			d.settle(soon)
			d.expect(id, orders.StatusNew, 0)
			d.calm()
			d.judged(0)
		},
		hearsNot(func(_ *defended, in orders.Inbound) bool { _, ok := report(in, orders.ExecBust); return ok }),
	},
	sim.CorrectFault: {
		[]string{"correct nth=1 session=A1 delay=1s qty=1"},
		"R4: an execution is what its correction says",
		func(d *defended) {
			d.offer(3, "100")
			id := d.want(market.Buy, 3, "100")
			d.operate(sim.SetPhase{Phase: sim.PhaseAuction})
			d.settle(soon)
			d.expect(id, orders.StatusPartFilled, 1)
			d.calm()
			d.judged(1)
		},
		hearsNot(func(_ *defended, in orders.Inbound) bool { _, ok := report(in, orders.ExecCorrect); return ok }),
	},
	sim.UnsolicitedCancel: {
		[]string{"unsolicited_cancel nth=1 session=A1 delay=500ms"},
		"R3: an end that nobody asked for is an end",
		func(d *defended) {
			id := d.want(market.Buy, 3, "99")
			d.settle(soon)
			d.expect(id, orders.StatusCanceled, 0)
			d.calm()
			d.judged(0)
		},
		hearsNot(func(d *defended, in orders.Inbound) bool {
			r, ok := report(in, orders.ExecCanceled)
			return ok && !d.state(r.ID).Closing
		}),
	},
	sim.UnsolicitedRestate: {
		[]string{"unsolicited_restate nth=1 session=A1 qty=2"},
		"R3: terms that nobody asked for are the terms",
		func(d *defended) {
			id := d.want(market.Buy, 6, "99")
			d.settle(soon)
			if o := d.state(id); o.Total != 4*market.Unit || o.Held != 4*market.Unit {
				d.problem("order %s is of %v with %v held, want 4", id, o.Total, o.Held)
			}
			d.hit(6, "99")
			d.expect(id, orders.StatusFilled, 4)
			d.calm()
			d.judged(4)
		},
		hearsNot(func(_ *defended, in orders.Inbound) bool { _, ok := report(in, orders.ExecRestated); return ok }),
	},
	sim.HaltFault: {
		[]string{"halt at=1s delay=3s"},
		"R3: an order that is suspended is open",
		func(d *defended) {
			id := d.want(market.Buy, 3, "99")
			d.settle(soon)
			d.expect(id, orders.StatusSuspended, 0)
			d.settle(soon)
			d.expect(id, orders.StatusNew, 0)
			d.hit(3, "99")
			d.expect(id, orders.StatusFilled, 3)
			d.calm()
			d.judged(3)
		},
		takes(func(d *defended, in orders.Inbound) orders.Inbound {
			if r, ok := report(in, orders.ExecSuspended); ok {
				return ends(r.ID, d.state(r.ID))
			}
			return in
		}),
	},
	sim.SplitFault: {
		[]string{"split at=1s"},
		"R3: a corporate restatement is of what was executed too",
		func(d *defended) {
			id := d.want(market.Buy, 5, "99")
			d.hit(2, "99")
			d.settle(soon)
			d.expect(id, orders.StatusPartFilled, 4)
			if o := d.state(id); o.Total != 10*market.Unit || o.Limit != price(d.t, "49.50") || o.Held != 6*market.Unit {
				d.problem("order %s is of %v at %v with %v held, want 10 at 49.50 and 6", id, o.Total, o.Limit, o.Held)
			}
			d.calm()
			d.judged(4)
		},
		naive{hears: func(_ *defended, in orders.Inbound) []orders.Inbound {
			if r, ok := report(in, orders.ExecRestated); ok {
				r.Restate = orders.RestateOther
				return []orders.Inbound{r}
			}
			return []orders.Inbound{in}
		}, mute: true},
	},
	sim.ClockSkew: {
		[]string{"clock_skew while=true at=1s for=1h session=A1"},
		"no rule reads the venue's clock",
		func(d *defended) {
			d.settle(soon)
			buys(d)
		},
		naive{port: func(d *defended) func(sim.Reply) []sim.Reply {
			return func(r sim.Reply) []sim.Reply { // does not believe what comes from the future
				if r.Time > d.now+market.Timestamp(time.Minute) {
					return nil
				}
				return []sim.Reply{r}
			}
		}},
	},
	sim.RestartFault: {
		[]string{"restart nth=1 session=A1 delay=2s"},
		"R18: the end of a link ends no order",
		func(d *defended) {
			id := d.want(market.Buy, 3, "99")
			d.settle(later)
			d.expect(id, orders.StatusNew, 0)
			d.logon("A2")
			d.hit(3, "99")
			d.settle(soon)
			d.expect(id, orders.StatusFilled, 3)
			d.judged(3)
		},
		naive{hears: func(d *defended, in orders.Inbound) []orders.Inbound {
			out := []orders.Inbound{in}
			if l, ok := in.(orders.Link); ok && l.Event == orders.LinkLogout {
				for _, of := range d.desk.Machine().Live(orders.Scope{}) {
					out = append(out, ends(of.ID, d.state(of.ID)))
				}
			}
			return out
		}},
	},
}

// bidsAreListed has two bids stand over the loss of a link, and a list at the logon that does not say so: it makes an order
// absent so many times.
func bidsAreListed(absent int) func(d *defended) {
	return func(d *defended) {
		one, two := d.want(market.Buy, 3, "99"), d.want(market.Buy, 2, "98")
		d.cut(func() {})
		d.settle(later)
		d.expect(one, orders.StatusNew, 0)
		d.expect(two, orders.StatusNew, 0)
		if n := d.count(orders.EventAbsent); n != absent {
			d.problem("orders were absent %d times, want %d", n, absent)
		}
		d.hit(5, "98")
		d.settle(0)
		d.expect(one, orders.StatusFilled, 3)
		d.judged(5)
	}
}

// resets: the venue begins at 1 again at the second logon, with nothing to send again. The node stays shut until an operator
// has it log on with a reset; then it asks.
func resets(d *defended) {
	id := d.want(market.Buy, 5, "99")
	d.cut(func() { d.hit(5, "99") })
	d.settle(later)
	if s := d.desk.Status().Session; s == "open" {
		d.problem("the session is open, want it shut: the venue's numbers are not those that were")
	}
	if d.state(id).Held != 5*market.Unit {
		d.problem("%v are held of order %s, want 5: what became of it is not known", d.state(id).Held, id)
	}
	d.reset = true
	_ = d.venue.Logout("A1", "operator")
	d.fs.Crash(journal.LoseAll)
	d.begin(1)
	d.settle(later)
	d.expect(id, orders.StatusFilled, 5)
	d.judged(5)
}
