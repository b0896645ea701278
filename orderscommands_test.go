package failshut_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// answering is a node that answers one thing to whatever it is asked.
func answering(t *testing.T, status int, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestOrdersAndPositionsEndWithWhatTheirAnswerIs(t *testing.T) {
	const (
		order = `{"id":"X1","account":"A1","strategy":"s","symbol":"ACME","side":"buy","qty":"2","price":null,"cum":"1","avg":"5.5","held":"1","status":"UNKNOWN","reason":null,"doubts":["crash"],"opened_at":null}`
		half  = `"accounts":[{"account":"A1","at":null,"whole":false,"why":"the journal is torn"}]`
		list  = `{"schema":"failshut.orders/1","node":"n1","at":"t","unknown":1,"next":"X1","accounts":[],"orders":[` + order + `]}`
		part  = `{"schema":"failshut.orders/1","node":"n1","at":"t","unknown":1,"next":null,` + half + `,"orders":[` + order + `]}`
		held  = `{"schema":"failshut.positions/1","node":"n1","at":"t","accounts":[],"positions":[{"account":"A1","qty":"2","mark":null,"mark_state":"stale","total":null}],"totals":[]}`
	)
	for name, c := range map[string]struct {
		args   []string
		status int
		body   string
		code   int
		says   []string
	}{
		"a list":                   {[]string{"orders"}, 200, list, 0, []string{"X1", "UNKNOWN", "crash", "5.5", "unknown"}},
		"half a list":              {[]string{"orders"}, 207, part, 7, []string{"not whole", "the journal is torn", "X1"}},
		"one order":                {[]string{"orders", "X1"}, 200, list, 0, []string{"X1", "UNKNOWN", "doubts"}},
		"half of one":              {[]string{"orders", "X1"}, 207, part, 7, []string{"the journal is torn", "X1"}},
		"a list of tomorrow":       {[]string{"orders"}, 200, strings.Replace(list, "/1", "/2", 1), 4, nil},
		"half a JSON":              {[]string{"orders"}, 200, list[:50], 4, nil},
		"a status of no meaning":   {[]string{"orders"}, 302, list, 4, nil},
		"no order":                 {[]string{"orders", "X"}, 404, `{"schema":"failshut.error/1","code":"usage","message":"order is \"X\"","exit":2}`, 2, nil},
		"a no":                     {[]string{"positions"}, 401, `{"schema":"failshut.error/1","code":"forbidden","message":"no token","exit":5}`, 5, nil},
		"positions":                {[]string{"positions"}, 200, held, 0, []string{"stale"}},
		"positions without a mark": {[]string{"positions"}, 207, held, 7, []string{"stale"}},
	} {
		t.Run(name, func(t *testing.T) {
			args := append(c.args, "--addr", answering(t, c.status, c.body))
			r := run(args...)
			if r.code != c.code {
				t.Fatalf("want exit %d, got %v", c.code, r)
			}
			for _, word := range c.says {
				if !strings.Contains(r.stdout, word) {
					t.Errorf("the table lacks %q: %s", word, r.stdout)
				}
			}
			if r := run(append(args, "--output", "json")...); r.code != c.code || c.says != nil && r.stdout != c.body+"\n" {
				t.Errorf("as JSON: want the answer as it is and exit %d, got %v", c.code, r)
			}
		})
	}
}
