package failshut

import (
	"fmt"
	"io"
	"os"
)

// regular wants names to be regular files. It looks before they are opened, which may wait for ever.
func regular(names ...string) error {
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is not a regular file (%s)", name, info.Mode().Type())
		}
	}
	return nil
}

// readSmall reads a regular file of which no more than most bytes are wanted: of a longer one it gives one byte more than
// that, so that its reader can say so. Anything else, a pipe that nobody writes to or a device that never ends, is refused.
func readSmall(name string, most int64) ([]byte, error) {
	if err := regular(name); err != nil {
		return nil, err
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	return io.ReadAll(io.LimitReader(f, most+1))
}
