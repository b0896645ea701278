package actors

// spinMost bounds one wait in looks of two or three nanoseconds: about 20 microseconds, so that a stream of 100,000
// messages a second finds its consumer awake.
const spinMost = 8192

// spinLeast is the shortest window worth a try.
const spinLeast = 64

// spinRetry is how many waits a window of nothing lets pass before it is tried in full again.
const spinRetry = 64

// spinWindow is how long to look for a message before sleeping. It follows the gaps between messages: a spin that is
// shorter than the gap only burns CPU, so misses halve it down to nothing, and a hit widens it to four times what was
// needed. It belongs to the goroutine that waits.
type spinWindow struct {
	looks int // of the next wait
	slept int // waits since the window came to nothing
}

func newSpinWindow() spinWindow { return spinWindow{looks: spinMost} }

// wait looks until ready is true or the window has passed, and says which, and how many looks it took.
func (w *spinWindow) wait(ready func() bool) (hit bool, looked int) {
	for n := range w.looks {
		if ready() {
			w.hit(n)
			return true, n
		}
	}
	looked = w.looks
	w.missed()
	return false, looked
}

func (w *spinWindow) hit(n int) {
	w.looks = min(max(4*n, w.looks-w.looks/8, spinLeast), spinMost)
}

func (w *spinWindow) missed() {
	if w.looks >= spinLeast {
		w.looks /= 2
		if w.looks < spinLeast {
			w.looks, w.slept = 0, 0
		}
		return
	}
	if w.slept++; w.slept == spinRetry {
		w.looks = spinMost
	}
}
