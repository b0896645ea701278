package actors

import (
	"runtime"
	"slices"
	"sync"
)

// stackMax bounds the stack in an Exit, in bytes.
const stackMax = 64 << 10

// stacks are buffers that any stack fits into. debug.Stack begins with a small one and walks the stack again for each doubling,
// which is most of what a panic costs.
var stacks = sync.Pool{New: func() any { return new([stackMax]byte) }}

// stack is the text of the calling goroutine's stack, up to stackMax.
func stack() []byte {
	buf := stacks.Get().(*[stackMax]byte)
	defer stacks.Put(buf)
	return slices.Clone(buf[:runtime.Stack(buf[:], false)])
}
