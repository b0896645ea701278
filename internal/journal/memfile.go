package journal

import (
	"io"
	"syscall"
)

type memFile struct {
	fs   *MemFS
	in   *memInode
	life int
}

// enter takes the lock of the disk, if the handle is of this life.
func (f *memFile) enter() (leave func(), err error) {
	f.fs.mu.Lock()
	if f.life != f.fs.life {
		f.fs.mu.Unlock()
		return nil, ErrCrashed
	}
	return f.fs.mu.Unlock, nil
}

func (f *memFile) ReadAt(b []byte, off int64) (int, error) {
	leave, err := f.enter()
	if err != nil {
		return 0, err
	}
	defer leave()
	if off >= int64(len(f.in.live)) {
		return 0, io.EOF
	}
	n := copy(b, f.in.live[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) WriteAt(b []byte, off int64) (int, error) {
	leave, err := f.enter()
	if err != nil {
		return 0, err
	}
	defer leave()
	w := memWrite{off: int(off), data: append([]byte{}, b...)}
	return len(b), f.put(w, off+int64(len(b)))
}

// put applies a write that makes the file at least end bytes long.
func (f *memFile) put(w memWrite, end int64) error {
	if grow := end - int64(len(f.in.live)); grow > 0 && f.fs.used()+grow > f.fs.space {
		return syscall.ENOSPC
	}
	f.in.live = w.apply(f.in.live)
	f.in.writes = append(f.in.writes, w)
	return nil
}

func (f *memFile) Size() (int64, error) {
	leave, err := f.enter()
	if err != nil {
		return 0, err
	}
	defer leave()
	return int64(len(f.in.live)), nil
}

func (f *memFile) Allocate(size int64) error {
	leave, err := f.enter()
	if err != nil {
		return err
	}
	defer leave()
	return f.put(memWrite{size: int(size)}, size)
}

func (f *memFile) Sync() error {
	leave, err := f.enter()
	if err != nil {
		return err
	}
	defer leave()
	for _, w := range f.in.writes {
		f.in.durable = w.apply(f.in.durable)
	}
	f.in.writes = nil
	return nil
}

func (f *memFile) Close() error { return nil }
