package orders_test

import (
	"errors"
	"testing"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
)

// eventful gives a desk something to remember: an order that works and is filled in part, one that is held, one without an
// answer, one that ended.
func eventful(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	b.place(1)
	b.handle(orders.Place{Intent: intent(2), Held: true})
	b.place(3)
	b.place(4)
	b.commit()
	first := fill(b.wire.placed[0], "E1", 4*market.Unit, 4*market.Unit)
	first.Session, first.Seq = "S1", 7
	b.hear(first)
	b.hear(fill(b.wire.placed[1], "E2", 10*market.Unit, 10*market.Unit))
	b.commit()
	return b
}

// folded is what a checkpoint made now would have in it.
func (b *bench) folded() *orders.Checkpoint {
	b.t.Helper()
	c := orders.NewCheckpoint(nil)
	for r, err := range b.log.Replay() {
		if err != nil {
			b.t.Fatal(err)
		}
		if err := c.Fold(r); err != nil {
			b.t.Fatal(err)
		}
		if c.At() == b.log.Watermark() {
			break
		}
	}
	return c
}

// TestACrashAtEachRecordOfACheckpointLosesNothing ends the process between any two records of a checkpoint, with all, a part
// or none of what was not durable, and once behind it: the next desk is the one that a replay of everything makes.
func TestACrashAtEachRecordOfACheckpointLosesNothing(t *testing.T) {
	whole, none := 0, 0
	for at := 0; ; at++ {
		records := 0
		for _, loss := range []journal.Loss{journal.LoseAll, journal.LoseTail, journal.LoseNothing} {
			b := eventful(t)
			c := b.folded()
			records = 0
			b.until(func() {
				err := writeCheckpoint(b.log, c, 150, func() {
					records++
					if records%2 == 0 {
						b.commit()
					}
					if records == at+1 {
						panic(errEnd)
					}
				})
				if err != nil {
					t.Fatal(err)
				}
			})
			b.faults.Crash(loss)
			b.openLog()
			if b.log.Checkpoint().Close > 0 {
				whole++
			} else {
				none++
			}
			wantSameDesk(t, b)
		}
		if at > records {
			break
		}
	}
	if whole == 0 || none == 0 {
		t.Fatalf("%d restarts began at a checkpoint and %d did not, want both", whole, none)
	}
	t.Logf("%d restarts began at a checkpoint, %d did not", whole, none)
}

// wantSameDesk opens the desk as a restart does, and from all records there are.
func wantSameDesk(t *testing.T, b *bench) {
	t.Helper()
	b.crash = nil
	p := b.parts()
	p.Records = journal.Read(b.faults, "journal", 0)
	all, err := orders.Open(p, b.risk.Now)
	if err != nil {
		t.Fatal(err)
	}
	from, err := orders.Open(b.parts(), b.risk.Now)
	if err != nil {
		t.Fatal(err)
	}
	if from.Machine().Digest() != all.Machine().Digest() {
		t.Fatalf("from the checkpoint:\n%s\nfrom all records:\n%s", dump(from.Machine()), dump(all.Machine()))
	}
	if n := from.NextIn("S1"); n != all.NextIn("S1") || n != 8 {
		t.Fatalf("the next message is %d, want 8 as from all records (%d)", n, all.NextIn("S1"))
	}
	if q := from.Machine().Position(acme); q != 14*market.Unit {
		t.Fatalf("position %v, want 14", q)
	}
}

// TestADeskGoesOnFromACheckpointWhenWhatItCoversIsGone rolls, retires, restarts and goes on trading.
func TestADeskGoesOnFromACheckpointWhenWhatItCoversIsGone(t *testing.T) {
	b := eventful(t)
	want := b.desk.Machine().Position(acme)
	gone := 0
	for n := 0; gone == 0; n++ {
		if n == 1000 {
			t.Fatal("nothing was retired")
		}
		if _, err := b.log.Append(journal.KindFirst+100, 1, make([]byte, 16000)); err != nil {
			t.Fatal(err)
		}
		b.commit()
		if _, due := b.log.Due(); due {
			if err := writeCheckpoint(b.log, b.folded(), 400, func() {}); err != nil {
				t.Fatal(err)
			}
		}
		var err error
		if gone, err = b.log.Retire(b.risk.Now.Wall, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.log.Close(); err != nil {
		t.Fatal(err)
	}
	b.restart()
	if got := b.desk.Machine().Position(acme); got != want {
		t.Fatalf("position %v, want %v", got, want)
	}
	if n := b.desk.NextIn("S1"); n != 8 {
		t.Fatalf("the next message is %d, want 8", n)
	}
	b.hear(orders.Link{Event: orders.LinkLogon})
	b.hear(fill(b.wire.placed[0], "E1", 4*market.Unit, 4*market.Unit)) // told again
	b.hear(fill(b.wire.placed[0], "E3", 10*market.Unit, 6*market.Unit))
	if got := b.desk.Machine().Position(acme); got != want+6*market.Unit {
		t.Fatalf("position %v after a fill that was known and one that was not, want %v", got, want+6*market.Unit)
	}
}

// TestACheckpointThatSaysNothingToUsOpensNoAccount has one of a later version: the account closes, and knows what is behind it.
func TestACheckpointThatSaysNothingToUsOpensNoAccount(t *testing.T) {
	b := eventful(t)
	if err := writeCheckpoint(b.log, b.folded(), 150, func() {}); err != nil {
		t.Fatal(err)
	}
	b.place(5)
	b.commit()
	b.faults.Crash(journal.LoseAll)
	b.openLog()
	p := b.parts()
	replay := p.Records
	p.Records = func(yield func(journal.Record, error) bool) {
		replay(func(r journal.Record, err error) bool {
			if r.Kind == journal.KindCheckpoint {
				r.Version = 200
			}
			return yield(r, err)
		})
	}
	if _, err := orders.Open(p, b.risk.Now); !errors.Is(err, orders.ErrPartial) {
		t.Fatalf("Open() error = %v, want %v", err, orders.ErrPartial)
	}
	d, err := orders.OpenToClose(p, b.risk.Now, orders.ErrPartial)
	if err != nil {
		t.Fatal(err)
	}
	if live := d.Machine().Live(orders.Scope{}); len(live) != 1 {
		t.Fatalf("%d live orders, want the one behind the checkpoint", len(live))
	}
}
