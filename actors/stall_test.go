package actors

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// step is something to run, for tests of the pool.
type step func()

func (s step) turn() bool { s(); return true }

// A message that comes while the last idle worker is being woken finds nobody to wake. When that worker then hangs in its handler,
// somebody has to have been asked to look: else cancels and supervisors wait behind it until a timer happens to fire.
func TestAQueueBehindAWakeIsLookedAtWhenTheWokenHandlerHangs(t *testing.T) {
	var alerts atomic.Int32
	d := newShared(1, func() { alerts.Add(1) })
	d.started = true
	d.mu.Lock()
	d.start()
	d.mu.Unlock()
	parked := func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return len(d.parked) == 1
	}
	deadline := time.Now().Add(10 * time.Second)
	for !parked() {
		if time.Now().After(deadline) {
			t.Fatal("the worker did not park")
		}
		runtime.Gosched()
	}
	begun, release, ran := make(chan struct{}), make(chan struct{}), make(chan struct{})
	d.mu.Lock()
	d.queue.push(step(func() { close(begun); <-release }))
	w := d.idle() // on its way from here on
	d.mu.Unlock()
	d.push(step(func() { close(ran) }))
	if alerts.Load() != 0 {
		t.Fatal("an alert came while a worker was on its way, want it to be the worker's")
	}
	w.wake <- struct{}{}
	<-begun
	if alerts.Load() != 1 {
		t.Errorf("%d alerts while the only worker hangs and a message waits, want one", alerts.Load())
	}
	now := int64(0)
	for range 2 { // nothing moves between two looks
		if _, busy := d.look(now); !busy {
			t.Fatal("nothing waits, want the second message to")
		}
		now += stallNanos
	}
	<-ran // by a worker that the look has added
	close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := d.stop(ctx); err != nil {
		t.Fatal(err)
	}
}
