package goroutine_test

import (
	"runtime"
	"sync"
	"testing"

	"github.com/failshut/failshut/internal/goroutine"
)

func TestGoroutinesThatRunAtTheSameTimeHaveDifferentNumbers(t *testing.T) {
	const n = 200
	ids := make([]uintptr, n)
	var begun, done sync.WaitGroup
	all := make(chan struct{})
	for i := range n {
		begun.Add(1)
		done.Go(func() {
			ids[i] = goroutine.ID()
			begun.Done()
			<-all
		})
	}
	begun.Wait()
	close(all)
	done.Wait()
	seen := map[uintptr]bool{0: true, goroutine.ID(): true}
	for _, id := range ids {
		if seen[id] {
			t.Fatalf("number %d is there twice, or 0", id)
		}
		seen[id] = true
	}
}

func TestAGoroutineKeepsItsNumber(t *testing.T) {
	want := goroutine.ID()
	var deep func(n int) uintptr
	deep = func(n int) uintptr {
		var big [1024]byte
		if n == 0 {
			runtime.GC()
			return goroutine.ID()
		}
		got := deep(n - 1)
		runtime.KeepAlive(&big)
		return got
	}
	for range 100 {
		runtime.Gosched()
		if got := deep(200); got != want { // the stack has moved meanwhile
			t.Fatalf("ID() = %d, want %d as before", got, want)
		}
	}
}

func TestANumberCostsNoAllocation(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { goroutine.ID() }); n != 0 {
		t.Fatalf("%v allocations, want none", n)
	}
}

func BenchmarkID(b *testing.B) {
	for b.Loop() {
		goroutine.ID()
	}
}
