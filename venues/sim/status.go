package sim

import "fmt"

// OrdStatus is the status of an order as a report tells it, FIX 4.4 tag 39. The zero value is invalid.
type OrdStatus uint8

// The statuses that an exchange of this package gives.
const (
	StatusNew       OrdStatus = iota + 1 // NEW
	StatusPartial                        // PF
	StatusFilled                         // F
	StatusCancelled                      // CXL
	StatusRejected                       // REJ
	StatusExpired                        // EXP
	StatusSuspended                      // SUS
)

var statusWords = []string{
	StatusNew: "NEW", StatusPartial: "PF", StatusFilled: "F", StatusCancelled: "CXL", StatusRejected: "REJ", StatusExpired: "EXP",
	StatusSuspended: "SUS",
}

// Open reports whether an order of this status can still be executed.
func (s OrdStatus) Open() bool { return s == StatusNew || s == StatusPartial || s == StatusSuspended }

// String gives the short token of the status (NEW PF F CXL REJ EXP SUS), as the ledger carries it.
func (s OrdStatus) String() string { return wordOf(statusWords, s, "OrdStatus") }

// MarshalText gives the token; an invalid status is an error.
func (s OrdStatus) MarshalText() ([]byte, error) { return marshalToken(statusWords, s, "order status") }

// UnmarshalText takes the token.
func (s *OrdStatus) UnmarshalText(b []byte) error {
	return unmarshalToken(statusWords, s, b, "order status")
}

// ExecType says what a report tells of, FIX 4.4 tag 150. The zero value is invalid.
type ExecType uint8

// The execution types that an exchange of this package gives.
const (
	ExecNew       ExecType = iota + 1 // NEW
	ExecTrade                         // T
	ExecCancelled                     // CXL
	ExecRejected                      // REJ
	ExecExpired                       // EXP
	ExecReplaced                      // RPL
	ExecStatus                        // STS: the answer to a question, no change
	ExecRestated                      // RST: other terms, unasked
	ExecCorrect                       // TX: an execution has other terms
	ExecBust                          // TC: an execution is taken back
	ExecSuspended                     // SUS
)

var execWords = []string{
	ExecNew: "NEW", ExecTrade: "T", ExecCancelled: "CXL", ExecRejected: "REJ", ExecExpired: "EXP",
	ExecReplaced: "RPL", ExecStatus: "STS", ExecRestated: "RST", ExecCorrect: "TX", ExecBust: "TC", ExecSuspended: "SUS",
}

// String gives the short token of the type (NEW T CXL REJ EXP RPL STS RST TX TC SUS), as the ledger carries it.
func (t ExecType) String() string { return wordOf(execWords, t, "ExecType") }

// MarshalText gives the token; an invalid type is an error.
func (t ExecType) MarshalText() ([]byte, error) { return marshalToken(execWords, t, "execution type") }

// UnmarshalText takes the token.
func (t *ExecType) UnmarshalText(b []byte) error {
	return unmarshalToken(execWords, t, b, "execution type")
}

func wordOf[E ~uint8](words []string, e E, name string) string {
	if int(e) < len(words) && words[e] != "" {
		return words[e]
	}
	return fmt.Sprintf("%s(%d)", name, e)
}

func marshalToken[E ~uint8](words []string, e E, name string) ([]byte, error) {
	if int(e) < len(words) && words[e] != "" {
		return []byte(words[e]), nil
	}
	return nil, fmt.Errorf("%s %d: want one of %v", name, e, words[1:])
}

func unmarshalToken[E ~uint8](words []string, e *E, b []byte, name string) error {
	for i, w := range words {
		if w != "" && w == string(b) {
			*e = E(i)
			return nil
		}
	}
	return fmt.Errorf("%s %q: want one of %v", name, b, words[1:])
}
