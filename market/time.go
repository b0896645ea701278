package market

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Timestamp is a moment of wall time in nanoseconds since the start of 1970 UTC, from 1677 to 2262. 0 is unset, so
// the one nanosecond at which 1970 began cannot be told.
// It says when something happened to those who read about it; rules that wait or expire use the monotonic clock.
type Timestamp int64

// stampLayout has nine decimals always, so that the text of time stamps sorts as they do.
const stampLayout = "2006-01-02T15:04:05.000000000Z"

// StampOf returns the Timestamp of t, 0 of the zero Time, and the nearest Timestamp of a time out of range.
func StampOf(t time.Time) Timestamp {
	switch {
	case t.IsZero():
		return 0
	case t.Before(time.Unix(0, math.MinInt64)):
		return math.MinInt64
	case t.After(time.Unix(0, math.MaxInt64)):
		return math.MaxInt64
	}
	return Timestamp(t.UnixNano())
}

// ParseTimestamp reads a time as RFC 3339 has it, with any offset and up to nine decimals of a second, and "" as
// unset. It returns ErrSyntax, ErrPrecision for a decimal other than 0 past the ninth, or ErrOverflow.
func ParseTimestamp(s string) (Timestamp, error) {
	if s == "" {
		return 0, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || s[13] != ':' || s[19] == ',' { // an hour of one digit and a comma pass time.Parse, not RFC 3339
		return 0, fmt.Errorf("%w: time %q, want RFC 3339 such as 2026-01-02T15:04:05Z", ErrSyntax, clip(s))
	}
	if !nineDecimals(s) {
		return 0, fmt.Errorf("%w: time %q", ErrPrecision, clip(s))
	}
	stamp := StampOf(t)
	if !time.Unix(0, int64(stamp)).Equal(t) {
		return 0, overflow("time " + clip(s))
	}
	return stamp, nil
}

// nineDecimals reports whether the decimals of s past the ninth are all 0.
func nineDecimals(s string) bool {
	_, fraction, _ := strings.Cut(s, ".")
	for i := 9; i < len(fraction) && fraction[i] >= '0' && fraction[i] <= '9'; i++ {
		if fraction[i] != '0' {
			return false
		}
	}
	return true
}

// Time returns t as a time.Time in UTC, and the zero Time where t is unset.
func (t Timestamp) Time() time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.Unix(0, int64(t)).UTC()
}

// String returns t as RFC 3339 in UTC with nine decimals, and "" where it is unset.
func (t Timestamp) String() string {
	var buf [len(stampLayout)]byte
	b, _ := t.AppendText(buf[:0]) // it never fails
	return string(b)
}

// AppendText appends the text of String to b. It never fails, and allocates only to grow b.
func (t Timestamp) AppendText(b []byte) ([]byte, error) {
	if t == 0 {
		return b, nil
	}
	return t.Time().AppendFormat(b, stampLayout), nil
}

// MarshalText returns the text of String, which is also what JSON shows. It never fails.
func (t Timestamp) MarshalText() ([]byte, error) { return t.AppendText(nil) }

// UnmarshalText sets t to what ParseTimestamp makes of b, and leaves it alone on an error.
func (t *Timestamp) UnmarshalText(b []byte) error {
	parsed, err := ParseTimestamp(string(b))
	if err != nil {
		return err
	}
	*t = parsed
	return nil
}
