package risk

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// tripFiles keeps a file for each latch. A disk may hang: then whoever set the latch waits for its file, and nobody else does. The
// holder, without which no permission lives and no trip reaches the others, has its files written and removed beside it.
type tripFiles struct {
	store  TripStore
	beside atomic.Pointer[func(work func()) error]

	mu   sync.Mutex
	kept map[string]bool // ids of files that are there, or may be
	busy map[string]bool // ids of files that are being written or removed
}

// FileBy sets who writes and removes the files of trips for the holder: f hands work on and does not wait for it, and its error says
// that it did not. The holder asks again. While nothing is set it does the work in its own turn.
func (d *Desk) FileBy(f func(work func()) error) { d.files.beside.Store(&f) }

// found takes note of a file that an earlier life has left.
func (f *tripFiles) found(id string) { f.end(id, true) }

// claim takes up the file of a latch that is about to be set, so that nobody else does. What it returns writes it, in the time of
// whoever sets the latch.
func (f *tripFiles) claim(l Latch) (write func() error) {
	f.begin(l.ID, true)
	return func() error {
		err := f.store.Write(tripName(l.ID), encodeTrip(l))
		f.end(l.ID, err == nil)
		return err
	}
}

// keep has the file of a latch written that has none.
func (f *tripFiles) keep(l Latch) {
	if f.begin(l.ID, true) {
		f.aside(l.ID, false, func() { f.end(l.ID, f.store.Write(tripName(l.ID), encodeTrip(l)) == nil) })
	}
}

// drop has a file removed, and calls done when it is gone.
func (f *tripFiles) drop(id string, done func()) {
	if f.begin(id, false) {
		f.aside(id, true, func() {
			err := f.store.Remove(tripName(id))
			f.end(id, err != nil)
			if err == nil {
				done()
			}
		})
	}
}

// ids lists the files in order.
func (f *tripFiles) ids() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.kept))
}

// begin takes a file up, unless it is as it should be, or somebody has.
func (f *tripFiles) begin(id string, there bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.busy[id] || f.kept[id] == there {
		return false
	}
	if f.busy == nil {
		f.busy = map[string]bool{}
	}
	f.busy[id] = true
	return true
}

func (f *tripFiles) end(id string, there bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.kept == nil {
		f.kept = map[string]bool{}
	}
	delete(f.busy, id)
	if there {
		f.kept[id] = true
	} else {
		delete(f.kept, id)
	}
}

func (f *tripFiles) aside(id string, was bool, work func()) {
	by := f.beside.Load()
	if by == nil {
		work()
		return
	}
	if (*by)(work) != nil {
		f.end(id, was)
	}
}
