// Package recordings finds the recordings of real venues that tests run on. They are never part of the repository:
// they lie in the folder that FAILSHUT_DATA names, and a test that does not find its one is skipped loudly, or fails
// where FAILSHUT_DATA_REQUIRED=1 says that nothing may be skipped.
//
// It promises that a test runs on the very bytes that its figures were taken from (P9): the SHA-256 of a file is
// checked the first time it is asked for. It never writes.
package recordings

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// The environment variables that rule where recordings are looked for.
const (
	FolderVariable   = "FAILSHUT_DATA"
	RequiredVariable = "FAILSHUT_DATA_REQUIRED"
	// ListVariable names a file to which each skip is added, for the run to print.
	ListVariable = "FAILSHUT_SKIPPED_LIST"
)

var (
	mu      sync.Mutex
	checked = map[string]error{} // path → what the check found, once it was made
	skipped int
)

// Open returns the path of the recording called name. It skips t when the recording is not there, and fails t when
// it must be there or is not the one that it should be. Safe for concurrent use.
func Open(t testing.TB, name string) string {
	t.Helper()
	want, known := sums[name]
	if !known {
		t.Fatalf("recording %q is not in the table of package recordings", name)
	}
	path := filepath.Join(os.Getenv(FolderVariable), name)
	if os.Getenv(FolderVariable) == "" || missing(path) {
		absent(t, name)
	}
	if err := verified(path, want); err != nil {
		t.Fatalf("recording %s: %v", name, err)
	}
	return path
}

// Main runs the tests of a package and says at the end how many were skipped for want of a recording. Use it as
// os.Exit(recordings.Main(m)).
func Main(m *testing.M) int {
	code := m.Run()
	mu.Lock()
	defer mu.Unlock()
	if skipped > 0 {
		fmt.Fprintf(os.Stderr, "SKIPPED: %d TESTS FOR WANT OF RECORDINGS\n", skipped)
	}
	return code
}

func missing(path string) bool {
	_, err := os.Stat(path)
	return err != nil
}

func absent(t testing.TB, name string) {
	t.Helper()
	if os.Getenv(RequiredVariable) == "1" {
		t.Fatalf("RECORDING %s NOT FOUND, and %s=1", name, RequiredVariable)
	}
	mu.Lock()
	skipped++
	mu.Unlock()
	fmt.Fprintf(os.Stderr, "SKIPPED: RECORDING %s NOT FOUND\n", name)
	note(t, name)
	t.Skipf("SKIPPED: RECORDING %s NOT FOUND", name)
}

// note adds the skip to the list that the run prints at its end, for the output of a package that passes is not shown.
func note(t testing.TB, name string) {
	list := os.Getenv(ListVariable)
	if list == "" {
		return
	}
	f, err := os.OpenFile(list, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatalf("the list of skips: %v", err)
	}
	if _, err := fmt.Fprintf(f, "SKIPPED: RECORDING %s NOT FOUND (%s)\n", name, t.Name()); err != nil {
		t.Fatalf("the list of skips: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatalf("the list of skips: %v", err)
	}
}

func verified(path, want string) error {
	mu.Lock()
	defer mu.Unlock()
	if err, done := checked[path]; done {
		return err
	}
	err := verify(path, want)
	checked[path] = err
	return err
}

func verify(path, want string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		return fmt.Errorf("sha256 is %s, want %s", got, want)
	}
	return nil
}
