package supervision_test

import (
	"strings"
	"testing"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/supervision"
)

func TestHowMuchAChildRemembersIsOfItsSpec(t *testing.T) {
	for _, tt := range []struct {
		name     string
		recorder int
		restart  supervision.Restart
		want     int
	}{
		{"what is usual", 0, supervision.Permanent, 64},
		{"few", 4, supervision.Permanent, 4},
		{"none", actors.NoRecorder, supervision.Permanent, 0},
		{"a temporary one nothing", 0, supervision.Temporary, 0},
		{"a temporary one that asks for it", 8, supervision.Temporary, 8},
	} {
		t.Run(tt.name, func(t *testing.T) {
			worlds(t, func(w *world) {
				c := worker("a")
				c.Recorder, c.Restart = tt.recorder, tt.restart
				spec := supervision.DefaultSpec("root", c)
				spec.Intensity = 5
				tree := w.start(spec)
				for range 100 {
					w.tell("a", "work")
				}
				w.tell("a", "error")
				var end supervision.End
				w.until("its end", func() (ended bool) { end, ended = w.ended("a", 1); return ended })
				if len(end.Recent) != tt.want {
					t.Errorf("the end of a shows %d messages, want %d", len(end.Recent), tt.want)
				}
				tree.Stop()
				w.result(tree)
			})
		})
	}
}

func TestAChildRemembersAPowerOfTwo(t *testing.T) {
	worlds(t, func(w *world) {
		for _, n := range []int{-2, 3, 1 << 17} {
			c := worker("a")
			c.Recorder = n
			_, err := supervision.Start(t.Context(), w.sys, supervision.DefaultSpec("root", c), supervision.Options{})
			if err == nil || !strings.Contains(err.Error(), "bad spec: a: recorder") {
				t.Errorf("recorder = %d: %v, want a bad spec that names it", n, err)
			}
		}
	})
}
