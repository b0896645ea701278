package risk_test

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"github.com/failshut/failshut/risk"
)

// peer is the desk of another node that applies the same entries.
func (w *world) peer(node string) *world {
	p := newWorld(w.t, func(c *risk.Config) { c.Node = node })
	w.log = both{w.log, p.log}
	w.holder = risk.NewHolder(w.desk, w.log, "test")
	return p
}

func TestTripOfAnotherNodeCancelsAllHereOnce(t *testing.T) {
	w := newWorld(t, nil)
	other := w.peer("n2")
	w.open(1)
	l := w.trip("A1/*/*", risk.Closed)
	w.tell(risk.Wake{})
	want := []risk.Latch{l}
	if !slices.Equal(other.cancels, want) {
		t.Errorf("the other node was told to cancel for %+v, want %+v", other.cancels, want)
	}
	other.tell(risk.Wake{}) // its holder finds the latch set
	w.tell(risk.Wake{})
	if !slices.Equal(w.cancels, want) || !slices.Equal(other.cancels, want) {
		t.Errorf("told to cancel for %+v and %+v, want once each", w.cancels, other.cancels)
	}
}

func TestTripInASnapshotCancelsAllOnce(t *testing.T) {
	w := opened(t, nil)
	l := w.trip("A1/*/*", risk.CancelOnly)
	w.tell(risk.Wake{})
	other := newWorld(t, func(c *risk.Config) { c.Node = "n2" })
	for range 2 {
		if err := other.desk.Machine().Restore(bytes.NewReader(w.snapshot())); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(other.cancels, []risk.Latch{l}) {
		t.Errorf("told to cancel for %+v, want once for %+v", other.cancels, l)
	}
}

func TestTripThatTheLogReplaysCancelsAllOnce(t *testing.T) {
	w := newWorld(t, nil)
	kept := &record{Log: w.log}
	w.log = kept
	w.holder = risk.NewHolder(w.desk, w.log, "test")
	w.open(1)
	l := w.trip("A1/*/*", risk.Closed)
	w.tell(risk.Wake{})
	again := newWorld(t, nil) // another process with an empty trip store
	for i, cmd := range kept.commands {
		again.desk.Machine().Apply(uint64(i+1), 1, cmd)
	}
	if !slices.Equal(again.cancels, []risk.Latch{l}) {
		t.Errorf("told to cancel for %+v, want once for %+v", again.cancels, l)
	}
}

// record keeps every command that was proposed.
type record struct {
	risk.Log
	commands [][]byte
}

func (r *record) Propose(ctx context.Context, cmd []byte) (uint64, error) {
	r.commands = append(r.commands, bytes.Clone(cmd))
	return r.Log.Propose(ctx, cmd)
}

// A second trip under a used id would be taken for the first, and latch nothing.
func TestTripsOfTwoLivesAtOneInstantAreTwo(t *testing.T) {
	w := opened(t, nil)
	a := w.trip("A1/*/*", risk.ReduceOnly)
	w.restart(2)
	b := w.trip("A1/*/*", risk.Closed)
	if a.ID == b.ID {
		t.Fatalf("two trips are called %s", a.ID)
	}
	if mode, _ := w.desk.Mode("A1", w.now); mode != risk.Closed || len(w.desk.Latches()) != 2 {
		t.Fatalf("mode = %s with latches %+v, want CLOSED by two", mode, w.desk.Latches())
	}
}

func TestTripsOfNodesWithLikeNamesAreTwo(t *testing.T) {
	seen := map[string]string{}
	for _, node := range []string{"n", "n-1", "n-1-1", "1", "n-1-1-1"} {
		w := newWorld(t, func(c *risk.Config) { c.Node = node })
		for range 3 {
			l := w.trip("A1/*/*", risk.Closed)
			if by, again := seen[l.ID]; again {
				t.Errorf("%s and %s both call a trip %s", by, node, l.ID)
			}
			seen[l.ID] = node
		}
	}
}
