//go:build !linux

package feeds

import "net"

// onlyJoined has nothing to do: other systems deliver only the groups that the socket itself has joined.
func onlyJoined(*net.UDPConn) error { return nil }
