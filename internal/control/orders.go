package control

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
)

// The bounds of how many orders one answer lists.
const (
	OrdersLimit    = 500
	MaxOrdersLimit = 10_000
)

// OrdersQuery says which orders are to be listed. The zero OrdersQuery is all of them, newest first, up to OrdersLimit.
type OrdersQuery struct {
	Account, Symbol, Strategy, Status string // empty: any

	Unknown bool   // only those of unknown state
	Open    bool   // only those that are not closed
	Since   string // only those that came to be at this time or later
	After   string // those behind this one in the list, by any of its ids
	Limit   int    // 0: OrdersLimit
}

// PositionsQuery says which positions are to be listed. The zero PositionsQuery is all of them.
type PositionsQuery struct {
	Account, Symbol, Strategy string // empty: any
}

// reading answers a question that changes nothing. An answer that lacks something is 207.
func (s *Server) reading(ask func(r *http.Request) (body any, whole bool, err error)) http.HandlerFunc {
	return s.within(s.all, still(s.viewer(func(w http.ResponseWriter, r *http.Request, _ identity) {
		body, whole, err := ask(r)
		switch p, known := errors.AsType[*Problem](err); {
		case known:
			s.fail(w, p)
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
			s.fail(w, &Problem{http.StatusGatewayTimeout, "unreachable", "the journal was not read in time: " + err.Error(), 4})
		case err != nil:
			s.fail(w, &Problem{http.StatusInternalServerError, "failure", err.Error(), 1})
		case whole:
			s.write(w, http.StatusOK, body)
		default:
			s.write(w, http.StatusMultiStatus, body)
		}
	})))
}

func (s *Server) orders(r *http.Request) (any, bool, error) {
	q, err := ordersQuery(r.URL.Query())
	if err != nil {
		return nil, false, err
	}
	return s.node.Orders(q)
}

func (s *Server) order(r *http.Request) (any, bool, error) {
	words := r.URL.Query()
	account := words.Get("account")
	for word := range words {
		if word != "account" {
			return nil, false, usage("no such word in a query of one order: %q, want account", word)
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), readTimeout)
	defer cancel()
	return s.node.Order(ctx, r.PathValue("id"), account)
}

func (s *Server) positions(r *http.Request) (any, bool, error) {
	var q PositionsQuery
	for word, values := range r.URL.Query() {
		value := values[len(values)-1]
		switch word {
		case "account":
			q.Account = value
		case "symbol":
			q.Symbol = value
		case "strategy":
			q.Strategy = value
		default:
			return nil, false, usage("no such word in a query of positions: %q, want account, symbol or strategy", word)
		}
	}
	return s.node.Positions(q)
}

func ordersQuery(words url.Values) (q OrdersQuery, err error) {
	texts := map[string]*string{
		"account": &q.Account, "symbol": &q.Symbol, "strategy": &q.Strategy, "status": &q.Status, "since": &q.Since, "after": &q.After,
	}
	flags := map[string]*bool{"unknown": &q.Unknown, "open": &q.Open}
	for word, values := range words {
		value := values[len(values)-1]
		switch {
		case texts[word] != nil:
			*texts[word] = value
		case flags[word] != nil:
			if *flags[word], err = strconv.ParseBool(value); err != nil {
				return q, usage("%s is %q, want true or false", word, value)
			}
		case word == "limit":
			if q.Limit, err = strconv.Atoi(value); err != nil || q.Limit < 1 || q.Limit > MaxOrdersLimit {
				return q, usage("limit is %q, want 1 to %d orders", value, MaxOrdersLimit)
			}
		default:
			return q, usage("no such word in a query of orders: %q, want account, symbol, strategy, status, unknown, open, since, limit or after", word)
		}
	}
	return q, nil
}
