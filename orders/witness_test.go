package orders_test

import (
	"testing"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
)

// crowded is a log whose queue has no room for evidence while a disk is slow.
type crowded struct {
	orders.Log
	full bool
}

func (l *crowded) Append(k journal.Kind, v uint8, body []byte) (journal.LSN, error) {
	if l.full && k == orders.KindEvidence {
		return 0, journal.ErrFull
	}
	return l.Log.Append(k, v, body)
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
			b.risk.Open(t)
			b.place(1)
			b.place(2)
			b.commit()
			f := fill(b.wire.placed[0], "E1", 10*market.Unit, 10*market.Unit)
			f.Session, f.Seq = "S", 2
			log.full = true
			b.hear(f)
			log.full = !tt.roomFor2nd
			n := newReport(b.wire.placed[1])
			n.Session, n.Seq = "S", 3
			b.hear(n)
			if tt.roomLater {
				log.full = false
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
