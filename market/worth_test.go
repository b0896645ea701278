package market_test

import (
	"fmt"

	"github.com/failshut/failshut/market"
)

func ExampleWorth() {
	price, _ := market.ParsePrice("0.000000003")
	qty, _ := market.ParseQty("0.5")
	charged, _ := market.Worth(price, qty, market.One, true)
	freed, _ := market.Worth(price, qty, market.One, false)
	fmt.Println(charged, freed)

	price, _ = market.ParsePrice("5120.25")
	short, _ := market.Worth(price, -2*market.Unit, 50*market.One, true)
	fmt.Println(short)
	// Output:
	// 0.000000002 0.000000001
	// -512025
}
