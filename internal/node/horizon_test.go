package node_test

import (
	"testing"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/internal/node"
	"github.com/failshut/failshut/orders"
)

// TestANodeInHorizonModeTradesAheadOfItsDiskAndGivesItsNamesBack has a next life of it nothing to look up.
func TestANodeInHorizonModeTradesAheadOfItsDiskAndGivesItsNamesBack(t *testing.T) {
	t.Parallel()
	disk := journal.NewFaultFS(journal.NewMemFS(1))
	disk.AnswerFree(plenty)
	if err := disk.MkdirAll(kept); err != nil {
		t.Fatal(err)
	}
	change := func(c *node.DemoConfig) {
		c.Disk = elsewhere{disk}
		c.Change = func(p *node.Plan) { quick(p); p.Orders.Mode, p.Orders.Block = "horizon", 16 }
	}
	h := open(t, shipped(), change)
	h.trades()
	h.end()
	blocks, reserves := map[journal.Kind]int{}, 0
	for r, err := range journal.Read(disk, kept, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if blocks[r.Kind]++; r.Kind == orders.KindReserve {
			reserves++
		}
	}
	if reserves < 2 || reserves%2 != 0 || blocks[orders.KindIntent] == 0 {
		t.Errorf("%d records of blocks and %d intents, want each block with its end, and orders", reserves, blocks[orders.KindIntent])
	}
	again := open(t, shipped(), change)
	again.until("an owner that has read the journal", func() bool { return again.Node().Stands("A1").Generation > 0 })
	if s := again.Node().Stands("A1"); s.Partial != nil || s.Reserved != 0 {
		t.Errorf("%d names of the life before are looked up, %v; want none", s.Reserved, s.Partial)
	}
}
