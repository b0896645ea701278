package fix_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/quickfixgo/quickfix"

	"github.com/failshut/failshut/internal/fix44"
)

// FuzzParser: what is let through to the engine does not panic its parser, which an empty second length does. Bodies are given a length and a sum that are
// right, or hardly one would be let through.
func FuzzParser(f *testing.F) {
	f.Add([]byte("35=0\x0149=A\x0156=B\x0134=2\x0152=20260105-14:30:00\x01"))
	f.Add([]byte("35=0\x019=\x0134=2\x01"))
	f.Fuzz(func(_ *testing.T, body []byte) {
		sealed := fmt.Appendf(nil, "8=FIX.4.4\x019=%d\x01%s", len(body), body)
		sum := 0
		for _, c := range sealed {
			sum += int(c)
		}
		m, _, err := fix44.Frame(fmt.Appendf(sealed, "10=%03d\x01", sum%256))
		if err != nil || m == nil {
			return
		}
		_ = quickfix.ParseMessage(quickfix.NewMessage(), bytes.NewBuffer(bytes.Clone(m))) // an error is no panic
	})
}
