package node

import (
	"log/slog"

	"github.com/failshut/failshut/actors"
)

// systemConfig is that of every system of a node. Messages that end their actors again and again are not put in quarantine:
// a report that was set aside would be a fill that its account does not know, and nothing here shuts that account yet. Its
// owner fails again instead, until its supervisor gives up, which shuts it (P4).
func systemConfig(name string, clock actors.Clock, dispatch actors.Dispatch, seed uint64, log *slog.Logger) actors.Config {
	return actors.Config{Name: name, Clock: clock, Dispatch: dispatch, Seed: seed, Log: log, PoisonAfter: -1}
}
