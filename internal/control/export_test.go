package control

import "time"

// Repeats is the memory of mutations, for tests of its bounds.
type Repeats struct{ r *repeats }

// KeptBytes is what the memory may weigh.
const KeptBytes = keptBytes

// NewRepeats makes an empty memory.
func NewRepeats() Repeats { return Repeats{newRepeats()} }

// Begin claims a key.
func (r Repeats) Begin(now time.Time, key string) (answer []byte, fresh bool, problem *Problem) {
	_, answer, fresh, problem = r.r.begin(now, key, nil)
	return answer, fresh, problem
}

// Finish keeps an answer.
func (r Repeats) Finish(key string, answer []byte) { r.r.finish(key, 200, answer) }

// Forget gives a key up.
func (r Repeats) Forget(key string) { r.r.forget(key) }

// Weighs is what the memory counts, and what is in it.
func (r Repeats) Weighs() (counted, held int) {
	for key, k := range r.r.kept {
		held += len(key) + len(k.answer)
	}
	return r.r.bytes, held
}
