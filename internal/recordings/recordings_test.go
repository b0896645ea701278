package recordings_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/failshut/failshut/internal/recordings"
)

const name = "bybit_v5_xrpusdt_ob500_20241201.zip"

// witness is a test that writes down how it ended.
type witness struct {
	testing.TB
	ended string
}

func (w *witness) Helper()                   {}
func (w *witness) Skipf(f string, a ...any)  { w.end("skip: " + fmt.Sprintf(f, a...)) }
func (w *witness) Fatalf(f string, a ...any) { w.end("fail: " + fmt.Sprintf(f, a...)) }
func (w *witness) end(how string)            { w.ended = how; runtime.Goexit() }

// opened says how a test ended that opened the recording called name.
func opened(t *testing.T, name string) string {
	w := &witness{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		recordings.Open(w, name)
	}()
	<-done
	return w.ended
}

func TestAbsentRecordingIsSkippedLoudlyOrFails(t *testing.T) {
	t.Setenv(recordings.FolderVariable, t.TempDir())
	t.Setenv(recordings.RequiredVariable, "")
	t.Setenv(recordings.ListVariable, "") // nothing is skipped here in earnest
	if got, want := opened(t, name), "skip: SKIPPED: RECORDING "+name+" NOT FOUND"; got != want {
		t.Errorf("ended with %q, want %q", got, want)
	}
	t.Setenv(recordings.RequiredVariable, "1")
	if got := opened(t, name); !strings.HasPrefix(got, "fail: RECORDING "+name+" NOT FOUND") {
		t.Errorf("ended with %q, want a failure", got)
	}
	t.Setenv(recordings.FolderVariable, "")
	if got := opened(t, name); !strings.HasPrefix(got, "fail: ") {
		t.Errorf("without a folder: ended with %q, want a failure", got)
	}
}

func TestOtherBytesFail(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(recordings.FolderVariable, dir)
	if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := opened(t, name); !strings.Contains(got, "sha256 is 2d711642") {
		t.Errorf("ended with %q, want a failure that names the sum", got)
	}
	if got := opened(t, "nobody knows it"); !strings.HasPrefix(got, "fail: ") {
		t.Errorf("an unknown name: ended with %q, want a failure", got)
	}
}
