package fix44_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/failshut/failshut/internal/fix44"
)

func sealed(body string) []byte {
	body = strings.ReplaceAll(body, "|", "\x01")
	m := fmt.Sprintf("8=FIX.4.4\x019=%d\x01%s", len(body), body)
	sum := 0
	for i := range len(m) {
		sum += int(m[i])
	}
	return fmt.Appendf(nil, "%s10=%03d\x01", m, sum%256)
}

const heartbeat = "35=0|49=A|56=B|34=2|52=20260105-14:30:00|"

// frames takes a stream apart, given in pieces of some bytes.
func frames(t *testing.T, stream []byte, piece int) (out []string) {
	t.Helper()
	var buf []byte
	for len(stream) > 0 {
		n := min(piece, len(stream))
		buf, stream = append(buf, stream[:n]...), stream[n:]
		for {
			m, n, err := fix44.Frame(buf)
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				break
			}
			if m != nil {
				out = append(out, string(m))
			}
			buf = buf[n:]
		}
	}
	return out
}

func TestMessagesAreTakenOffAStreamInPieces(t *testing.T) {
	one, two := sealed(heartbeat), sealed(strings.Replace(heartbeat, "34=2", "34=3", 1))
	for _, piece := range []int{1, 2, 7, 1000} {
		got := frames(t, bytes.Join([][]byte{[]byte("noise"), one, two}, nil), piece)
		if len(got) != 2 || got[0] != string(one) || got[1] != string(two) {
			t.Errorf("in pieces of %d: %q", piece, got)
		}
	}
}

// TestGarbledMessagesAreIgnored, and what comes behind one is not.
func TestGarbledMessagesAreIgnored(t *testing.T) {
	good := sealed(heartbeat)
	flipped := bytes.Clone(good)
	flipped[len(flipped)-20] ^= 1
	for name, bad := range map[string][]byte{
		"a flipped bit":       flipped,
		"an empty field":      sealed("35=0|49=|56=B|34=2|"),
		"a second length":     sealed("35=0|9=|34=2|"),
		"a second begin":      sealed("35=0|8=FIX.4.4|34=2|"),
		"a field of no tag":   sealed("35=0|=x|34=2|"),
		"a tag of no number":  sealed("35=0|x=1|34=2|"),
		"a tag of 0":          sealed("35=0|0=1|34=2|"),
		"a field of no value": sealed("35=0|34|"),
		"no type first":       sealed("34=2|35=0|"),
		"a length too short":  bytes.Replace(good, []byte("9=41"), []byte("9=40"), 1),
		"a length too long":   bytes.Replace(good, []byte("9=41"), []byte("9=49"), 1),
		"a length of nothing": bytes.Replace(good, []byte("9=41"), []byte("9=0"), 1),
		"a length that lies":  bytes.Replace(good, []byte("9=41"), []byte("9=99999999999"), 1),
		"no length":           []byte("8=FIX.4.4\x0135=0\x0110=000\x01"),
	} {
		for _, piece := range []int{1, 5, 1000} {
			if got := frames(t, append(bytes.Clone(bad), good...), piece); len(got) != 1 || got[0] != string(good) {
				t.Errorf("%s, in pieces of %d: %q, want the good one alone", name, piece, got)
			}
		}
	}
}

func TestAStreamWithoutAnEndIsCutOff(t *testing.T) {
	b := append([]byte("8=FIX.4.4\x019=60000\x01"), bytes.Repeat([]byte("x"), 30_000)...)
	if _, n, err := fix44.Frame(b); n != 0 || err != nil {
		t.Errorf("%d, %v: want more to be waited for", n, err)
	}
	if _, _, err := fix44.Frame(append([]byte("8=FIX"), bytes.Repeat([]byte("x"), fix44.MaxMessage)...)); !errors.Is(err, fix44.ErrTooLong) {
		t.Errorf("error = %v, want %v", err, fix44.ErrTooLong)
	}
}

// FuzzFrame: a stream always moves on, and what passes for a message passes for the same one when it is looked at again.
func FuzzFrame(f *testing.F) {
	f.Add(sealed(heartbeat))
	f.Add(sealed("35=0|9=|"))
	f.Add([]byte("8=FIX\x019=\x01"))
	f.Add([]byte("8=FIX.4.4\x019=5\x0135=0\x0110=000\x01"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		for range len(b) + 1 {
			m, n, err := fix44.Frame(b)
			if err != nil || n == 0 {
				return
			}
			if n < 0 || n > len(b) {
				t.Fatalf("%d of %d bytes", n, len(b))
			}
			if m != nil {
				if again, all, err := fix44.Frame(m); err != nil || all != len(m) || !bytes.Equal(again, m) {
					t.Fatalf("%q is a message once and then %q, %d, %v", m, again, all, err)
				}
			}
			b = b[n:]
		}
		t.Fatal("a stream that does not move on")
	})
}
