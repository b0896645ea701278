package sim_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/venues/sim"
)

func TestAFaultIsReadFromItsText(t *testing.T) {
	tests := map[string]sim.Fault{
		"late_ack nth=3": {
			ID: "late_ack nth=3 delay=1s", Kind: sim.LateAck, When: sim.FaultWhen{Nth: 3}, With: sim.FaultWith{Delay: time.Second},
		},
		"fill_while_pending_cancel p=0.1": {
			ID: "fill_while_pending_cancel p=0.1", Kind: sim.FillWhilePendingCancel, When: sim.FaultWhen{P: sim.Certain / 10},
		},
		"  fill_while_pending_cancel\tqty=2.5 every=2 ": {
			ID: "fill_while_pending_cancel every=2 qty=2.5", Kind: sim.FillWhilePendingCancel, When: sim.FaultWhen{Every: 2},
			With: sim.FaultWith{Qty: 5 * market.Unit / 2},
		},
		"dup_exec every=2 session=A1 symbol=ACME id=twice": {
			ID: "twice", Kind: sim.DupExec, On: sim.FaultOn{Session: "A1", Symbol: "ACME"}, When: sim.FaultWhen{Every: 2},
		},
		"drop_after p=1 msg=8 at=2s for=500ms": {
			ID: "drop_after msg=8 p=1 at=2s for=500ms", Kind: sim.DropAfter, On: sim.FaultOn{Msg: "8"},
			When: sim.FaultWhen{P: sim.Certain, At: 2 * time.Second, For: 500 * time.Millisecond},
		},
		"disconnect_at_byte nth=1": {ID: "disconnect_at_byte nth=1", Kind: sim.DisconnectAt, When: sim.FaultWhen{Nth: 1}},
		"stuck while=true at=1s for=2s": {
			ID: "stuck while=true at=1s for=2s delay=1s", Kind: sim.Stuck,
			When: sim.FaultWhen{While: true, At: time.Second, For: 2 * time.Second}, With: sim.FaultWith{Delay: sim.LateDelay},
		},
		"halt at=3s symbol=ACME delay=2s": {
			ID: "halt symbol=ACME at=3s delay=2s", Kind: sim.HaltFault, On: sim.FaultOn{Symbol: "ACME"},
			When: sim.FaultWhen{At: 3 * time.Second}, With: sim.FaultWith{Delay: 2 * time.Second},
		},
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			got, err := sim.ParseFault(text)
			if err != nil || got != want {
				t.Fatalf("ParseFault(%q) = %+v, %v, want %+v", text, got, err, want)
			}
			if again, err := sim.ParseFault(got.String()); err != nil || again != want {
				t.Errorf("its text %q is read as %+v, %v, want the same fault", got.String(), again, err)
			}
		})
	}
}

func TestATextThatIsNoFaultSaysWhatWasFoundAndWhatWasWanted(t *testing.T) {
	tests := map[string]struct {
		text        string
		found, want string
	}{
		"nothing":              {" ", `" "`, "want KIND key=value"},
		"unknown kind":         {"half_opened nth=1", `"half_opened"`, "want one of [delay drop_before"},
		"a kind for bytes":     {"garbled nth=1", `"garbled"`, "needs a wire"},
		"unknown key":          {"late_ack after=3", `"after"`, "want one of [id session"},
		"no value":             {"late_ack nth=", `"nth="`, "want key=value"},
		"no key":               {"late_ack 3", `"3"`, "want key=value"},
		"a key twice":          {"late_ack nth=1 nth=2", "nth twice", "want it once"},
		"never":                {"late_ack", "when =", "want exactly one of nth, every, p and while, or at alone"},
		"two ways of when":     {"late_ack nth=1 p=0.1", "when =", "want exactly one of nth, every, p and while, or at alone"},
		"nth of 0":             {"late_ack nth=0", `nth = "0"`, "want a whole number of 1 or more"},
		"nth below 0":          {"late_ack nth=-1", `nth = "-1"`, "want a whole number of 1 or more"},
		"nth beyond its range": {"late_ack nth=18446744073709551616", "nth =", "want a whole number of 1 or more"},
		"p of 0":               {"late_ack p=0", `p = "0"`, "want a decimal above 0 and up to 1"},
		"p above 1":            {"late_ack p=1.000000001", `p = "1.000000001"`, "want a decimal above 0 and up to 1"},
		"p too fine":           {"late_ack p=0.0000000001", "p =", "want a decimal above 0 and up to 1"},
		"p in another form":    {"late_ack p=10%", `p = "10%"`, "want a decimal above 0 and up to 1"},
		"delay without a unit": {"late_ack nth=1 delay=5", `delay = "5"`, "want a duration above 0"},
		"delay of 0":           {"late_ack nth=1 delay=0s", `delay = "0s"`, "want a duration above 0"},
		"delay of another":     {"dup_exec nth=1 delay=5s", "with.delay = 5s", "want none for dup_exec"},
		"a byte":               {"disconnect_at_byte nth=1 byte=5", "byte = 5", "needs a wire"},
		"qty of another":       {"dup_exec nth=1 qty=5", "with.qty = 5", "want none for dup_exec"},
		"qty below 0":          {"fill_while_pending_cancel nth=1 qty=-5", `qty = "-5"`, "want a decimal above 0"},
		"unknown message":      {"late_ack nth=1 msg=Z", `on.msg = "Z"`, "want D F G H AF q 8 9 r j 3 for late_ack"},
		"message of another":   {"fill_while_pending_cancel nth=1 msg=D", `on.msg = "D"`, "want F"},
		"a logon of another":   {"drop_before nth=1 msg=A", `on.msg = "A"`, "want D F G H AF q"},
		"a symbol of a logon":  {"logon_slow nth=1 symbol=ACME", `on.symbol = "ACME"`, "want none for a logon"},
		"while without an end": {"stuck while=true", "when.for = 0s", "want above 0"},
		"while not":            {"stuck while=no for=1s", `while = "no"`, "want true"},
		"at and no end of it":  {"halt at=1s for=1s", "when.for = 1s", "want none where at stands alone"},
		"symbol":               {"late_ack nth=1 symbol=\x01", "symbol =", "want a symbol"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f, err := sim.ParseFault(tt.text)
			if !errors.Is(err, sim.ErrFaultText) || f != (sim.Fault{}) {
				t.Fatalf("ParseFault(%q) = %+v, %v, want no fault and an ErrFaultText", tt.text, f, err)
			}
			if !strings.Contains(err.Error(), tt.found) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want it to say %q and %q", err, tt.found, tt.want)
			}
			if (name == "unknown kind" || name == "a kind for bytes") != errors.Is(err, sim.ErrUnknownFault) {
				t.Errorf("error = %v, is ErrUnknownFault: %v", err, errors.Is(err, sim.ErrUnknownFault))
			}
			if (name == "a byte" || name == "a kind for bytes") != errors.Is(err, sim.ErrNeedsWire) {
				t.Errorf("error = %v, is ErrNeedsWire: %v", err, errors.Is(err, sim.ErrNeedsWire))
			}
		})
	}
	if faults, err := sim.ParseFaults("late_ack nth=3", "half_opened nth=1", "dup_exec"); faults != nil || err == nil ||
		!strings.Contains(err.Error(), "half_opened") || !strings.Contains(err.Error(), "exactly one") {
		t.Errorf("ParseFaults() = %v, %v, want both mistakes and no fault", faults, err)
	}
}

// FuzzParseFault holds that a text is refused with an ErrFaultText, or is a valid fault whose own text means the same.
func FuzzParseFault(f *testing.F) {
	for _, s := range []string{
		"", " ", "late_ack", "late_ack nth=3", "fill_while_pending_cancel p=0.1", "fill_while_pending_cancel p=0.000000001 qty=9223372036.854775807",
		"dup_exec every=18446744073709551615", "drop_after p=1 at=2540400h for=1ns", "disconnect_at_byte nth=1 byte=0", "late_ack nth=0",
		"late_ack p=-0", "drop_before nth=1 id==", "drop_before nth=01 session=A1 msg=D symbol=ACME", "=", "late_ack =1", "stuck while=true for=1s", "halt at=1s", "bust nth=1", "bust nth=1 delay=1s", "slow_reader nth=1",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := sim.ParseFault(text)
		if err != nil {
			if !errors.Is(err, sim.ErrFaultText) || got != (sim.Fault{}) {
				t.Fatalf("ParseFault(%q) = %+v, %v, want no fault and an ErrFaultText", text, got, err)
			}
			return
		}
		if err := got.Validate(); err != nil {
			t.Fatalf("ParseFault(%q) = %+v, which is invalid: %v", text, got, err)
		}
		again, err := sim.ParseFault(got.String())
		if err != nil || again != got {
			t.Fatalf("ParseFault(%q) = %+v, and its text %q is read as %+v, %v", text, got, got.String(), again, err)
		}
	})
}
