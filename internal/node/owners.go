package node

import (
	"fmt"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
)

// Tell hands a message to the owner of an account, as its strategies do: for benchmarks and drills, which have none. The errors are those of
// orders.Account.Tell, and actors.ErrUnknown for an account that is not here.
func (n *Node) Tell(a market.Account, m orders.Message) error {
	acc := n.accountOf(a)
	if acc == nil {
		return fmt.Errorf("%w: account %q", actors.ErrUnknown, a)
	}
	return acc.Tell(m)
}

// Account returns how an account stood at its owner's last look; the zero status for one that is not here.
func (n *Node) Account(a market.Account) orders.AccountStatus {
	acc := n.accountOf(a)
	if acc == nil {
		return orders.AccountStatus{}
	}
	return acc.Status()
}
