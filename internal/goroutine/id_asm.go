//go:build amd64 || arm64

package goroutine

// id is the address of what the runtime keeps of the running goroutine.
func id() uintptr
