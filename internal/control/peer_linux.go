package control

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// credentials asks the kernel which user is at the other end of a unix socket.
func credentials(raw syscall.RawConn) peer {
	var p peer
	_ = raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			p.uid, p.hasUID = cred.Uid, true
		}
	})
	return p
}
