package sim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/mailbox"
)

// feedTurn is what the sender's actor is told.
type feedTurn uint8

const (
	feedWaits feedTurn = iota + 1 // something was published
	feedFull                      // a packet is full
	feedFlush                     // what waits is old enough
	feedBeat                      // a heartbeat is due
)

// feedBox has a place for each of the two messages that are told; ticks need none.
var feedBox = mailbox.One(2, mailbox.Reject)

// feedSender decides when a packet leaves. The one that carries it is a Run function, for sending may block.
type feedSender struct {
	feed    *Feed
	packets *actors.Pipe[[]byte]
	waiting bool // a flush is due
}

// feedPackets bounds what waits to be carried.
const feedPackets = 4096

// Starting sends what was published while nobody was there to send it.
func (s *feedSender) Starting(c *actors.Context[feedTurn]) error {
	self := c.Self()
	s.feed.mu.Lock()
	s.feed.wake = func(full bool) error {
		if full {
			return self.Tell(feedFull)
		}
		return self.Tell(feedWaits)
	}
	s.feed.mu.Unlock()
	c.Every("beat", s.feed.cfg.Heartbeat, feedBeat)
	s.flush()
	s.send(s.feed.beat())
	return nil
}

// Receive does one turn.
func (s *feedSender) Receive(c *actors.Context[feedTurn], t feedTurn) error {
	switch t {
	case feedWaits:
		if !s.waiting {
			s.waiting = true
			c.After("flush", s.feed.cfg.Flush, feedFlush)
		}
	case feedFull, feedFlush:
		s.waiting = false
		c.Cancel("flush")
		s.flush()
	case feedBeat:
		s.send(s.feed.beat())
	}
	return nil
}

func (s *feedSender) flush() {
	for _, p := range s.feed.take() {
		s.send(p)
	}
}

func (s *feedSender) send(packet []byte) {
	if s.packets.Offer(packet) != nil {
		for _, l := range s.feed.cfg.Lines {
			s.feed.lost(l.Name)
		}
	}
}

func (f *Feed) lost(line string) {
	if h := f.cfg.Hooks.Lost; h != nil {
		h(line)
	}
}

// outlet is the socket of one line.
type outlet struct {
	line FeedLine
	conn *net.UDPConn
}

// carry writes packets to the lines until it is to stop, and then what is left.
func (f *Feed) carry(ctx context.Context, out actors.Outside, packets *actors.Pipe[[]byte], ready func()) error {
	outlets, err := f.open()
	defer func() {
		for _, o := range outlets {
			_ = o.conn.Close()
		}
	}()
	if err != nil {
		return err
	}
	ready()
	for {
		p, err := packets.Next(ctx, out)
		if err != nil {
			f.carryRest(outlets)
			return err
		}
		f.write(outlets, p)
	}
}

// carryRest sends what has been published since the last flush, and how it stands.
func (f *Feed) carryRest(outlets []outlet) {
	for _, p := range f.take() {
		f.write(outlets, p)
	}
	f.write(outlets, f.beat())
}

func (f *Feed) write(outlets []outlet, packet []byte) {
	for _, o := range outlets {
		if h := f.cfg.Hooks.Withhold; h != nil && h(o.line.Name, packet) {
			continue
		}
		if _, err := o.conn.WriteToUDPAddrPort(packet, o.line.Address); err != nil {
			f.lost(o.line.Name)
		}
	}
}

func (f *Feed) open() ([]outlet, error) {
	var outlets []outlet
	for _, l := range f.cfg.Lines {
		conn, err := l.open()
		if err != nil {
			return outlets, fmt.Errorf("feed: line %s: %w", l.Name, err)
		}
		outlets = append(outlets, outlet{line: l, conn: conn})
	}
	return outlets, nil
}

// open opens a socket that sends to l.
func (l FeedLine) open() (*net.UDPConn, error) {
	network := "udp4"
	if l.Address.Addr().Is6() {
		network = "udp6"
	}
	conn, err := net.ListenUDP(network, nil)
	if err != nil || !l.Address.Addr().IsMulticast() {
		return conn, err
	}
	if err := sendBy(conn, l.Interface); err != nil {
		return nil, errors.Join(fmt.Errorf("interface %q: %w", l.Interface, err), conn.Close())
	}
	return conn, nil
}

// openServer opens the socket of the re-request server, and tells where it listens. A port that the system chose is kept: readers
// know no other.
func (f *Feed) openServer() (*net.UDPConn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(f.cfg.Request))
	if err != nil {
		return nil, fmt.Errorf("feed: re-request server: %w", err)
	}
	f.cfg.Request = netip.AddrPortFrom(f.cfg.Request.Addr(), conn.LocalAddr().(*net.UDPAddr).AddrPort().Port())
	if h := f.cfg.Hooks.Bound; h != nil {
		h(f.cfg.Request)
	}
	return conn, nil
}

// serve answers requests.
func (f *Feed) serve(ctx context.Context, out actors.Outside, conn *net.UDPConn) error {
	var buf []byte
	return feeds.Listen(ctx, out, conn, func(d []byte, from netip.AddrPort, at time.Time) {
		answer, verdict := f.answer(out.System().Instant(at), from, d, buf)
		if answer != nil {
			buf = answer
			_, _ = conn.WriteToUDPAddrPort(answer, from) // a lost answer is asked for again
		}
		if h := f.cfg.Hooks.Answered; h != nil {
			h(verdict)
		}
	})
}

// FreePorts replaces every port 0 of lines by one that is free now, so that sender and readers can be told the same. Somebody
// else may take it before they do.
func FreePorts(lines []FeedLine) ([]FeedLine, error) {
	out := append([]FeedLine(nil), lines...)
	var held []*net.UDPConn
	defer func() {
		for _, c := range held {
			_ = c.Close()
		}
	}()
	for i, l := range out {
		if l.Address.Port() != 0 {
			continue
		}
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return nil, fmt.Errorf("feed: no free port for line %s: %w", l.Name, err)
		}
		held = append(held, conn) // until all are found, lest one be found twice
		out[i].Address = netip.AddrPortFrom(l.Address.Addr(), conn.LocalAddr().(*net.UDPAddr).AddrPort().Port())
	}
	return out, nil
}
