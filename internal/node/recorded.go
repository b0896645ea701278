package node

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/feeds/capture"
	"github.com/failshut/failshut/feeds/judge"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/supervision"
)

// packets is where a recorded channel reads: a recording, or one that was read into memory before.
type packets interface {
	Next() (capture.Packet, error)
}

// recorded is a channel whose line is a recording: the same feed code, books and fan-out as a live one, at the times at
// which the packets were received.
type recorded struct {
	format   judge.Format
	source   packets
	page     *feeds.Page // whose place on the board the channel takes
	readers  *feeds.Fanout
	watch    func() // called after each packet; may be nil
	finished atomic.Bool
	failed   error // set before finished

	feed feeds.Feed
	held capture.Packet // read, and not due yet
	has  bool
	end  bool
}

// turn asks the channel for its next packet.
type turn struct{}

var recordedName = path(inFeeds, "recording", "channel")

// child is the supervisor of the recorded channel.
func (r *recorded) child() supervision.Child {
	c := supervision.DefaultChild("channel", func(_ context.Context, b *supervision.Birth) error {
		_, err := supervision.Spawn[turn](b, r, actors.WithBox(mailbox.One(16, mailbox.Reject)))
		return err
	})
	c.Restart = supervision.Temporary // a recording has no second reading
	return supervision.SubTree("recording", supervision.Spec{
		Strategy: supervision.OneForOne, Intensity: 0, Period: time.Second, Children: []supervision.Child{c},
	})
}

// Starting makes the feed.
func (r *recorded) Starting(c *actors.Context[turn]) error {
	fence := c.Fence()
	page := r.page.Turn(func() bool { return errors.Is(fence.Check(), actors.ErrFenced) }, r.readers)
	cfg := feeds.Config{Venue: r.format.Venue, Name: r.format.Name, Limits: feeds.DefaultLimits(), Sink: page, Offline: true}
	feed, err := r.format.New(cfg)
	r.feed = feed
	return err
}

// Receive steps the feed through one packet, when it is due, and asks for the next.
func (r *recorded) Receive(c *actors.Context[turn], m turn) error {
	if r.end {
		return nil
	}
	if !r.has {
		p, err := r.source.Next()
		if err != nil {
			return r.over(c, err)
		}
		r.held, r.has = p, true
	}
	if wait := time.Duration(int64(r.held.Recv) - c.Now().UnixNano()); wait > 0 {
		c.After(turn{}, wait, m)
		return nil
	}
	r.has = false
	r.feed.Step(c.Instant(), r.held.Input)
	if r.watch != nil {
		r.watch()
	}
	return c.Self().Tell(m)
}

// over ends the reading: what is held is judged, and the driver is told.
func (r *recorded) over(c *actors.Context[turn], err error) error {
	r.end = true
	r.feed.Step(c.Instant(), feeds.Input{Kind: feeds.End})
	if !errors.Is(err, io.EOF) {
		r.failed = err
	}
	r.finished.Store(true)
	return nil
}

// window leaves out what was received before from, and ends at until; zero bounds nothing.
type window struct {
	packets
	from, until market.Timestamp
}

// Next returns the next packet of the window.
func (w *window) Next() (capture.Packet, error) {
	for {
		p, err := w.packets.Next()
		if err != nil {
			return p, err
		}
		if w.until > 0 && p.Recv >= w.until {
			return capture.Packet{}, io.EOF
		}
		if p.Recv >= w.from {
			return p, nil
		}
	}
}

// kept is a recording in memory, to be read again and again.
type kept struct {
	packets []capture.Packet
	next    int
}

// keep reads a whole recording into memory.
func keep(rec *capture.Recording) (*kept, error) {
	k := &kept{}
	for {
		p, err := rec.Next()
		if errors.Is(err, io.EOF) {
			return k, nil
		}
		if err != nil {
			return nil, err
		}
		p.Data = append([]byte(nil), p.Data...)
		k.packets = append(k.packets, p)
	}
}

// Next returns the next packet, io.EOF after the last.
func (k *kept) Next() (capture.Packet, error) {
	if k.next == len(k.packets) {
		return capture.Packet{}, io.EOF
	}
	k.next++
	return k.packets[k.next-1], nil
}
