package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/internal/config"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/venues/sim"
)

// aFault stands in the example, and the tests put others in its place.
const aFault = `{id: a3-twice, kind: dup_exec, on: {session: A3, msg: "8"}, when: {every: 500}, with: {}}`

func withFault(t *testing.T, fault string) *config.File {
	t.Helper()
	src := example(t, "venue.example.yaml")
	if !strings.Contains(src, aFault) {
		t.Fatalf("the example has no %s", aFault)
	}
	return config.Read("v.yaml", []byte(strings.Replace(src, aFault, fault, 1)), nil)
}

func TestFaultsOfAVenueFileAreThoseOfTheExchange(t *testing.T) {
	for text, want := range map[string]sim.Fault{
		aFault: {ID: "a3-twice", Kind: sim.DupExec, On: sim.FaultOn{Session: "A3", Msg: "8"}, When: sim.FaultWhen{Every: 500}},
		`{id: x, kind: late_ack, when: {p: "0.01"}}`: {
			ID: "x", Kind: sim.LateAck, When: sim.FaultWhen{P: sim.Certain / 100}, With: sim.FaultWith{Delay: sim.LateDelay},
		},
		`{id: x, kind: late_ack, when: {nth: 2}, with: {delay: 50ms}}`: {
			ID: "x", Kind: sim.LateAck, When: sim.FaultWhen{Nth: 2}, With: sim.FaultWith{Delay: 50 * time.Millisecond},
		},
		`{id: x, kind: fill_while_pending_cancel, on: {symbol: ACME}, when: {nth: 1}, with: {qty: "2"}}`: {
			ID: "x", Kind: sim.FillWhilePendingCancel, On: sim.FaultOn{Symbol: "ACME"}, When: sim.FaultWhen{Nth: 1},
			With: sim.FaultWith{Qty: 2 * market.Unit},
		},
		`{id: x, kind: half_open, on: {msg: D}, when: {at: 2s}}`: {
			ID: "x", Kind: sim.HalfOpen, On: sim.FaultOn{Msg: "D"}, When: sim.FaultWhen{At: 2 * time.Second}, With: sim.FaultWith{Delay: 5 * time.Second},
		},
		`{id: x, kind: drop_after, when: {while: true, at: 1s, for: 3s}}`: {
			ID: "x", Kind: sim.DropAfter, When: sim.FaultWhen{While: true, At: time.Second, For: 3 * time.Second},
		},
		`{id: x, kind: drop_after, when: {p: "0.5", for: 3s}}`: {
			ID: "x", Kind: sim.DropAfter, When: sim.FaultWhen{P: sim.Certain / 2, For: 3 * time.Second},
		},
	} {
		f := withFault(t, text)
		if err := f.Err(); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := f.Exchange.Faults[1].Sim(); got != want {
			t.Errorf("%s is %+v, want %+v", text, got, want)
		}
	}
}

func TestAFaultThatTheExchangeCannotMakeIsRefusedAtItsPlace(t *testing.T) {
	for name, tt := range map[string]struct{ fault, at, want string }{
		"a kind that needs a wire":  {`{id: x, kind: slow_reader, when: {nth: 1}}`, "slow_reader", `faults[1].kind is "slow_reader", which needs a wire`},
		"a kind that is none":       {`{id: x, kind: drop_befor, when: {nth: 1}}`, "drop_befor", `unknown fault kind "drop_befor"`},
		"a message that is none":    {`{id: x, kind: drop_after, on: {msg: Z}, when: {nth: 1}}`, "Z}", `faults[1].on.msg = "Z", want D F G`},
		"a reply that is not read":  {`{id: x, kind: drop_before, on: {msg: "8"}, when: {nth: 1}}`, `"8"`, "want D F G H AF q for drop_before"},
		"a delay for nothing":       {`{id: x, kind: dup_exec, when: {nth: 1}, with: {delay: 1s}}`, "1s", "faults[1].with.delay = 1s, want none for dup_exec"},
		"a quantity for nothing":    {`{id: x, kind: dup_exec, when: {nth: 1}, with: {qty: "1"}}`, `"1"`, "faults[1].with.qty = 1, want none for dup_exec"},
		"a byte without a wire":     {`{id: x, kind: disconnect_at_byte, when: {nth: 1}, with: {byte: 17}}`, "17}", "faults[1].with.byte = 17, want none: it needs a wire"},
		"a while without an end":    {`{id: x, kind: drop_after, when: {while: true}}`, "{while", "faults[1].when.for = 0s, want above 0"},
		"a byte before the first":   {`{id: x, kind: disconnect_at_byte, when: {nth: 1}, with: {byte: 0}}`, "0}", "faults[1].with.byte"},
		"a quantity with no quotes": {`{id: x, kind: fill_while_pending_cancel, when: {nth: 1}, with: {qty: 2}}`, "2}", `faults[1].with.qty is 2, want a quoted decimal`},
		"twice at once":             {`{id: x, kind: dup_exec, when: {nth: 1, every: 2}}`, "{nth", "want exactly one of nth, every, p and while, or at alone"},
	} {
		t.Run(name, func(t *testing.T) {
			f := withFault(t, tt.fault)
			src := strings.Replace(example(t, "venue.example.yaml"), aFault, tt.fault, 1)
			before := src[:strings.Index(src, tt.fault)+strings.Index(tt.fault, tt.at)]
			line, column := strings.Count(before, "\n")+1, len(before)-strings.LastIndex(before, "\n")
			for _, m := range f.Mistakes {
				if m.Line == line && m.Column == column && strings.Contains(m.Message, tt.want) && strings.Contains(m.Excerpt, "^") {
					return
				}
			}
			t.Errorf("%d:%d: %s is not among the mistakes:\n%v", line, column, tt.want, f.Err())
		})
	}
}
