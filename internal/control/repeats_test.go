package control_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/failshut/failshut/internal/control"
)

func wantWeight(t *testing.T, r control.Repeats) {
	t.Helper()
	if counted, held := r.Weighs(); counted != held || counted > control.KeptBytes {
		t.Fatalf("the memory counts %d bytes and holds %d, want the same and at most %d", counted, held, control.KeptBytes)
	}
}

func TestTheMemoryOfAnswersIsBoundedInBytes(t *testing.T) {
	r, now := control.NewRepeats(), time.Unix(0, 0)
	answer := make([]byte, control.KeptBytes/8)
	_, _, _ = r.Begin(now, "slow") // the oldest, and still being made
	for i := range 20 {
		key := fmt.Sprint("key", i)
		if _, fresh, problem := r.Begin(now, key); !fresh || problem != nil {
			t.Fatalf("%s is fresh %v, %v", key, fresh, problem)
		}
		r.Finish(key, answer)
		wantWeight(t, r)
	}
	if got, fresh, _ := r.Begin(now, "key19"); fresh || len(got) != len(answer) {
		t.Errorf("the newest answer is forgotten: fresh %v, %d bytes", fresh, len(got))
	}
	if _, fresh, _ := r.Begin(now, "key0"); !fresh {
		t.Error("the oldest answer is still there")
	}
	if _, _, problem := r.Begin(now, "slow"); problem == nil || problem.Code != "under_way" {
		t.Errorf("a request that is under way answers %v, want under_way", problem)
	}
	r.Forget("slow")
	r.Forget("key19")
	wantWeight(t, r)
	if _, fresh, _ := r.Begin(now.Add(48*time.Hour), "late"); !fresh {
		t.Error("a new key is not fresh")
	}
	if counted, _ := r.Weighs(); counted != len("late") {
		t.Errorf("after two days the memory weighs %d, want that of one key", counted)
	}
}

func TestADumpIsAskedAnewAndNotRemembered(t *testing.T) {
	n := &node{open: true}
	h := control.New(config(), n).Handler()
	for want := int64(1); want <= 2; want++ {
		if got := knock(t.Context(), h, "POST", "/api/v1/tree/dump", "one key", `{"path":"good"}`); got != http.StatusOK {
			t.Fatalf("a dump answers %d, want 200", got)
		}
		if got := n.dumps.Load(); got != want {
			t.Errorf("%d dumps were made, want %d", got, want)
		}
	}
}
