package orders

import (
	"time"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/resilience"
	"github.com/failshut/failshut/risk"
)

// Events is how others watch an account. Every hook may be nil, is called in
// the owner's turn but for Breaker, and must neither block nor call back.
type Events struct {
	Intent        func(in *risk.Intent)                       // permitted and appended
	Durable       func(id market.ClOrdID, took time.Duration) // from appended to durable
	Sent          func(n New, now risk.Reading)               // handed to the gateway
	Report        func(in Inbound)
	Fill          func(e Event)
	Unknown       func(e Event)
	Resolved      func(e Event)
	Flag          func(f Flag, e Event)
	Refused       func(e Event)
	Vetoed        func(id market.ClOrdID, why Reason)
	LinkState     func(e LinkEvent, why string)
	ReconcileStep func(session string, unknown int)
	ReconcileDone func(differences int, took time.Duration)
	CloseStep     func(id market.ClOrdID, why string) // a cancel went to the gateway
	JournalDead   func(state journal.State, why error)
	Survived      func(e Event) // an order that was expected to be cancelled with the link still works
	Leak          func(e Event) // an order at the venue that no permit covers

	// Breaker is the state of the breaker before questions to the venue. It is
	// called in the reconciler's turn.
	Breaker func(from, to resilience.State)
}
