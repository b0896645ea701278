//go:build unix

package failshut_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/failshut/failshut/feeds/iex/iextest"
	"github.com/failshut/failshut/market"
)

// A replay reads its recording twice: of a pipe nothing would be left for the second time, and all would be well over nothing.
func TestAPipeIsNoRecordingToReplay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, e := range []ends{
		{"replay", []string{"replay", "--strategy", "cross", "--format", "iex-deep10", path}, 1, "not a regular file"},
		{"bench path", []string{"bench", "path", "--format", "iex-deep10", "--replay", path}, 1, "not a regular file"},
		{"a directory", []string{"replay", "--strategy", "cross", "--format", "iex-deep10", t.TempDir()}, 1, "not a regular file"},
		{"snapshots", []string{"replay", "--strategy", "cross", "--format", "binance-spot", "--snapshot", path, "interrupt_test.go"}, 1, "not a regular file"},
	} {
		t.Run(e.name, e.check)
	}
}

// A pipe that nobody writes to is opened by nobody: not by its own name, and not as a segment of a directory.
func TestAPipeIsNoJournalOfDecisions(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "00000000000000000001.seg")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, e := range []ends{
		{"a segment", []string{"tree", "replay", path}, 1, "not a regular file"},
		{"a directory", []string{"tree", "replay", dir}, 1, "not a regular file"},
	} {
		t.Run(e.name, e.check)
	}
}

// TestASignalEndsTheReadingOfAPipe has each command that reads a recording once wait for a pipe that says no more, and read one
// that never ends.
func TestASignalEndsTheReadingOfAPipe(t *testing.T) {
	level := iextest.Level("ACME", market.Buy, 100_0000, 1, true)
	packet := iextest.Pcap(iextest.Segment{Session: 7, First: 1, Messages: [][]byte{level}, Sent: iextest.Start}.Bytes())
	line := bytes.Repeat([]byte("x"), 1<<16)
	for name, args := range map[string][]string{
		"verify": {"feed", "verify"},
		"book":   {"feed", "book", "--symbol", "ACME"},
	} {
		for _, tt := range []struct {
			name, format string
			head, more   []byte
		}{
			{"a pipe that says no more", "iex-deep10", packet, nil},
			{"a line that never ends", "binance-spot", line, line},
		} {
			t.Run(name+" of "+tt.name, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "pipe")
				if err := syscall.Mkfifo(path, 0o600); err != nil {
					t.Fatal(err)
				}
				p := child(t, "product", append(args, path, "--format", tt.format)...)
				var stdout, stderr bytes.Buffer
				p.Stdout, p.Stderr = &stdout, &stderr
				if err := p.Start(); err != nil {
					t.Fatal(err)
				}
				stuck := time.AfterFunc(20*time.Second, func() { _ = p.Process.Kill() }) // the code below says so
				defer stuck.Stop()
				feed(t, path, tt.head, tt.more, func() { _ = p.Process.Signal(syscall.SIGINT) }, func() { _ = p.Wait() })
				if code := p.ProcessState.ExitCode(); code != 130 {
					t.Fatalf("exit %d, want 130: %s%s", code, stdout.String(), stderr.String())
				}
			})
		}
	}
}

// A command that waits where it cannot heed a signal, here for whoever should read its answer, is ended by the next one.
func TestASecondSignalEndsWhatDoesNotHeedTheFirst(t *testing.T) {
	unread, answer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = unread.Close(), answer.Close() }()
	if err := answer.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for err == nil { // until it is full
		_, err = answer.Write(make([]byte, 4096))
	}
	p := child(t, "product", "config", "check", write(t, "node.yaml", "node:\n  idd: n1\n"))
	p.Stdout = answer
	stderr, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := stderr.Read(make([]byte, 1)); err != nil { // its mistakes come before its answer
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- p.Wait() }()
	stuck, again := time.After(20*time.Second), time.NewTicker(20*time.Millisecond)
	defer again.Stop()
	for sent := 0; ; sent++ {
		select {
		case err := <-ended:
			if err == nil || sent < 2 {
				t.Errorf("the command ended with %v after %d signals, want an end by the second or a later one", err, sent)
			}
			return
		case <-again.C:
			_ = p.Process.Signal(syscall.SIGINT) // it may be gone: then it has ended
		case <-stuck:
			_ = p.Process.Kill()
			t.Fatalf("the command goes on after %d signals: %v", sent, <-ended)
		}
	}
}

// feed writes head to the pipe, once somebody reads it, then calls interrupt and goes on with more until nobody reads, or
// waits.
func feed(t *testing.T, path string, head, more []byte, interrupt, wait func()) {
	t.Helper()
	w, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	if _, err := w.Write(head); err != nil {
		t.Fatal(err)
	}
	interrupt()
	for more != nil && err == nil {
		_, err = w.Write(more)
	}
	if more != nil && !errors.Is(err, syscall.EPIPE) {
		t.Errorf("writing ended with %v, want %v", err, syscall.EPIPE)
	}
	wait()
}
