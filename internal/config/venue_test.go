package config_test

import (
	"strings"
	"testing"

	"github.com/failshut/failshut/internal/config"
)

// TestAVenueFileMayLeaveOutWhatTheExchangeTakes: and the phases of the day may be any. The example needs no warning.
func TestAVenueFileMayLeaveOutWhatTheExchangeTakes(t *testing.T) {
	for name, c := range map[string]struct{ from, to string }{
		"as it is":       {"{after: 0s, phase: continuous}", "{after: 0s, phase: continuous}"},
		"an auction":     {"{after: 0s, phase: continuous}", "{after: 0s, phase: auction}\n  - {after: 1m, phase: continuous, symbols: [ACME]}"},
		"no mass status": {"mass_status: true", "mass_status: false"},
		"no mass cancel": {"mass_cancel: true", "mass_cancel: false"},
		"no market":      {"types: [limit, market, stop]", "types: [limit]"},
		"no ioc":         {"tifs: [day, gtc, ioc, fok, post_only]", "tifs: [day, gtc, fok]"},
	} {
		t.Run(name, func(t *testing.T) {
			src := example(t, "venue.example.yaml")
			if !strings.Contains(src, c.from) {
				t.Fatalf("the example has no %s", c.from)
			}
			f := config.Read("v.yaml", []byte(strings.Replace(src, c.from, c.to, 1)), nil)
			if f.Err() != nil || len(f.Warnings) != 0 {
				t.Errorf("mistakes %v and warnings %v, want none", f.Err(), f.Warnings)
			}
		})
	}
}

func TestAVenueFileNamesPhasesAndSymbolsThatThereAre(t *testing.T) {
	for to, want := range map[string]string{
		"{after: 0s, phase: lunch}":                            `phases[0].phase`,
		"{after: 0s, phase: halt, symbols: [ACNE]}":            `unknown instrument "ACNE"`,
		"{after: -1s, phase: halt}":                            `phases[0].after`,
		"{after: 0s, phase: halt}\n  - {phase: continuous}":    `"after" is missing in phases[1]`,
		"{after: 0s, phase: halt, until: 5s, symbols: [ACME]}": `"until"`,
	} {
		f := config.Read("v.yaml", []byte(strings.Replace(example(t, "venue.example.yaml"), "{after: 0s, phase: continuous}", to, 1)), nil)
		if len(f.Mistakes) != 1 || !strings.Contains(f.Mistakes[0].Message, want) {
			t.Errorf("%s: mistakes %v, want %q alone", to, f.Err(), want)
		}
	}
}
