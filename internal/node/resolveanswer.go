package node

import (
	"context"
	"fmt"
	"net/http"

	"github.com/failshut/failshut/internal/control"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
)

// ResolveAnswer is what became of an operator's word about an order, or of a signature for a difference.
type ResolveAnswer struct {
	Schema     string         `json:"schema"`
	ID         string         `json:"id"`
	From       string         `json:"from"`
	To         string         `json:"to"`
	HeldBefore market.Qty     `json:"held_before"`
	HeldAfter  market.Qty     `json:"held_after"`
	VerdictLSN string         `json:"verdict_lsn"`
	SignedBy   string         `json:"signed_by"`
	Remaining  remainingDoubt `json:"remaining"`
}

// reasonMost bounds a reason, in bytes: it stands in the journal.
const reasonMost = 1024

// remainingDoubt is what still keeps the account from being clean.
type remainingDoubt struct {
	Unknown     int `json:"unknown"`
	Differences int `json:"differences"`
}

// Resolve gives an operator's word to the owner of the order, and waits until it is on the disk. It opens nothing: the venue's next list of
// orders does, if nothing contradicts it.
func (f *Face) Resolve(ctx context.Context, r control.ResolveRequest) (any, error) {
	v := orders.Resolve{By: by(r.Who, r.By), Why: r.Reason}
	var err error
	if len(r.Reason) > reasonMost {
		return nil, badValue("reason has %d bytes, want at most %d", len(r.Reason), reasonMost)
	}
	if v.As, err = orders.ParseEnding(r.As); err != nil {
		return nil, badValue("as: %v", err)
	}
	if r.Qty != "" {
		if v.Qty, err = market.ParseQty(r.Qty); err != nil {
			return nil, badValue("qty is %q: %v", r.Qty, err)
		}
	}
	if r.Price != "" {
		if v.Price, err = market.ParsePrice(r.Price); err != nil {
			return nil, badValue("price is %q: %v", r.Price, err)
		}
	}
	if (v.As == orders.EndingFilled) != (v.Qty > 0) || v.Price != 0 && v.As != orders.EndingFilled {
		return nil, badValue("as is %q, qty %q, price %q: want a quantity of filled, and of nothing else", r.As, r.Qty, r.Price)
	}
	acc, row, err := f.n.order(r.ID, r.Account)
	if err != nil {
		return nil, err
	}
	v.Of = orders.Ref{ID: row.ID, OrderID: row.OrderID}
	s, err := f.signed(ctx, acc, func(reply func(orders.Signed)) orders.Message { return orders.ResolveOrder{Resolve: v, Reply: reply} })
	if err != nil {
		return nil, err
	}
	if s.Refused == "" {
		return resolveAnswer(s, v.By), nil
	}
	if s.Refused == orders.ReasonKnown {
		return nil, control.Precondition("KNOWN", "order %s is %s and nothing about it is in doubt; want one that is UNKNOWN", r.ID, row.Status)
	}
	if s.Refused == orders.ReasonInvalid {
		return nil, control.Precondition("CONTRADICTED", "order %s cannot be %s: of %s ordered %s are known to have executed", r.ID, words(v), row.Total, row.Cum)
	}
	return nil, refusedToSign(s, r.ID)
}

// Accept signs for a difference.
func (f *Face) Accept(ctx context.Context, r control.DifferenceRequest) (any, error) {
	if len(r.Reason) > reasonMost {
		return nil, badValue("reason has %d bytes, want at most %d", len(r.Reason), reasonMost)
	}
	accounts, _, err := f.n.asked(r.Account, "", "")
	if err != nil {
		return nil, err
	}
	if r.Account == "" || len(accounts) != 1 {
		return nil, badValue("account is %q, want the one that has the difference", r.Account)
	}
	v := orders.Accept{Difference: r.Number, By: by(r.Who, r.By), Why: r.Reason}
	s, err := f.signed(ctx, accounts[0], func(reply func(orders.Signed)) orders.Message {
		return orders.AcceptDifference{Accept: v, Reply: reply}
	})
	switch {
	case err != nil:
		return nil, err
	case s.Refused == "":
		return resolveAnswer(s, v.By), nil
	case s.Refused == orders.ReasonNoOrder:
		return nil, control.Precondition("NO_DIFFERENCE", "account %s has no difference %d, want one that failshut orders names", r.Account, r.Number)
	}
	return nil, refusedToSign(s, fmt.Sprint(r.Number))
}

// signed asks the owner of an account and waits for its answer.
func (f *Face) signed(ctx context.Context, a *account, message func(reply func(orders.Signed)) orders.Message) (orders.Signed, error) {
	answer := make(chan orders.Signed, 1)
	if err := a.Tell(message(func(s orders.Signed) { answer <- s })); err != nil {
		return orders.Signed{}, &control.Problem{
			Status: http.StatusServiceUnavailable, Code: "busy", Exit: 6, Message: "the account's owner did not take it, nothing was changed: " + err.Error(),
		}
	}
	select {
	case s := <-answer:
		return s, nil
	case <-ctx.Done():
		return orders.Signed{}, &control.Problem{
			Status: http.StatusGatewayTimeout, Code: "unreachable", Exit: 4, Message: "the disk has not answered; what became of it is unknown",
		}
	}
}

func resolveAnswer(s orders.Signed, who string) ResolveAnswer {
	return ResolveAnswer{
		Schema: "failshut.orders.resolve/1", ID: string(s.ID), From: s.From.String(), To: s.To.String(), HeldBefore: s.HeldBefore, HeldAfter: s.HeldAfter,
		VerdictLSN: fmt.Sprint(uint64(s.LSN)), SignedBy: who, Remaining: remainingDoubt{s.Unknown, s.Differences},
	}
}

// refusedToSign is the no that has nothing to do with what was asked.
func refusedToSign(s orders.Signed, what string) error {
	if s.Refused == orders.ReasonJournal {
		return control.Precondition("JOURNAL", "the journal takes no record, and a word that a restart forgets is none: nothing was changed about %s", what)
	}
	return control.Precondition("precondition", "%s: %s", what, s.Refused)
}

func words(v orders.Resolve) string {
	if v.As == orders.EndingFilled {
		return fmt.Sprintf("filled=%s", v.Qty)
	}
	return v.As.String()
}
