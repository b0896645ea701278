package node

import (
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/supervision"
)

// judges are the parts that stand above the orders, and why the gates are shut while one is not up.
var judges = []struct {
	path string
	why  risk.Code
}{
	{inJournal, risk.CodeJournalUnknown},
	{inCluster, risk.CodeNoPermission},
	{inRisk, risk.CodeHolderSilent},
	{string(path(inRisk, risk.HolderName)), risk.CodeHolderSilent},
}

// judgesSeen shuts every gate while a part above the orders is down, starting or restarting. The tree stops the orders too, but
// one after the other, and what is left of a permission would admit orders meanwhile. It comes with each decision of the tree,
// behind the snapshot that shows it.
func (n *Node) judgesSeen() {
	s := n.snapshot()
	if s == nil {
		return // at boot nothing is open yet
	}
	for _, j := range judges {
		if e, ok := s.Find(j.path); !ok || e.Status != supervision.Running {
			n.Desk.Fallen(j.why)
			return
		}
	}
	n.Desk.Fallen("")
}
