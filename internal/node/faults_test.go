package node_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/failshut/failshut/internal/config"
	"github.com/failshut/failshut/internal/node"
	"github.com/failshut/failshut/venues/sim"
)

// fired lists the firings in a ledger, by the ids of their faults.
func fired(t *testing.T, file string) map[string]sim.FaultLine {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	out := map[string]sim.FaultLine{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line sim.FaultLine
		if err := json.Unmarshal(lines.Bytes(), &line); err == nil && line.Firing > 0 && line.Kind != "" {
			out[line.ID] = line
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// A fault of the venue file is one of the exchange: it fires there, and the node's positions are the ledger's all the same.
func TestAFaultOfTheVenueFileFires(t *testing.T) {
	dir := ""
	h := open(t, shipped(), func(c *node.DemoConfig) {
		dir = c.Dir
		c.Venue.Exchange.Faults = append(c.Venue.Exchange.Faults, config.Fault{
			ID: "told-twice", Kind: "dup_exec", On: config.FaultOn{Session: "A1"}, When: config.FaultWhen{Nth: 1},
		})
	})
	h.trades()
	if a := h.end(); len(a.Differences) > 0 {
		t.Errorf("the positions differ from the ledger: %q", a.Differences)
	}
	got := fired(t, filepath.Join(dir, "ledger.jsonl"))
	if f := got["told-twice"]; f.Kind != string(sim.DupExec) || f.Firing != 1 {
		t.Errorf("the ledger has the firings %+v, want the first of told-twice", got)
	}
}
