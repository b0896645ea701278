// Command hedge_order must not build: an order is no Read.
package main

import "github.com/failshut/failshut/resilience"

type order struct{ ClOrdID string }

func main() {
	var h resilience.Hedge
	var order order
	h.Begin(0, order)
}
