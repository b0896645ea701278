package resilience_test

import (
	"strings"
	"testing"

	"github.com/failshut/failshut/resilience"
)

func TestADependencyHasToSayHowItFails(t *testing.T) {
	err := resilience.Dependency{Retry: &resilience.Backoff{}, Breaker: &resilience.BreakerConfig{}, Budget: &resilience.BudgetConfig{}, Bulkhead: &resilience.BulkheadConfig{}}.Validate()
	for _, want := range []string{"without a name", "fail mode = FailMode(0)", "why is empty", "backoff: ", "breaker: ", "budget: ", "bulkhead: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate() = %v, want %q in it", err, want)
		}
	}
	good := resilience.Dependency{Name: "venue questions", FailMode: resilience.Closed, Why: "no answer is no proof"}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	if resilience.Open.String() != "open" || resilience.Closed.String() != "closed" {
		t.Error("the words of the modes have changed")
	}
}
