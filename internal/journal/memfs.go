package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"sync"
)

// MemFS is a disk in memory that remembers what was made durable, and forgets
// the rest when it crashes. It is deterministic. Make it with NewMemFS.
type MemFS struct {
	mu     sync.Mutex
	dirs   map[string]*memDir
	locks  map[string]string // text of each lock that is held
	life   int               // how often it crashed: handles of an earlier life are dead
	space  int64
	random *rand.Rand
}

// ErrCrashed is the answer of a handle from before a crash.
var ErrCrashed = errors.New("the machine crashed")

const sector = 512

type memDir struct {
	live, durable map[string]*memInode
	ops           []memDirOp
}

// memDirOp is one change of a directory: it takes one name away, or gives one, or both.
type memDirOp struct {
	remove, set string
	inode       *memInode
}

type memInode struct {
	live, durable []byte
	writes        []memWrite
}

type memWrite struct {
	off  int
	data []byte // nil: the file was made this long
	size int
}

// NewMemFS returns an empty disk of 1 TiB. seed decides what its crashes keep.
func NewMemFS(seed uint64) *MemFS {
	return &MemFS{
		dirs:   map[string]*memDir{},
		locks:  map[string]string{},
		space:  1 << 40,
		random: rand.New(rand.NewPCG(seed, 0x6a6f75726e616c)),
	}
}

// SetSpace sets how many bytes all files together may have.
func (m *MemFS) SetSpace(bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.space = bytes
}

// Flip turns bit (0 to 7) of the byte at off of a file, at rest. It reports whether there is such a byte.
func (m *MemFS) Flip(name string, off int64, bit uint) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	in := m.dir(name).live[path.Base(name)]
	if in == nil || off < 0 || off >= int64(len(in.live)) {
		return false
	}
	in.live[off] ^= 1 << bit
	if off < int64(len(in.durable)) {
		in.durable[off] ^= 1 << bit
	}
	return true
}

// Bytes returns a copy of a file's content as the running machine sees it, nil if there is none.
func (m *MemFS) Bytes(name string) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	in := m.dir(name).live[path.Base(name)]
	if in == nil {
		return nil
	}
	return append([]byte{}, in.live...)
}

// Clone returns a disk with the same durable and live content, and no handles or locks.
func (m *MemFS) Clone(seed uint64) *MemFS {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := NewMemFS(seed)
	c.space = m.space
	for name, d := range m.dirs {
		copies := map[*memInode]*memInode{}
		inode := func(in *memInode) *memInode {
			if in == nil {
				return nil
			}
			if copies[in] == nil {
				copies[in] = &memInode{
					live:    append([]byte{}, in.live...),
					durable: append([]byte{}, in.durable...),
					writes:  append([]memWrite{}, in.writes...),
				}
			}
			return copies[in]
		}
		n := &memDir{live: map[string]*memInode{}, durable: map[string]*memInode{}}
		for k, in := range d.live {
			n.live[k] = inode(in)
		}
		for k, in := range d.durable {
			n.durable[k] = inode(in)
		}
		for _, op := range d.ops {
			n.ops = append(n.ops, memDirOp{remove: op.remove, set: op.set, inode: inode(op.inode)})
		}
		c.dirs[name] = n
	}
	return c
}

func (w memWrite) apply(b []byte) []byte {
	end := w.off + len(w.data)
	if w.data == nil {
		end = w.size
	}
	if end > len(b) {
		b = append(b, make([]byte, end-len(b))...)
	}
	copy(b[w.off:], w.data)
	return b
}

func (op memDirOp) apply(names map[string]*memInode) {
	if op.remove != "" {
		delete(names, op.remove)
	}
	if op.set != "" {
		names[op.set] = op.inode
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// dir returns the directory that a file is in; an unknown one is empty. The caller holds mu.
func (m *MemFS) dir(name string) *memDir {
	if d := m.dirs[path.Dir(name)]; d != nil {
		return d
	}
	return &memDir{}
}

func (m *MemFS) change(dir string, op memDirOp) error {
	d := m.dirs[dir]
	if d == nil {
		return fmt.Errorf("%s: %w", dir, fs.ErrNotExist)
	}
	op.apply(d.live)
	d.ops = append(d.ops, op)
	return nil
}

func (m *MemFS) used() int64 {
	var n int64
	for _, d := range m.dirs {
		for _, in := range d.live {
			n += int64(len(in.live))
		}
	}
	return n
}

// MkdirAll implements FS.
func (m *MemFS) MkdirAll(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir = path.Clean(dir)
	if m.dirs[dir] == nil {
		m.dirs[dir] = &memDir{live: map[string]*memInode{}, durable: map[string]*memInode{}}
	}
	return nil
}

// Create implements FS.
func (m *MemFS) Create(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	in := &memInode{}
	if err := m.change(path.Dir(name), memDirOp{set: path.Base(name), inode: in}); err != nil {
		return nil, err
	}
	return &memFile{fs: m, in: in, life: m.life}, nil
}

// Open implements FS.
func (m *MemFS) Open(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	in := m.dir(name).live[path.Base(name)]
	if in == nil {
		return nil, fmt.Errorf("open %s: %w", name, fs.ErrNotExist)
	}
	return &memFile{fs: m, in: in, life: m.life}, nil
}

// OpenRead implements FS.
func (m *MemFS) OpenRead(name string) (File, error) { return m.Open(name) }

// List implements FS.
func (m *MemFS) List(dir string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := m.dirs[path.Clean(dir)]
	if d == nil {
		return nil, fmt.Errorf("list %s: %w", dir, fs.ErrNotExist)
	}
	return sortedKeys(d.live), nil
}

// Rename implements FS.
func (m *MemFS) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	in := m.dir(from).live[path.Base(from)]
	if in == nil {
		return fmt.Errorf("rename %s: %w", from, fs.ErrNotExist)
	}
	return m.change(path.Dir(to), memDirOp{remove: path.Base(from), set: path.Base(to), inode: in})
}

// Remove implements FS.
func (m *MemFS) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dir(name).live[path.Base(name)] == nil {
		return fmt.Errorf("remove %s: %w", name, fs.ErrNotExist)
	}
	return m.change(path.Dir(name), memDirOp{remove: path.Base(name)})
}

// SyncDir implements FS.
func (m *MemFS) SyncDir(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := m.dirs[path.Clean(dir)]
	if d == nil {
		return fmt.Errorf("sync %s: %w", dir, fs.ErrNotExist)
	}
	d.durable, d.ops = maps.Clone(d.live), nil
	return nil
}

// Lock implements FS. The lock ends with Close or a crash.
func (m *MemFS) Lock(name, text string) (io.Closer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if held, ok := m.locks[name]; ok {
		return nil, &LockedError{Path: name, PID: lockPID(held)}
	}
	m.locks[name] = text
	return &memLock{fs: m, name: name, life: m.life}, nil
}

// Free implements FS.
func (m *MemFS) Free(string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return max(0, m.space-m.used()), nil
}

type memLock struct {
	fs   *MemFS
	name string
	life int
}

func (l *memLock) Close() error {
	l.fs.mu.Lock()
	defer l.fs.mu.Unlock()
	if l.life == l.fs.life {
		delete(l.fs.locks, l.name)
	}
	return nil
}
