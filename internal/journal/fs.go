package journal

import (
	"errors"
	"fmt"
	"io"
)

// FS is all that the journal asks of a file system. OS is the real one, MemFS a
// disk in memory that can crash, FaultFS one that fails on demand. Names are
// paths with slashes. Safe for concurrent use.
type FS interface {
	// MkdirAll makes dir and what is missing above it, and makes that durable.
	MkdirAll(dir string) error
	// Create makes a new empty file; one of that name is replaced.
	Create(name string) (File, error)
	// Open opens a file for reading and writing; fs.ErrNotExist if there is none.
	Open(name string) (File, error)
	// OpenRead opens a file for reading only.
	OpenRead(name string) (File, error)
	// List returns the base names in dir, sorted.
	List(dir string) ([]string, error)
	// Rename gives a file another name in the same directory, replacing what was there.
	Rename(from, to string) error
	// Remove removes a file.
	Remove(name string) error
	// SyncDir makes creations, renames and removals in dir durable.
	SyncDir(dir string) error
	// Lock takes the exclusive lock of the file name, making it if need be, and
	// writes text into it. Held by another: a *LockedError. Closing lets it go.
	Lock(name, text string) (io.Closer, error)
	// Free returns the bytes that can still be written in dir's file system.
	Free(dir string) (int64, error)
}

// File is an open file of an FS.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Size returns the length in bytes.
	Size() (int64, error)
	// Allocate makes the file size bytes long, backed by space on the disk and reading as zeros.
	Allocate(size int64) error
	// Sync makes all that was written durable (fdatasync).
	Sync() error
}

// LockedError says who holds a lock. PID is 0 when the file did not say, and
// is for people only: nothing may be decided by it.
type LockedError struct {
	Path string
	PID  int
}

// Error names the file and the holder.
func (e *LockedError) Error() string {
	return fmt.Sprintf("%v: %s is held by process %d", ErrLocked, e.Path, e.PID)
}

// Is reports whether target is ErrLocked.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }

// lockText is the content of a lock file; lockPID reads it back.
func lockText(pid int, node string) string { return fmt.Sprintf("pid %d\nnode %s\n", pid, node) }

func lockPID(text string) int {
	var pid int
	if _, err := fmt.Sscanf(text, "pid %d", &pid); err != nil {
		return 0
	}
	return pid
}

// closeAll closes what it is given and returns every error.
func closeAll(cs ...io.Closer) error {
	var errs []error
	for _, c := range cs {
		if c != nil {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}
