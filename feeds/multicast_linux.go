package feeds

import (
	"errors"
	"net"

	"golang.org/x/sys/unix"
)

// onlyJoined keeps out packets of groups that other sockets of this machine have joined: Linux would deliver them to every
// socket of the same port.
func onlyJoined(conn *net.UDPConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var set error
	err = raw.Control(func(fd uintptr) {
		set = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0)
	})
	return errors.Join(err, set)
}
