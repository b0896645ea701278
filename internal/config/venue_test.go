package config_test

import (
	"strings"
	"testing"

	"github.com/failshut/failshut/internal/config"
)

// TestAVenueFileIsRefusedForWhatTheExchangeCannotDo: nothing that it asks for is passed over.
func TestAVenueFileIsRefusedForWhatTheExchangeCannotDo(t *testing.T) {
	for name, c := range map[string]struct{ from, to, want string }{
		"a phase":        {"{after: 0s, phase: continuous}", "{after: 0s, phase: auction}", `phases[0].phase is "auction", which is not built yet; want continuous`},
		"no mass status": {"mass_status: true", "mass_status: false", "orders.mass_status is false, which is not built yet; want true"},
		"no mass cancel": {"mass_cancel: true", "mass_cancel: false", "orders.mass_cancel is false, which is not built yet; want true"},
		"no market":      {"types: [limit, market, stop]", "types: [limit]", "orders.types lacks market"},
		"no ioc":         {"tifs: [day, gtc, ioc, fok, post_only]", "tifs: [day, gtc, fok]", "orders.tifs lacks ioc"},
	} {
		t.Run(name, func(t *testing.T) {
			src := example(t, "venue.example.yaml")
			if !strings.Contains(src, c.from) {
				t.Fatalf("the example has no %s", c.from)
			}
			f := config.Read("v.yaml", []byte(strings.Replace(src, c.from, c.to, 1)), nil)
			if len(f.Mistakes) != 1 || !strings.Contains(f.Mistakes[0].Message, c.want) || f.Mistakes[0].Line < 2 {
				t.Errorf("mistakes %v, want %q alone", f.Err(), c.want)
			}
		})
	}
	f := config.Read("v.yaml", []byte(example(t, "venue.example.yaml")), nil)
	if f.Err() != nil || len(f.Warnings) != 2 || f.Warnings[0].Key != "orders.types[2]" || f.Warnings[1].Key != "orders.tifs[4]" {
		t.Errorf("the example has the mistakes %v and the warnings %v, want none, and stop and post_only", f.Err(), f.Warnings)
	}
}
