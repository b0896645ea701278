package node

import (
	"errors"
	"fmt"
	"time"

	"github.com/failshut/failshut/internal/config"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
)

// Plan is what a node is to be, with everything resolved: no name in it is left to look up. PlanOf makes it of a node
// file, PaperPlan of a recording; wiring and worlds only carry it out.
type Plan struct {
	Node        string
	Group       string // of the journal
	Contracts   []market.Contract
	Risk        risk.Config
	Venue       market.Venue
	MassStatus  bool
	CancelsCut  bool // the venue is expected to cancel what works when a session ends
	Accounts    []AccountPlan
	Strategies  []StrategyPlan
	Orders      config.Orders
	Journal     config.Journal
	Disk        config.DiskWatch // how long the journal's disk may take; zero: it is not watched
	Supervision config.Supervision
	NotEnforced []string
}

// AccountPlan is one account this node may own.
type AccountPlan struct {
	Account market.Account
	Session string // the id of its session at the venue
}

// StrategyPlan is one strategy of this node. Fresh makes a value of it with the file's parameters: a new one for each
// incarnation.
type StrategyPlan struct {
	Name      string
	Use       string
	Account   market.Account
	Contracts []market.Contract
	Fresh     func() (any, error)
	Params    config.Raw      // what was read over the defaults
	From      strategy.Origin // where that came from
}

// PlanOf resolves a node file that has no mistakes for the node that it names: its home accounts and their strategies.
func PlanOf(f *config.File, defs strategy.Defs) (*Plan, error) {
	n := f.Node
	contracts, err := n.Contracts()
	limits, limitErr := n.Seed()
	if err := errors.Join(err, limitErr); err != nil {
		return nil, err
	}
	if len(n.Venues) != 1 {
		return nil, fmt.Errorf("the file has %d venues, want one: more are not built yet", len(n.Venues))
	}
	venue := n.Venues[0]
	p := &Plan{
		Node: n.Node.ID, Group: n.Journal.Group, Contracts: contracts, Venue: venue.Name, MassStatus: venue.Dialect.MassStatus,
		Orders: n.Orders, Journal: n.Journal, Disk: n.Watchdog.Disk, Supervision: n.Supervision, NotEnforced: risk.NotEnforced(),
	}
	p.CancelsCut = venue.Session.CancelOnDisconnect
	p.Risk = riskConfig(n, contracts, limits)
	for _, a := range venue.Accounts {
		if a.Home == n.Node.ID {
			p.Accounts = append(p.Accounts, AccountPlan{Account: a.Account, Session: a.Sender})
		}
	}
	for _, s := range n.Strategies {
		if p.owns(s.Account) {
			p.Strategies = append(p.Strategies, strategyPlan(f, s, contracts, defs))
		}
	}
	p.Risk.Controls.Entitlements = p.own(n.Entitlements())
	return p, nil
}

func (p *Plan) owns(a market.Account) bool {
	for _, own := range p.Accounts {
		if own.Account == a {
			return true
		}
	}
	return false
}

// own keeps the entitlements of the node's accounts: a gate that nobody opens here would hold the node's answer shut.
func (p *Plan) own(all []risk.Entitlement) []risk.Entitlement {
	var out []risk.Entitlement
	for _, e := range all {
		if p.owns(e.Account) {
			out = append(out, e)
		}
	}
	return out
}

func strategyPlan(f *config.File, s config.Strategy, contracts []market.Contract, defs strategy.Defs) StrategyPlan {
	out := StrategyPlan{Name: s.Name, Use: s.Use, Account: s.Account, Params: s.Params, From: strategy.FromFile}
	for _, symbol := range s.Instruments {
		for _, c := range contracts {
			if c.Instrument.Symbol() == symbol {
				out.Contracts = append(out.Contracts, c)
			}
		}
	}
	out.Fresh = func() (any, error) {
		into := defs.Params(s.Use)
		return into, f.Params(s.Params, into)
	}
	return out
}

func riskConfig(n *config.Node, contracts []market.Contract, limits []risk.Limit) risk.Config {
	c := risk.DefaultConfig()
	r := n.Risk
	c.Node, c.Limits = n.Node.ID, limits
	c.Permission = risk.PermissionConfig{TTL: r.Permission.TTL, Renew: r.Permission.Renew, CancelAfter: r.Permission.CancelAfter}
	c.Opening = risk.OpeningConfig{Collect: r.Opening.Collect, StuckAfter: r.Opening.StuckAfter}
	c.Escrow.Urgent, c.Escrow.AskMaxBps, c.Escrow.ReturnAfter = r.Escrow.Urgent, int64(r.Escrow.AskMaxBps), r.Escrow.ReturnAfter
	c.Reopen, c.FirstOpen = policyOf(r.Reopen), policyOf(r.FirstOpen)
	c.ClockStep = n.Watchdog.Clock.Step
	c.Controls = risk.Controls{
		Restricted: restricted(r.Controls.Restricted, contracts), Types: orderTypes(r.Controls.Phases.Continuous),
		Reference: referenceOf(r.Controls.Price.Reference), MaxAge: r.Controls.Price.MaxAge,
		MarketAtCollar: r.Controls.MarketOrders == "collar",
	}
	return c
}

func policyOf(word string) risk.Policy {
	if word == "auto" {
		return risk.PolicyAuto
	}
	return risk.PolicyOperator
}

func referenceOf(word string) risk.Reference {
	switch word {
	case "mid":
		return risk.ReferenceMid
	case "last":
		return risk.ReferenceLast
	}
	return risk.ReferenceNone
}

func restricted(symbols []market.Symbol, contracts []market.Contract) []market.Instrument {
	out := []market.Instrument{}
	for _, s := range symbols {
		for _, c := range contracts {
			if c.Instrument.Symbol() == s {
				out = append(out, c.Instrument)
			}
		}
	}
	return out
}

func orderTypes(words []string) []market.OrderType {
	var out []market.OrderType
	for _, w := range words {
		if t, err := market.ParseOrderType(w); err == nil {
			out = append(out, t)
		}
	}
	return out
}

// PaperAccount is who trades in a replay without a configuration.
const PaperAccount market.Account = "PAPER"

// Names that a replay's ledger and ids carry.
const (
	paperNode  = "replay"
	paperGroup = "00"
)

// PaperPlan is the plan of a replay without a configuration: one account on a paper venue, every instrument of the
// recording with the finest tick and lot, one strategy with its defaults, and limits wide enough to let it trade while
// every control still judges.
func PaperPlan(venue market.Venue, instruments []market.Instrument, use string, defs strategy.Defs) (*Plan, error) {
	defaults := config.DefaultNode()
	p := &Plan{
		Node: paperNode, Group: paperGroup, Venue: venue, MassStatus: true, Orders: defaults.Orders, Journal: defaults.Journal,
		Supervision: defaults.Supervision, Accounts: []AccountPlan{{Account: PaperAccount, Session: string(PaperAccount)}},
		NotEnforced: risk.NotEnforced(),
	}
	p.Supervision.Watchdogs = config.Timeouts{} // no scan of the wall clock's kind in virtual time
	p.Journal.Segment, p.Journal.Floor = config.MiB, 64*config.MiB
	p.Journal.Keep = 0 // it is in memory and ends with the replay: no checkpoints
	p.Contracts = paperContracts(instruments)
	limits, err := paperLimits()
	if err != nil {
		return nil, err
	}
	c := risk.DefaultConfig()
	c.Node, c.Limits, c.Reopen, c.FirstOpen, c.ClockStep = paperNode, limits, risk.PolicyAuto, risk.PolicyAuto, 0
	c.Permission = risk.PermissionConfig{TTL: time.Minute, Renew: 10 * time.Second, CancelAfter: 5 * time.Second}
	c.Controls = risk.Controls{
		Entitlements: []risk.Entitlement{{Account: PaperAccount, Strategies: []string{use}, Instruments: instruments}},
		Restricted:   []market.Instrument{}, Types: []market.OrderType{market.Limit, market.Market},
		Reference: risk.ReferenceMid, MaxAge: 5 * time.Second, MarketAtCollar: true,
	}
	p.Risk = c
	p.Strategies = []StrategyPlan{{
		Name: use, Use: use, Account: PaperAccount, Contracts: p.Contracts,
		Fresh: func() (any, error) { return defs.Params(use), nil },
	}}
	return p, nil
}

// paperContracts lists instruments at the finest tick and lot.
func paperContracts(instruments []market.Instrument) (out []market.Contract) {
	for _, i := range instruments {
		out = append(out, market.Contract{
			Instrument: i, Currency: "USD", Tick: 1, Lot: 1, MinQty: 1, MaxQty: 1e9 * market.Unit, Multiplier: market.One,
		})
	}
	return out
}

// given lets a strategy have parameters that stand alone, over its defaults. The error names every mistake in them.
func (s *StrategyPlan) given(text string, from strategy.Origin, defs strategy.Defs) error {
	if err := config.ReadParams(text, defs.Params(s.Use)); err != nil {
		return err
	}
	s.Params, s.From = config.RawParams(text), from
	s.Fresh = func() (any, error) {
		into := defs.Params(s.Use)
		return into, config.ReadParams(text, into)
	}
	return nil
}

// paperMeasures are the limits of a replay; what is not named is 1e9.
var paperMeasures = map[risk.Measure]string{
	risk.MaxLongQty: "1000000", risk.MaxShortQty: "1000000", risk.MaxOrderQty: "1000000", risk.MaxOrderNotional: "10000000",
	risk.CollarBps: "1000", risk.CollarTicks: "1000000000000000", risk.MaxOpenOrders: "1000", risk.SubmitRate: "1000",
	risk.SubmitBurst: "1000", risk.ModifyRate: "1000", risk.ModifyBurst: "1000", risk.MaxDuplicates: "100",
	risk.MaxOrderToTrade: "1000000", risk.MaxRepeatExecutions: "10000", risk.MaxRepeatRejects: "10000",
	risk.DailyLossReduce: "100000000", risk.DailyLossClose: "100000000", risk.DrawdownReduce: "100000000",
	risk.DrawdownClose: "100000000", risk.MaxConcentrationBps: "10000", risk.MaxUnknownOrders: "0",
}

func paperLimits() ([]risk.Limit, error) {
	var out []risk.Limit
	for _, scope := range []string{"*/*/*", "+/*/*", "+/+/*", "+/+/+", "+/*/+", "*/*/+"} {
		for _, m := range risk.Measures() {
			if m == risk.SoftOrderQty {
				continue
			}
			value, named := paperMeasures[m]
			if !named {
				value = "1000000000"
			}
			l, err := risk.ParseLimit(scope, m.String(), value)
			if errors.Is(err, risk.ErrInvalid) {
				continue // a measure that means nothing in this form of scope
			}
			if err != nil {
				return nil, err
			}
			out = append(out, l)
		}
	}
	return out, nil
}
