package control

import (
	"crypto/sha256"
	"net/http"
	"slices"
	"sync"
	"time"
)

// keptFor is how long a mutation's key is remembered, keptMost how many are, and keptBytes how much their keys and answers
// may weigh together: the oldest leave first. The newest answer stays whatever it weighs.
const (
	keptFor   = 24 * time.Hour
	keptMost  = 4096
	keptBytes = 8 << 20
)

// repeats remembers the answers of mutations by their keys, so that a request repeated after a lost answer changes
// nothing and hears the same.
type repeats struct {
	mu    sync.Mutex
	kept  map[string]*kept
	order []string
	bytes int // of the keys and answers in kept
}

type kept struct {
	body   [sha256.Size]byte
	at     time.Time
	done   bool
	status int
	answer []byte
}

func newRepeats() *repeats { return &repeats{kept: map[string]*kept{}} }

// begin claims key for body. When the key was used, it gives the first answer, or a problem: another body, or an answer
// that is still being made.
func (r *repeats) begin(now time.Time, key string, body []byte) (status int, answer []byte, fresh bool, problem *Problem) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sweep(now)
	sum := sha256.Sum256(body)
	k, ok := r.kept[key]
	switch {
	case !ok:
		r.kept[key] = &kept{body: sum, at: now}
		r.order = append(r.order, key)
		r.bytes += len(key)
		return 0, nil, true, nil
	case k.body != sum:
		return 0, nil, false, &Problem{http.StatusConflict, "key_reused", "this Idempotency-Key was used with another body", 6}
	case !k.done:
		return 0, nil, false, &Problem{http.StatusConflict, "under_way", "the request of this Idempotency-Key is under way", 6}
	}
	return k.status, k.answer, false, nil
}

func (r *repeats) finish(key string, status int, answer []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k, ok := r.kept[key]; ok {
		k.done, k.status, k.answer = true, status, answer
		r.bytes += len(answer)
		r.lighten(key)
	}
}

// lighten forgets the oldest answers until the rest is light enough: not last, and none that is still being made.
func (r *repeats) lighten(last string) {
	r.order = slices.DeleteFunc(r.order, func(key string) bool {
		if r.bytes <= keptBytes || key == last || !r.kept[key].done {
			return false
		}
		r.drop(key)
		return true
	})
}

// drop takes a key out of the memory. Its place in the order is the caller's.
func (r *repeats) drop(key string) {
	if k, ok := r.kept[key]; ok {
		r.bytes -= len(key) + len(k.answer)
		delete(r.kept, key)
	}
}

// forget lets a failed request be tried again under its key.
func (r *repeats) forget(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop(key)
	if i := slices.Index(r.order, key); i >= 0 {
		r.order = slices.Delete(r.order, i, i+1)
	}
}

func (r *repeats) sweep(now time.Time) {
	for len(r.order) > 0 {
		if now.Sub(r.kept[r.order[0]].at) < keptFor && len(r.order) < keptMost {
			return
		}
		r.drop(r.order[0])
		r.order = r.order[1:]
	}
}
