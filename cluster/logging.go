package cluster

import (
	"context"
	"io"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// engineLog returns a logger for the engine whose lines go to log. What the
// engine calls information is a detail here: a change of state is told once, by
// whoever acts on it.
func engineLog(log *slog.Logger) hclog.Logger {
	l := hclog.NewInterceptLogger(&hclog.LoggerOptions{Name: "raft", Level: hclog.Debug, Output: io.Discard})
	if log != nil {
		l.RegisterSink(slogSink{log})
	}
	return l
}

type slogSink struct{ log *slog.Logger }

// Accept implements the engine logger's SinkAdapter.
func (s slogSink) Accept(name string, level hclog.Level, msg string, args ...any) {
	to := slog.LevelDebug
	switch level {
	case hclog.Warn: // an election is no alarm: who leads is told by whoever acts on it
		to = slog.LevelInfo
	case hclog.Error:
		to = slog.LevelError
	case hclog.NoLevel, hclog.Trace, hclog.Debug, hclog.Info, hclog.Off:
	}
	s.log.Log(context.Background(), to, msg, append([]any{"engine", name}, args...)...)
}
