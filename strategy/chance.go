package strategy

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
)

// Rand is chance that a replay repeats: its numbers follow from the node's seed, the strategy's name, the life of the node's journal
// and the incarnation, and from nothing else. Each incarnation has numbers of its own, so that a strategy which died of one does not
// draw it again. It is for the handler alone, like the Context.
func (c *Context) Rand() *rand.Rand {
	if !c.may() {
		return rand.New(rand.NewPCG(0, 0))
	}
	s := c.s
	if s.rand == nil {
		sum := sha256.Sum256(fmt.Appendf(nil, "%d %q %d %d", s.cfg.Seed, s.cfg.Name, s.cfg.Incarnation, s.self.Epoch()))
		s.rand = rand.New(rand.NewPCG(binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:])))
	}
	return s.rand
}
