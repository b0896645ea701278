package node

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"time"

	"github.com/failshut/failshut/internal/control"
	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
)

// OrdersAnswer is the blotter of a node.
type OrdersAnswer struct {
	Schema   string        `json:"schema"`
	Node     string        `json:"node"`
	At       string        `json:"at"`
	Unknown  int           `json:"unknown"` // of the accounts asked for, whatever else was asked
	Next     *string       `json:"next"`    // what to ask for the rest with, as after; null where nothing is left
	Accounts []accountView `json:"accounts"`
	Orders   []orderRow    `json:"orders"`
}

// accountView is whether what is shown of an account is all there is.
type accountView struct {
	Account market.Account `json:"account"`
	At      *string        `json:"at"` // when its owner showed it; null: never
	Whole   bool           `json:"whole"`
	Why     *string        `json:"why"` // it is not

	Differences []differenceView `json:"differences"` // what the venue holds and the journal cannot explain
}

// differenceView is a difference by the number that it is signed for under.
type differenceView struct {
	Number uint64 `json:"number"`
	Text   string `json:"text"`
}

type orderRow struct {
	ID       string           `json:"id"`
	IDs      []market.ClOrdID `json:"ids"`
	OrderID  *string          `json:"order_id"` // the venue's
	Account  market.Account   `json:"account"`
	Strategy *string          `json:"strategy"` // null: only the venue knows of it
	Cause    *string          `json:"cause"`
	Symbol   market.Symbol    `json:"symbol"`
	Side     string           `json:"side"`
	Type     string           `json:"type"`
	TIF      string           `json:"tif"`
	Qty      market.Qty       `json:"qty"`
	Price    *market.Price    `json:"price"`
	Cum      market.Qty       `json:"cum"`
	Leaves   market.Qty       `json:"leaves"`
	Avg      *market.Price    `json:"avg"`
	Held     market.Qty       `json:"held"`
	Status   string           `json:"status"`
	Reason   *string          `json:"reason"`
	Doubts   []string         `json:"doubts"`
	Requests []orderRequest   `json:"requests"`
	Closing  bool             `json:"closing"`
	Closed   bool             `json:"closed"`
	Group    *string          `json:"group"`
	Epoch    *uint32          `json:"epoch"`
	OpenedAt *string          `json:"opened_at"`
	AgeMS    *int64           `json:"age_ms"`

	History    []orderHistory   `json:"history,omitzero"` // these two of one that was asked for by its id
	Executions []orderExecution `json:"executions,omitzero"`
}

type orderRequest struct {
	Kind  string         `json:"kind"`
	ID    market.ClOrdID `json:"id"`
	State string         `json:"state"`
}

type orderHistory struct {
	LSN  string `json:"lsn"`
	At   string `json:"at"`
	Kind string `json:"kind"`
	Text string `json:"text"`
}

type orderExecution struct {
	Exec      string       `json:"exec"`
	Qty       market.Qty   `json:"qty"`
	Price     market.Price `json:"price"`
	Day       int32        `json:"day"`
	Synthetic bool         `json:"synthetic"`
	Paper     bool         `json:"paper"`
}

// notFound is what a question names and this node does not have.
func notFound(format string, args ...any) *control.Problem {
	return &control.Problem{Status: http.StatusNotFound, Code: "usage", Message: fmt.Sprintf(format, args...), Exit: 2}
}

func badValue(format string, args ...any) *control.Problem {
	return &control.Problem{Status: http.StatusBadRequest, Code: "usage", Message: fmt.Sprintf(format, args...), Exit: 2}
}

// asked are the accounts of a question, and what is wrong with it: nobody here trades what it names.
func (n *Node) asked(account, strategy, symbol string) ([]*account, market.Instrument, error) {
	var i market.Instrument
	if strategy != "" && !n.runs(risk.All, strategy) {
		return nil, i, notFound("strategy is %q, want one that is entitled here", strategy)
	}
	if symbol != "" {
		if i = n.instrumentOf(symbol); !i.Valid() {
			return nil, i, notFound("symbol is %q, want one that is listed here", symbol)
		}
	}
	if account == "" {
		return n.accounts, i, nil
	}
	a := n.accountOf(market.Account(account))
	if a == nil {
		return nil, i, notFound("account is %q, want one that this node owns", account)
	}
	return n.accounts[slices.Index(n.accounts, a):][:1], i, nil
}

// viewOf says whether a blotter is all there is of its account.
func viewOf(a *account, b *orders.Blotter) accountView {
	v := accountView{Account: a.plan.Account, Whole: b.Generation > 0 && b.Partial == nil}
	why := "no owner has read the journal yet"
	if b.Generation > 0 {
		v.At = stampText(b.At.Wall)
	}
	if b.Partial != nil {
		why = b.Partial.Error()
	}
	if !v.Whole {
		v.Why = &why
	}
	v.Differences = []differenceView{}
	for _, d := range a.Status().Differing {
		v.Differences = append(v.Differences, differenceView(d))
	}
	return v
}

// stampText is nil for a time that is not known.
func stampText(wall int64) *string {
	if wall == 0 {
		return nil
	}
	text := market.Timestamp(wall).String()
	return &text
}

// Orders lists the orders that a question asks for, account by account, newest first, as their owners have shown them.
func (f *Face) Orders(q control.OrdersQuery) (any, bool, error) {
	accounts, instrument, err := f.n.asked(q.Account, q.Strategy, q.Symbol)
	if err != nil {
		return nil, false, err
	}
	pick, err := pickerOf(q, instrument)
	if err != nil {
		return nil, false, err
	}
	now := f.n.Now().Wall
	a := OrdersAnswer{
		Schema: "failshut.orders/1", Node: f.n.plan.Node, At: market.Timestamp(now).String(), Accounts: []accountView{}, Orders: []orderRow{},
	}
	whole := true
	for _, acc := range accounts {
		b := acc.Blotter()
		v := viewOf(acc, b)
		a.Accounts, a.Unknown, whole = append(a.Accounts, v), a.Unknown+b.Unknown, whole && v.Whole
		for r := range b.Orders() {
			if !pick.takes(r) {
				continue
			}
			if len(a.Orders) == pick.limit {
				a.Next = &a.Orders[len(a.Orders)-1].ID
				break
			}
			a.Orders = append(a.Orders, rowOf(acc.plan.Account, r, now))
		}
	}
	if pick.after != "" {
		return nil, false, notFound("after is %q, want an order of an earlier answer", pick.after)
	}
	return a, whole, nil
}

// picker says of one order after the other whether it is asked for.
type picker struct {
	q          control.OrdersQuery
	instrument market.Instrument
	status     orders.Status
	since      market.Timestamp
	after      string // until it has come by
	limit      int
}

func pickerOf(q control.OrdersQuery, i market.Instrument) (*picker, error) {
	p := &picker{q: q, instrument: i, after: q.After, limit: q.Limit}
	if p.limit == 0 {
		p.limit = control.OrdersLimit
	}
	if q.Status != "" {
		var ok bool
		if p.status, ok = orders.ParseStatus(q.Status); !ok {
			return nil, badValue("status is %q, want one as a list of orders has it, such as NEW, PF, F or UNKNOWN", q.Status)
		}
	}
	if q.Since != "" {
		var err error
		if p.since, err = market.ParseTimestamp(q.Since); err != nil {
			return nil, badValue("since is %q, want a time such as 2026-01-05T14:30:00Z: %v", q.Since, err)
		}
	}
	return p, nil
}

// takes is asked in the order of the list. An order of which it is not known when it came to be is in every span of time.
func (p *picker) takes(r *orders.OrderRow) bool {
	if p.after != "" {
		if r.Named(p.after) {
			p.after = ""
		}
		return false
	}
	switch {
	case p.instrument.Valid() && r.Instrument != p.instrument, p.q.Strategy != "" && r.Strategy != p.q.Strategy:
		return false
	case p.status != 0 && r.Status != p.status, p.q.Unknown && r.Status != orders.StatusUnknown, p.q.Open && r.Closed:
		return false
	}
	return p.since == 0 || r.OpenedAt == 0 || r.OpenedAt >= int64(p.since)
}

func rowOf(account market.Account, r *orders.OrderRow, now int64) orderRow {
	row := orderRow{
		ID: nameOf(r), IDs: []market.ClOrdID{}, Account: account, Symbol: r.Instrument.Symbol(), Side: r.Side.String(), Type: r.Type.String(),
		TIF: r.TIF.String(), Qty: r.Total, Cum: r.Cum, Leaves: r.Leaves, Held: r.Held, Status: r.Status.String(),
		Doubts: append([]string{}, r.Doubts...), Requests: []orderRequest{}, Closing: r.Closing, Closed: r.Closed, OpenedAt: stampText(r.OpenedAt),
	}
	for _, q := range r.Requests {
		row.IDs = append(row.IDs, q.ID)
		row.Requests = append(row.Requests, orderRequest{kindWord(q.Kind), q.ID, q.Evidence})
	}
	if len(r.Requests) == 0 && r.ID != "" { // one that came from elsewhere
		row.IDs = append(row.IDs, r.ID)
	}
	row.OrderID, row.Strategy, row.Reason = textOrNil(r.OrderID), textOrNil(r.Strategy), textOrNil(string(r.Reason))
	if r.Cause != (risk.Cause{}) {
		row.Cause = textOrNil(hex.EncodeToString(r.Cause[:]))
	}
	if r.Limit != 0 {
		row.Price = &r.Limit
	}
	if r.Cum != 0 {
		row.Avg = &r.Avg
	}
	if group, epoch, _, ok := orders.ParseID(r.ID); ok && !r.Foreign {
		row.Group, row.Epoch = &group, &epoch
	}
	if r.OpenedAt != 0 {
		age := max(0, now-r.OpenedAt) / int64(time.Millisecond)
		row.AgeMS = &age
	}
	return row
}

// nameOf is what an order is asked for by: its first id, or the venue's where there is none.
func nameOf(r *orders.OrderRow) string {
	if r.ID != "" {
		return string(r.ID)
	}
	return "@" + r.OrderID
}

func kindWord(k byte) string {
	switch k {
	case 'C':
		return "cancel"
	case 'R':
		return "replace"
	default:
		return "new"
	}
}

func textOrNil(s string) *string {
	if s == "" || s == string(orders.ReasonNone) {
		return nil
	}
	return &s
}

// historiesAtOnce is how many read the journal at once, so that a disk that hangs holds no more of the door's places.
const historiesAtOnce = 4

// Order shows one order, with its life as the journal has it.
func (f *Face) Order(ctx context.Context, id, account string) (any, bool, error) {
	acc, r, err := f.n.order(id, account)
	if err != nil {
		return nil, false, err
	}
	select {
	case f.histories <- struct{}{}:
		defer func() { <-f.histories }()
	default:
		return nil, false, &control.Problem{
			Status: http.StatusTooManyRequests, Code: "busy", Exit: 1,
			Message: fmt.Sprintf("%d histories are being read, want fewer at a time: try again", historiesAtOnce),
		}
	}
	now, b := f.n.Now().Wall, acc.Blotter()
	row := rowOf(acc.plan.Account, r, now)
	row.Executions, row.History = []orderExecution{}, []orderHistory{}
	for _, e := range r.Executed {
		row.Executions = append(row.Executions, orderExecution{e.ID, e.Qty, e.Price, e.Day, e.Synthetic, r.Paper})
	}
	v := viewOf(acc, b)
	if err := f.n.history(ctx, acc.plan.Account, r, &row); err != nil {
		if ctx.Err() != nil {
			return nil, false, ctx.Err()
		}
		why := err.Error()
		v.Whole, v.Why = false, &why
	}
	return OrdersAnswer{
		Schema: "failshut.orders/1", Node: f.n.plan.Node, At: market.Timestamp(now).String(), Unknown: b.Unknown,
		Accounts: []accountView{v}, Orders: []orderRow{row},
	}, v.Whole, nil
}

// order finds an order by one of its ids. What two accounts call alike needs the account.
func (n *Node) order(id, name string) (*account, *orders.OrderRow, error) {
	accounts, _, err := n.asked(name, "", "")
	if err != nil {
		return nil, nil, err
	}
	var of *account
	var row *orders.OrderRow
	for _, a := range accounts {
		r, ok := a.Blotter().Order(id)
		switch {
		case !ok:
		case row != nil:
			return nil, nil, badValue("order %q is one of account %s and one of %s, want the account too", id, of.plan.Account, a.plan.Account)
		default:
			of, row = a, r
		}
	}
	if row == nil {
		return nil, nil, notFound("order is %q, want an id of /api/v1/orders", id)
	}
	return of, row, nil
}

// heeding ends a reading when nobody waits for it any more.
func heeding(ctx context.Context, records iter.Seq2[journal.Record, error]) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		for r, err := range records {
			if ctx.Err() != nil {
				yield(journal.Record{}, ctx.Err())
				return
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// history reads the life of an order, up to what is durable.
func (n *Node) history(ctx context.Context, account market.Account, r *orders.OrderRow, row *orderRow) error {
	log := n.openedJournal()
	if log == nil {
		return errors.New("the journal is not open")
	}
	records := journal.Read(n.world.Disk, n.world.Dir, r.First)
	for line, err := range orders.History(r, account, heeding(ctx, records), log.Watermark()) {
		if err != nil {
			return fmt.Errorf("the history is read up to where it fails: %w", err)
		}
		row.History = append(row.History, orderHistory{fmt.Sprint(uint64(line.LSN)), market.Timestamp(line.Wall).String(), line.Kind, line.Text})
	}
	return nil
}
