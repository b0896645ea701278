//go:build unix && !linux

package journal

import (
	"os"

	"golang.org/x/sys/unix"
)

func fdatasync(f *os.File) error { return f.Sync() }

func allocate(f *os.File, size int64) error { return f.Truncate(size) }

func blockSize(st *unix.Statfs_t) int64 { return int64(st.Bsize) }
