//go:build !amd64 && !arm64

package goroutine

import (
	"bytes"
	"runtime"
	"strconv"
)

// id reads the number that the runtime prints, which takes about a microsecond.
func id() uintptr {
	var buf [64]byte
	text := bytes.TrimPrefix(buf[:runtime.Stack(buf[:], false)], []byte("goroutine "))
	n, err := strconv.ParseUint(string(bytes.Fields(text)[0]), 10, 64)
	if err != nil {
		panic("goroutine: the runtime prints no number: " + err.Error())
	}
	return uintptr(n)
}
