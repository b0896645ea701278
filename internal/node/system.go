package node

import (
	"log/slog"

	"github.com/failshut/failshut/actors"
)

// systemConfig is that of every system of a node. Only strategies have a quarantine, see strategy.Options and aside.go: a report
// that was set aside ahead of the owner of its account's orders would be a fill that the account does not know. The owner fails
// again instead, until its supervisor gives up, which shuts the account (P4).
func systemConfig(name string, clock actors.Clock, dispatch actors.Dispatch, seed uint64, log *slog.Logger) actors.Config {
	return actors.Config{Name: name, Clock: clock, Dispatch: dispatch, Seed: seed, Log: log, PoisonAfter: -1}
}
