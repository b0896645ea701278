package risk

import (
	"fmt"
	"strings"
	"testing"

	"github.com/failshut/failshut/market"
)

// bench is a ledger and the term that entries come in.
type bench struct {
	*ledger
	t    *testing.T
	term uint64
}

func newBench(t *testing.T) *bench {
	b := &bench{newLedger(), t, 1}
	b.want(resOK, &termOpen{1, "n1"})
	var limits []Limit
	for _, x := range [][3]string{
		{"*/*/*", "max_long_notional", "100"},
		{"*/*/*", "max_short_notional", "100"},
		{"*/*/*", "max_gross", "150"},
		{"*/*/+", "max_long_qty", "10"},
		{"*/*/+", "max_short_qty", "10"},
		{"+/*/*", "credit", "5"},
	} {
		l, err := ParseLimit(x[0], x[1], x[2])
		if err != nil {
			t.Fatal(err)
		}
		limits = append(limits, l)
	}
	b.want(resOK, &seed{limits: limits, hash: "h"})
	return b
}

func (b *bench) apply(c body) code {
	b.t.Helper()
	cmd, err := encodeCommand(header{actor: "n1", at: 1}, c)
	if err != nil {
		b.t.Fatal(err)
	}
	res, _, _ := b.ledger.apply(b.index+1, b.term, cmd)
	return res
}

func (b *bench) want(want code, c body) {
	b.t.Helper()
	if got := b.apply(c); got != want {
		b.t.Fatalf("%s %+v: %s, want %s", c.kind(), c, got, want)
	}
}

// lives brings account A of node n1 up under a journal epoch, reconciled with nothing.
func (b *bench) lives(epoch uint32) uint64 {
	b.t.Helper()
	b.want(resOK, &hello{"n1", "10", epoch, uint64(epoch), []string{"A"}, "", 1})
	inc := b.nodes["n1"].inc
	b.want(resOK, &fence{"A", inc - 1, proofSessionTaken, fmt.Sprint(inc)})
	b.want(resOK, &reconcile{account: "A", inc: inc, fenceIndex: b.accounts["A"].fenceIndex, reference: fmt.Sprint(inc)})
	return inc
}

var xqty = Scope{All, All, "X@V"}

func (b *bench) ask(n string) move { return move{"A", xqty, MaxLongQty, b.money(n)} }

func (b *bench) money(s string) market.Notional {
	n, err := market.ParseNotional(s)
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

// sync applies one Sync under the next number.
func (b *bench) sync(c syncUp) code {
	b.t.Helper()
	c.node, c.inc, c.seq, c.sentTerm, c.want = "n1", b.nodes["n1"].inc, b.nodes["n1"].seq+1, b.term, true
	return b.apply(&c)
}

func (b *bench) holds(granted, posted, orphan string) {
	b.t.Helper()
	p := b.cells[row{xqty, MaxLongQty}].part("A")
	if p.granted != b.money(granted) || p.posted != b.money(posted) || p.orphan != b.money(orphan) {
		b.t.Fatalf("A has granted %s, posted %s, orphan %s, want %s, %s, %s", p.granted, p.posted, p.orphan, granted, posted, orphan)
	}
}

func TestSeedGoesInOnce(t *testing.T) {
	newBench(t).want(resAlreadySeeded, &seed{})
}

func TestHelloBindsAJournalOnceAndNeverAnOlderEpoch(t *testing.T) {
	b := newBench(t)
	b.want(resOK, &hello{"n1", "10", 5, 1, []string{"A"}, "", 1})
	b.want(resOK, &hello{"n1", "10", 5, 1, []string{"A"}, "", 1}) // the same life again
	if b.lastInc != 1 {
		t.Fatalf("incarnations = %d, want 1", b.lastInc)
	}
	b.want(resStaleIncarnation, &hello{"n1", "10", 5, 2, []string{"A"}, "", 1}) // another process on the same journal epoch
	b.want(resStaleIncarnation, &hello{"n1", "10", 4, 3, []string{"A"}, "", 1})
	b.want(resStaleIncarnation, &hello{"n2", "10", 6, 4, []string{"A"}, "", 1}) // another node's group
	b.want(resOK, &hello{"n1", "11", 1, 5, []string{"A"}, "", 1})
	b.want(resStaleIncarnation, &hello{"n1", "10", 5, 6, []string{"A"}, "", 1}) // back to the old journal
	b.want(resMalformed, &hello{"n1", "", 1, 5, []string{"A"}, "", 1})
	b.want(resMalformed, &hello{"n1", "12", 0, 5, []string{"A"}, "", 1})
}

func TestAccountOfAnotherNodeIsNotTaken(t *testing.T) {
	b := newBench(t)
	b.lives(1)
	b.want(resOK, &hello{"n2", "20", 1, 1, []string{"A"}, "", 1})
	if a := b.accounts["A"]; a.owner != "n1" || a.inc != 1 {
		t.Fatalf("A belongs to %s in incarnation %d, want n1 in 1", a.owner, a.inc)
	}
}

func TestGrantsAreBoundedAndTravelOnlyToTheLivingIncarnation(t *testing.T) {
	b := newBench(t)
	inc := b.lives(1)
	b.want(resOK, &syncUp{node: "n1", inc: inc, seq: 1, sentTerm: 1, asks: []move{b.ask("8")}})
	b.want(resOK, &syncUp{node: "n1", inc: inc, seq: 1, sentTerm: 1, asks: []move{b.ask("8")}}) // repeated
	b.holds("8", "0", "0")
	b.want(resSeqGap, &syncUp{node: "n1", inc: inc, seq: 3, sentTerm: 1})
	b.want(resStaleIncarnation, &syncUp{node: "n1", inc: inc + 1, seq: 2, sentTerm: 1})
	b.sync(syncUp{asks: []move{b.ask("8")}})
	b.holds("10", "0", "0") // what was left
	b.sync(syncUp{returns: []move{b.ask("4")}})
	b.holds("6", "0", "0")
	if got := b.sync(syncUp{returns: []move{b.ask("7")}}); got != resMalformed {
		t.Fatalf("a return of more than was granted: %s", got)
	}
	b.sync(syncUp{posts: []move{b.ask("5")}})
	b.holds("1", "5", "0")
	b.sync(syncUp{posts: []move{b.ask("-2")}}) // credit goes back to the holder, not to the pool
	b.holds("3", "3", "0")
}

func TestNothingIsGrantedBeforeReconcileOrInAnotherTermOrUnderALatch(t *testing.T) {
	b := newBench(t)
	b.want(resOK, &hello{"n1", "10", 1, 1, []string{"A"}, "", 1})
	b.sync(syncUp{asks: []move{b.ask("1")}})
	b.holds("0", "0", "0")
	b.want(resOK, &fence{"A", 0, proofSessionTaken, "1"})
	b.want(resOK, &reconcile{account: "A", inc: 1, fenceIndex: b.accounts["A"].fenceIndex, reference: "1"})
	b.want(resOK, &trip{Latch{ID: "t-1", Scope: Firm, Mode: Closed}})
	b.sync(syncUp{asks: []move{b.ask("1")}})
	b.holds("0", "0", "0")
	b.latches = nil
	b.term = 2
	b.sync(syncUp{asks: []move{b.ask("1")}}) // an entry of a term that nobody opened
	b.holds("0", "0", "0")
	b.want(resOK, &termOpen{2, "n1"})
	b.sync(syncUp{asks: []move{b.ask("1")}}) // opened, but not reconciled in it
	b.holds("0", "0", "0")
}

func TestOrphanIsFreedOnlyByFenceAndReconcile(t *testing.T) {
	b := newBench(t)
	b.lives(1)
	b.sync(syncUp{asks: []move{b.ask("8")}})
	b.want(resOK, &hello{"n1", "10", 2, 2, []string{"A"}, "", 1})
	b.holds("0", "0", "8")
	facts := []fact{{strategy: "s", instrument: "X@V", pos: 2 * market.Unit, buys: market.Unit}}
	b.want(resNotFenced, &reconcile{account: "A", inc: 2, reference: "2", facts: facts})
	b.want(resMalformed, &fence{"A", 2, proofSessionTaken, "2"}) // itself
	b.want(resMalformed, &fence{"A", 1, 0, "2"})                 // no proof
	b.want(resTwoPersons, &fence{"A", 1, proofOperator, "2"})
	b.want(resOK, &fence{"A", 0, proofSessionTaken, "2"})
	at := b.accounts["A"].fenceIndex
	b.want(resNotFenced, &reconcile{account: "A", inc: 2, fenceIndex: at, reference: "2", facts: facts}) // the fence ends before it
	b.want(resOK, &fence{"A", 1, proofSessionTaken, "2"})
	b.want(resFactsTooOld, &reconcile{account: "A", inc: 2, fenceIndex: at, reference: "2", facts: facts})
	at = b.accounts["A"].fenceIndex
	b.want(resFactsTooOld, &reconcile{account: "A", inc: 2, fenceIndex: at, reference: "1", facts: facts})
	b.want(resUnknownOrders, &reconcile{account: "A", inc: 2, fenceIndex: at, reference: "2", facts: facts, unknown: 1})
	b.want(resDifference, &reconcile{account: "A", inc: 2, fenceIndex: at, reference: "2", facts: facts, differences: []string{"d"}})
	b.want(resStaleIncarnation, &reconcile{account: "A", inc: 1, fenceIndex: at, reference: "2", facts: facts})
	b.holds("0", "0", "8")
	b.want(resOK, &reconcile{account: "A", inc: 2, fenceIndex: at, reference: "2", facts: facts})
	b.holds("1", "2", "0")
}

func TestLimitCutBelowTheChargeStopsGrantsUntilItIsBelowAgain(t *testing.T) {
	b := newBench(t)
	b.lives(1)
	b.sync(syncUp{asks: []move{b.ask("8")}})
	cut, err := ParseLimit("*/*/+", "max_long_qty", "5")
	if err != nil {
		t.Fatal(err)
	}
	b.want(resMalformed, &setLimit{limit: cut, by: "ann"}) // no reason
	b.want(resStaleRevision, &setLimit{limit: cut, by: "ann", reason: "r", expect: b.revision + 1})
	b.want(resOK, &setLimit{limit: cut, by: "ann", reason: "r", expect: b.revision})
	if c := b.cells[row{xqty, MaxLongQty}]; !c.over {
		t.Fatal("a cell above its limit is not marked")
	}
	again, err := decodeLedger(b.encode())
	if err != nil || !again.cells[row{xqty, MaxLongQty}].over {
		t.Fatalf("the mark is lost in the snapshot: %v", err)
	}
	b.sync(syncUp{asks: []move{b.ask("1")}})
	b.holds("8", "0", "0")
	b.sync(syncUp{returns: []move{b.ask("4")}})
	b.sync(syncUp{asks: []move{b.ask("3")}})
	b.holds("5", "0", "0")
	if b.frozen != "" {
		t.Fatalf("the ledger froze: %s", b.frozen)
	}
	loose, err := ParseLimit("*/*/+", "max_long_qty", "6")
	if err != nil {
		t.Fatal(err)
	}
	b.want(resTwoPersons, &setLimit{limit: loose, by: "ann", reason: "r"})
	other, err := ParseLimit("A/*/*", "credit", "100")
	if err != nil {
		t.Fatal(err)
	}
	b.want(resOK, &setLimit{limit: other, by: "ann", reason: "r"})
}

func TestMoreThanWasGrantedIsCountedAndMarked(t *testing.T) {
	b := newBench(t)
	b.lives(1)
	b.sync(syncUp{asks: []move{b.ask("10")}})
	b.sync(syncUp{posts: []move{b.ask("12")}}) // a bust, or an overfill: the venue's doing
	b.holds("0", "12", "0")
	if c := b.cells[row{xqty, MaxLongQty}]; !c.over || b.frozen != "" {
		t.Fatalf("over %v, frozen %q, want a mark and no freeze", c.over, b.frozen)
	}
}

func TestResetClearsWhatItNamesInsideItsScopeOrNothing(t *testing.T) {
	b := newBench(t)
	b.lives(1)
	for id, scope := range map[string]Scope{"t-a": AccountScope("A"), "t-b": AccountScope("B"), "t-firm": Firm, "t-x": xqty} {
		b.want(resOK, &trip{Latch{ID: id, Scope: scope, Mode: Closed}})
	}
	b.want(resUnknownLatch, &reset{scope: AccountScope("A"), ids: []string{"t-a", "t-b"}, reason: "r"})
	b.want(resUnknownLatch, &reset{scope: AccountScope("A"), ids: []string{"t-firm"}, reason: "r"})
	b.want(resTwoPersons, &reset{scope: Firm, ids: []string{"t-firm"}, reason: "r"})
	b.want(resTwoPersons, &reset{scope: Firm, ids: []string{"t-x"}, reason: "r"})
	b.want(resMalformed, &reset{scope: AccountScope("A"), ids: []string{"t-a"}})
	b.want(resMalformed, &reset{scope: AccountScope("A"), reason: "r"})
	if len(b.latches) != 4 {
		t.Fatalf("%d latches after refused resets, want 4", len(b.latches))
	}
	b.want(resOK, &reset{scope: AccountScope("A"), ids: []string{"t-a"}, reason: "r"})
	b.want(resCleared, &trip{Latch{ID: "t-a", Scope: AccountScope("A"), Mode: Closed}}) // a node that comes back with the old file
	if b.phases[AccountScope("A")].mode == Open {
		t.Fatal("a reset opened the account")
	}
}

func TestPhaseOpensOnlyUnderTheConditions(t *testing.T) {
	b := newBench(t)
	b.lives(1)
	k := AccountScope("A")
	open := func(m Mode) *phase { return &phase{term: b.term, scope: k, mode: m, auto: true, first: true} }
	b.want(resNotReady, open(ReduceOnly)) // its owner has not spoken in this term
	b.sync(syncUp{})
	b.want(resNotReady, open(Open)) // not before REDUCE_ONLY
	b.want(resNotReady, &phase{term: 1, scope: k, mode: ReduceOnly, auto: true})
	b.want(resMalformed, &phase{term: 1, scope: AccountScope("B"), mode: ReduceOnly, auto: true, first: true})
	b.want(resOK, open(ReduceOnly))
	b.want(resOK, open(Open))
	b.term = 2
	b.want(resStaleTerm, &phase{term: 1, scope: k, mode: Open})
	b.want(resOK, &termOpen{2, "n1"})
	b.want(resStaleTerm, &termOpen{2, "n1"})
	b.sync(syncUp{})
	if why := b.opening(k, consent{auto: true}); why != CodeReconciling {
		t.Fatalf("in a new term the account waits for %q, want RECONCILING", why)
	}
}

func TestUnknownCommandFreezesAndNothingAfterItIsApplied(t *testing.T) {
	b := newBench(t)
	res, _, _ := b.ledger.apply(b.index+1, 1, []byte{commandVersion + 1, 1})
	if res != resFrozen || b.frozen == "" {
		t.Fatalf("a newer version: %s, frozen %q", res, b.frozen)
	}
	b.want(resFrozen, &hello{"n1", "10", 1, 1, []string{"A"}, "", 1})
	if len(b.nodes) != 0 {
		t.Fatal("an entry after the unknown one was applied")
	}
}

func TestBrokenInvariantShutsEverything(t *testing.T) {
	b := newBench(t)
	b.lives(1)
	b.sync(syncUp{asks: []move{b.ask("8")}})
	b.cells[row{xqty, MaxLongQty}].claims[0].granted = b.money("11")
	b.sync(syncUp{posts: []move{b.ask("1")}})
	if !strings.HasPrefix(b.frozen, "I1") {
		t.Fatalf("frozen = %q, want the invariant I1", b.frozen)
	}
	for k, p := range b.phases {
		if p.mode != Closed {
			t.Errorf("%s is %s after a breach", k, p.mode)
		}
	}
}
