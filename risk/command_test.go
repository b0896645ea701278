package risk

import (
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/failshut/failshut/market"
)

var update = flag.Bool("update", false, "write the golden files anew")

// samples has one command of every kind with every field set.
func samples() []body {
	m := move{"A1", xqty, MaxLongQty, market.NotionalFromWords(-1, 1<<63)}
	l := Limit{Scope{"+", "*", "*"}, MaxGross, market.MaxNotional()}
	t := Latch{"t-n1-1", AccountScope("A1"), CancelOnly, "ann", "fat finger", "n1", 1_767_600_000_000_000_000}
	return []body{
		&seed{[]Limit{l}, "hash"},
		&hello{"n1", "10", 1<<32 - 1, 1<<64 - 1, []string{"A1", "A2"}, "v1", 1},
		&syncUp{"n1", 1, 2, 3, []move{m}, []move{m, m}, []move{m}, true},
		&fence{"A1", 1, proofVenueKill, "ref"},
		&reconcile{"A1", 2, 3, "ref", []fact{{"s", "X@V", -1 << 62, 1, 2, m.amount, m.amount, m.amount, m.amount}}, 4, []string{"d"}, "ann"},
		&setLimit{l, "reason", "ann", 7},
		&trip{t},
		&reset{AccountScope("A1"), []string{"t-n1-1"}, "reason", "ann", 9},
		&termOpen{12, "n1"},
		&phase{12, Firm, ReduceOnly, true, false, "ann"},
	}
}

func TestCommandsKeepTheirBytes(t *testing.T) {
	var got strings.Builder
	for _, c := range samples() {
		b, err := encodeCommand(header{"n1", "key", -5}, c)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "%s %s\n", c.kind(), hex.EncodeToString(b))
		h, again, err := decodeCommand(b)
		if err != nil || h != (header{"n1", "key", -5}) || fmt.Sprint(again) != fmt.Sprint(c) {
			t.Errorf("%s comes back as %+v %+v, %v", c.kind(), h, again, err)
		}
		for n := range b {
			if _, _, err := decodeCommand(b[:n]); err == nil {
				t.Errorf("%s cut to %d of %d bytes is accepted", c.kind(), n, len(b))
			}
		}
		if _, _, err := decodeCommand(append(b, 0)); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s with a byte too many error = %v", c.kind(), err)
		}
	}
	if len(samples()) != int(kindEnd)-1 {
		t.Fatalf("%d samples of %d kinds", len(samples()), kindEnd-1)
	}
	const golden = "testdata/commands.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Fatalf("commands in the log would not read any more:\n%s\nwant\n%s", got.String(), want)
	}
}

func TestCommandAbove64KiBIsRefused(t *testing.T) {
	if _, err := encodeCommand(header{}, &termOpen{1, strings.Repeat("x", maxCommand)}); !errors.Is(err, ErrInvalid) {
		t.Fatalf("encodeCommand() error = %v, want ErrInvalid", err)
	}
}

func FuzzCommand(f *testing.F) {
	for _, c := range samples() {
		b, err := encodeCommand(header{"n1", "key", -5}, c)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte{})
	f.Add([]byte{1, 3, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, b []byte) {
		h, c, err := decodeCommand(b)
		if err == nil {
			again, err := encodeCommand(h, c)
			if err != nil || string(again) != string(b) {
				t.Fatalf("%x decodes, and encodes as %x: %v", b, again, err)
			}
		}
		// Whatever it is, the ledger answers, and an answer leaves a state that reads back as it was.
		l := newLedger()
		l.apply(1, 1, b)
		if _, err := decodeLedger(l.encode()); err != nil {
			t.Fatalf("the state after %x does not read: %v", b, err)
		}
	})
}

func FuzzSnapshot(f *testing.F) {
	b := &bench{newLedger(), nil, 1}
	f.Add(b.encode())
	l := newLedger()
	for i, c := range samples() {
		cmd, err := encodeCommand(header{"n1", "key", 1}, c)
		if err != nil {
			f.Fatal(err)
		}
		l.apply(uint64(i+1), 12, cmd)
	}
	f.Add(l.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := decodeLedger(b)
		if err != nil {
			if !errors.Is(err, ErrSnapshot) {
				t.Fatalf("error %v is no ErrSnapshot", err)
			}
			return
		}
		if again, err := decodeLedger(l.encode()); err != nil || string(again.encode()) != string(l.encode()) {
			t.Fatalf("the state differs after a second reading: %v", err)
		}
	})
}
