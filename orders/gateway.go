package orders

import "github.com/failshut/failshut/risk"

// Gateway is what a desk needs of a venue link. What the venue says comes back
// as [Inbound] values. No method blocks. An error means that nothing of the
// message has left and nothing will: the request is proven unsent. A link that
// cannot know returns nil, and tells its doubt as a [Link] logout. Only the
// owner of the account calls it.
type Gateway interface {
	// Place hands over a new order. It spends the permit, once.
	Place(risk.Permit, New) error
	// Replace hands over other terms of an order.
	Replace(risk.Permit, Replace) error
	// Cancel hands over a cancel. It needs no permit and goes ahead of orders.
	Cancel(Cancel) error
	// MassCancel asks for the end of every order in the scope.
	MassCancel(Scope) error
	// Ask asks for the state of one order or of all. It may be repeated.
	Ask(Question) error
}
