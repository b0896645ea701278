package node

import (
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
)

// ClosedScopes is what the owner of an account hears when it asks what is held CLOSED.
func (n *Node) ClosedScopes(a market.Account) []risk.Scope { return n.accountOf(a).closed(n.Now()) }

// Live is how many orders of an account are not closed.
func (n *Node) Live(a market.Account) int { return n.accountOf(a).Status().Live }

// Stands is how an account stood at its owner's last look.
func (n *Node) Stands(a market.Account) orders.AccountStatus { return n.accountOf(a).Status() }

// Place asks the owner of an account for an order.
func (n *Node) Place(a market.Account, p orders.Place) error { return n.accountOf(a).Tell(p) }

// Bounded is the log as risk sees it.
func Bounded(log risk.Log, within time.Duration) risk.Log { return proposer{log, within} }

// SystemConfig is that of every system of a node.
var SystemConfig = systemConfig

// BothTold is bothTold.
var BothTold = bothTold
