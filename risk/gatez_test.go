package risk_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

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
