package telemetry_test

import (
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/internal/telemetry"
	"github.com/failshut/failshut/strategy"
)

func TestWhatStrategiesDoIsCounted(t *testing.T) {
	m := telemetry.New()
	e := m.Strategies()
	v := reflect.ValueOf(e)
	for i := range v.NumField() {
		if v.Field(i).IsNil() {
			t.Fatalf("the hook %s counts nothing", v.Type().Field(i).Name)
		}
	}
	e.Started("s", strategy.WhyAdopted)
	e.Ready("s", "flat", 2*time.Millisecond)
	e.Decided("s", 3, 2*time.Microsecond)
	e.Refused("s", "FLOOD", 4)
	e.Held("s", "gate")
	e.Lapsed("s")
	e.Absorbed("s")
	e.Repeated("s")
	e.Policy("s", 2, 1)
	e.Snapshot("s", 100, time.Microsecond)
	e.SnapshotSetAside("s", "corrupt")
	e.Goroutines("s", 7)
	e.Ended("s", "crash")
	e.Ended("s", "flood")
	e.Ended("s", "a word of its own")
	e.OutOfTurn("s")
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{
		`starts_total{strategy="s",why="adopted"} 1`, `ready_total{evidence="flat",strategy="s"} 1`, `ready_seconds_sum{strategy="s"} 0.002`,
		`decisions_total{strategy="s"} 1`, `wishes_total{strategy="s"} 3`, `decided_seconds_count{strategy="s"} 1`,
		`refused_total{reason="FLOOD",strategy="s"} 4`, `held_total{reason="gate",strategy="s"} 1`, `lapsed_total{strategy="s"} 1`,
		`absorbed_total{strategy="s"} 1`, `repeated_total{strategy="s"} 1`, `policy_orders_total{fate="cancelled",strategy="s"} 2`,
		`policy_orders_total{fate="kept",strategy="s"} 1`, `snapshots_total{strategy="s"} 1`, `snapshot_bytes{strategy="s"} 100`,
		`snapshot_seconds_count{strategy="s"} 1`, `snapshots_set_aside_total{strategy="s",why="corrupt"} 1`, `goroutines{strategy="s"} 7`,
		`ended_total{reason="crash",strategy="s"} 1`, `ended_total{reason="flood",strategy="s"} 1`, `ended_total{reason="other",strategy="s"} 1`,
		`out_of_turn_total{strategy="s"} 1`,
	} {
		if !strings.Contains(w.Body.String(), "failshut_strategy_"+want+"\n") {
			t.Errorf("the scrape lacks %q", want)
		}
	}
	if !strings.Contains(w.Body.String(), `failshut_refused_total{reason="FLOOD"} 4`+"\n") {
		t.Error("what a strategy's shell refuses is not among all that is refused")
	}
}
