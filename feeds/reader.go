package feeds

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/market"
)

const (
	largestDatagram = 64 << 10
	// pulse is how often a socket that hears nothing is looked up from, to show that its reader lives.
	pulse = 250 * time.Millisecond
)

// listener is one socket that is read.
type listener struct {
	conn  *net.UDPConn
	renew time.Time // when the deadline of the socket has to be moved on
}

// Listen reads datagrams of conn until ctx ends or reading fails, and returns why it ended. It gives each, with its sender
// and the time at which it was read, to take; what take is given is valid until it returns. It closes conn, and shows out
// that it lives. It is the work of a child under supervision.
func Listen(ctx context.Context, out actors.Outside, conn *net.UDPConn, take func(d []byte, from netip.AddrPort, at time.Time)) error {
	defer func() { _ = conn.Close() }()
	// A deadline in the past is what ends a read that waits.
	defer context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })()
	l := listener{conn: conn}
	buf := make([]byte, largestDatagram)
	now := out.Now()
	for {
		if err := l.keepAwake(ctx, out, now); err != nil {
			return err
		}
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		now = out.Now()
		switch {
		case err == nil:
			take(buf[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), now)
		case errors.Is(err, os.ErrDeadlineExceeded):
		default:
			return fmt.Errorf("feeds: reading %s: %w", conn.LocalAddr(), err)
		}
	}
}

// keepAwake moves the deadline on, and shows that the reader lives, once every pulse.
func (l *listener) keepAwake(ctx context.Context, out actors.Outside, now time.Time) error {
	if now.Before(l.renew) {
		return ctx.Err()
	}
	out.Beat()
	l.renew = now.Add(pulse)
	if err := l.conn.SetReadDeadline(l.renew); err != nil {
		return err
	}
	return ctx.Err() // after the deadline was set, lest the one that ends the read be overwritten unseen
}

// read is the work of one line: its socket, its datagrams to the channel's actor.
func (s *Service) read(ctx context.Context, out actors.Outside, line int, to actors.Recipient[Message], ready func()) error {
	conn, err := s.open(line)
	if err != nil {
		return err
	}
	_ = to.Tell(Message{kind: LineUp, line: line}) // nobody listens yet at the first start: the actor begins with its lines up
	defer func() { _ = to.Tell(Message{kind: LineDown, line: line}) }()
	ready()
	return Listen(ctx, out, conn, func(d []byte, _ netip.AddrPort, at time.Time) {
		s.hand(to, Packet, line, d, out.System().Instant(at), market.StampOf(at))
	})
}

// hand tells one datagram to the channel's actor.
func (s *Service) hand(to actors.Recipient[Message], kind InputKind, line int, d []byte, mono int64, recv market.Timestamp) {
	b := s.pool.lend(d)
	if err := to.Tell(Message{kind: kind, line: line, packet: b, recv: recv, mono: mono}); err != nil {
		b.release()
		s.dropped(line, err)
	}
}
