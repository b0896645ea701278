package capture_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"github.com/klauspost/compress/zstd"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/feeds/capture"
	"github.com/failshut/failshut/feeds/iex/iextest"
)

func file(t testing.TB, b []byte) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "recording.bin")
	if err := os.WriteFile(p, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// read opens b as one recording and returns its packets, a line each.
func read(t testing.TB, family capture.Family, b []byte, snapshots ...string) (string, *capture.Recording) {
	t.Helper()
	r, err := capture.Open(t.Context(), family, []string{file(t, b)}, snapshots)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			return strings.Join(out, "\n"), r
		}
		if err != nil {
			t.Fatal(err)
		}
		kind := map[feeds.InputKind]string{feeds.Packet: "packet", feeds.Body: "body", feeds.Control: "control", feeds.Garbled: "garbled"}[p.Kind]
		out = append(out, fmt.Sprintf("%s %d %d %s%s", kind, p.Line, int64(p.Recv), p.Symbol, p.Data))
	}
}

// put returns the little-endian nanosecond capture of frames on link, in another byte order or unit on request.
func put(order binary.ByteOrder, magic uint32, link uint32, frames ...[]byte) []byte {
	b := make([]byte, 24)
	order.PutUint32(b, magic)
	order.PutUint16(b[4:], 2)
	order.PutUint16(b[6:], 4)
	order.PutUint32(b[16:], 1<<16)
	order.PutUint32(b[20:], link)
	for i, f := range frames {
		var h [16]byte
		order.PutUint32(h[:], 7)
		order.PutUint32(h[4:], uint32(i+1))
		order.PutUint32(h[8:], uint32(len(f)))
		order.PutUint32(h[12:], uint32(len(f)))
		b = append(append(b, h[:]...), f...)
	}
	return b
}

const (
	micros = 0xa1b2c3d4
	nanos  = 0xa1b23c4d
)

func TestCapturesOfEveryKind(t *testing.T) {
	frame := iextest.Frame([]byte("hello"), 1)
	le, be := binary.LittleEndian, binary.BigEndian
	tagged := append(append(bytes.Clone(frame[:12]), 0x81, 0, 0, 5, 0x88, 0xa8, 0, 6), frame[12:]...)
	padded := append(bytes.Clone(frame), make([]byte, 20)...)
	arp := append(append(bytes.Clone(frame[:12]), 8, 6), make([]byte, 28)...)
	tcp := bytes.Clone(frame)
	tcp[14+9] = 6
	tests := []struct {
		name  string
		bytes []byte
		want  string
	}{
		{"microseconds, little-endian", put(le, micros, 1, frame), "packet 0 7000001000 hello"},
		{"microseconds, big-endian", put(be, micros, 1, frame), "packet 0 7000001000 hello"},
		{"nanoseconds, little-endian", put(le, nanos, 1, frame), "packet 0 7000000001 hello"},
		{"nanoseconds, big-endian", put(be, nanos, 1, frame), "packet 0 7000000001 hello"},
		{"VLAN tags", put(le, nanos, 1, tagged), "packet 0 7000000001 hello"},
		{"padding", put(le, nanos, 1, padded), "packet 0 7000000001 hello"},
		{"raw IP", put(le, nanos, 101, frame[14:]), "packet 0 7000000001 hello"},
		{"loopback", put(le, nanos, 0, append([]byte{2, 0, 0, 0}, frame[14:]...)), "packet 0 7000000001 hello"},
		{"Linux cooked", put(le, nanos, 113, append(make([]byte, 16), frame[14:]...)), "packet 0 7000000001 hello"},
		{"two groups are two lines", put(le, nanos, 1, frame, iextest.Frame([]byte("B"), 2), frame), "packet 0 7000000001 hello\npacket 1 7000000002 B\npacket 0 7000000003 hello"},
		{"what is not UDP is skipped", put(le, nanos, 1, arp, tcp, nil, frame[:13], frame), "packet 0 7000000005 hello"},
		{"another link type is skipped", put(le, nanos, 9, frame), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, _ := read(t, capture.Datagrams, tt.bytes); got != tt.want {
				t.Errorf("packets\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// pieces cuts the IPv4 packet in frame into fragments with size bytes of payload each.
func pieces(frame []byte, size int) [][]byte {
	var out [][]byte
	body := frame[34:]
	for at := 0; at < len(body); at += size {
		end := min(at+size, len(body))
		f := append(bytes.Clone(frame[:34]), body[at:end]...)
		binary.BigEndian.PutUint16(f[14+2:], uint16(20+end-at))
		flags := uint16(at / 8)
		if end < len(body) {
			flags |= 0x2000
		}
		binary.BigEndian.PutUint16(f[14+6:], flags)
		out = append(out, f)
	}
	return out
}

func TestFragmentsArePutTogetherInAnyOrder(t *testing.T) {
	text := strings.Repeat("0123456789", 10)
	p := pieces(iextest.Frame([]byte(text), 1), 40)
	got, _ := read(t, capture.Datagrams, put(binary.LittleEndian, nanos, 1, p[2], p[0], p[0], p[1]))
	if want := "packet 0 7000000004 " + text; got != want {
		t.Errorf("packets\n%s\nwant\n%s", got, want)
	}
	if got, _ := read(t, capture.Datagrams, put(binary.LittleEndian, nanos, 1, p[0], p[2])); got != "" {
		t.Errorf("with a fragment missing: %s, want nothing", got)
	}
}

func ng(t testing.TB, frames ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := pcapgo.NewNgWriter(&b, layers.LinkTypeEthernet)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range frames {
		ci := gopacket.CaptureInfo{Timestamp: time.Unix(7, int64(i+1)), CaptureLength: len(f), Length: len(f)}
		if err := w.WritePacket(ci, f); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPcapng(t *testing.T) {
	frame := iextest.Frame([]byte("hello"), 1)
	b := ng(t, frame, frame)
	got, r := read(t, capture.Datagrams, b)
	if want := "packet 0 7000000001 hello\npacket 0 7000000002 hello"; got != want {
		t.Errorf("packets\n%s\nwant\n%s", got, want)
	}
	if f := r.Files()[0]; f.Container != capture.Pcapng || f.Compression != capture.None || f.Name != "recording.bin" {
		t.Errorf("file = %+v", f)
	}
	got, r = read(t, capture.Datagrams, b[:len(b)-5])
	if got != "packet 0 7000000001 hello" || !r.Truncated() || r.Unread() == 0 {
		t.Errorf("cut: %s, truncated %t, unread %d", got, r.Truncated(), r.Unread())
	}
	lie := bytes.Clone(b)
	lie[len(lie)-1] = 1 // the length behind the last block
	got, r = read(t, capture.Datagrams, lie)
	if got != "packet 0 7000000001 hello\ngarbled 0 0 " || r.Truncated() || r.Unread() == 0 {
		t.Errorf("lie: %q, truncated %t, unread %d", got, r.Truncated(), r.Unread())
	}
}

func TestCompressions(t *testing.T) {
	plain := put(binary.LittleEndian, nanos, 1, iextest.Frame([]byte("hello"), 1), iextest.Frame([]byte("again"), 1))
	var gz, zs, zp bytes.Buffer
	g := gzip.NewWriter(&gz)
	_, _ = g.Write(plain[:100])
	_ = g.Close()
	g.Reset(&gz) // a second member
	_, _ = g.Write(plain[100:])
	_ = g.Close()
	z, err := zstd.NewWriter(&zs)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = z.Write(plain)
	_ = z.Close()
	a := zip.NewWriter(&zp)
	e, err := a.Create("inside")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = e.Write(plain)
	if _, err = a.Create("second"); err != nil {
		t.Fatal(err)
	}
	_ = a.Close()
	for kind, b := range map[capture.Compression][]byte{capture.None: plain, capture.Gzip: gz.Bytes(), capture.Zstd: zs.Bytes(), capture.Zip: zp.Bytes()} {
		got, r := read(t, capture.Datagrams, b)
		if want := "packet 0 7000000001 hello\npacket 0 7000000002 again"; got != want || r.Files()[0].Compression != kind {
			t.Errorf("%s: found %s\n%s\nwant\n%s", kind, r.Files()[0].Compression, got, want)
		}
	}
	for kind, b := range map[capture.Compression][]byte{capture.Gzip: gz.Bytes()[:gz.Len()-4], capture.Zstd: zs.Bytes()[:zs.Len()-6], capture.Zip: zp.Bytes()[:60]} {
		if _, r := read(t, capture.Datagrams, b); !r.Truncated() {
			t.Errorf("%s: cut and not found truncated", kind)
		}
	}
}

func TestLines(t *testing.T) {
	tests := []struct {
		name, text, want string
		kind             capture.Container
	}{
		{"frames", "\n{\"a\":1}\r\n\n[2]\n", "packet 0 0 {\"a\":1}\npacket 0 0 [2]", capture.JSONLines},
		{"stamped", "12 {}\nxx {}\n13 {}\n", "packet 0 12 {}\ngarbled 0 0 xx {}\npacket 0 13 {}", capture.StampedLines},
		{"recorder", "wss://a <-> 1.5\n1.0633569: {}\n1633998512.86375: {}\nhttps://a?symbol=X&l=1 -> 2.5: {\"b\":1}\n", "control 0 0 wss://a <-> 1.5\n" +
			"packet 0 1063356900 {}\npacket 0 1633998512863750000 {}\nbody 0 2500000000 X{\"b\":1}", capture.CaptureLines},
		{"text of no kind", "what\n", "packet 0 0 what", capture.JSONLines},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, r := read(t, capture.Lines, []byte(tt.text))
			if got != tt.want || r.Files()[0].Container != tt.kind {
				t.Errorf("%s\n%s\nwant %s\n%s", r.Files()[0].Container, got, tt.kind, tt.want)
			}
		})
	}
}

func TestEndlessLineIsGarbledAndForgotten(t *testing.T) {
	long := strings.Repeat("x", 5<<20)
	got, _ := read(t, capture.Lines, []byte("1 {}\n"+long+"\n2 {}\n"))
	if !strings.HasPrefix(got, "packet 0 1 {}\ngarbled 0 0 xxx") || !strings.HasSuffix(got, "x\npacket 0 2 {}") {
		t.Errorf("packets of %d bytes, want packet, garbled, packet", len(got))
	}
}

func TestSnapshotsAreMergedByTime(t *testing.T) {
	bodies := file(t, []byte("https://a?symbol=Y -> 3.0: {3}\nhttps://a?symbol=X -> 2.0: {2}\nhttps://a?symbol=Z -> 9.0: {9}\n"))
	got, _ := read(t, capture.Lines, []byte("wss://a\n1.0: {1}\n2.0: {22}\n4.0: {4}\n"), bodies)
	want := "control 0 0 wss://a\npacket 0 1000000000 {1}\nbody 0 2000000000 X{2}\npacket 0 2000000000 {22}\nbody 0 3000000000 Y{3}\npacket 0 4000000000 {4}\nbody 0 9000000000 Z{9}"
	if got != want {
		t.Errorf("packets\n%s\nwant\n%s", got, want)
	}
}

func TestRecords(t *testing.T) {
	got, r := read(t, capture.Records, []byte{0, 2, 'h', 'i', 0, 0, 0, 3, 'x'})
	if got != "packet 0 0 hi\npacket 0 0 " || !r.Truncated() || r.Unread() != 3 {
		t.Errorf("packets %q, truncated %t, unread %d, want two, the second empty, and 3 bytes unread", got, r.Truncated(), r.Unread())
	}
}

func FuzzRecording(f *testing.F) {
	frame := iextest.Frame([]byte("hello"), 1)
	f.Add([]byte{})
	f.Add(put(binary.LittleEndian, nanos, 1, frame))
	f.Add(put(binary.BigEndian, micros, 101, pieces(iextest.Frame(make([]byte, 100), 1), 40)...))
	f.Add(ng(f, frame, frame))
	f.Add([]byte("1 {}\n"))
	f.Add([]byte("1.5: {}\nhttps://x -> 1: {}"))
	f.Add([]byte("PK\x03\x04"))
	f.Add([]byte("BZh9"))
	f.Add([]byte{0x1f, 0x8b, 8})
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd})
	f.Fuzz(func(t *testing.T, b []byte) {
		p := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(p, b, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, family := range []capture.Family{capture.Datagrams, capture.Lines, capture.Records} {
			r, err := capture.Open(t.Context(), family, []string{p}, nil)
			if err != nil {
				continue
			}
			for n := 0; err == nil; n++ {
				if _, err = r.Next(); n > len(b)*2000+10 {
					t.Fatalf("%d packets of %d bytes, want an end", n, len(b))
				}
			}
			if r.Unread() < 0 {
				t.Fatalf("unread = %d, want at least 0", r.Unread())
			}
			_ = r.Close()
		}
	})
}

// TestEndlessLineIsUnreadToItsLastByte ends a file in a line that is longer than any line may be.
func TestEndlessLineIsUnreadToItsLastByte(t *testing.T) {
	for _, size := range []int{5 << 20, 5<<20 + 1, 9 << 20} {
		for _, head := range []string{"", "{1}\n", "1 {1}\n", "1.0: {1}\n"} {
			_, r := read(t, capture.Lines, append([]byte(head), bytes.Repeat([]byte("x"), size)...))
			if !r.Truncated() || r.Unread() != int64(size) {
				t.Errorf("after %q: truncated %v, %d bytes unread, want true and %d", head, r.Truncated(), r.Unread(), size)
			}
		}
	}
}
