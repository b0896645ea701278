package control_test

import (
	"strings"
	"testing"
)

func TestOrdersAndPositionsAreAskedForInWordsThatAreKnown(t *testing.T) {
	_, tcp := door(t, &node{}, false)
	for path, want := range map[string]struct {
		status int
		says   string
	}{
		"/api/v1/orders": {200, "Limit:0"},
		"/api/v1/orders?account=A1&symbol=ACME&strategy=s&status=PF&unknown=true&open=1&since=x&limit=7&after=y": {
			200, "Account:A1 Symbol:ACME Strategy:s Status:PF Unknown:true Open:true Since:x After:y Limit:7",
		},
		"/api/v1/orders?account=half":           {207, "half"},
		"/api/v1/orders?account=bad":            {404, `"exit":2`},
		"/api/v1/orders?acount=A1":              {400, "acount"},
		"/api/v1/orders?open=maybe":             {400, `open is \"maybe\", want true or false`},
		"/api/v1/orders?limit=0":                {400, `limit is \"0\", want 1 to 10000 orders`},
		"/api/v1/orders?limit=10001":            {400, "10001"},
		"/api/v1/orders?limit=some":             {400, "some"},
		"/api/v1/orders/@V%2F1?account=A1":      {200, `"account":"A1","id":"@V/1"`},
		"/api/v1/orders/X?open=true":            {400, "open"},
		"/api/v1/orders/slow":                   {504, `"exit":4`},
		"/api/v1/positions":                     {200, "failshut.positions/1"},
		"/api/v1/positions?strategy=half":       {207, "half"},
		"/api/v1/positions?symbol=S&account=A1": {200, "Account:A1 Symbol:S"},
		"/api/v1/positions?unknown=true":        {400, "unknown"},
	} {
		if status, body := get(t, tcp, "vera-token", path); status != want.status || !strings.Contains(body, want.says) {
			t.Errorf("GET %s: %d %s, want %d and %q", path, status, body, want.status, want.says)
		}
		if status, body := get(t, tcp, "", path); status != 401 {
			t.Errorf("GET %s without a token: %d %s, want 401", path, status, body)
		}
	}
}
