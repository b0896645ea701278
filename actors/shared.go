package actors

import (
	"context"
	"runtime"
	"sync"
	"time"
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

	// A look at a queue that does not move. alert asks for one; it may be called with the timers locked.
	alert    func()
	alerted  bool
	looking  bool
	lookAt   int64
	turns    uint64 // given out so far
	lastLook uint64 // turns at the last look
}

// A queue that has not moved for stallNanos gets another worker, up to stallWorkers more than wanted: handlers
// must not block, and when they do, cancels and supervisors must not wait behind them.
const (
	stallNanos   = 10_000_000
	stallWorkers = 256
)

type worker struct{ wake chan struct{} }

func newShared(workers int, alert func()) *shared {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	return &shared{want: workers, ended: make(chan struct{}), alert: alert}
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
	alert := w == nil && d.mustAlert()
	d.mu.Unlock()
	if w != nil {
		w.wake <- struct{}{}
	}
	if alert {
		d.alert()
	}
}

func (d *shared) pushQuietly(r runnable) {
	d.mu.Lock()
	d.queue.push(r)
	alert := d.queue.n > 1 && d.mustAlert()
	d.mu.Unlock()
	if alert {
		d.alert()
	}
}

// mustAlert says whether somebody has to be asked to look at the queue. The lock must be held.
func (d *shared) mustAlert() bool {
	if d.waking || d.alerted || d.closed {
		return false
	}
	d.alerted = true
	return true
}

// look adds a worker if the queue has not moved since the last look, and says when to look again; false when
// nothing waits.
func (d *shared) look(now int64) (again time.Duration, busy bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.queue.n == 0 || d.closed {
		d.alerted, d.looking = false, false
		return 0, false
	}
	if d.looking && now < d.lookAt {
		return time.Duration(d.lookAt - now), true
	}
	if d.looking && d.turns == d.lastLook && d.live < d.want+stallWorkers {
		d.start()
	}
	d.looking, d.lookAt, d.lastLook = true, now+stallNanos, d.turns
	return stallNanos, true
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
	for r := d.next(w); r != nil && r.turn(); r = d.next(w) {
		continue
	}
}

// next waits for something to run; nil ends the worker.
func (d *shared) next(w *worker) runnable {
	d.mu.Lock()
	for d.queue.n == 0 {
		if d.closed || d.live > d.want {
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
	d.turns++
	more := d.idle()
	// What came while this worker was being woken has asked nobody to look: all others may hang.
	alert := more == nil && d.queue.n > 0 && d.mustAlert()
	d.mu.Unlock()
	if more != nil {
		more.wake <- struct{}{}
	}
	if alert {
		d.alert()
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
