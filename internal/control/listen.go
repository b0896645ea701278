package control

import (
	"errors"
	"fmt"
	"net"
	"os"
)

// maxSocketPath is what a unix socket's address can hold on Linux, less its end.
const maxSocketPath = 107

// ListenUnix binds the control socket with the given mode. A stale socket is removed first: the caller holds the lock of
// the data directory, so nobody else can be serving there.
func ListenUnix(path string, mode os.FileMode) (net.Listener, error) {
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("socket path %s has %d bytes, want at most %d", path, len(path), maxSocketPath)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("removing the stale socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("binding the control socket: %w", err)
	}
	if err := os.Chmod(path, mode); err != nil {
		return nil, errors.Join(fmt.Errorf("setting the mode of the control socket: %w", err), l.Close())
	}
	return l, nil
}

// ListenTCP binds the admin listener. A port in use is an error that names it.
func ListenTCP(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("binding the admin listener %s: %w", addr, err)
	}
	return l, nil
}

// peerOf reads from the connection itself who is at the other end.
func peerOf(c net.Conn) peer {
	if t, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return peer{loopback: t.IP.IsLoopback()}
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		return peer{}
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return peer{}
	}
	return credentials(raw)
}
