// Command goakt measures github.com/tochemey/goakt with its bounded mailbox, in which a sender that finds no room tries
// again until there is some.
package main

import (
	"context"
	"strconv"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tochemey/goakt/v3/actor"
	"github.com/tochemey/goakt/v3/log"

	"github.com/failshut/failshut/bench/load"
	"github.com/failshut/failshut/bench/peers/peer"
)

func main() {
	peer.Main(peer.Library{Called: "goakt", Of: "v3.2.0", Has: load.Traits{Bounded: true}, Start: start})
}

type engine struct {
	ctx      context.Context
	system   actor.ActorSystem
	capacity int
	n        int
}

func start(ctx context.Context, capacity int) (peer.Engine, error) {
	s, err := actor.NewActorSystem("bench", actor.WithLogger(log.DiscardLogger))
	if err != nil {
		return nil, err
	}
	return &engine{ctx, s, capacity, 0}, s.Start(ctx)
}

type receiver struct{ handle func(load.Message) }

func (*receiver) PreStart(context.Context) error { return nil }
func (*receiver) PostStop(context.Context) error { return nil }

// Its messages are protobuf messages: a well-known one carries what the loads look at.
func (r *receiver) Receive(c *actor.ReceiveContext) {
	if m, ok := c.Message().(*timestamppb.Timestamp); ok {
		r.handle(load.Message{Due: m.GetSeconds(), Seq: uint64(uint32(m.GetNanos()) >> 8), Sender: uint32(m.GetNanos()) & 0xff})
	}
}

func (e *engine) Spawn(handle func(load.Message)) (func(load.Message) bool, error) {
	e.n++
	pid, err := e.system.Spawn(e.ctx, "receiver"+strconv.Itoa(e.n), &receiver{handle}, actor.WithMailbox(actor.NewBoundedMailbox(e.capacity)))
	if err != nil {
		return nil, err
	}
	return func(m load.Message) bool {
		return actor.Tell(e.ctx, pid, &timestamppb.Timestamp{Seconds: m.Due, Nanos: int32(uint32(m.Seq)<<8 | m.Sender&0xff)}) == nil
	}, nil
}

// Stop leaves it running, for the process ends: stopped with messages queued, its bounded mailbox panics.
func (e *engine) Stop() {}
