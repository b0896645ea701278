package risk

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// DirTrips keeps trips as files of mode 0600 in one directory, which must exist. A file is written aside, synced, renamed, and the
// directory synced, so that after a crash it is whole or absent.
type DirTrips struct{ dir string }

// NewDirTrips returns the store of a directory.
func NewDirTrips(dir string) DirTrips { return DirTrips{dir} }

// Names returns the names of the files that are trips, or may be: only half-written ones of this store are left out.
func (d DirTrips) Names() ([]string, error) {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// Read returns the content of one file.
func (d DirTrips) Read(name string) ([]byte, error) { return os.ReadFile(filepath.Join(d.dir, name)) }

// Write makes a file durable, or says why it is not.
func (d DirTrips) Write(name string, body []byte) (err error) {
	f, err := os.CreateTemp(d.dir, ".trip-*")
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(d.dir, name))
	}
	if err != nil {
		return fmt.Errorf("trip %s: %w", name, err)
	}
	return d.sync()
}

// Remove takes a file away and syncs the directory. A file that is not there is no error.
func (d DirTrips) Remove(name string) error {
	if err := os.Remove(filepath.Join(d.dir, name)); err != nil && !os.IsNotExist(err) {
		return err
	}
	return d.sync()
}

func (d DirTrips) sync() error {
	f, err := os.Open(d.dir)
	if err != nil {
		return err
	}
	err = f.Sync()
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// MemTrips keeps trips in memory, for replay and tests. The zero value is ready. Safe for concurrent use.
type MemTrips struct {
	mu    sync.Mutex
	files map[string][]byte
	Fail  error // what Write answers, when not nil; set before use
}

// Names returns the names in order.
func (m *MemTrips) Names() ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for name := range m.files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

// Read returns a copy of one file, or fs.ErrNotExist.
func (m *MemTrips) Read(name string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.files[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return slices.Clone(b), nil
}

// Write keeps a copy, or returns Fail.
func (m *MemTrips) Write(name string, body []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.Fail != nil {
		return m.Fail
	}
	if m.files == nil {
		m.files = map[string][]byte{}
	}
	m.files[name] = slices.Clone(body)
	return nil
}

// Remove forgets one file.
func (m *MemTrips) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.files, name)
	return nil
}
