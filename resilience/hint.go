package resilience

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// HintMax is the longest time that a server's hint is believed.
const HintMax = 10 * time.Minute

// ErrHint says that a text is no time to wait.
var ErrHint = errors.New("resilience: no hint")

// Hint is what a server said of when to come again. The zero Hint says nothing, and so does a negative one.
type Hint struct {
	// After is how long to stay away, of which HintMax is believed.
	After time.Duration
	// Spread is over what time those who heard the same may come, N/C for N clients of a server that takes C a
	// second. The hint then means some moment in [After, After + Spread].
	Spread time.Duration
}

// said is how long the hint asks to stay away; false when it says nothing.
func (h Hint) said() (time.Duration, bool) {
	if h.After <= 0 {
		return 0, false
	}
	return min(h.After, HintMax), true
}

// spread is over what time the hint may be kept.
func (h Hint) spread() time.Duration { return min(max(h.Spread, 0), HintMax) }

// ParseRetryAfter reads the value of HTTP's header Retry-After, seconds or a date (RFC 9110, 10.2.3); wall is the time of day,
// for the date. A time past or of zero is the zero Hint. ErrHint names what was found instead.
func ParseRetryAfter(text string, wall time.Time) (Hint, error) {
	text = strings.TrimSpace(text)
	if at, err := time.Parse(time.RFC1123, text); err == nil {
		return Hint{After: min(max(at.Sub(wall), 0), HintMax)}, nil
	}
	seconds, err := strconv.ParseUint(text, 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		seconds, err = math.MaxUint64, nil
	}
	if err != nil || text[0] == '+' {
		return Hint{}, fmt.Errorf("%w: %.40q, want seconds or a date", ErrHint, text)
	}
	return Hint{After: time.Duration(min(seconds, uint64(HintMax/time.Second))) * time.Second}, nil
}
