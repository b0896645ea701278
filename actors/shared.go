package actors

import (
	"context"
	"runtime"
	"sync"
)

// A turn ends after so many messages, or this long, whichever is first.
const (
	turnMessages = 64
	turnNanos    = 100_000
	// turnLook is how many messages pass between two looks at the clock inside a turn.
	turnLook = 16
)

// shared is the pool of workers over one run queue. Idle workers park; at most one of them is being woken at
// a time and wakes the next itself, so a burst costs no more wakes than it needs.
type shared struct {
	mu      sync.Mutex
	queue   ring
	parked  []*worker
	waking  bool
	started bool
	closed  bool
	want    int
	live    int // workers that have not ended and do not hang in an abandoned handler
	ended   chan struct{}
}

type worker struct{ wake chan struct{} }

func newShared(workers int) *shared {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	return &shared{want: workers, ended: make(chan struct{})}
}

func (d *shared) push(r runnable) {
	d.mu.Lock()
	if !d.started {
		d.started = true
		for range d.want {
			d.start()
		}
	}
	d.queue.push(r)
	w := d.idle()
	d.mu.Unlock()
	if w != nil {
		w.wake <- struct{}{}
	}
}

// idle takes a parked worker that should be woken, nil if there is none or one is on its way already. The
// lock must be held.
func (d *shared) idle() *worker {
	if d.waking || len(d.parked) == 0 || d.queue.n == 0 {
		return nil
	}
	last := len(d.parked) - 1
	w := d.parked[last]
	d.parked[last] = nil
	d.parked = d.parked[:last]
	d.waking = true
	return w
}

// start begins a worker. The lock must be held.
func (d *shared) start() {
	d.live++
	go d.work(&worker{wake: make(chan struct{}, 1)})
}

func (d *shared) replace() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		d.lost()
		return
	}
	d.live--
	d.start()
}

// lost records that a worker is gone. The lock must be held.
func (d *shared) lost() {
	d.live--
	if d.closed && d.live == 0 {
		close(d.ended)
	}
}

func (d *shared) work(w *worker) {
	orderly := false
	defer func() {
		if orderly {
			return
		}
		// A handler called runtime.Goexit: this goroutine is lost, the pool must not shrink.
		d.replace()
	}()
	for {
		r := d.next(w)
		if r == nil || !r.turn() {
			orderly = true
			return
		}
	}
}

// next waits for something to run; nil ends the worker.
func (d *shared) next(w *worker) runnable {
	d.mu.Lock()
	for d.queue.n == 0 {
		if d.closed {
			d.lost()
			d.mu.Unlock()
			return nil
		}
		d.parked = append(d.parked, w)
		d.mu.Unlock()
		<-w.wake
		d.mu.Lock()
		d.waking = false
	}
	r := d.queue.pop()
	more := d.idle()
	d.mu.Unlock()
	if more != nil {
		more.wake <- struct{}{}
	}
	return r
}

func (d *shared) stop(ctx context.Context) error {
	d.mu.Lock()
	if !d.closed {
		d.closed = true
		for _, w := range d.parked {
			w.wake <- struct{}{}
		}
		d.parked = nil
		if d.live == 0 {
			close(d.ended)
		}
	}
	d.mu.Unlock()
	select {
	case <-d.ended:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
