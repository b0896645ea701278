//go:build !linux

package node

// bootClock is nil where no clock that counts suspended time is read yet: the two others still disagree after a suspend.
var bootClock func() int64
