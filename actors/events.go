package actors

import "sync/atomic"

// Events are hooks, for metrics and logs. A nil hook is skipped. They are called on the goroutine where the
// thing happens, must not block and must not wait for the system. A hook that panics switches all hooks of its
// system off.
type Events struct {
	Spawned    func(n Name, e Epoch, c Class)
	Ended      func(x Exit) // every end, also the failures
	Crashed    func(x Exit) // a panic or Goexit; x.Stack says where
	DeadLetter func(l Letter)
	// Quarantined tells that a message was taken aside before its handler, with the messages before it; Released that
	// one left the quarantine. Whoever answers for an account shuts its scope when p.Lane is Reports: evidence waits.
	Quarantined func(p Parked)
	Released    func(p Parked)
	// LateReply tells of an answer from an actor of class c for which nobody waited any more.
	LateReply func(c Class)
	// OutOfTurn tells that a Context of an actor of class c was used when its handler had returned.
	OutOfTurn func(c Class)
	// TimerMissed tells of ticks of Every that were skipped.
	TimerMissed func(c Class, n int)
	// SpinRefused tells of a loop or an actor that shall spin where no core is spare.
	SpinRefused func(n Name)
	// Abandoned tells that an incarnation was left behind, ZombieEnded that a part of one ended after all.
	Abandoned   func(n Name, e Epoch)
	ZombieEnded func(x Exit)
}

type hooks struct{ off atomic.Bool }

func (h *hooks) call(f func()) {
	if h.off.Load() {
		return
	}
	defer func() {
		if recover() != nil {
			h.off.Store(true)
		}
	}()
	f()
}

func (h *hooks) spawned(ev *Events, n Name, e Epoch, c Class) {
	if ev.Spawned != nil {
		h.call(func() { ev.Spawned(n, e, c) })
	}
}

func (h *hooks) ended(ev *Events, x Exit) {
	if ev.Ended != nil {
		h.call(func() { ev.Ended(x) })
	}
	if ev.Crashed != nil && x.Stack != nil {
		h.call(func() { ev.Crashed(x) })
	}
	if ev.ZombieEnded != nil && x.Late {
		h.call(func() { ev.ZombieEnded(x) })
	}
}

func (h *hooks) deadLetter(ev *Events, l Letter) {
	if ev.DeadLetter != nil {
		h.call(func() { ev.DeadLetter(l) })
	}
}

func (h *hooks) quarantined(ev *Events, p Parked) {
	if ev.Quarantined != nil {
		h.call(func() { ev.Quarantined(p) })
	}
}

func (h *hooks) released(ev *Events, p Parked) {
	if ev.Released != nil {
		h.call(func() { ev.Released(p) })
	}
}

func (h *hooks) lateReply(ev *Events, c Class) {
	if ev.LateReply != nil {
		h.call(func() { ev.LateReply(c) })
	}
}

func (h *hooks) outOfTurn(ev *Events, c Class) {
	if ev.OutOfTurn != nil {
		h.call(func() { ev.OutOfTurn(c) })
	}
}

func (h *hooks) missed(ev *Events, c Class, n int) {
	if ev.TimerMissed != nil {
		h.call(func() { ev.TimerMissed(c, n) })
	}
}

func (h *hooks) spinRefused(ev *Events, n Name) {
	if ev.SpinRefused != nil {
		h.call(func() { ev.SpinRefused(n) })
	}
}

func (h *hooks) abandoned(ev *Events, n Name, e Epoch) {
	if ev.Abandoned != nil {
		h.call(func() { ev.Abandoned(n, e) })
	}
}
