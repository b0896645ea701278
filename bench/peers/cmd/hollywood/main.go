// Command hollywood measures github.com/anthdm/hollywood.
package main

import (
	"context"
	"log/slog"

	"github.com/anthdm/hollywood/actor"

	"github.com/failshut/failshut/bench/load"
	"github.com/failshut/failshut/bench/peers/peer"
)

func main() {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	peer.Main(peer.Library{Called: "hollywood", Of: "v1.0.5", Start: func(_ context.Context, capacity int) (peer.Engine, error) {
		e, err := actor.NewEngine(actor.NewEngineConfig())
		return &engine{e, capacity, nil}, err
	}})
}

type engine struct {
	engine   *actor.Engine
	capacity int
	pids     []*actor.PID
}

type receiver struct{ handle func(load.Message) }

func (r receiver) Receive(c *actor.Context) {
	if m, ok := c.Message().(*load.Message); ok {
		r.handle(*m)
	}
}

func (e *engine) Spawn(handle func(load.Message)) (func(load.Message) bool, error) {
	pid := e.engine.Spawn(func() actor.Receiver { return receiver{handle} }, "bench", actor.WithInboxSize(e.capacity))
	e.pids = append(e.pids, pid)
	return func(m load.Message) bool {
		e.engine.Send(pid, &m) // it grows, and does not say whether it was taken
		return true
	}, nil
}

func (e *engine) Stop() {
	for _, pid := range e.pids {
		e.engine.Stop(pid) // behind what is queued: nobody waits for it, the process ends
	}
}
