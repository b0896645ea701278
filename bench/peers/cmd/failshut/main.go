// Command failshut measures Go channels and the actors of this project.
package main

import (
	"github.com/failshut/failshut/bench"
	"github.com/failshut/failshut/bench/load"
	"github.com/failshut/failshut/bench/peers/peer"
)

func main() {
	peer.Main(load.Channel{}, bench.Failshut{}, bench.Failshut{Where: bench.Pinned}, bench.Failshut{Where: bench.PinnedSpin},
		bench.Failshut{Where: bench.OneGoroutine})
}
