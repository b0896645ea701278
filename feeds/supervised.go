package feeds

import (
	"context"
	"strings"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/supervision"
)

// Watch says how the parts of one feed are watched, and started again. DefaultWatch fills what a node presumes.
type Watch struct {
	Intensity int // restarts allowed within Period
	Period    time.Duration
	Backoff   supervision.Backoff
	Shutdown  time.Duration // how long the stop of one part may last
	Watchdog  time.Duration // longest time for one datagram; 0 is unwatched
}

// DefaultWatch allows 5 restarts a minute, waits between 100 ms and 10 s for each, and takes a part for hung after 1 s.
func DefaultWatch() Watch {
	return Watch{
		Intensity: 5, Period: time.Minute, Backoff: supervision.Backoff{Base: 100 * time.Millisecond, Cap: 10 * time.Second, Reset: time.Minute},
		Shutdown: time.Second, Watchdog: time.Second,
	}
}

// Spec returns the supervisor of the feed: rest_for_one, its lines and then the channel, which is ready when it has been
// Live: evidence Synced. It may take as long as that needs, since who waits for its exchange is not broken. A line that ends
// takes the channel with it, and a channel that starts again asks for the session from sequence 1.
func (s *Service) Spec(w Watch) supervision.Spec {
	spec := supervision.Spec{Strategy: supervision.RestForOne, Intensity: w.Intensity, Period: w.Period}
	for line, l := range s.cfg.Lines {
		c := w.child(l.Name, s.startLine(line))
		c.Manual = true
		spec.Children = append(spec.Children, c)
	}
	c := w.child(channelName, s.startChannel)
	c.Class, c.StartTimeout = supervision.FeedClass, supervision.Infinity
	spec.Children = append(spec.Children, c)
	return spec
}

func (w Watch) child(name string, start supervision.StartFunc) supervision.Child {
	c := supervision.DefaultChild(name, start)
	c.Backoff, c.Shutdown, c.Watchdog = w.Backoff, w.Shutdown, w.Watchdog
	return c
}

// Address returns where the channel of the feed takes messages, when its supervisor is at path.
func Address(sys *actors.System, path actors.Name) actors.Address[Message] {
	return actors.Follow[Message](sys, path+"/"+channelName)
}

// startLine starts the reader of one line. It is ready when its socket is open.
func (s *Service) startLine(line int) supervision.StartFunc {
	return func(_ context.Context, b *supervision.Birth) error {
		to := actors.Follow[Message](b.System(), beside(b.Path(), channelName))
		b.Run(func(ctx context.Context, out actors.Outside) error {
			return s.read(ctx, out, line, to, func() { _ = b.Ready("") })
		})
		return nil
	}
}

// startChannel starts the owner of the feed and, where there is a server to ask, what carries requests and answers.
func (s *Service) startChannel(_ context.Context, b *supervision.Birth) error {
	a := &owner{service: s, fence: b.Fence(), ready: func() { _ = b.Ready(supervision.Synced) }}
	if s.cfg.Request.IsValid() {
		wishes, err := actors.NewPipe[Output](b.System(), requestsWaiting)
		if err != nil {
			return err
		}
		a.requests = wishes
	}
	ref, err := supervision.Spawn[Message](b, a, actors.WithBox(channelBox))
	if err != nil || a.requests == nil {
		return err
	}
	r := &requester{service: s, wishes: a.requests}
	b.Run(func(ctx context.Context, out actors.Outside) error { return r.answers(ctx, out, ref) })
	b.Run(r.asks)
	return nil
}

// beside returns the path of the sibling called name of the child at path.
func beside(path actors.Name, name string) actors.Name {
	return path[:strings.LastIndexByte(string(path), '/')+1] + actors.Name(name)
}
