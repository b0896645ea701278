// Command protoactor measures protoactor-go with its own mailboxes.
package main

import (
	"context"
	"log/slog"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/failshut/failshut/bench/load"
	"github.com/failshut/failshut/bench/peers/peer"
)

const version = "v0.0.0-20240822202345-3c0e61ca19c9"

func main() {
	peer.Main(
		library("protoactor", load.Traits{}, func(int) actor.PropsOption { return actor.WithMailbox(actor.Unbounded()) }),
		library("protoactor bounded", load.Traits{Bounded: true}, func(n int) actor.PropsOption { return actor.WithMailbox(actor.Bounded(n)) }),
	)
}

func library(name string, has load.Traits, mailbox func(capacity int) actor.PropsOption) peer.Library {
	return peer.Library{Called: name, Of: version, Has: has, Start: func(_ context.Context, capacity int) (peer.Engine, error) {
		quiet := actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) })
		return &engine{system: actor.NewActorSystem(quiet), mailbox: mailbox(capacity)}, nil
	}}
}

type engine struct {
	system  *actor.ActorSystem
	mailbox actor.PropsOption
	pids    []*actor.PID
}

func (e *engine) Spawn(handle func(load.Message)) (func(load.Message) bool, error) {
	pid := e.system.Root.Spawn(actor.PropsFromFunc(func(c actor.Context) {
		if m, ok := c.Message().(*load.Message); ok {
			handle(*m)
		}
	}, e.mailbox))
	e.pids = append(e.pids, pid)
	return func(m load.Message) bool {
		e.system.Root.Send(pid, &m) // it does not say whether it was taken
		return true
	}, nil
}

func (e *engine) Stop() {
	for _, pid := range e.pids {
		e.system.Root.Stop(pid) // ahead of what is queued
	}
}
