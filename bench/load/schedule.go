package load

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Pace is how the times between messages are spread.
type Pace string

// The paces.
const (
	Constant Pace = "constant" // one each period
	Poisson  Pace = "poisson"  // as independent senders would: exponential gaps of the same mean
)

// Schedule gives the times at which messages are to be sent, in nanoseconds from the start. It depends on the rate and the
// seed alone, never on how the receiver does, which is what makes the load open. It allocates nothing and is for one
// goroutine.
type Schedule struct {
	period float64
	at     float64
	draw   *rand.Rand
}

// NewSchedule makes a schedule of rate messages a second, more than 0.
func NewSchedule(p Pace, rate float64, seed uint64) (*Schedule, error) {
	if rate <= 0 || math.IsNaN(rate) || math.IsInf(rate, 0) {
		return nil, fmt.Errorf("rate = %v, want more than 0 messages a second", rate)
	}
	s := &Schedule{period: 1e9 / rate}
	switch p {
	case Constant:
	case Poisson:
		s.draw = rand.New(rand.NewPCG(seed, 0x706f6973736f6e))
	default:
		return nil, fmt.Errorf("pace = %q, want constant or poisson", p)
	}
	return s, nil
}

// Next is the time of the next message.
func (s *Schedule) Next() int64 {
	gap := s.period
	if s.draw != nil {
		gap *= s.draw.ExpFloat64()
	}
	s.at += gap
	return int64(s.at)
}
