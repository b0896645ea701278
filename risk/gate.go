package risk

import (
	"math"
	"sync/atomic"

	"github.com/failshut/failshut/market"
)

// Gate judges the orders of one account. Its methods are called by one goroutine at a time, the account's orders actor; what other
// goroutines need of it they read from atomics. A gate never waits, never allocates on a yes, and holds no state about time: it is
// told the time.
//
// One pass, cheapest first, the first refusal wins. What passes is reserved in six scopes at once, and stays so until Hold, Execute
// or Veto say otherwise (invariant I5).
type Gate struct {
	desk    *Desk
	account market.Account

	view   atomic.Pointer[view]    // limits, capacity and modes, made by the desk
	local  atomic.Uint32           // mode and reason from what this node alone knows
	turn   atomic.Uint64           // odd while a call is inside: readers of published leaves try again
	leaves atomic.Pointer[[]*leaf] // grows only
	short  atomic.Bool             // somebody was refused, or soon will be, for want of capacity

	index       map[leafKey]int32
	strategies  []exposure // sums that the six scopes are judged by: own share of the shared ones
	instruments []exposure
	unknown     []int // orders of unknown state by instrument
	total       exposure
	live        market.Notional // charge of all live orders, without netting
	open        int64           // live orders
	unpriced    int             // restored positions without a price yet
	broken      atomic.Bool     // a sum left its range: shut for good
	restored    atomic.Bool
	withheld    atomic.Int32 // reports that are set aside: shut while there is one

	orders
}

type leafKey struct {
	strategy   string
	instrument market.Instrument
}

// Check judges one intent now. It returns a permit, or a Refusal, which errors.Is can tell apart: ErrShut, ErrNoPermission,
// ErrNotEntitled, ErrInvalid, ErrInstrument, ErrStalePrice, ErrOverLimit, ErrNoLimit, ErrDuplicate, ErrUnknown, ErrNoCapacity,
// ErrOverflow. After a refusal nothing is reserved. An intent that amends a live order is charged for the worse of both terms: see
// replace.go.
func (g *Gate) Check(in Intent, now Reading) (Permit, error) {
	g.turn.Add(1)
	p, err := g.check(&in, now)
	g.turn.Add(1)
	if g.desk.events.Checked != nil {
		g.desk.events.Checked(in, err)
	}
	return p, err
}

func (g *Gate) check(in *Intent, now Reading) (Permit, error) {
	v := g.view.Load()
	if v == nil {
		return Permit{}, Refusal{Code: CodeShut, Why: CodeTermOpening, Scope: AccountScope(g.account)}
	}
	l, r := g.find(v, in)
	lowers := in.Amends.Order != "" && g.lowers(in)
	mode, err := g.mode(v, l, r)
	if err != nil && (!lowers || mode != CancelOnly) {
		return Permit{}, err
	}
	held := g.desk.permission.Load()
	if !held.valid(now) || held.Term != g.desk.logTerm.Load() {
		return Permit{}, Refusal{Code: CodeNoPermission, Scope: AccountScope(g.account)}
	}
	if l == nil || !l.entitled || in.Account != g.account {
		return Permit{}, Refusal{Code: CodeNotEntitled, Value: in.Strategy + " " + in.Instrument.String()}
	}
	if !r.complete {
		return Permit{}, Refusal{Code: CodeNoLimit, Scope: r.missing.Scope, Limit: r.missing.Measure.String()}
	}
	if err := g.shape(l, in); err != nil {
		return Permit{}, err
	}
	p := Permit{
		gate: g, leaf: l, limits: v.limits, turns: l.out.turns.Load(), term: held.Term, inc: held.Incarnation, until: held.Until,
		lowers: lowers,
	}
	if lowers {
		return g.lower(p, l, in)
	}
	charge, err := g.price(l, r, in, now)
	if err != nil {
		return Permit{}, err
	}
	if in.Amends.Order != "" {
		return g.amend(v, r, p, in, mode, charge)
	}
	return g.capacity(v, r, p, in, mode, charge)
}

// find returns the leaf and the rule of an intent, or nils.
func (g *Gate) find(v *view, in *Intent) (*leaf, *rule) {
	n, ok := g.index[leafKey{in.Strategy, in.Instrument}]
	if !ok || int(n) >= len(v.rules) {
		return nil, nil
	}
	return (*g.leaves.Load())[n], &v.rules[n]
}

// mode merges every mode that the order is under; among equally strict ones what this node itself knows explains most. It refuses from
// CANCEL_ONLY on. It reads nothing that the gate's own goroutine writes, so any goroutine may call it.
func (g *Gate) mode(v *view, l *leaf, r *rule) (Mode, error) {
	scope := AccountScope(g.account)
	leafScope := scope
	mode, why := g.localMode()
	if v.mode.Severity() > mode.Severity() {
		mode, why, scope = v.mode, v.why, v.scope
	}
	if r != nil {
		leafScope = l.scopes[5]
		if r.over && mode == Open {
			mode, why, scope = ReduceOnly, CodeBreach, r.scope
		}
	}
	if m, code, at := g.desk.latched(leafScope); m.Severity() > mode.Severity() {
		mode, why, scope = m, code, at
	}
	if mode.Severity() >= CancelOnly.Severity() {
		return mode, Refusal{Code: CodeShut, Why: why, Scope: scope}
	}
	return mode, nil
}

// localMode is what this node alone knows: journal, session, clock, an orderly stop, a part that fell, a sum out of range.
func (g *Gate) localMode() (Mode, Code) {
	if g.broken.Load() {
		return Closed, CodeOverflow
	}
	if g.desk.dead.Load() {
		return Closed, CodeDigest
	}
	if g.desk.stopping.Load() {
		return Closed, CodeStopping
	}
	if why := g.desk.fallen.Load(); why != nil {
		return Closed, *why
	}
	if g.withheld.Load() > 0 {
		return Closed, CodeEvidenceWaits
	}
	return unpackLocal(g.local.Load())
}

// shape judges what the intent says by itself and by its contract.
func (g *Gate) shape(l *leaf, in *Intent) error {
	c := &l.contract
	switch {
	case l.restricted:
		return Refusal{Code: CodeRestricted, Value: in.Instrument.String()}
	case !l.listed:
		return Refusal{Code: CodeUnknownInstrument, Value: in.Instrument.String()}
	case !in.ID.Valid():
		return Refusal{Code: CodeInvalid, Value: "id " + string(in.ID)}
	case !in.Side.Valid(), !in.Type.Valid(), !in.TIF.Valid():
		return Refusal{Code: CodeInvalid, Value: in.Side.String() + " " + in.Type.String() + " " + in.TIF.String()}
	case in.TTL < 0:
		return Refusal{Code: CodeInvalid, Value: "ttl " + in.TTL.String()}
	case g.desk.types&(1<<in.Type) == 0:
		return Refusal{Code: CodePhase, Value: in.Type.String()}
	case in.Qty <= 0 || !c.OnLot(in.Qty):
		return Refusal{Code: CodeLot, Value: in.Qty.String(), Limit: c.Lot.String()}
	case in.Qty < c.MinQty:
		return Refusal{Code: CodeLot, Value: in.Qty.String(), Limit: c.MinQty.String()}
	case in.Qty > c.MaxQty:
		return Refusal{Code: CodeLot, Value: in.Qty.String(), Limit: c.MaxQty.String()}
	case in.Type != market.Market && (in.Price <= 0 || !c.OnTick(in.Price)):
		return Refusal{Code: CodeTick, Value: in.Price.String(), Limit: c.Tick.String()}
	case in.Type == market.Market && in.Price != 0:
		return Refusal{Code: CodeInvalid, Value: "market order with price " + in.Price.String()}
	case in.Type == market.Stop && (in.StopPrice <= 0 || !c.OnTick(in.StopPrice)):
		return Refusal{Code: CodeTick, Value: in.StopPrice.String(), Limit: c.Tick.String()}
	case in.Type != market.Stop && in.StopPrice != 0:
		return Refusal{Code: CodeInvalid, Value: "stop price " + in.StopPrice.String()}
	}
	return nil
}

// price judges quantity and price against the market, and returns the price the order is charged at for life: what a buy may cost at
// most, and what a sell may bring at most, since a sell may fill above its limit.
func (g *Gate) price(l *leaf, r *rule, in *Intent, now Reading) (market.Price, error) {
	quote, known := g.desk.prices.Price(in.Instrument)
	ref, fit := quote.reference(g.desk.reference, now.Mono, g.desk.maxAge)
	if !known || !fit {
		return 0, Refusal{Code: CodeStalePrice, Scope: l.scopes[5], Value: quote.State.String()}
	}
	if g.unpriced > 0 && !g.priceRestored() {
		return 0, Refusal{Code: CodeStalePrice, Scope: AccountScope(g.account), Value: "a restored position has no price"}
	}
	if in.Qty > r.maxQty {
		return 0, Refusal{Code: CodeOrderQty, Scope: l.scopes[5], Value: in.Qty.String(), Limit: r.maxQty.String()}
	}
	if r.soft && in.Qty > r.softQty && !in.Confirm {
		return 0, Refusal{Code: CodeSoftQty, Scope: l.scopes[5], Value: in.Qty.String(), Limit: r.softQty.String()}
	}
	low, high, ok := r.collar(ref)
	if !ok {
		return 0, Refusal{Code: CodeOverflow, Scope: l.scopes[5], Value: ref.String()}
	}
	if in.Type == market.Market {
		if !g.desk.marketAtCollar {
			return 0, Refusal{Code: CodeMarketNoCollar, Scope: l.scopes[5]}
		}
		if ok := l.atCollar(in, low, high); !ok {
			return 0, Refusal{Code: CodeMarketNoCollar, Scope: l.scopes[5], Value: ref.String()}
		}
	}
	if in.Price < low || in.Price > high {
		return 0, Refusal{Code: CodeCollar, Scope: l.scopes[5], Value: in.Price.String(), Limit: low.String() + " to " + high.String()}
	}
	if in.Side == market.Sell || in.Type == market.Stop {
		return max(in.Price, high), nil
	}
	return in.Price, nil
}

// atCollar turns a market order into a limit order at the worst price the collar admits, on the tick and inside.
func (l *leaf) atCollar(in *Intent, low, high market.Price) bool {
	at, up := high, false
	if in.Side == market.Sell {
		at, up = low, true
	}
	at, err := l.contract.ToTick(at, up)
	if err != nil || at < low || at > high || at <= 0 {
		return false
	}
	in.Type, in.Price = market.Limit, at
	return true
}

// collar returns the lowest and highest price admitted around a reference: both the basis points and the ticks must pass.
func (r *rule) collar(ref market.Price) (low, high market.Price, ok bool) {
	by, err := ref.Bps(r.bps, false)
	if err != nil {
		by = math.MaxInt64
	}
	by = min(by, r.ticks)
	if ref > math.MaxInt64-by {
		return 0, 0, false
	}
	return ref - by, ref + by, true
}

// capacity judges the worst case that a new order would make in its six scopes, and reserves it.
func (g *Gate) capacity(v *view, r *rule, p Permit, in *Intent, mode Mode, at market.Price) (Permit, error) {
	l := p.leaf
	cost, err := market.Worth(at, in.Qty, l.contract.Multiplier, true)
	if err != nil {
		return Permit{}, Refusal{Code: CodeOverflow, Scope: l.scopes[5], Value: in.Qty.String()}
	}
	if cost.Cmp(r.maxNotional) > 0 {
		return Permit{}, Refusal{Code: CodeOrderNotional, Scope: l.scopes[5], Value: cost.String(), Limit: r.maxNotional.String()}
	}
	if g.seen(in.ID) {
		return Permit{}, Refusal{Code: CodeDuplicateID, Value: string(in.ID)}
	}
	after := l.book
	if err := after.side(in.Side).change(0, in.Qty, market.Notional{}, cost, at); err != nil {
		return Permit{}, Refusal{Code: CodeOverflow, Scope: l.scopes[5]}
	}
	by, err := g.judge(v, r, l, in, mode, &after, cost, 1)
	if err != nil {
		return Permit{}, err
	}
	p.intent, p.reduces, p.charge = *in, after.reduces(in.Side), cost
	return g.reserve(p, &after, by, at)
}

// judge holds a leaf's book with an order in it against all that bounds it: what that adds to the value of live orders, and so many
// orders more. It returns what it adds to every sum.
func (g *Gate) judge(v *view, r *rule, l *leaf, in *Intent, mode Mode, after *book, cost market.Notional, more int64) (exposure, error) {
	if (mode == ReduceOnly || in.ReduceOnly) && !after.reduces(in.Side) {
		return exposure{}, l.notReducing(mode, in.Qty)
	}
	if err := g.ofAccount(v, l, cost, more); err != nil {
		return exposure{}, err
	}
	worst, err := after.worst()
	if err != nil {
		return exposure{}, Refusal{Code: CodeOverflow, Scope: l.scopes[5]}
	}
	by, err := worst.sub(l.now)
	if err != nil {
		return exposure{}, Refusal{Code: CodeOverflow, Scope: l.scopes[5]}
	}
	short, err := g.within(r, l, in.Side, by)
	if err != nil {
		return exposure{}, err
	}
	if err := g.withinCredit(v, l, by); err != nil {
		return exposure{}, err
	}
	if short >= 0 {
		g.wantCapacity(l, in.Side, in.Qty, cost)
		return exposure{}, Refusal{Code: CodeNoCapacity, Scope: l.scopes[short]}
	}
	return by, nil
}

// reduces reports whether all live orders of a side, executed together, could only bring the position nearer to zero.
func (b *book) reduces(s market.Side) bool {
	if s == market.Buy {
		return b.buys.qty <= max(0, -b.pos)
	}
	return b.sells.qty <= max(0, b.pos)
}

// reducesNow is book.reduces of what is published, so any goroutine may ask.
func (l *leaf) reducesNow(s market.Side) bool {
	pos, live := l.out.pos.Load(), l.out.sells.Load()
	if s == market.Buy {
		pos, live = -pos, l.out.buys.Load()
	}
	return live <= max(0, pos)
}

// notReducing refuses an order that would open or widen a position. It reads what is published, so any goroutine may call it.
func (l *leaf) notReducing(mode Mode, size market.Qty) error {
	r := Refusal{Code: CodeReduceOnly, Scope: l.scopes[5], Value: size.String(), Limit: market.Qty(l.out.pos.Load()).String()}
	if mode == ReduceOnly {
		r.Why = CodeReduceOnly
	}
	return r
}
