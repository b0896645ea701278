package telemetry_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/failshut/failshut/internal/telemetry"
	"github.com/failshut/failshut/strategy"
)

func TestWhatStrategiesMeasureIsShownByStrategy(t *testing.T) {
	m := telemetry.New()
	m.Read(telemetry.Source{Users: func() []strategy.Meter {
		return []strategy.Meter{
			{Strategy: "a", Name: "size", Help: "of trades", Kind: strategy.HistogramMeter, Value: 56.5, Bounds: []float64{1, 10}, Buckets: []uint64{2, 1, 1}},
			{Strategy: "b", Name: "size", Help: "another help", Kind: strategy.HistogramMeter, Value: 3, Bounds: []float64{5}, Buckets: []uint64{1, 0}},
			{Strategy: "a", Name: "spread", Help: "of the book", Kind: strategy.GaugeMeter, Value: 0.5},
			{Strategy: "a", Name: "trades", Help: "that were seen", Kind: strategy.CounterMeter, Value: 7},
		}
	}})
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("the scrape answers %d: %s", w.Code, w.Body)
	}
	for _, line := range []string{
		"# HELP failshut_user_size of trades", "# TYPE failshut_user_trades_total counter",
		`failshut_user_trades_total{strategy="a"} 7`, `failshut_user_spread{strategy="a"} 0.5`,
		`failshut_user_size_bucket{strategy="a",le="1"} 2`, `failshut_user_size_bucket{strategy="a",le="10"} 3`,
		`failshut_user_size_bucket{strategy="a",le="+Inf"} 4`, `failshut_user_size_sum{strategy="a"} 56.5`,
		`failshut_user_size_count{strategy="a"} 4`, `failshut_user_size_bucket{strategy="b",le="5"} 1`,
	} {
		if !strings.Contains(w.Body.String(), line+"\n") {
			t.Errorf("the scrape lacks %q", line)
		}
	}
}
