package feeds

import (
	"context"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/market"
)

// Requests of one incarnation, for tests.
type Requests = actors.Pipe[Output]

// Own spawns the owner of s as the next incarnation of name, without lines and without a requester.
func Own(sys *actors.System, s *Service, name actors.Name, ready func()) (*actors.Life, actors.Ref[Message], *Requests, error) {
	requests, err := actors.NewPipe[Output](sys, requestsWaiting)
	if err != nil {
		return nil, actors.Ref[Message]{}, nil, err
	}
	life, err := sys.Begin(actors.Birth{Name: name})
	if err != nil {
		return nil, actors.Ref[Message]{}, nil, err
	}
	a := &owner{service: s, fence: life.Fence(), ready: ready, requests: requests}
	ref, err := actors.Spawn(sys, actors.Spec[Message]{Life: life, Name: name, Box: channelBox, Actor: a})
	life.Open()
	return life, ref, requests, err
}

// Hand gives d to the owner as a reader would that read it at Instant mono.
func Hand(s *Service, to actors.Recipient[Message], d []byte, mono int64) {
	s.hand(to, Packet, 0, d, mono, market.Timestamp(mono))
}

// LentTwice lends a buffer and releases it twice.
func LentTwice() {
	var p pool
	b := p.lend([]byte("x"))
	b.release()
	b.release()
}

// Lent lends copies of a and b, one after the other from one buffer, and returns what the first one's bytes have become.
func Lent(a, b []byte) (first, second string) {
	var p pool
	x := p.lend(a)
	kept := x.data
	x.release()
	y := p.lend(b)
	return string(kept), string(y.data)
}

// Read runs the reader of line until ctx ends.
func Read(ctx context.Context, out actors.Outside, s *Service, line int, to actors.Recipient[Message], ready func()) error {
	return s.read(ctx, out, line, to, ready)
}

// Turn returns the Fanout of the next incarnation, which is over when over says so.
func (f *Fanout) Turn(over func() bool) *Fanout { return f.turn(over) }

// Leave is what an owner does at the end of each message, also after a panic.
func (f *Fanout) Leave() { f.leave() }

// Owing calls show for each subscriber that is to be shown something and can be.
func (f *Fanout) Owing(show func(Sink)) { f.owing(show) }

// Heir is the Memory of the next incarnation.
func (m *Memory) Heir() *Memory { return m.heir() }
