package market_test

import (
	"fmt"

	"github.com/failshut/failshut/market"
)

func ExampleListed() {
	here, err := market.Listed("SIM", "ACME")
	if err != nil {
		fmt.Println(err)
		return
	}
	there := market.MustListed("SIM", "ACME")
	fmt.Println(here, here == there, market.Instrument{}.Valid())

	_, err = market.Listed("SIM", "AC ME")
	fmt.Println(err)
	// Output:
	// ACME@SIM true false
	// market: invalid: symbol "AC ME", want 1 to 32 visible ASCII characters but * @
}
