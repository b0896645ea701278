//go:build !unix

package sim

import (
	"errors"
	"net"
)

// sendBy is not built for this system.
func sendBy(*net.UDPConn, string) error { return errors.New("multicast is not built for this system") }
