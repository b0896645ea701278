package risk

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/failshut/failshut/market"
)

// Measure names one number of a limit row. The zero Measure is invalid.
type Measure uint8

// The measures of limit rows. Quantities, money, counts and basis points are all decimals in 1e-9 units, as market.Notional.
const (
	MaxLongQty Measure = iota + 1
	MaxShortQty
	MaxLongNotional
	MaxShortNotional
	MaxGross
	MaxConcentrationBps
	Credit
	MaxOpenOrders
	MaxLiveNotional
	SubmitRate
	SubmitBurst
	ModifyRate
	ModifyBurst
	MaxOrderToTrade
	MaxRepeatExecutions
	MaxRepeatRejects
	DailyLossReduce
	DailyLossClose
	DrawdownReduce
	DrawdownClose
	MaxOrderQty
	MaxOrderNotional
	CollarBps
	CollarTicks
	MaxDuplicates
	SoftOrderQty
	MaxUnknownOrders
	measureEnd
)

type measureInfo struct {
	name  string
	count bool   // whole numbers only
	built string // control that enforces it; empty: the measure is required but not enforced by this version
}

var measures = [measureEnd]measureInfo{
	MaxLongQty:          {"max_long_qty", false, "worst long"},
	MaxShortQty:         {"max_short_qty", false, "worst short"},
	MaxLongNotional:     {"max_long_notional", false, "notional per side"},
	MaxShortNotional:    {"max_short_notional", false, "notional per side"},
	MaxGross:            {"max_gross", false, "gross"},
	MaxConcentrationBps: {"max_concentration_bps", true, ""},
	Credit:              {"credit", false, "credit"},
	MaxOpenOrders:       {"max_open_orders", true, "open orders"},
	MaxLiveNotional:     {"max_live_notional", false, "live value"},
	SubmitRate:          {"submit_rate", false, ""},
	SubmitBurst:         {"submit_burst", true, ""},
	ModifyRate:          {"modify_rate", false, ""},
	ModifyBurst:         {"modify_burst", true, ""},
	MaxOrderToTrade:     {"max_order_to_trade", false, ""},
	MaxRepeatExecutions: {"max_repeat_executions", true, ""},
	MaxRepeatRejects:    {"max_repeat_rejects", true, ""},
	DailyLossReduce:     {"daily_loss_reduce", false, ""},
	DailyLossClose:      {"daily_loss_close", false, ""},
	DrawdownReduce:      {"drawdown_reduce", false, ""},
	DrawdownClose:       {"drawdown_close", false, ""},
	MaxOrderQty:         {"max_order_qty", false, "order qty"},
	MaxOrderNotional:    {"max_order_notional", false, "order notional"},
	CollarBps:           {"collar_bps", true, "price collar"},
	CollarTicks:         {"collar_ticks", true, "price collar"},
	MaxDuplicates:       {"max_duplicates", true, ""},
	SoftOrderQty:        {"soft_order_qty", false, "order qty"},
	MaxUnknownOrders:    {"max_unknown_orders", true, "unknown orders"},
}

// Valid reports whether m is a measure.
func (m Measure) Valid() bool { return m > 0 && m < measureEnd }

// String returns the key of the configuration, such as "max_gross".
func (m Measure) String() string {
	if !m.Valid() {
		return "invalid"
	}
	return measures[m].name
}

// MarshalText writes the key of the configuration.
func (m Measure) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// ParseMeasure reads the key of the configuration.
func ParseMeasure(s string) (Measure, error) {
	for m := Measure(1); m < measureEnd; m++ {
		if measures[m].name == s {
			return m, nil
		}
	}
	return 0, fmt.Errorf("%w: measure %q, want one such as max_gross", ErrInvalid, s)
}

// Measures returns every measure in the order of the documentation.
func Measures() []Measure {
	all := make([]Measure, 0, measureEnd-1)
	for m := Measure(1); m < measureEnd; m++ {
		all = append(all, m)
	}
	return all
}

// capacity reports whether m is granted through the ledger: the five that worst cases are charged to.
func (m Measure) capacity() bool { return m >= MaxLongQty && m <= MaxGross }

// NotEnforced lists the measures that must be set, and the controls that may be configured, which this version does not judge
// orders by. `config check` and `status` show it, so that nobody takes a number in a file for a guard.
func NotEnforced() []string {
	var names []string
	for m := Measure(1); m < measureEnd; m++ {
		if measures[m].built == "" {
			names = append(names, measures[m].name)
		}
	}
	return append(names, "break", "collar_window", "near_limit", "self_trade", "short_sale", "parent")
}

// Limit is one measure of one limit row. Scope may hold + for "each one separately".
type Limit struct {
	Scope   Scope
	Measure Measure
	Value   market.Notional // decimal in 1e-9 units; counts and basis points too
}

// ParseLimit reads the three texts of a limit row's entry and says everything that is wrong with them.
func ParseLimit(scope, measure, value string) (Limit, error) {
	k, errScope := ParseScope(scope, true)
	m, errMeasure := ParseMeasure(measure)
	v, errValue := market.ParseNotional(value)
	if errValue != nil {
		errValue = fmt.Errorf("%w: %s %s = %q: %w", ErrInvalid, scope, measure, value, errValue)
	}
	l := Limit{k, m, v}
	if err := errors.Join(errScope, errMeasure, errValue); err != nil {
		return l, err
	}
	return l, l.Validate()
}

// Validate lists every mistake of the limit. A limit of 0 is refused only where it could be taken for "none": nowhere; it denies.
func (l Limit) Validate() error {
	var errs []error
	if err := l.Scope.validate(true); err != nil {
		errs = append(errs, err)
	}
	if !l.Measure.Valid() {
		return errors.Join(append(errs, fmt.Errorf("%w: measure %d, want a measure", ErrInvalid, l.Measure))...)
	}
	if l.Value.Sign() < 0 {
		errs = append(errs, fmt.Errorf("%w: %s %s = %s, want 0 or more", ErrInvalid, l.Scope, l.Measure, l.Value))
	}
	if measures[l.Measure].count {
		if _, whole := count(l.Value); !whole {
			errs = append(errs, fmt.Errorf("%w: %s %s = %s, want a whole number below 2^63", ErrInvalid, l.Scope, l.Measure, l.Value))
		}
	}
	switch group := l.Scope.group(); {
	case (l.Measure == MaxLongQty || l.Measure == MaxShortQty) && group:
		errs = append(errs, fmt.Errorf("%w: %s in %s: quantities do not add over instruments, want a notional", ErrInvalid, l.Measure, l.Scope))
	case (l.Measure == MaxLongNotional || l.Measure == MaxShortNotional || l.Measure == MaxGross) && !group:
		errs = append(errs, fmt.Errorf("%w: %s in %s, want it where the instrument is *", ErrInvalid, l.Measure, l.Scope))
	}
	return errors.Join(errs...)
}

// count reads an amount as a whole number, or says that it is none.
func count(n market.Notional) (int64, bool) {
	hi, lo := n.Words()
	if hi < 0 || uint64(hi) >= uint64(market.Unit)/2 {
		return 0, false
	}
	whole, rest := bits.Div64(uint64(hi), lo, uint64(market.Unit))
	return int64(whole), rest == 0
}

// row is the key of a limit in a table.
type row struct {
	scope   Scope
	measure Measure
}

// limitTable resolves measures of charged scopes. It is not changed once made.
type limitTable map[row]market.Notional

// resolve returns the value that holds for a charged scope: the exact row that names the measure, else the most exact row with +.
// Among equally exact ones the one that is exact further left wins. False means unset, and so no.
func (t limitTable) resolve(k Scope, m Measure) (market.Notional, Scope, bool) {
	var names [3][]string
	for i, part := range [3]string{k.Account, k.Strategy, k.Instrument} {
		switch {
		case part == All:
			names[i] = []string{All}
		case i == 2 && symbolOf(part) != part:
			names[i] = []string{part, symbolOf(part), Each}
		default:
			names[i] = []string{part, Each}
		}
	}
	best, found := Scope{}, -1
	for _, a := range names[0] {
		for _, s := range names[1] {
			for _, i := range names[2] {
				k := Scope{a, s, i}
				if _, ok := t[row{k, m}]; ok && exactness(k) > found {
					best, found = k, exactness(k)
				}
			}
		}
	}
	if found < 0 {
		return market.Notional{}, Scope{}, false
	}
	return t[row{best, m}], best, true
}

// exactness ranks a row: the number of names in it first, then how far left they stand, then whether the venue is named.
func exactness(k Scope) int {
	n := 0
	for i, part := range [3]string{k.Account, k.Strategy, k.Instrument} {
		if part != Each {
			n += 100 + 10*(3-i)
		}
	}
	if strings.Contains(k.Instrument, "@") {
		n++
	}
	return n
}

// six returns the scopes that an order touches: three groups from wide to narrow, then three of its instrument.
func six(account, strategy, instrument string) [6]Scope {
	return [6]Scope{
		{All, All, All},
		{account, All, All},
		{account, strategy, All},
		{All, All, instrument},
		{account, All, instrument},
		{account, strategy, instrument},
	}
}

// Missing is a measure that an order would be refused for with NO_LIMIT.
type Missing struct {
	Scope   Scope
	Measure Measure
}

var (
	requiredGroup      = []Measure{MaxLongNotional, MaxShortNotional, MaxGross}
	requiredInstrument = []Measure{MaxLongQty, MaxShortQty}
	requiredAccount    = []Measure{
		Credit, MaxOpenOrders, MaxLiveNotional, SubmitRate, SubmitBurst, ModifyRate, ModifyBurst, MaxOrderToTrade,
		MaxRepeatExecutions, MaxRepeatRejects, DailyLossReduce, DailyLossClose, DrawdownReduce, DrawdownClose,
	}
	requiredSomewhere = []Measure{MaxOrderQty, MaxOrderNotional, CollarBps, CollarTicks, MaxDuplicates}
)

// missing lists what the six scopes of one leaf lack, in the order of the documentation.
func (t limitTable) missing(scopes [6]Scope) []Missing {
	var out []Missing
	want := func(k Scope, ms []Measure) {
		for _, m := range ms {
			if _, _, ok := t.resolve(k, m); !ok {
				out = append(out, Missing{k, m})
			}
		}
	}
	for _, k := range scopes[:3] {
		want(k, requiredGroup)
	}
	for _, k := range scopes[3:] {
		want(k, requiredInstrument)
	}
	want(scopes[3], []Measure{MaxConcentrationBps})
	want(scopes[1], requiredAccount)
	for _, m := range requiredSomewhere {
		if _, ok := t.tightest(scopes, m); !ok {
			out = append(out, Missing{scopes[5], m})
		}
	}
	return out
}

// tightest returns the lowest value of a measure that any of the six scopes has: each that has it must pass.
func (t limitTable) tightest(scopes [6]Scope, m Measure) (market.Notional, bool) {
	var least market.Notional
	found := false
	for _, k := range scopes {
		if v, _, ok := t.resolve(k, m); ok && (!found || v.Cmp(least) < 0) {
			least, found = v, true
		}
	}
	return least, found
}

// MissingLimits lists every measure that is unset in a scope that an entitlement can reach: an order there would be refused with
// NO_LIMIT. It is sorted by scope, each pair once.
func MissingLimits(limits []Limit, entitlements []Entitlement) []Missing {
	t := tableOf(limits)
	seen := map[Missing]bool{}
	var out []Missing
	for _, e := range entitlements {
		for _, leaf := range e.leaves() {
			for _, m := range t.missing(six(string(e.Account), leaf.strategy, leaf.instrument.String())) {
				if !seen[m] {
					seen[m] = true
					out = append(out, m)
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b Missing) int {
		if c := a.Scope.compare(b.Scope); c != 0 {
			return c
		}
		return int(a.Measure) - int(b.Measure)
	})
	return out
}

func tableOf(limits []Limit) limitTable {
	t := make(limitTable, len(limits))
	for _, l := range limits {
		t[row{l.Scope, l.Measure}] = l.Value
	}
	return t
}
