package failshut

import (
	"log/slog"
	"time"

	"github.com/failshut/failshut/actors"
)

// log is where a process's lines go: stderr, one line for each change of state.
func (c *cli) log() *slog.Logger {
	level := slog.LevelWarn
	switch {
	case c.quiet:
		level = slog.LevelError
	case c.verbose:
		level = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(c.stderr, &slog.HandlerOptions{Level: level}))
}

// clock reads the time, as the systems of this process do.
func (c *cli) clock() time.Time { return actors.Real().Now() }
