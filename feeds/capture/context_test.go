//go:build unix

package capture_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/failshut/failshut/feeds/capture"
	"github.com/failshut/failshut/feeds/iex/iextest"
)

// pipe makes a named pipe.
func pipe(t *testing.T) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(p, 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// readAll opens path and reads it to its end, and returns what ended it.
func readAll(ctx context.Context, family capture.Family, path string, snapshots ...string) (packets int, err error) {
	r, err := capture.Open(ctx, family, []string{path}, snapshots)
	if err != nil {
		return 0, err
	}
	for {
		if _, err := r.Next(); err != nil {
			return packets, errors.Join(err, r.Close())
		}
		packets++
	}
}

func TestEndOfTheContextEndsTheWaitForAWriter(t *testing.T) {
	whole := file(t, []byte("{}\n"))
	for range 50 { // before, in and after the opening of the pipe
		p := pipe(t)
		for _, read := range []func(context.Context) (int, error){
			func(ctx context.Context) (int, error) { return readAll(ctx, capture.Datagrams, p) },
			func(ctx context.Context) (int, error) { return readAll(ctx, capture.Lines, whole, p) },
		} {
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() {
				_, err := read(ctx)
				ended <- err
			}()
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Fatalf("reading ended with %v, want %v", err, context.Canceled)
			}
		}
	}
}

func TestEndOfTheContextEndsTheWaitForMore(t *testing.T) {
	gz := []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 0}
	for name, head := range map[string][]byte{
		"nothing yet": nil, "a capture": iextest.Pcap(data(1), data(2)), "half a capture": iextest.Pcap(data(1), data(2))[:100],
		"half a block": {0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a}, "a compressed head": gz,
	} {
		for _, family := range []capture.Family{capture.Datagrams, capture.Lines, capture.Records} {
			p := pipe(t)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() {
				_, err := readAll(ctx, family, p)
				ended <- err
			}()
			w, err := os.OpenFile(p, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(head); err != nil {
				t.Fatal(err)
			}
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) || errors.Is(err, capture.ErrCompression) {
				t.Errorf("%s, %s: ended with %v, want %v alone", name, family, err, context.Canceled)
			}
			_ = w.Close()
		}
	}
}

func TestEndlessLineEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p := pipe(t)
	ended := make(chan error)
	go func() {
		_, err := readAll(ctx, capture.Lines, p)
		ended <- err
	}()
	w, err := os.OpenFile(p, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; err == nil; n++ {
		if n == 100 {
			cancel()
		}
		_, err = w.Write(make([]byte, 64<<10))
	}
	if !errors.Is(err, syscall.EPIPE) {
		t.Errorf("the writer ended with %v, want %v", err, syscall.EPIPE)
	}
	_ = w.Close()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("reading ended with %v, want %v", err, context.Canceled)
	}
}

func TestPipeIsReadFromItsFirstByteToItsLast(t *testing.T) {
	p := pipe(t)
	go func() {
		w, err := os.OpenFile(p, os.O_WRONLY, 0)
		if err == nil {
			_, _ = w.Write(iextest.Pcap(data(1), data(2), data(3)))
			_ = w.Close()
		}
	}()
	n, err := readAll(t.Context(), capture.Datagrams, p)
	if n != 3 {
		t.Errorf("%d packets, ended with %v, want 3", n, err)
	}
}

func data(n byte) []byte { return []byte{n, 2, 3} }
