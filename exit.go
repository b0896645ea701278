package failshut

import (
	"errors"
	"fmt"
)

// Exit codes of every command. They are frozen: scripts and orchestrators lean on them.
const (
	ExitOK            = 0   // done
	ExitFailure       = 1   // failure; also a port in use, a data directory that cannot be written, unreadable input
	ExitUsage         = 2   // unknown flag or command, bad value, unknown instrument or strategy given as a flag
	ExitConfig        = 3   // configuration invalid
	ExitUnreachable   = 4   // nobody answers, or the time is up
	ExitForbidden     = 5   // no or bad token, role missing
	ExitPrecondition  = 6   // gate shut, not leader, stale revision, data directory locked
	ExitPartial       = 7   // some nodes, orders or phases were not done
	ExitVerification  = 8   // a recording, threshold, ledger or replay differs
	ExitTripped       = 70  // the tree gave up
	ExitInterrupted   = 130 // a signal
	schemaOfErrors    = "failshut.error/1"
	ownNameOfFailures = "failure"
)

// codeNames are the words that stand for the exit codes in an error's JSON.
var codeNames = map[int]string{
	ExitFailure: ownNameOfFailures, ExitUsage: "usage", ExitConfig: "config", ExitUnreachable: "unreachable",
	ExitForbidden: "forbidden", ExitPrecondition: "precondition", ExitPartial: "partial",
	ExitVerification: "verification", ExitTripped: "tripped", ExitInterrupted: "interrupted",
}

// ending is an error that knows with which code the process ends. Quiet endings have printed their answer already.
type ending struct {
	code  int
	word  string // the stable word of the code when the node's answer had one of its own
	quiet bool
	err   error
}

func (e *ending) Error() string { return e.err.Error() }
func (e *ending) Unwrap() error { return e.err }

// endWith wraps err so that the process ends with code.
func endWith(code int, err error) error {
	if err == nil {
		return nil
	}
	return &ending{code: code, err: err}
}

// answered ends with code after the command has printed its whole answer: nothing more is said on stdout.
func answered(code int, why string) error {
	if code == ExitOK {
		return nil
	}
	return &ending{code: code, quiet: true, err: errors.New(why)}
}

// usagef is a mistake in the command's own words.
func usagef(format string, args ...any) error {
	return endWith(ExitUsage, fmt.Errorf(format, args...))
}

// exitOf gives the code an error ends with; an error that names none is a failure.
func exitOf(err error) *ending {
	if e, ok := errors.AsType[*ending](err); ok {
		return e
	}
	return &ending{code: ExitFailure, err: err}
}

// failure is the JSON of an error.
type failure struct {
	Schema       string  `json:"schema"`
	Code         string  `json:"code"`
	Message      string  `json:"message"`
	Exit         int     `json:"exit"`
	Where        *string `json:"where"`
	RetryAfterMS *int64  `json:"retry_after_ms"`
}

func (e *ending) json() failure {
	f := failure{Schema: schemaOfErrors, Code: codeNames[e.code], Message: e.Error(), Exit: e.code}
	if e.word != "" {
		f.Code = e.word
	}
	return f
}
