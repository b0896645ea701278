package strategy

import (
	"time"

	"github.com/failshut/failshut/actors"
)

// EndFlood is the reason with which an incarnation ends that is refused more than 10,000 times in 10 seconds, whoever refuses: it
// does not hear a no, and what it asks for costs its account the time that others need.
const EndFlood actors.Reason = "flood"

const (
	floodMost = 10_000
	floodIn   = int64(10 * time.Second)
)

// flood remembers when the last floodMost refusals were. The zero flood has seen none.
type flood struct {
	at   []int64 // a ring once it is full
	next int     // of the ring: the oldest
	over bool
}

// add takes one refusal. Now never falls.
func (f *flood) add(now int64) {
	if len(f.at) < floodMost {
		f.at = append(f.at, now)
		return
	}
	f.over = f.over || now-f.at[f.next] < floodIn
	f.at[f.next] = now
	f.next = (f.next + 1) % floodMost
}

// end is the error that ends the incarnation, nil while there is no flood.
func (f *flood) end() error {
	if !f.over {
		return nil
	}
	return actors.ExitWith(EndFlood)
}
