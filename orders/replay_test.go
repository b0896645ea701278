package orders_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
)

var errDisk = errors.New("the disk does not answer")

// inState is a log whose state a test says.
type inState struct {
	orders.Log
	state    journal.State
	appended int
}

func (l *inState) State() journal.State { return l.state }

func (l *inState) Append(k journal.Kind, v uint8, body []byte) (journal.LSN, error) {
	l.appended++
	return l.Log.Append(k, v, body)
}

// watched is a gate that counts what it is told.
type watched struct {
	orders.Gate
	restored, told int
}

func (g *watched) Restore(p []risk.Position, h []risk.Held) { g.restored++; g.Gate.Restore(p, h) }
func (g *watched) Hold(h risk.Held)                         { g.told++; g.Gate.Hold(h) }
func (g *watched) Execute(e risk.Execution)                 { g.told++; g.Gate.Execute(e) }
func (g *watched) Veto(id market.ClOrdID)                   { g.told++; g.Gate.Veto(id) }

// damages are the ways in which less is read than was written, each of a
// journal whose last record is a fill of 4.
var damages = map[string]struct {
	damage func(p *orders.Parts, log *inState)
	says   string
}{
	"dead":    {func(_ *orders.Parts, log *inState) { log.state = journal.Dead }, "dead"},
	"corrupt": {func(_ *orders.Parts, log *inState) { log.state = journal.Corrupt }, "corrupt"},
	"died while it was read": {func(p *orders.Parts, log *inState) {
		whole := p.Records
		p.Records = func(yield func(journal.Record, error) bool) { whole(yield); log.state = journal.Dead }
	}, "dead"},
	"not readable behind the intents": {func(p *orders.Parts, _ *inState) {
		whole := p.Records
		p.Records = func(yield func(journal.Record, error) bool) {
			whole(func(r journal.Record, err error) bool {
				if r.Kind == orders.KindEvidence {
					yield(journal.Record{}, errDisk)
					return false
				}
				return yield(r, err)
			})
		}
	}, errDisk.Error()},
	"ended early, without a word": {func(p *orders.Parts, _ *inState) {
		whole, last := p.Records, p.Log.Watermark()
		p.Records = func(yield func(journal.Record, error) bool) {
			whole(func(r journal.Record, err error) bool { return r.LSN < last && yield(r, err) })
		}
	}, "ends at LSN"},
	"begun late, without a word": {func(p *orders.Parts, _ *inState) {
		whole := p.Records
		p.Records = func(yield func(journal.Record, error) bool) {
			whole(func(r journal.Record, err error) bool { return r.LSN < 3 || yield(r, err) })
		}
	}, "LSN 3 follows 0"},
	"nothing to read": {func(p *orders.Parts, _ *inState) { p.Records = nil }, "ends at LSN 0"},
	"a record of a later version": {func(p *orders.Parts, _ *inState) {
		whole := p.Records
		p.Records = func(yield func(journal.Record, error) bool) {
			whole(func(r journal.Record, err error) bool {
				if r.Kind == orders.KindEvidence {
					r.Version = 200
				}
				return yield(r, err)
			})
		}
	}, "version 200"},
}

// damaged ends a process that had an order filled in part, and gives the parts
// of the next one, whose journal is damaged.
func damaged(t *testing.T, damage func(*orders.Parts, *inState)) (*bench, orders.Parts, *inState, *watched) {
	t.Helper()
	b := newBench(t)
	b.place(1)
	b.handle(orders.Place{Intent: intent(2), Held: true})
	b.commit()
	b.hear(fill(b.wire.placed[0], "E1", 4*market.Unit, 4*market.Unit))
	b.commit()
	b.faults.Crash(journal.LoseAll)
	b.openLog()
	p := b.parts()
	log, gate := &inState{Log: b.log, state: journal.OK}, &watched{Gate: p.Gate}
	p.Log, p.Gate = log, gate
	damage(&p, log)
	return b, p, log, gate
}

// TestNoAccountOpensOnAJournalThatIsNotWhole is what a fill that was not read
// would otherwise do: the position is short of it, and the gate believes that.
func TestNoAccountOpensOnAJournalThatIsNotWhole(t *testing.T) {
	for name, c := range damages {
		t.Run(name, func(t *testing.T) {
			b, p, log, gate := damaged(t, c.damage)
			_, err := orders.Open(p, b.risk.Now)
			if !errors.Is(err, orders.ErrPartial) || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("Open() error = %v, want %v that says %q", err, orders.ErrPartial, c.says)
			}
			if gate.restored != 0 || log.appended != 0 {
				t.Errorf("the gate was restored %d times and %d records were written, want neither", gate.restored, log.appended)
			}
		})
	}
}

// TestRecordsBehindTheSettledOneDoNotCount reads a fill that the disk may not
// have yet.
func TestRecordsBehindTheSettledOneDoNotCount(t *testing.T) {
	b, p, _, _ := damaged(t, func(*orders.Parts, *inState) {})
	for r, err := range p.Records {
		if err != nil {
			t.Fatal(err)
		}
		if r.Kind == orders.KindEvidence {
			p.Settled = r.LSN - 1 // the last one is the fill
		}
	}
	d, err := orders.Open(p, b.risk.Now)
	if err != nil {
		t.Fatal(err)
	}
	if at := d.Machine().Position(acme); at != 0 {
		t.Errorf("position %v, want none: the fill is not settled", at)
	}
}

// TestWhatCanBeReadBehindAGapIsCancelledToo has one record in the middle that is gone, or says nothing to us: a desk that never opens
// loses nothing by going on.
func TestWhatCanBeReadBehindAGapIsCancelledToo(t *testing.T) {
	for name, damage := range map[string]func(b *bench, p *orders.Parts){
		"gone":               second(func(*journal.Record) bool { return false }),
		"of a later version": second(func(r *journal.Record) bool { r.Version = 200; return true }),
		"damaged on the disk": func(b *bench, p *orders.Parts) {
			segment := "journal/" + fmt.Sprintf("%020d.seg", 1)
			if !b.fs.Flip(segment, int64(bytes.Index(b.fs.Bytes(segment), []byte(b.wire.placed[1].ID))), 0) {
				b.t.Fatal("no such byte")
			}
			b.openLog()
			p.Log = b.log
			if b.log.State() != journal.Corrupt {
				b.t.Fatalf("the journal is %v, want corrupt", b.log.State())
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.place(1)
			b.place(2)
			b.place(3)
			b.commit()
			b.faults.Crash(journal.LoseAll)
			p := b.parts()
			damage(b, &p)
			b.wire.cancelled = nil
			var err error
			if b.desk, err = orders.OpenToClose(p, b.risk.Now, errDisk); err != nil {
				t.Fatal(err)
			}
			b.hear(orders.Link{Event: orders.LinkLogon})
			var of []market.ClOrdID
			for _, c := range b.wire.cancelled {
				of = append(of, c.Orig)
			}
			if want := []market.ClOrdID{b.wire.placed[0].ID, b.wire.placed[2].ID}; !slices.Equal(of, want) {
				t.Errorf("cancels left for %v, want %v: the first order and the third", of, want)
			}
		})
	}
}

// second changes the record of the second intent, or leaves it out, in a journal that says that it is well.
func second(change func(*journal.Record) bool) func(*bench, *orders.Parts) {
	return func(b *bench, p *orders.Parts) {
		b.openLog()
		p.Log = b.log
		whole, intents := p.Records, 0
		p.Records = func(yield func(journal.Record, error) bool) {
			whole(func(r journal.Record, err error) bool {
				if r.Kind == orders.KindIntent {
					intents++
				}
				if r.Kind == orders.KindIntent && intents == 2 && !change(&r) {
					return true
				}
				return yield(r, err)
			})
		}
	}
}

// TestAccountThatCannotOpenClosesAllTheSame is P7 on each of the damaged
// journals: what can be read and what the venue reveals is cancelled under
// fresh ids, and nothing else happens.
func TestAccountThatCannotOpenClosesAllTheSame(t *testing.T) {
	for name, c := range damages {
		t.Run(name, func(t *testing.T) {
			b, p, log, gate := damaged(t, c.damage)
			said := 0
			p.Risk = func(m risk.Message) {
				if _, ok := m.(risk.Reconciled); ok {
					said++
				}
			}
			d, err := orders.OpenToClose(p, b.risk.Now, errDisk)
			if err != nil {
				t.Fatal(err)
			}
			known := len(d.Machine().Live(orders.Scope{}))
			b.desk, b.wire.cancelled = d, nil
			b.hear(orders.Link{Event: orders.LinkLogon})
			if len(b.wire.cancelled) != known {
				t.Errorf("%d cancels left at the logon, want one for each of the %d orders that could be read", len(b.wire.cancelled), known)
			}
			b.hear(orders.Link{Event: orders.LinkReplayed})
			b.hear(orders.Found(orders.Report{
				ID: "PHONE", OrderID: "V9", Status: orders.StatusNew, Instrument: acme, Side: market.Buy, Qty: market.Unit, Leaves: market.Unit,
			}))
			b.hear(orders.MassEnd{Count: 1})
			if n := len(b.wire.cancelled); n != known+1 || b.wire.cancelled[n-1].OrderID != "V9" {
				t.Fatalf("%d cancels left, want %d, the last of what the venue revealed", n, known+1)
			}
			placed := len(b.wire.placed)
			b.place(3)
			b.commit()
			if s := d.Status(); len(b.wire.placed) != placed || s.Session == "open" || !errors.Is(s.Partial, errDisk) || said != 0 {
				t.Errorf("%d orders left, session %s, partial %v, %d times reconciled: want a desk that only closes and says why",
					len(b.wire.placed)-placed, s.Session, s.Partial, said)
			}
			if gate.restored != 0 || gate.told != 0 || log.appended != 0 {
				t.Errorf("restored %d, told %d, wrote %d, want nothing of it", gate.restored, gate.told, log.appended)
			}
		})
	}
}
