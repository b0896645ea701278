package node

import (
	"fmt"

	"github.com/failshut/failshut/internal/config"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/strategy"
)

// PaperPlanOf is the plan of a replay under a node file: its orders, instruments, risk, strategies and supervision count;
// its venue is a paper one that lists its symbols at the recording's venue, and every account is this node's.
func PaperPlanOf(f *config.File, venue market.Venue, defs strategy.Defs) (*Plan, error) {
	n := *f.Node
	if len(n.Venues) != 1 {
		return nil, fmt.Errorf("the file has %d venues, want one: more are not built yet", len(n.Venues))
	}
	n.Instruments = append([]config.Listing{}, n.Instruments...)
	for i := range n.Instruments {
		n.Instruments[i].Venue = venue
	}
	paper := n.Venues[0]
	paper.Name, paper.Accounts = venue, append([]config.Account{}, paper.Accounts...)
	for i := range paper.Accounts {
		paper.Accounts[i].Home = n.Node.ID
	}
	n.Venues = []config.Venue{paper}
	n.Risk.Controls.Entitlements = append([]config.Entitlement{}, n.Risk.Controls.Entitlements...)
	for i := range n.Risk.Controls.Entitlements {
		n.Risk.Controls.Entitlements[i].Venues = []market.Venue{venue}
	}
	file := *f
	file.Node = &n
	p, err := PlanOf(&file, defs)
	if err != nil {
		return nil, err
	}
	p.MassStatus = true
	p.Risk.ClockStep = 0        // virtual clocks do not disagree
	p.Disk = config.DiskWatch{} // it is memory
	p.Journal.Segment, p.Journal.Floor = config.MiB, 64*config.MiB
	p.Journal.Keep = 0 // it is in memory and ends with the replay: no checkpoints
	return p, nil
}
