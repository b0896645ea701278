package risk_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// snapshot returns the replica as bytes.
func (w *world) snapshot() []byte {
	w.t.Helper()
	var b bytes.Buffer
	if err := w.desk.Machine().Freeze()(&b); err != nil {
		w.t.Fatal(err)
	}
	return b.Bytes()
}

// restart is a new process on the same log: the replica is restored, everything else is gone. The log goes on where it was.
func (w *world) restart(nonce uint64) {
	w.t.Helper()
	b := w.snapshot()
	index, _ := w.desk.Machine().Applied()
	w.process(exampleConfig(), func(d *risk.Desk) {
		if err := d.Machine().Restore(bytes.NewReader(b)); err != nil {
			w.t.Fatalf("Restore() error = %v", err)
		}
	}, nonce)
	w.log = &continued{risk.NewMemoryLog(shifted{w.desk.Machine(), index}, 1)}
	w.holder = risk.NewHolder(w.desk, w.log, "test")
}

// continued and shifted make a memory log that begins behind what a snapshot holds.
type continued struct{ *risk.MemoryLog }

type shifted struct {
	to risk.Applier
	by uint64
}

func (s shifted) Apply(index, term uint64, cmd []byte) []byte {
	return s.to.Apply(index+s.by, term, cmd)
}

func TestRestoredReplicaIsShutUntilItsOwnLifeIsReconciled(t *testing.T) {
	w := opened(t, nil)
	w.restart(2)
	if body := w.desk.Gatez(w.now, ""); body.Open {
		t.Fatal("a restored replica is open")
	}
	w.tell(risk.Leading{Term: 1, Yes: true}, risk.Journal{State: risk.JournalOK, Group: "10", Epoch: 2})
	w.pass(time.Second)
	body := w.desk.Gatez(w.now, "A1/*/*")
	if body.Open || body.Incarnation != 2 {
		t.Fatalf("gate = %+v, want incarnation 2, shut", body)
	}
	w.open(2)
	if body := w.desk.Gatez(w.now, ""); !body.Open {
		t.Fatalf("gate of the reconciled second life = %+v", body)
	}
}

func TestJournalEpochSeenBeforeIsRefusedAndSaysSo(t *testing.T) {
	w := opened(t, nil)
	w.restart(2)
	w.open(1) // a journal copied back, or wiped under the same group
	body := w.desk.Gatez(w.now, "")
	if body.Open || body.Why[0].Code != risk.CodeStaleIncarnation {
		t.Fatalf("gate = %s for %+v, want STALE_INCARNATION", body.Mode, body.Why)
	}
	w.tell(risk.Journal{State: risk.JournalOK, Group: "11", Epoch: 1}) // a wiped journal takes a new group
	w.open(1)
	w.tell(risk.Journal{State: risk.JournalOK, Group: "11", Epoch: 1})
	w.pass(time.Second)
	if body := w.desk.Gatez(w.now, ""); body.Incarnation != 2 {
		t.Fatalf("incarnation under a new group = %d (%+v), want 2", body.Incarnation, body.Why)
	}
}

func TestWhatAFormerLifeHeldStaysChargedUntilReconciled(t *testing.T) {
	w := opened(t, nil)
	g := w.desk.Gate("A1")
	p := w.mustCheck("a")
	if err := p.Spend(w.now); err != nil {
		t.Fatal(err)
	}
	g.Hold(risk.Held{Order: "a", Strategy: "cross1", Instrument: acme, Side: market.Buy, Qty: qty("1"), Price: px("100")})
	w.pass(time.Second)

	w.restart(2)
	g = w.desk.Gate("A1")
	g.Restore([]risk.Position{{Strategy: "cross1", Instrument: acme, Qty: qty("59"), Price: px("100")}},
		[]risk.Held{{Order: "a", Strategy: "cross1", Instrument: acme, Side: market.Buy, Qty: qty("1"), Price: px("100")}})
	w.desk.Gate("A2").Restore(nil, nil)
	w.tell(risk.Leading{Term: 1, Yes: true}, risk.Journal{State: risk.JournalOK, Group: "10", Epoch: 2})
	for _, a := range w.desk.Accounts() {
		w.tell(risk.Session{Account: a, Up: true}, risk.Reconciled{Account: a})
	}
	w.pass(time.Second)
	if _, err := w.check(nil); err == nil || !errors.Is(err, risk.ErrOverLimit) {
		t.Fatalf("Check() with 59 held and 1 live under a limit of 60 error = %v, want ErrOverLimit", err)
	}
	if _, err := w.check(with(quantity("20"), sell)); err != nil {
		t.Fatalf("Check() of a sell that reduces error = %v", err)
	}
}

// sendSync has the holder send a Sync that is on its way to the log when it returns.
func (w *world) sendSync() risk.Proposal {
	w.t.Helper()
	w.advance(100 * time.Millisecond)
	out := w.holder.Step(w.now, risk.Renew{})
	if len(out) != 1 {
		w.t.Fatalf("the holder proposes %d commands, want its Sync", len(out))
	}
	return out[0]
}

// arrive brings a command into the log.
func (w *world) arrive(p risk.Proposal) {
	w.t.Helper()
	if _, err := w.log.Propose(context.Background(), p.Command); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) left() time.Duration {
	return time.Duration(w.desk.Gatez(w.now, "").Permission.LeftMS) * time.Millisecond
}

func TestHolderThatFollowsAnotherRenewsFromTheFirstSendingOfItsSync(t *testing.T) {
	w := opened(t, nil)
	sent := w.sendSync() // and its holder ends
	w.holder.Close(w.now)
	w.holder = risk.NewHolder(w.desk, w.log, "test")
	w.fail = func() error { return risk.ErrNotAppended }
	w.advance(300 * time.Millisecond)
	w.tell(risk.Journal{State: risk.JournalOK, Group: "10", Epoch: 1})
	w.arrive(sent)
	if got := w.left(); got != 200*time.Millisecond {
		t.Fatalf("permission by a Sync first sent 300 ms ago has %v left, want 200ms", got)
	}
	w.fail = nil
	w.tell(risk.Wake{})
	if got := w.left(); got != 500*time.Millisecond {
		t.Fatalf("permission by the next Sync has %v left, want 500ms", got)
	}
}

func TestHolderThatFollowsAnotherRepeatsItsSync(t *testing.T) {
	w := opened(t, nil)
	sent := w.sendSync()
	fill(market.Buy, acme, "3", "100")(w) // a Sync planned now would be another one under the same number
	w.holder.Close(w.now)
	w.holder = risk.NewHolder(w.desk, w.log, "test")
	w.advance(300 * time.Millisecond)
	out := w.holder.Step(w.now, risk.Journal{State: risk.JournalOK, Group: "10", Epoch: 1})
	if len(out) != 1 || !bytes.Equal(out[0].Command, sent.Command) {
		t.Fatalf("the new holder proposes %d commands, want the Sync that is under way, word for word", len(out))
	}
}

func TestHolderWaitsForTheOutcomeOfItsSyncWithoutLookingAgain(t *testing.T) {
	w := opened(t, nil)
	sent := w.sendSync()
	w.advance(50 * time.Millisecond)
	if out := w.holder.Step(w.now, risk.Wake{}); len(out) != 0 || w.holder.Wait() != 0 {
		t.Fatalf("while its Sync is under way the holder proposes %d commands and wants a step in %v", len(out), w.holder.Wait())
	}
	if out := w.holder.Step(w.now, sent.Done(0, risk.ErrNotAppended)); len(out) != 1 || !bytes.Equal(out[0].Command, sent.Command) {
		t.Fatalf("after its Sync was lost the holder proposes %d commands, want it again", len(out))
	}
}

func TestSyncUnderWayOutlivesASnapshotThatDoesNotHoldIt(t *testing.T) {
	w := opened(t, nil)
	before := w.snapshot()
	sent := w.sendSync()
	w.advance(100 * time.Millisecond)
	if err := w.desk.Machine().Restore(bytes.NewReader(before)); err != nil {
		t.Fatal(err)
	}
	if got := w.left(); got != 0 {
		t.Fatalf("permission after a snapshot has %v left, want none", got)
	}
	w.arrive(sent)
	if got := w.left(); got != 400*time.Millisecond {
		t.Fatalf("permission by a Sync first sent 100 ms ago has %v left, want 400ms", got)
	}
}

// What a snapshot says of the log is late, and no fault of the accounts: their working orders stay, until the permission has been gone
// for as long as after any other loss of it.
func TestSnapshotInMidLifeTakesThePermissionAndClosesLater(t *testing.T) {
	w := opened(t, nil)
	if err := w.desk.Machine().Restore(bytes.NewReader(w.snapshot())); err != nil {
		t.Fatal(err)
	}
	w.fail = func() error { return risk.ErrNotAppended }
	if _, err := w.check(nil); !errors.Is(err, risk.ErrNoPermission) && !errors.Is(err, risk.ErrShut) {
		t.Errorf("Check() error = %v, want a refusal", err)
	}
	for _, step := range []struct {
		wait time.Duration
		want risk.Mode
	}{{0, risk.CancelOnly}, {4900 * time.Millisecond, risk.CancelOnly}, {700 * time.Millisecond, risk.Closed}} {
		w.pass(step.wait)
		if body := w.desk.Gatez(w.now, ""); body.Mode != step.want || body.Permission.Valid || body.Permission.LeftMS != 0 {
			t.Fatalf("%v later: %s for %+v, permission %+v, want %s", step.wait, body.Mode, body.Why, body.Permission, step.want)
		}
	}
	w.fail = nil
	w.pass(time.Second)
	if body := w.desk.Gatez(w.now, ""); !body.Open {
		t.Fatalf("gate with the log back = %s for %+v", body.Mode, body.Why)
	}
}

func TestSnapshotIsRefusedWhenItIsDamagedOrCut(t *testing.T) {
	w := opened(t, nil)
	w.mustCheck("a")
	whole := w.snapshot()
	target := newWorld(t, nil)
	before := target.desk.Machine().Digest()
	for at := 0; at < len(whole); at += 7 {
		damaged := bytes.Clone(whole)
		damaged[at] ^= 1
		if err := target.desk.Machine().Restore(bytes.NewReader(damaged)); !errors.Is(err, risk.ErrSnapshot) {
			t.Fatalf("byte %d flipped: Restore() error = %v, want ErrSnapshot", at, err)
		}
		if err := target.desk.Machine().Restore(bytes.NewReader(whole[:at])); !errors.Is(err, risk.ErrSnapshot) {
			t.Fatalf("cut at %d: Restore() error = %v, want ErrSnapshot", at, err)
		}
	}
	if target.desk.Machine().Digest() != before {
		t.Fatal("a refused snapshot changed the replica")
	}
	if err := target.desk.Machine().Restore(bytes.NewReader(whole)); err != nil {
		t.Fatalf("Restore() error = %v", err)
	}
	if target.desk.Machine().Digest() != w.desk.Machine().Digest() {
		t.Fatal("the restored replica differs")
	}
}

func TestReplicasThatApplyTheSameEntriesAreEqual(t *testing.T) {
	w := newWorld(t, nil)
	twin := newWorld(t, nil)
	w.log = both{w.log, twin.log}
	w.holder = risk.NewHolder(w.desk, w.log, "test")
	w.open(1)
	w.mustCheck("a")
	w.trip("A2/*/*", risk.CancelOnly)
	fill(market.Buy, acme, "3", "100")(w)
	w.pass(2 * time.Second)
	if w.desk.Machine().Digest() != twin.desk.Machine().Digest() {
		t.Fatal("digests differ")
	}
	if body := twin.desk.Gatez(w.now, ""); body.Open {
		t.Fatal("a replica of another process opened by this one's entries")
	}
}

// both proposes to two logs, so that two replicas see the same entries.
type both struct {
	risk.Log
	other risk.Log
}

func (b both) Propose(ctx context.Context, cmd []byte) (uint64, error) {
	if _, err := b.other.Propose(ctx, cmd); err != nil {
		return 0, err
	}
	return b.Log.Propose(ctx, cmd)
}
