package node

import (
	"strconv"
	"time"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
)

// StatusAnswer is what `status` prints.
type StatusAnswer struct {
	Schema      string           `json:"schema"`
	Node        string           `json:"node"`
	Version     string           `json:"version"`
	Incarnation uint64           `json:"incarnation"`
	StartedAt   string           `json:"started_at"`
	Ready       bool             `json:"ready"`
	Warnings    []string         `json:"warnings"`
	Cluster     clusterStatus    `json:"cluster"`
	Gate        gateAnswer       `json:"gate"`
	Accounts    []accountStatus  `json:"accounts"`
	Journal     journalStatus    `json:"journal"`
	Feeds       []feedStatus     `json:"feeds"`
	Strategies  []strategyStatus `json:"strategies"`
	SeedDiffers bool             `json:"seed_hash_differs"`
	NotEnforced []string         `json:"not_enforced"`
}

type clusterStatus struct {
	Leader       string `json:"leader"`
	Term         uint64 `json:"term"`
	AppliedIndex uint64 `json:"applied_index"`
}

type accountStatus struct {
	Account       market.Account   `json:"account"`
	Owner         string           `json:"owner"`
	Venue         market.Venue     `json:"venue"`
	Session       string           `json:"session"`
	Mode          string           `json:"mode"`
	LiveOrders    int              `json:"live_orders"`
	UnknownOrders int              `json:"unknown_orders"`
	Positions     []positionStatus `json:"positions"`
}

type positionStatus struct {
	Symbol market.Symbol `json:"symbol"`
	Qty    market.Qty    `json:"qty"`
}

type feedStatus struct {
	Name   string        `json:"name"`
	Symbol market.Symbol `json:"symbol"`
	State  string        `json:"state"`
	Epoch  uint32        `json:"epoch"`
	Seq    string        `json:"seq"`
	AgeMS  int64         `json:"age_ms"`
}

type strategyStatus struct {
	Name    string         `json:"name"`
	Use     string         `json:"use"`
	Account market.Account `json:"account"`
	Status  string         `json:"status"`
	Since   *string        `json:"since"`
}

// Status gathers what the node has published.
func (f *Face) Status() any {
	n := f.n
	gate, _, _ := f.Gatez(nil)
	a := StatusAnswer{
		Schema: "failshut.status/1", Node: n.plan.Node, Version: Build(), StartedAt: market.StampOf(f.started).String(),
		Ready: true, Warnings: n.warnings(), Gate: gate.(gateAnswer), Accounts: []accountStatus{}, Journal: n.journalStatus(),
		Feeds: []feedStatus{}, Strategies: []strategyStatus{}, NotEnforced: n.plan.NotEnforced,
	}
	for _, p := range f.Readiness() {
		a.Ready = a.Ready && p.Ready
	}
	if r := n.replica.Load(); r != nil {
		a.Cluster.Leader, a.Cluster.Term = r.leader, r.log.Term()
	}
	if s := n.Desk.Status(); s != nil {
		a.Incarnation, a.Cluster.AppliedIndex, a.SeedDiffers = s.Incarnation, s.Index, s.SeedDiffers
	}
	now := n.Now()
	for _, acc := range n.accounts {
		s := acc.Status()
		mode, _ := n.Desk.Mode(acc.plan.Account, now)
		out := accountStatus{
			Account: acc.plan.Account, Owner: n.plan.Node, Venue: n.plan.Venue, Session: s.Session, Mode: mode.String(),
			LiveOrders: s.Live, UnknownOrders: s.Unknown, Positions: []positionStatus{},
		}
		for _, p := range s.Positions {
			if p.Qty != 0 {
				out.Positions = append(out.Positions, positionStatus{p.Instrument.Symbol(), p.Qty})
			}
		}
		a.Accounts = append(a.Accounts, out)
	}
	for _, c := range n.plan.Contracts {
		a.Feeds = append(a.Feeds, n.feedStatus(c.Instrument, now.Mono))
	}
	for _, s := range n.plan.Strategies {
		a.Strategies = append(a.Strategies, f.strategyStatus(s))
	}
	return a
}

// warnings are what an operator should not overlook.
func (n *Node) warnings() []string {
	out := []string{}
	if n.plan.Risk.FirstOpen == policyOf("auto") {
		out = append(out, "risk.first_open is auto: the first start opens without an operator")
	}
	for _, m := range n.plan.NotEnforced {
		out = append(out, "not enforced by this version: "+m)
	}
	return out
}

func (n *Node) feedStatus(i market.Instrument, now int64) feedStatus {
	q, ok := n.Board.Read(i)
	out := feedStatus{Name: string(i.Venue()), Symbol: i.Symbol(), State: feeds.Unknown.String(), Seq: "0"}
	if ok {
		out.State, out.Epoch, out.Seq = q.State.String(), q.Epoch, strconv.FormatUint(q.Seq, 10)
		out.AgeMS = (now - q.Mono) / int64(time.Millisecond)
	}
	return out
}

func (f *Face) strategyStatus(s StrategyPlan) strategyStatus {
	out := strategyStatus{Name: s.Name, Use: s.Use, Account: s.Account, Status: "down"}
	if e, ok := f.find(string(strategyName(s.Name))); ok {
		out.Status = e.Status.String()
		since := market.StampOf(e.Since).String()
		out.Since = &since
	}
	return out
}
