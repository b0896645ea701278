package mailbox

import "sync/atomic"

// Events are hooks, for metrics and logs. A nil hook is skipped. They are called on the goroutine where the
// thing happens, outside the box's lock, and must not block. A hook that panics is switched off for good.
type Events struct {
	// Refused tells of one message that was not accepted.
	Refused func(class string, l Lane, r Reason)
	// Dropped tells of n accepted messages of one lane that will not be handled.
	Dropped func(class string, l Lane, r Reason, n int)
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

func (h *hooks) guard() {
	if recover() != nil {
		h.off.Store(true)
	}
}
