package node

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ErrLocked says that another process has the data directory.
var ErrLocked = errors.New("the data directory is locked")

// ErrUsed says that a directory that must be new is not.
var ErrUsed = errors.New("the data directory is not empty")

// dataLock is the lock of a data directory for the whole life of a process. The kernel lets go of it with the process, so
// a file left over is no obstacle, and nothing is ever decided by the pid in it.
type dataLock struct{ file *os.File }

const lockFile = "LOCK"

// lockData takes the lock, or says who has it.
func lockData(dir, node string, now time.Time) (*dataLock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the data directory cannot be written: %w", err)
	}
	if err := flock(f, dir); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	text := fmt.Sprintf("pid %d, node %s, since %s\n", os.Getpid(), node, now.UTC().Format(time.RFC3339))
	if err := errors.Join(f.Truncate(0), writeAt(f, text)); err != nil {
		return nil, errors.Join(fmt.Errorf("writing the lock: %w", err), f.Close())
	}
	return &dataLock{f}, nil
}

// flock takes the kernel's lock on f, or says who has it.
func flock(f *os.File, dir string) error {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EWOULDBLOCK):
		holder, _ := io.ReadAll(io.LimitReader(f, 256)) // without its words the lock is held all the same
		return fmt.Errorf("%w: %s is held by %s", ErrLocked, dir, strings.TrimSpace(string(holder)))
	}
	return fmt.Errorf("locking the data directory: %w", err)
}

func writeAt(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

// release lets another process have the directory.
func (l *dataLock) release() error { return l.file.Close() }

// fresh checks that a directory is absent or empty but for a lock that somebody left. One that is used and locked is
// said to be locked, which names the holder.
func fresh(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == lockFile {
			continue
		}
		if err := held(dir); err != nil {
			return err
		}
		return fmt.Errorf("%w: %s holds %s", ErrUsed, dir, e.Name())
	}
	return nil
}

// held is an error when somebody has the directory's lock. It makes nothing.
func held(dir string) error {
	f, err := os.Open(filepath.Join(dir, lockFile))
	if err != nil {
		return nil //nolint:nilerr // without a lock that can be read nobody is known to hold it
	}
	defer func() { _ = f.Close() }() // it was only asked
	return flock(f, dir)
}
