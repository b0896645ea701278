// Command cross is a user's whole binary: the strategy cross, and every command of failshut around it.
package main

import (
	"github.com/failshut/failshut"
	"github.com/failshut/failshut/strategy/cross"
)

func main() { failshut.Main(failshut.Strategy("cross", cross.New)) }
