// Command failshut is the daemon and its tools, with the strategies that Failshut ships.
package main

import (
	"github.com/failshut/failshut"
	"github.com/failshut/failshut/strategy/cross"
	"github.com/failshut/failshut/strategy/quoter"
)

func main() {
	failshut.Main(failshut.Strategy("cross", cross.New), failshut.Strategy("quoter", quoter.New))
}
