package feeds

// State says how far a book can be trusted. Only Live is readable; the zero State is Unknown, which is not.
type State uint8

// The states of a channel and of a book.
const (
	Unknown     State = iota // nothing is known
	Down                     // no line, or the session has ended
	Connecting               // a line is being made
	Syncing                  // the start is missing: nothing is applied until it is there
	Live                     // provably in sequence
	Suspect                  // something is missing or contradicts
	Stale                    // in sequence as far as known, but silent for too long
	Recovering               // the missing part has been asked for
	Quarantined              // shut until an operator, or a scheduled retry, says otherwise
)

var stateNames = [...]string{"unknown", "down", "connecting", "syncing", "live", "suspect", "stale", "recovering", "quarantined"}

// String returns the name in lower case, such as "live".
func (s State) String() string {
	if int(s) >= len(stateNames) {
		return stateNames[Unknown]
	}
	return stateNames[s]
}

// badness orders states: live < stale < syncing < recovering < suspect < down < quarantined. Connecting stands with
// down, and Unknown is worse than everything.
func (s State) badness() int {
	switch s {
	case Live:
		return 0
	case Stale:
		return 1
	case Syncing:
		return 2
	case Recovering:
		return 3
	case Suspect:
		return 4
	case Connecting:
		return 5
	case Down:
		return 6
	case Quarantined:
		return 7
	default:
		return 8
	}
}

// Worse returns the worse of s and o, in the order live, stale, syncing, recovering, suspect, connecting, down,
// quarantined, unknown.
func (s State) Worse(o State) State {
	if o.badness() > s.badness() {
		return o
	}
	return s
}
