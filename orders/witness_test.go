package orders_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
)

// crowded is a log whose queue has no room while a disk is slow.
type crowded struct {
	orders.Log
	full atomic.Bool
}

func (l *crowded) Append(k journal.Kind, v uint8, body []byte) (journal.LSN, error) {
	if l.full.Load() {
		return 0, journal.ErrFull
	}
	return l.Log.Append(k, v, body)
}

// crowd starts the bench again over a log that a test can fill.
func (b *bench) crowd() *crowded {
	var log *crowded
	b.wrap = func(p orders.Parts) orders.Parts {
		log = &crowded{Log: p.Log}
		p.Log = log
		return p
	}
	b.restart()
	b.hear(orders.Link{Event: orders.LinkLogon})
	b.hear(orders.Link{Event: orders.LinkReplayed})
	b.hear(orders.MassEnd{})
	b.risk.Open(b.t)
	return log
}

// A fill and the report behind it come while the journal has no room, or has none for the fill alone.
func TestAReportThatTheJournalHadNoRoomForIsNotPassedOver(t *testing.T) {
	for name, tt := range map[string]struct {
		roomFor2nd, roomLater bool
		next                  uint64
	}{
		"room for the next report":       {roomFor2nd: true, next: 4},
		"room before the end":            {roomLater: true, next: 4},
		"no room until the process ends": {next: 1}, // nothing of the session is journalled
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			log := b.crowd()
			b.place(1)
			b.place(2)
			b.commit()
			f := fill(b.wire.placed[0], "E1", 10*market.Unit, 10*market.Unit)
			f.Session, f.Seq = "S", 2
			log.full.Store(true)
			b.hear(f)
			log.full.Store(!tt.roomFor2nd)
			n := newReport(b.wire.placed[1])
			n.Session, n.Seq = "S", 3
			b.hear(n)
			if tt.roomLater {
				log.full.Store(false)
				b.handle(orders.Tick{})
			}
			b.commit()
			b.restart()
			if next := b.desk.NextIn("S"); next != tt.next {
				t.Errorf("the venue is asked from %d on, want %d", next, tt.next)
			}
			if held := len(b.desk.Machine().Positions()) > 0; held != (tt.next == 4) {
				t.Errorf("positions %v after the restart, want the fill only if it was journalled", b.desk.Machine().Positions())
			}
		})
	}
}

// What the venue says has no room: no order may follow on what a crash would forget, neither a new one nor one that is durable.
func TestNoOrderLeavesWhileEvidenceIsNotJournalled(t *testing.T) {
	b := newBench(t)
	log := b.crowd()
	b.place(1)
	b.commit()
	b.place(2) // durable only when the evidence has no room
	log.full.Store(true)
	b.hear(fill(b.wire.placed[0], "E1", 4*market.Unit, 4*market.Unit))
	b.place(3)
	if e := b.last(); e.Kind != orders.EventRefused || e.Reason != orders.ReasonJournal {
		t.Errorf("%v for %q, want it refused for the journal", e.Kind, e.Reason)
	}
	b.commit()
	if e := b.last(); len(b.wire.placed) != 1 || !b.saw(orders.EventUnsent) || e.Reason != orders.ReasonJournal {
		t.Errorf("%d orders left, and last %v for %q: want the second one proven unsent for the journal", len(b.wire.placed), e.Kind, e.Reason)
	}
	log.full.Store(false)
	b.place(4)
	b.commit()
	if len(b.wire.placed) != 2 {
		t.Errorf("%d orders left, want the fourth when there is room again", len(b.wire.placed))
	}
}

// So much had no room that nothing is journalled any more: the owner ends when there is, and the next one asks for all of it.
func TestOwnerThatMissedEvidenceIsStartedAgainWhenThereIsRoom(t *testing.T) {
	onVirtualTime(t, func(h *house) {
		h.open()
		h.place(1, strategy, 50*dollar)
		h.event(orders.EventAccepted, 1)
		h.crowd.full.Store(true)
		h.sell(4 * market.Unit)
		h.event(orders.EventFill, 1)
		for range 1024 {
			h.tell(orders.Reconcile{})
		}
		if err := h.sys.Advance(h.t.Context(), time.Second); err != nil {
			h.t.Fatal(err)
		}
		h.place(2, strategy, 49*dollar)
		if e := h.event(orders.EventRefused, 2); e.Reason != orders.ReasonJournal {
			h.t.Errorf("refused for %q, want the journal", e.Reason)
		}
		if s := h.account.Status(); s.Generation != 1 {
			h.t.Errorf("the owner was started again while there was no room: %+v", s)
		}
		h.crowd.full.Store(false)
		h.until("the next owner", func() bool { return h.account.Status().Generation == 2 })
		h.open()
		if p := h.account.Status().Positions; len(p) != 1 || p[0].Qty != 4*market.Unit {
			h.t.Errorf("positions %v, want the fill that was not journalled", p)
		}
		h.place(3, strategy, 49*dollar)
		h.event(orders.EventAccepted, 3)
	})
}
