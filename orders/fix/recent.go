package fix

import (
	"sync"

	"github.com/failshut/failshut/market"
)

// recentMost is how many of the last numbers are remembered: a reject of the session names a number and nothing else.
const recentMost = 4096

// recent knows which request left under which of the last numbers.
type recent struct {
	mu  sync.Mutex
	ids [recentMost]market.ClOrdID
	seq [recentMost]int
}

func newRecent() *recent { return &recent{} }

func (r *recent) put(seq int, id market.ClOrdID) {
	if seq < 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ids[seq%recentMost], r.seq[seq%recentMost] = id, seq
}

// id returns the request that left under a number, "" for one that is not known.
func (r *recent) id(seq int) market.ClOrdID {
	if seq < 0 {
		return ""
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seq[seq%recentMost] != seq {
		return ""
	}
	return r.ids[seq%recentMost]
}
