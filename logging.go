package failshut

import (
	"log/slog"
)

// log is where a process's lines go: stderr, one line for each change of state.
func (c *cli) log() *slog.Logger {
	level := slog.LevelWarn
	if c.verbose {
		level = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(c.stderr, &slog.HandlerOptions{Level: level}))
}
