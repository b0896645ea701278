//go:build unix

package sim

import (
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// sendBy makes conn send multicast by the named interface, and no further than this machine when that is the loopback.
func sendBy(conn *net.UDPConn, name string) error {
	card, err := net.InterfaceByName(name)
	if err != nil {
		return err
	}
	addr, err := firstIPv4(card)
	if err != nil {
		return err
	}
	hops := 1
	if card.Flags&net.FlagLoopback != 0 {
		hops = 0
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var set error
	err = raw.Control(func(fd uintptr) {
		set = errors.Join(
			unix.SetsockoptInet4Addr(int(fd), unix.IPPROTO_IP, unix.IP_MULTICAST_IF, addr),
			unix.SetsockoptByte(int(fd), unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, byte(hops)),
			unix.SetsockoptByte(int(fd), unix.IPPROTO_IP, unix.IP_MULTICAST_LOOP, 1),
		)
	})
	return errors.Join(err, set)
}

func firstIPv4(card *net.Interface) (a [4]byte, err error) {
	addrs, err := card.Addrs()
	if err != nil {
		return a, err
	}
	for _, n := range addrs {
		if n, ok := n.(*net.IPNet); ok && n.IP.To4() != nil {
			return [4]byte(n.IP.To4()), nil
		}
	}
	return a, fmt.Errorf("%s has no IPv4 address", card.Name)
}
