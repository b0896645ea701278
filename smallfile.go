package failshut

import (
	"fmt"
	"io"
	"os"
)

// readSmall reads a regular file of which no more than most bytes are wanted: of a longer one it gives one byte more than
// that, so that its reader can say so. Anything else, a pipe that nobody writes to or a device that never ends, is refused.
func readSmall(name string, most int64) ([]byte, error) {
	info, err := os.Stat(name) // before it is opened, which may wait for ever
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file (%s)", name, info.Mode().Type())
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	return io.ReadAll(io.LimitReader(f, most+1))
}
