//go:build !linux

package control

import "syscall"

// credentials knows nobody where the kernel is not asked yet: such a peer has to show a token.
func credentials(syscall.RawConn) peer { return peer{} }
