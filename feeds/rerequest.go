package feeds

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/market"
)

// requester is the socket by which one incarnation of a channel asks the re-request server. What to ask for, when
// again, and when to give up is the Channel's to decide: here requests are only carried, each once.
type requester struct {
	service *Service
	wishes  *actors.Pipe[Output]
	conn    atomic.Pointer[net.UDPConn] // of the answers; nil until it is open
}

// requestsWaiting bounds what waits to be sent. The Channel has at most Limits.Requests on their way.
const requestsWaiting = 64

// answers is the work that owns the socket: it hands answers to the channel's actor. What another than the server sends is
// not looked at.
func (r *requester) answers(ctx context.Context, out actors.Outside, to actors.Recipient[Message]) error {
	server := r.service.cfg.Request
	local := netip.IPv4Unspecified()
	switch {
	case server.Addr().IsLoopback():
		local = server.Addr()
	case server.Addr().Is6():
		local = netip.IPv6Unspecified()
	}
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, 0)))
	if err != nil {
		return fmt.Errorf("feeds: re-request: %w", err)
	}
	_ = conn.SetReadBuffer(receiveBuffer)
	r.conn.Store(conn)
	return Listen(ctx, out, conn, func(d []byte, from netip.AddrPort, at time.Time) {
		if from == server {
			r.service.hand(to, Resent, 0, d, out.System().Instant(at), market.StampOf(at))
		}
	})
}

// asks is the work that sends requests. One that cannot be sent is as lost as its answer could be.
func (r *requester) asks(ctx context.Context, out actors.Outside) error {
	var buf []byte
	for {
		wish, err := r.wishes.Next(ctx, out)
		if err != nil {
			return err
		}
		conn := r.conn.Load()
		if conn == nil {
			r.service.unasked()
			continue
		}
		buf = r.service.cfg.Ask(buf[:0], wish)
		if _, err := conn.WriteToUDPAddrPort(buf, r.service.cfg.Request); err != nil {
			r.service.unasked()
		}
	}
}
