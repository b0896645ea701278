package node

import (
	"slices"
	"time"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/internal/control"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
)

// PositionsAnswer is what the strategies of a node hold, and what they have gained by it. Money is in the currency of the
// contract, its multiplier counted, toward zero at 1e-9; fees are not in it.
type PositionsAnswer struct {
	Schema    string        `json:"schema"`
	Node      string        `json:"node"`
	At        string        `json:"at"`
	Accounts  []accountView `json:"accounts"`
	Positions []positionRow `json:"positions"`
	Totals    []totalRow    `json:"totals"` // by account, strategy and currency
}

type positionRow struct {
	Account    market.Account   `json:"account"`
	Strategy   *string          `json:"strategy"` // null: of orders that only the venue knows
	Symbol     market.Symbol    `json:"symbol"`
	Currency   string           `json:"currency"`
	Multiplier market.Factor    `json:"multiplier"`
	Qty        market.Qty       `json:"qty"`
	Avg        *market.Price    `json:"avg"`  // null: flat
	Cost       *market.Notional `json:"cost"` // paid for what is open; below 0: received for what is short
	Mark       *market.Price    `json:"mark"` // at which it could be closed now; null: not Live, or nothing to close
	MarkState  string           `json:"mark_state"`
	MarkAgeMS  *int64           `json:"mark_age_ms"`
	Realised   *market.Notional `json:"realised"`
	Unrealised *market.Notional `json:"unrealised"`
	Total      *market.Notional `json:"total"`
	Executions int              `json:"executions"`
	Unknown    int              `json:"unknown"` // orders of unknown state that may yet change it
}

type totalRow struct {
	Account    market.Account   `json:"account"`
	Strategy   *string          `json:"strategy"`
	Currency   string           `json:"currency"`
	Realised   *market.Notional `json:"realised"`
	Unrealised *market.Notional `json:"unrealised"` // null where one of them has no mark
	Total      *market.Notional `json:"total"`
}

// Positions shows what strategies hold by the blotters of their accounts, at marks of the books that are Live now. It is
// whole when every figure is known and no order of unknown state may change one.
func (f *Face) Positions(q control.PositionsQuery) (any, bool, error) {
	accounts, instrument, err := f.n.asked(q.Account, q.Strategy, q.Symbol)
	if err != nil {
		return nil, false, err
	}
	a := PositionsAnswer{
		Schema: "failshut.positions/1", Node: f.n.plan.Node, At: market.Timestamp(f.n.Now().Wall).String(),
		Accounts: []accountView{}, Positions: []positionRow{}, Totals: []totalRow{},
	}
	whole := true
	for _, acc := range accounts {
		b := acc.Blotter()
		v := viewOf(acc, b)
		a.Accounts, whole = append(a.Accounts, v), whole && v.Whole
		for i := range b.Positions {
			p := &b.Positions[i]
			if q.Strategy != "" && p.Strategy != q.Strategy || instrument.Valid() && p.Instrument != instrument {
				continue
			}
			row := f.n.position(acc.plan.Account, p)
			whole = whole && row.Total != nil && row.Unknown == 0
			a.Positions = append(a.Positions, row)
		}
	}
	a.Totals = totalsOf(a.Positions)
	return a, whole, nil
}

// position reckons one position in money. What cannot be known is nil.
func (n *Node) position(account market.Account, p *orders.PositionRow) positionRow {
	row := positionRow{
		Account: account, Strategy: textOrNil(p.Strategy), Symbol: p.Instrument.Symbol(), Qty: p.Inventory.Qty(), Executions: p.Executions,
		Unknown: p.Unknown,
	}
	n.mark(&row, p.Instrument)
	c, listed := n.catalogue.Contract(p.Instrument)
	if !listed || p.Err != nil {
		return row // what it is worth is not known, or does not fit
	}
	row.Currency, row.Multiplier = c.Currency, c.Multiplier
	row.Realised = known(p.Inventory.Realised(c.Multiplier))
	row.Cost = known(p.Inventory.Cost(c.Multiplier))
	if row.Qty == 0 {
		row.Unrealised = &market.Notional{}
	} else {
		row.Avg = known(p.Inventory.Average())
	}
	if row.Mark != nil {
		row.Unrealised = known(p.Inventory.Unrealised(*row.Mark, c.Multiplier))
	}
	row.Total = sumOf(row.Realised, row.Unrealised)
	return row
}

// mark reads the price at which a position could be closed: the bid of what is long, the ask of what is short. Only a book
// that is Live has any.
func (n *Node) mark(row *positionRow, i market.Instrument) {
	row.MarkState = feeds.Unknown.String()
	quote, ok := n.Board.Read(i)
	if !ok {
		return
	}
	row.MarkState = quote.State.String()
	if quote.State != feeds.Live {
		return
	}
	age := max(0, n.Now().Mono-quote.Mono) / int64(time.Millisecond)
	row.MarkAgeMS = &age
	level := quote.Bid
	if row.Qty < 0 {
		level = quote.Ask
	}
	switch {
	case row.Qty == 0:
	case level.Qty == 0 || level.Price == 0:
		row.MarkState = "one-sided" // nobody would take it
	default:
		row.Mark = &level.Price
	}
}

func known[T any](v T, err error) *T {
	if err != nil {
		return nil
	}
	return &v
}

// sumOf is nil where a part is, or where it does not fit.
func sumOf(a, b *market.Notional) *market.Notional {
	if a == nil || b == nil {
		return nil
	}
	return known(a.Add(*b))
}

// totalsOf adds up what is in the same currency.
func totalsOf(rows []positionRow) []totalRow {
	out := []totalRow{}
	for i := range rows {
		r := &rows[i]
		at := slices.IndexFunc(out, func(t totalRow) bool {
			return t.Account == r.Account && equal(t.Strategy, r.Strategy) && t.Currency == r.Currency
		})
		if at < 0 {
			at = len(out)
			out = append(out, totalRow{r.Account, r.Strategy, r.Currency, &market.Notional{}, &market.Notional{}, nil})
		}
		t := &out[at]
		t.Realised, t.Unrealised = sumOf(t.Realised, r.Realised), sumOf(t.Unrealised, r.Unrealised)
		t.Total = sumOf(t.Realised, t.Unrealised)
	}
	return out
}

func equal(a, b *string) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
