package journal

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"syscall"
)

// Call is a kind of call to a file system, for counting and for faults.
type Call uint8

// The calls that FaultFS counts. CallAny counts each of them.
const (
	CallAny Call = iota + 1
	CallCreate
	CallOpen
	CallList
	CallRename
	CallRemove
	CallSyncDir
	CallLock
	CallFree
	CallRead
	CallWrite
	CallAllocate
	CallSync
	callCount
)

// Fault makes one call fail. The zero Fault is not one: At counts from 1.
type Fault struct {
	// Call and At say which: the At-th call of its kind since the file system was made.
	Call Call
	At   int
	// Err is what the call returns; nil is EIO.
	Err error
	// Keep is, for a write, how many of its bytes are written before it fails: a short or torn write.
	Keep int
	// Halt ends the machine with the call: all later ones are ErrCrashed, until Crash.
	Halt bool
}

// FaultFS passes calls on to a disk in memory, counts them, and makes those
// fail that it was told to. It is deterministic. Make it with NewFaultFS.
type FaultFS struct {
	mem *MemFS

	mu     sync.Mutex
	counts [callCount]int
	faults []Fault
	halted bool
	onSync func()
	space  *int64
}

// NewFaultFS returns a file system without faults over mem.
func NewFaultFS(mem *MemFS) *FaultFS { return &FaultFS{mem: mem} }

// RandomFault draws a fault of any kind within the next calls from random; it
// halts the machine, or returns EIO or ENOSPC.
func (f *FaultFS) RandomFault(random *rand.Rand, within int) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	fault := Fault{Call: CallAny, At: f.counts[CallAny] + 1 + random.IntN(within), Keep: random.IntN(256)}
	switch random.IntN(3) {
	case 0:
		fault.Halt, fault.Err = true, ErrCrashed
	case 1:
		fault.Err = syscall.ENOSPC
	}
	return fault
}

// Inject adds faults.
func (f *FaultFS) Inject(faults ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, faults...)
}

// OnSync sets what is called ahead of every File.Sync, on its goroutine: it may
// block for as long as a slow disk would. nil takes it away.
func (f *FaultFS) OnSync(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.onSync = do
}

// AnswerFree makes Free answer with bytes, whatever the disk has: what somebody else's files take is no matter of this disk. A fault
// of CallFree goes first.
func (f *FaultFS) AnswerFree(bytes int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.space = &bytes
}

// Calls returns how often a call was made.
func (f *FaultFS) Calls(c Call) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[c]
}

// Halted reports whether a fault ended the machine.
func (f *FaultFS) Halted() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.halted
}

// Crash ends the machine and starts it again: faults are gone, locks and handles
// too, and of what was not synced the disk keeps what loss says.
func (f *FaultFS) Crash(loss Loss) {
	f.mem.Crash(loss)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults, f.halted, f.onSync = nil, false, nil
}

// Disk returns the disk behind the faults.
func (f *FaultFS) Disk() *MemFS { return f.mem }

// call counts a call and returns its fault, if it has one.
func (f *FaultFS) call(c Call) (Fault, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.halted {
		return Fault{}, ErrCrashed
	}
	f.counts[c]++
	f.counts[CallAny]++
	for _, fault := range f.faults {
		if fault.At != f.counts[fault.Call] || fault.Call != c && fault.Call != CallAny {
			continue
		}
		if fault.Err == nil {
			fault.Err = syscall.EIO
		}
		f.halted = fault.Halt
		return fault, fmt.Errorf("call %d: %w", fault.At, fault.Err)
	}
	return Fault{}, nil
}

// MkdirAll implements FS. It is never faulty.
func (f *FaultFS) MkdirAll(dir string) error { return f.mem.MkdirAll(dir) }

func (f *FaultFS) file(c Call, open func(string) (File, error), name string) (File, error) {
	if _, err := f.call(c); err != nil {
		return nil, err
	}
	file, err := open(name)
	if err != nil {
		return nil, err
	}
	return &faultFile{File: file, fs: f}, nil
}

// Create implements FS.
func (f *FaultFS) Create(name string) (File, error) { return f.file(CallCreate, f.mem.Create, name) }

// Open implements FS.
func (f *FaultFS) Open(name string) (File, error) { return f.file(CallOpen, f.mem.Open, name) }

// OpenRead implements FS.
func (f *FaultFS) OpenRead(name string) (File, error) { return f.file(CallOpen, f.mem.OpenRead, name) }

// List implements FS.
func (f *FaultFS) List(dir string) ([]string, error) {
	if _, err := f.call(CallList); err != nil {
		return nil, err
	}
	return f.mem.List(dir)
}

// Rename implements FS.
func (f *FaultFS) Rename(from, to string) error {
	if _, err := f.call(CallRename); err != nil {
		return err
	}
	return f.mem.Rename(from, to)
}

// Remove implements FS.
func (f *FaultFS) Remove(name string) error {
	if _, err := f.call(CallRemove); err != nil {
		return err
	}
	return f.mem.Remove(name)
}

// SyncDir implements FS.
func (f *FaultFS) SyncDir(dir string) error {
	if _, err := f.call(CallSyncDir); err != nil {
		return err
	}
	return f.mem.SyncDir(dir)
}

// Lock implements FS.
func (f *FaultFS) Lock(name, text string) (io.Closer, error) {
	if _, err := f.call(CallLock); err != nil {
		return nil, err
	}
	return f.mem.Lock(name, text)
}

// Free implements FS.
func (f *FaultFS) Free(dir string) (int64, error) {
	if _, err := f.call(CallFree); err != nil {
		return 0, err
	}
	f.mu.Lock()
	space := f.space
	f.mu.Unlock()
	if space != nil {
		return *space, nil
	}
	return f.mem.Free(dir)
}

type faultFile struct {
	File
	fs *FaultFS
}

func (f *faultFile) ReadAt(b []byte, off int64) (int, error) {
	if _, err := f.fs.call(CallRead); err != nil {
		return 0, err
	}
	return f.File.ReadAt(b, off)
}

func (f *faultFile) WriteAt(b []byte, off int64) (int, error) {
	fault, err := f.fs.call(CallWrite)
	if err == nil {
		return f.File.WriteAt(b, off)
	}
	n, short := f.File.WriteAt(b[:min(fault.Keep, len(b))], off)
	return n, errors.Join(err, short)
}

func (f *faultFile) Allocate(size int64) error {
	if _, err := f.fs.call(CallAllocate); err != nil {
		return err
	}
	return f.File.Allocate(size)
}

func (f *faultFile) Sync() error {
	f.fs.mu.Lock()
	slow := f.fs.onSync
	f.fs.mu.Unlock()
	if slow != nil {
		slow()
	}
	if _, err := f.fs.call(CallSync); err != nil {
		return err
	}
	return f.File.Sync()
}
