package fix_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain wants no goroutine left but two of the engine's: its timers for the answers to a logon and to a logout fire into a session that may be over by then,
// and wait there for ever. There is one for each logon and logout of the last seconds before an end.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/quickfixgo/quickfix.(*stateMachine).Connect.func1"),
		goleak.IgnoreAnyFunction("github.com/quickfixgo/quickfix.(*session).initiateLogoutInReplyTo.func1"),
	)
}
