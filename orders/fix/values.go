package fix

import (
	"github.com/failshut/failshut/internal/fix44"
	"github.com/failshut/failshut/orders"
)

// The words of FIX for what only the orders room knows.

var restatements = map[string]orders.RestateReason{
	"0": orders.RestateCorporate, "1": orders.RestateRenewal, "2": orders.RestateVerbal, "3": orders.RestateRepricing,
	"5": orders.RestateDecline, "6": orders.RestateCancel,
}

func execTypeOf(word string) (orders.ExecType, bool) {
	token, _ := fix44.ExecTypes.Value(word)
	return orders.ParseExecType(token)
}

func statusOf(word string) (orders.Status, bool) {
	token, _ := fix44.OrdStatuses.Value(word)
	return orders.ParseStatus(token)
}
