package feeds

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// Line is one socket of a feed: a multicast group on a named interface (which may be lo), or a unicast address. Port 0
// takes a free one of the system, which Hooks.Bound tells.
type Line struct {
	Name      string
	Address   netip.AddrPort
	Interface string // of a multicast group; "" lets the system choose
}

// receiveBuffer is what the system is asked to keep for a reader that is not running. It may give less.
const receiveBuffer = 4 << 20

// open opens the socket of l.
func (l Line) open() (*net.UDPConn, error) {
	var conn *net.UDPConn
	var err error
	if l.Address.Addr().IsMulticast() {
		conn, err = l.join()
	} else {
		conn, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(l.Address))
	}
	if err != nil {
		return nil, fmt.Errorf("feeds: line %s: %w", l.Name, err)
	}
	_ = conn.SetReadBuffer(receiveBuffer) // a smaller one loses more in a burst, and losses are recovered
	return conn, nil
}

func (l Line) join() (*net.UDPConn, error) {
	var card *net.Interface
	if l.Interface != "" {
		var err error
		if card, err = net.InterfaceByName(l.Interface); err != nil {
			return nil, fmt.Errorf("interface %q: %w", l.Interface, err)
		}
	}
	conn, err := net.ListenMulticastUDP("udp", card, net.UDPAddrFromAddrPort(l.Address))
	if err != nil {
		return nil, err
	}
	if err := onlyJoined(conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// validate returns what is wrong with l.
func (l Line) validate() error {
	switch {
	case l.Name == "" || l.Name == channelName:
		return fmt.Errorf("feeds: line name = %q, want one that is not %q", l.Name, channelName)
	case !l.Address.IsValid():
		return fmt.Errorf("feeds: line %s has no address", l.Name)
	case l.Address.Addr().IsUnspecified():
		return fmt.Errorf("feeds: line %s = %s, want a multicast group or an address of this machine", l.Name, l.Address)
	}
	return nil
}
