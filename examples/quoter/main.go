// Command quoter is a user's whole binary: the strategy quoter, and every command of failshut around it.
package main

import (
	"github.com/failshut/failshut"
	"github.com/failshut/failshut/strategy/quoter"
)

func main() { failshut.Main(failshut.Strategy("quoter", quoter.New)) }
