package supervision_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/failshut/failshut/supervision"
)

func TestATreeComesUpRestartsAndGoesDown(t *testing.T) {
	worlds(t, func(w *world) {
		var ran []string
		phase := func(name string) supervision.Phase {
			return supervision.Phase{Name: name, Run: func(context.Context) error { ran = append(ran, name); return nil }}
		}
		tree := w.start(supervision.Spec{
			Name: "root", Strategy: supervision.RestForOne, Intensity: 3, Period: time.Minute,
			Children: []supervision.Child{worker("a"), supervision.SubTree("m", supervision.DefaultSpec("m", worker("x"), worker("y"))), worker("b")},
		}, phase("trip"), phase("cancel_all"))
		w.tell("m/x", "panic")
		w.sees("started m/x#2")
		w.tell("m/y", "error")
		w.sees("started b#2")
		tree.Shutdown()
		r := w.result(tree)
		if r.Code != 0 || len(r.Unstopped) > 0 || len(r.Phases) != 2 || !slices.Equal(ran, []string{"trip", "cancel_all"}) {
			t.Errorf("result = %+v, phases run %v", r, ran)
		}
		w.wantTrace("", `
start root#1
start a#1
started a#1
start m#1
start m/x#1
started m/x#1
start m/y#1
started m/y#1
started m#1
start b#1
started b#1
started root#1
reply start root ok root#1
exit m/x#1 crash
restart m m/x 1/1
start m/x#2
started m/x#2
exit m/y#1 error
escalate m intensity m/y
stop m/x#2
exit m/x#2 shutdown
exit m#1 intensity
restart root m 1/3
stop b#1
exit b#1 shutdown
start m#2
start m/x#3
started m/x#3
start m/y#2
started m/y#2
started m#2
start b#2
started b#2
phase trip
phase_ok trip
phase cancel_all
phase_ok cancel_all
stop b#2
exit b#2 shutdown
stop m#2
stop m/y#2
exit m/y#2 shutdown
stop m/x#3
exit m/x#3 shutdown
exit m#2 shutdown
stop a#1
exit a#1 shutdown
exit root#1 shutdown
halt 0`)
	})
}
