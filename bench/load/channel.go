package load

import (
	"context"
	"runtime"
	"sync"
)

// Channel is a buffered Go channel, the measure of all others.
type Channel struct{}

// Name is "channel".
func (Channel) Name() string { return "channel" }

// Version is that of Go.
func (Channel) Version() string { return runtime.Version() }

// Traits say that it is bounded, and has lanes: a second channel that is looked at first.
func (Channel) Traits() Traits { return Traits{Bounded: true, Lanes: true} }

type channel struct {
	data, cancel chan Message
	stop         chan struct{} // nil: the end of data is the end
	ended        sync.WaitGroup
}

// cancelsKept is the room of the second channel, as of the lane Control by default.
const cancelsKept = 1088

// Open starts a goroutine that receives.
func (Channel) Open(_ context.Context, s Setup) (Receiver, error) {
	c := &channel{data: make(chan Message, s.Capacity)}
	if !s.Lanes {
		c.ended.Go(func() {
			for m := range c.data {
				s.Handle(m)
			}
		})
		return c, nil
	}
	c.cancel, c.stop = make(chan Message, cancelsKept), make(chan struct{})
	c.ended.Go(func() { c.receiveInOrder(s.Handle) })
	return c, nil
}

// receiveInOrder looks at cancels before each message of data.
func (c *channel) receiveInOrder(handle func(Message)) {
	for {
		select {
		case m := <-c.cancel:
			handle(m)
			continue
		default:
		}
		select {
		case m := <-c.cancel:
			handle(m)
		case m := <-c.data:
			handle(m)
		case <-c.stop:
			return
		}
	}
}

func (c *channel) Senders(n int, f func(int, Sender)) error {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { f(i, c) })
	}
	all.Wait()
	return nil
}

func (c *channel) Dropped() uint64 { return 0 }

func (c *channel) Close() error {
	if c.stop != nil {
		close(c.stop)
	} else {
		close(c.data)
	}
	c.ended.Wait()
	return nil
}

func (c *channel) Offer(m Message) bool {
	to := c.data
	if m.Lane == Cancel {
		to = c.cancel
	}
	select {
	case to <- m:
		return true
	default:
		return false
	}
}

func (c *channel) Send(m Message) error {
	c.data <- m
	return nil
}

type channelPair struct {
	ping, pong chan Message
	ended      sync.WaitGroup
}

// Pair starts two goroutines with a channel each.
func (Channel) Pair(_ context.Context, turn func(Message) bool) (Pair, error) {
	p := &channelPair{ping: make(chan Message, 1), pong: make(chan Message, 1)}
	play := func(in <-chan Message, out chan<- Message) {
		defer close(out)
		for m := range in {
			if !turn(m) {
				return
			}
			m.Seq++
			out <- m
		}
	}
	p.ended.Go(func() { play(p.ping, p.pong) })
	p.ended.Go(func() { play(p.pong, p.ping) })
	return p, nil
}

func (p *channelPair) Kick(m Message) error {
	p.ping <- m
	return nil
}

func (p *channelPair) Close() error {
	p.ended.Wait()
	return nil
}
