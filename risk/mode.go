package risk

import "fmt"

// Mode says what may leave. The zero value is Closed, so whatever nobody opened is shut (P2).
type Mode uint8

// The modes, from shut to open. Cancels pass in all of them.
const (
	Closed     Mode = iota // nothing new, and live orders are driven to zero
	CancelOnly             // nothing new; working orders stay
	ReduceOnly             // only what brings the position nearer to zero, own live orders counted
	Open                   // everything the controls admit
)

var modeNames = [...]string{Closed: "CLOSED", CancelOnly: "CANCEL_ONLY", ReduceOnly: "REDUCE_ONLY", Open: "OPEN"}

// Valid reports whether m is one of the four modes.
func (m Mode) Valid() bool { return m <= Open }

// String returns the mode's word as `/gatez` shows it. An unknown value reads as CLOSED.
func (m Mode) String() string {
	if !m.Valid() {
		return modeNames[Closed]
	}
	return modeNames[m]
}

// Severity orders modes by how much they forbid: Open is 0, Closed is 3. An unknown value is as severe as Closed.
func (m Mode) Severity() int {
	if !m.Valid() {
		return int(Open)
	}
	return int(Open - m)
}

// Merge returns the stricter of the two modes (invariant I7).
func (m Mode) Merge(o Mode) Mode {
	if m.Severity() >= o.Severity() {
		return m
	}
	return o
}

// MarshalText writes the mode's word.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads one of the four words and refuses everything else.
func (m *Mode) UnmarshalText(b []byte) error {
	got, err := ParseMode(string(b))
	if err != nil {
		return err
	}
	*m = got
	return nil
}

// ParseMode reads one of the four words, upper case.
func ParseMode(s string) (Mode, error) {
	for m, name := range modeNames {
		if s == name {
			return Mode(m), nil
		}
	}
	return Closed, fmt.Errorf("%w: mode %q, want OPEN, REDUCE_ONLY, CANCEL_ONLY or CLOSED", ErrInvalid, s)
}
