package mailbox

import "sync/atomic"

// Events are hooks, for metrics and logs. A nil hook is skipped. They are called on the goroutine where the
// thing happens, outside the box's lock, and must not block. A hook that panics is switched off for good.
type Events struct {
	// Refused tells of one message that was not accepted.
	Refused func(class string, l Lane, r Reason)
	// Dropped tells of n accepted messages of one lane that will not be handled.
	Dropped func(class string, l Lane, r Reason, n int)
	// Gapped tells that a key of a conflating lane lost the Events from from to to, and will lose all until a Snapshot.
	Gapped func(class string, k Key, from, to uint64)
	// KeysExhausted tells, once, that a conflating lane turned away a key because it has as many as it may.
	KeysExhausted func(class string)
}

// hooks guards the hooks of one box.
type hooks struct {
	Events
	off atomic.Bool
}

func (h *hooks) refused(class string, l Lane, r Reason) {
	if h.Refused == nil || h.off.Load() {
		return
	}
	defer h.guard()
	h.Refused(class, l, r)
}

func (h *hooks) dropped(class string, l Lane, r Reason, n int) {
	if h.Dropped == nil || h.off.Load() {
		return
	}
	defer h.guard()
	h.Dropped(class, l, r, n)
}

func (h *hooks) gapped(class string, k Key, from, to uint64) {
	if h.Gapped == nil || h.off.Load() {
		return
	}
	defer h.guard()
	h.Gapped(class, k, from, to)
}

func (h *hooks) keysExhausted(class string) {
	if h.KeysExhausted == nil || h.off.Load() {
		return
	}
	defer h.guard()
	h.KeysExhausted(class)
}

func (h *hooks) guard() {
	if recover() != nil {
		h.off.Store(true)
	}
}
