package capture

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// input is the bytes of one file as long as ctx lasts. What waits in a Read of a pipe is woken when ctx ends.
type input struct {
	ctx  context.Context // of this reading, which io.Reader has no word for
	file *os.File
	calm func() bool
	pipe bool // or a device: what has been read from it cannot be read again
}

// openInput opens the file at path, and waits where that is a pipe until somebody writes to it or ctx ends.
func openInput(ctx context.Context, path string) (*input, error) {
	if err := ctx.Err(); err != nil {
		return nil, stopped(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("capture: %w", err)
	}
	if info.Mode()&fs.ModeNamedPipe != 0 {
		defer wakeOpener(ctx, path)()
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("capture: %w", err)
	}
	in := &input{ctx: ctx, file: f, pipe: !info.Mode().IsRegular()}
	in.calm = context.AfterFunc(ctx, func() {
		_ = f.SetReadDeadline(time.Unix(1, 0)) // a file that has none does not wait
	})
	return in, nil
}

// wakeOpener is the writer whom somebody waits for in opening the pipe at path, from the end of ctx until the function
// that it returns is called.
func wakeOpener(ctx context.Context, path string) func() {
	opened := make(chan struct{})
	calm := context.AfterFunc(ctx, func() {
		if w, err := os.OpenFile(path, os.O_RDWR, 0); err == nil { // for writing alone it would wait for a reader itself
			<-opened
			_ = w.Close()
		}
	})
	return func() {
		close(opened)
		calm()
	}
}

// Read reads until ctx ends.
func (in *input) Read(p []byte) (int, error) {
	if err := in.ctx.Err(); err != nil {
		return 0, stopped(err)
	}
	n, err := in.file.Read(p)
	if ended := in.ctx.Err(); err != nil && ended != nil {
		return n, stopped(ended)
	}
	return n, err
}

// Close closes the file.
func (in *input) Close() error {
	in.calm()
	return in.file.Close()
}

func stopped(err error) error { return fmt.Errorf("capture: reading was stopped: %w", err) }
