package risk_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// fields returns the names that an object has in JSON, sorted.
func fields(t *testing.T, raw json.RawMessage) []string {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(m))
}

func TestGatezHasTheDocumentedFieldsAndNoOthers(t *testing.T) {
	w := opened(t, nil)
	w.trip("A2/*/*", risk.Closed)
	w.tell(risk.Wake{})
	raw, err := json.Marshal(w.desk.Gatez(w.now, ""))
	if err != nil {
		t.Fatal(err)
	}
	var body struct {
		Why, Scopes, Latches []json.RawMessage
		Permission           json.RawMessage
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		of   json.RawMessage
		want []string
	}{
		{raw, []string{
			"epoch", "incarnation", "latches", "mode", "node", "open", "opened_at", "permission", "phase", "revision", "scopes", "shut_at",
			"term", "why",
		}},
		{body.Why[0], []string{"code", "scope", "since"}},
		{body.Permission, []string{"left_ms", "term", "valid"}},
		{body.Scopes[0], []string{"mode", "scope"}},
		{body.Latches[0], []string{"at", "by", "mode", "reason", "scope", "state", "trip_id"}},
	} {
		if got := fields(t, c.of); !slices.Equal(got, c.want) {
			t.Errorf("fields = %v, want %v in %s", got, c.want, c.of)
		}
	}
	for of, want := range map[*json.RawMessage]string{
		&body.Why[0]:    `{"code":"TRIPPED","scope":"A2/*/*","since":"2026-01-05T08:00:00.100000000Z"}`,
		&body.Scopes[0]: `{"scope":"*/*/*","mode":"OPEN"}`,
		&body.Scopes[2]: `{"scope":"A2/*/*","mode":"CLOSED"}`,
	} {
		if string(*of) != want {
			t.Errorf("got %s, want %s", *of, want)
		}
	}
}

func TestGatezTestsTheDeadlinesAnewWithTheHolderDead(t *testing.T) {
	w := opened(t, nil)
	w.advance(time.Second) // asleep: nobody stepped the holder
	for _, scope := range []string{"", "A1/*/*", "A1/cross1/*"} {
		body := w.desk.Gatez(w.now, scope)
		if body.Open || body.Permission.Valid || body.OpenedAt != nil || body.ShutAt == nil || body.Why[0].Code != risk.CodeNoPermission {
			t.Errorf("scope %q: gate = %+v, want shut for NO_PERMISSION, opened_at null and shut_at set", scope, body)
		}
	}
}

func TestGatezOfAScopeThatIsNobodysIsShut(t *testing.T) {
	w := opened(t, nil)
	for scope, why := range map[string]risk.Code{"A9/*/*": risk.CodeNoAccount, "nonsense": risk.CodeInvalid, "+/*/*": risk.CodeInvalid} {
		if body := w.desk.Gatez(w.now, scope); body.Open || body.Mode != risk.Closed || body.Why[0].Code != why {
			t.Errorf("scope %q: gate = %+v, want CLOSED for %s", scope, body, why)
		}
	}
}

// TestModeOfNamesWhatTouchesOneStrategyInOneInstrument and nothing that touches others alone.
func TestModeOfNamesWhatTouchesOneStrategyInOneInstrument(t *testing.T) {
	w := opened(t, nil)
	mode := func(strategy string, i market.Instrument) string {
		m, why := w.desk.ModeOf("A1", strategy, i, w.now)
		out := m.String()
		for _, r := range why {
			out += fmt.Sprintf(" %s %s", r.Code, r.Scope)
		}
		return out
	}
	want := func(when string, want map[string]string) {
		t.Helper()
		for k, v := range map[string]string{
			"all": mode("cross1", market.Instrument{}), "acme": mode("cross1", acme), "bolt": mode("cross1", bolt), "other": mode("mm1", acme),
		} {
			if v != cmp.Or(want[k], "OPEN") {
				t.Errorf("%s: mode of %s is %q, want %q", when, k, v, cmp.Or(want[k], "OPEN"))
			}
		}
	}
	want("at first", nil)
	w.trip("*/*/"+acme.String(), risk.ReduceOnly)
	want("one instrument", map[string]string{"acme": "REDUCE_ONLY TRIPPED */*/ACME@SIM", "other": "REDUCE_ONLY TRIPPED */*/ACME@SIM"})
	w.trip("A1/cross1/*", risk.CancelOnly)
	tripped := "CANCEL_ONLY TRIPPED A1/cross1/*"
	want("one strategy", map[string]string{"all": tripped, "acme": tripped, "bolt": tripped, "other": "REDUCE_ONLY TRIPPED */*/ACME@SIM"})
	w.trip("A1/*/*", risk.Closed)
	tripped = "CLOSED TRIPPED A1/*/*"
	want("the account", map[string]string{"all": tripped, "acme": tripped, "bolt": tripped, "other": tripped})
	if m, why := w.desk.ModeOf("A9", "cross1", acme, w.now); m != risk.Closed || why[0].Code != risk.CodeNoAccount {
		t.Errorf("of no account: %s %v, want CLOSED", m, why)
	}
}

func TestModeOfALimitThatIsChargedAboveOnlyReduces(t *testing.T) {
	looked := 0
	w := opened(t, nil)
	w.desk.SetLooked(func(risk.Reading) { looked++ })
	fill(market.Buy, acme, "70", "100")(w)
	w.pass(200 * time.Millisecond)
	for i, want := range map[market.Instrument]risk.Mode{acme: risk.ReduceOnly, bolt: risk.Open, {}: risk.Open} {
		m, why := w.desk.ModeOf("A1", "cross1", i, w.now)
		if m != want || m != risk.Open && why[0].Code != risk.CodeBreach {
			t.Errorf("mode of %s is %s, %v, want %s", i, m, why, want)
		}
	}
	if looked == 0 {
		t.Error("nobody was told to look at the modes again")
	}
}
