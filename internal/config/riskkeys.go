package config

import (
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/failshut/failshut/market"
)

// Risk is permission, opening, controls, and the seed of the limits.
type Risk struct {
	Permission Permission `yaml:"permission" opt:""`
	Opening    Opening    `yaml:"opening" opt:""`
	Reopen     string     `yaml:"reopen" one:"auto|operator"`
	FirstOpen  string     `yaml:"first_open" opt:"" one:"operator|auto"`
	Escrow     Escrow     `yaml:"escrow" opt:""`
	NearLimit  NearLimit  `yaml:"near_limit" opt:""`
	Trip       TripKeys   `yaml:"trip" opt:""`
	Controls   Controls   `yaml:"controls"`
	Limits     []LimitRow `yaml:"limits"`
}

// Permission is the life of a node's permission to open risk.
type Permission struct {
	TTL         time.Duration `yaml:"ttl" above:"0s"`
	Renew       time.Duration `yaml:"renew" above:"0s"`
	CancelAfter time.Duration `yaml:"cancel_after" min:"0s"`
}

// Opening is how long a term's opening waits for whom.
type Opening struct {
	Collect     time.Duration `yaml:"collect" above:"0s"`
	OrphanAfter time.Duration `yaml:"orphan_after" above:"0s"`
	AdoptAfter  time.Duration `yaml:"adopt_after" above:"0s"`
	StuckAfter  time.Duration `yaml:"stuck_after" above:"0s"`
}

// Escrow is how capacity is asked for and given back.
type Escrow struct {
	Batch       time.Duration `yaml:"batch" above:"0s"`
	Urgent      time.Duration `yaml:"urgent" above:"0s"`
	AskFor      time.Duration `yaml:"ask_for" above:"0s"`
	AskMinBps   int           `yaml:"ask_min_bps" min:"1" max:"10000"`
	AskMaxBps   int           `yaml:"ask_max_bps" min:"1" max:"10000"`
	LowFreeBps  int           `yaml:"low_free_bps" min:"0" max:"10000"`
	ReturnAfter time.Duration `yaml:"return_after" above:"0s"`
}

// NearLimit is the queue of orders that wait for capacity.
type NearLimit struct {
	Queue   int           `yaml:"queue" min:"1"`
	Wait    time.Duration `yaml:"wait" above:"0s"`
	FromBps int           `yaml:"from_bps" min:"0" max:"10000"`
}

// TripKeys is how often a trip is repeated to a peer that has not acknowledged it.
type TripKeys struct {
	Resend time.Duration `yaml:"resend" above:"0s"`
}

// Controls are the windows, modes and lists of the gate. The numbers that change at run time are limit rows.
type Controls struct {
	Entitlements       []Entitlement   `yaml:"entitlements"`
	Restricted         []market.Symbol `yaml:"restricted"`
	Phases             Phases          `yaml:"phases"`
	Price              PriceSource     `yaml:"price"`
	MarketOrders       string          `yaml:"market_orders" one:"collar|deny"`
	CollarWindow       time.Duration   `yaml:"collar_window" above:"0s"`
	DuplicateWindow    time.Duration   `yaml:"duplicate_window" above:"0s"`
	SelfTrade          string          `yaml:"self_trade" opt:"" one:"cancel_new|cancel_old|cancel_both"`
	RateScopes         []string        `yaml:"rate_scopes" one:"account|strategy|venue"`
	OrderToTradeWindow time.Duration   `yaml:"order_to_trade_window" above:"0s"`
	RepeatWindow       time.Duration   `yaml:"repeat_window" above:"0s"`
	ConcentrationFrom  market.Notional `yaml:"concentration_from" min:"0"`
	ShortSale          ShortSale       `yaml:"short_sale"`
	Loss               Loss            `yaml:"loss"`
	Break              Break           `yaml:"break"`
	Observe            []string        `yaml:"observe"`
}

// Entitlement is who may trade what in an account.
type Entitlement struct {
	Account     market.Account  `yaml:"account"`
	Strategies  []string        `yaml:"strategies"`
	Traders     []string        `yaml:"traders"`
	Venues      []market.Venue  `yaml:"venues"`
	Instruments []market.Symbol `yaml:"instruments"`
}

// Phases are the order types that may be sent in each phase of a venue; a phase that is not named allows none.
type Phases struct {
	PreOpen    []string `yaml:"pre_open" opt:"" one:"limit|market|stop"`
	Auction    []string `yaml:"auction" opt:"" one:"limit|market|stop"`
	Continuous []string `yaml:"continuous" opt:"" one:"limit|market|stop"`
	Halt       []string `yaml:"halt" opt:"" one:"limit|market|stop"`
	Closed     []string `yaml:"closed" opt:"" one:"limit|market|stop"`
}

// PriceSource is what an order is judged by, and how old it may be.
type PriceSource struct {
	Reference string        `yaml:"reference" one:"mid|last"`
	MaxAge    time.Duration `yaml:"max_age" above:"0s"`
}

// ShortSale is whether shorts are marked, and what is located.
type ShortSale struct {
	Marking bool     `yaml:"marking"`
	Locates []Locate `yaml:"locates"`
}

// Locate is a quantity that an account may be short.
type Locate struct {
	Account market.Account `yaml:"account"`
	Symbol  market.Symbol  `yaml:"symbol"`
	Qty     market.Qty     `yaml:"qty" above:"0"`
}

// Loss is when a trading day begins.
type Loss struct {
	DayStarts string `yaml:"day_starts"`
	Zone      string `yaml:"zone"`
}

// Break is what follows when a drop copy differs from the ledger.
type Break struct {
	CloseAfter time.Duration `yaml:"close_after" above:"0s"`
}

// Count is a whole number written as a quoted decimal, as every measure of a limit is.
type Count int64

func (c *Count) decodeNode(d *decoder, n ast.Node, path string) {
	s, ok := wordOf(n)
	if !ok || !quoted(n) {
		d.wrong(n, path, "a quoted whole number", fmt.Sprintf("write %q", kindOf(n)))
		return
	}
	x, err := strconv.ParseInt(s, 10, 64)
	if err != nil || x < 0 || s[0] == '+' {
		d.add(placeOf(n), path, fmt.Sprintf("%s is %q, want a whole number of at least 0", path, s), "")
		return
	}
	*c = Count(x)
}

// LimitRow is a scope and the measures it sets. A measure that is absent is not set here: nil.
type LimitRow struct {
	Scope string `yaml:"scope"`

	MaxLongNotional     *market.Notional `yaml:"max_long_notional" opt:"" min:"0"`
	MaxShortNotional    *market.Notional `yaml:"max_short_notional" opt:"" min:"0"`
	MaxGross            *market.Notional `yaml:"max_gross" opt:"" min:"0"`
	MaxLongQty          *market.Qty      `yaml:"max_long_qty" opt:"" min:"0"`
	MaxShortQty         *market.Qty      `yaml:"max_short_qty" opt:"" min:"0"`
	MaxConcentrationBps *Count           `yaml:"max_concentration_bps" opt:""`
	Credit              *market.Notional `yaml:"credit" opt:"" min:"0"`
	MaxOpenOrders       *Count           `yaml:"max_open_orders" opt:""`
	MaxLiveNotional     *market.Notional `yaml:"max_live_notional" opt:"" min:"0"`
	SubmitRate          *Count           `yaml:"submit_rate" opt:""`
	SubmitBurst         *Count           `yaml:"submit_burst" opt:""`
	ModifyRate          *Count           `yaml:"modify_rate" opt:""`
	ModifyBurst         *Count           `yaml:"modify_burst" opt:""`
	MaxOrderToTrade     *Count           `yaml:"max_order_to_trade" opt:""`
	MaxRepeatExecutions *Count           `yaml:"max_repeat_executions" opt:""`
	MaxRepeatRejects    *Count           `yaml:"max_repeat_rejects" opt:""`
	MaxUnknownOrders    *Count           `yaml:"max_unknown_orders" opt:""`
	DailyLossReduce     *market.Notional `yaml:"daily_loss_reduce" opt:"" min:"0"`
	DailyLossClose      *market.Notional `yaml:"daily_loss_close" opt:"" min:"0"`
	DrawdownReduce      *market.Notional `yaml:"drawdown_reduce" opt:"" min:"0"`
	DrawdownClose       *market.Notional `yaml:"drawdown_close" opt:"" min:"0"`
	MaxOrderQty         *market.Qty      `yaml:"max_order_qty" opt:"" min:"0"`
	SoftOrderQty        *market.Qty      `yaml:"soft_order_qty" opt:"" min:"0"`
	MaxOrderNotional    *market.Notional `yaml:"max_order_notional" opt:"" min:"0"`
	CollarBps           *Count           `yaml:"collar_bps" opt:""`
	CollarTicks         *Count           `yaml:"collar_ticks" opt:""`
	MaxDuplicates       *Count           `yaml:"max_duplicates" opt:""`
}

// Each gives every measure the row sets, by its key and as the decimal text that was written.
func (r LimitRow) Each(visit func(measure, decimal string)) {
	v := reflect.ValueOf(r)
	for _, f := range fieldsOf(v.Type()) {
		p := v.FieldByIndex(f.index)
		if p.Kind() != reflect.Pointer || p.IsNil() {
			continue
		}
		visit(f.key, fmt.Sprint(p.Elem().Interface()))
	}
}
