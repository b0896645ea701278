package journal_test

import (
	"bytes"
	"errors"
	"path"
	"testing"

	"github.com/failshut/failshut/internal/journal"
)

func TestFrameLayoutIsTheOneOnDisks(t *testing.T) {
	got := journal.AppendFrame(nil, journal.Record{LSN: 0x0102030405060708, Epoch: 0x11121314, Kind: 16, Version: 3, Wall: 0x2122232425262728, Body: []byte("abc")})
	want := []byte{
		27, 0, 0, 0, // length of what the checksum covers
		0x2d, 0xe7, 0x25, 0x3e, // CRC32C, computed bit by bit elsewhere
		8, 7, 6, 5, 4, 3, 2, 1,
		0x14, 0x13, 0x12, 0x11,
		16, 3, 0, 0,
		0x28, 0x27, 0x26, 0x25, 0x24, 0x23, 0x22, 0x21,
		'a', 'b', 'c', 0, 0, 0, 0, 0,
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("frame = % x\nwant    % x", got, want)
	}
}

func FuzzParseFrame(f *testing.F) {
	for _, n := range []int{0, 1, 7, 8, journal.MaxBody - 1, journal.MaxBody} {
		f.Add(journal.AppendFrame(nil, journal.Record{LSN: journal.LSN(n), Kind: 16, Body: make([]byte, n)}))
	}
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{0xff}, 64))
	f.Add(make([]byte, 64))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, size, err := journal.ParseFrame(b)
		if err != nil {
			if size != 0 || r.Body != nil {
				t.Fatalf("size %d and a body with error %v", size, err)
			}
			return
		}
		if again := journal.AppendFrame(nil, r); !bytes.Equal(again, b[:size]) {
			t.Fatalf("frame % x encodes again as % x", b[:size], again)
		}
	})
}

// FuzzOpen puts any bytes behind a good header: what Open accepts, Read gives.
func FuzzOpen(f *testing.F) {
	frame := func(lsn journal.LSN, epoch uint32, k journal.Kind) []byte {
		return journal.AppendFrame(nil, journal.Record{LSN: lsn, Epoch: epoch, Kind: k, Body: []byte("body")})
	}
	one := frame(1, 1, journal.KindEpoch)
	f.Add([]byte{})
	f.Add(one)
	f.Add(append(one, frame(2, 1, 16)...))
	f.Add(append(one, frame(3, 1, 16)...))
	f.Add(append(one[:20:20], frame(2, 1, 16)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > journal.SegmentMin-journal.HeaderSize {
			return
		}
		fs := journal.NewMemFS(1)
		if err := fs.MkdirAll(dir); err != nil {
			t.Fatal(err)
		}
		file, err := fs.Create(path.Join(dir, journal.SegmentName(1)))
		if err != nil {
			t.Fatal(err)
		}
		image := append(journal.EncodeHeader(1, 1, "n1", "10"), b...)
		if err := file.Allocate(journal.SegmentMin); err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteAt(image, 0); err != nil {
			t.Fatal(err)
		}
		l, rec, err := journal.Open(fs, dir, small())
		if err != nil {
			t.Skip(err) // An epoch of 2^32-1 has none after it.
		}
		n := uint64(0)
		var end error
		for _, err := range journal.Read(fs, dir, 0) {
			if end = err; err != nil {
				break
			}
			n++
		}
		if rec.State == journal.OK && (end != nil || n != rec.Records+1) {
			t.Fatalf("opened with %d records, read %d and %v", rec.Records, n, end)
		}
		if rec.State == journal.Corrupt && !errors.Is(end, journal.ErrCorrupt) {
			t.Fatalf("opened as corrupt, read to %v", end)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
