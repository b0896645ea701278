package actors

import (
	"math/bits"
	"sync/atomic"
)

// Events are hooks, for metrics and logs. A nil hook is skipped. They are called on the goroutine where the
// thing happens, must not block and must not wait for the system. A hook that panics is not called again, see
// System.BrokenHooks; the others are.
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

// hook names a hook.
type hook uint32

const (
	hookSpawned hook = 1 << iota
	hookEnded
	hookCrashed
	hookZombieEnded
	hookDeadLetter
	hookQuarantined
	hookReleased
	hookLateReply
	hookOutOfTurn
	hookTimerMissed
	hookSpinRefused
	hookAbandoned
)

// hooks are those that have panicked.
type hooks struct{ off atomic.Uint32 }

func (h *hooks) call(which hook, f func()) {
	if hook(h.off.Load())&which != 0 {
		return
	}
	defer func() {
		if recover() != nil {
			h.off.Or(uint32(which))
		}
	}()
	f()
}

// BrokenHooks is how many hooks of Events have panicked and are not called any more.
func (s *System) BrokenHooks() int { return bits.OnesCount32(s.hooks.off.Load()) }

func (h *hooks) spawned(ev *Events, n Name, e Epoch, c Class) {
	if ev.Spawned != nil {
		h.call(hookSpawned, func() { ev.Spawned(n, e, c) })
	}
}

func (h *hooks) ended(ev *Events, x Exit) {
	if ev.Ended != nil {
		h.call(hookEnded, func() { ev.Ended(x) })
	}
	if ev.Crashed != nil && x.Stack != nil {
		h.call(hookCrashed, func() { ev.Crashed(x) })
	}
	if ev.ZombieEnded != nil && x.Late {
		h.call(hookZombieEnded, func() { ev.ZombieEnded(x) })
	}
}

func (h *hooks) deadLetter(ev *Events, l Letter) {
	if ev.DeadLetter != nil {
		h.call(hookDeadLetter, func() { ev.DeadLetter(l) })
	}
}

func (h *hooks) quarantined(ev *Events, p Parked) {
	if ev.Quarantined != nil {
		h.call(hookQuarantined, func() { ev.Quarantined(p) })
	}
}

func (h *hooks) released(ev *Events, p Parked) {
	if ev.Released != nil {
		h.call(hookReleased, func() { ev.Released(p) })
	}
}

func (h *hooks) lateReply(ev *Events, c Class) {
	if ev.LateReply != nil {
		h.call(hookLateReply, func() { ev.LateReply(c) })
	}
}

func (h *hooks) outOfTurn(ev *Events, c Class) {
	if ev.OutOfTurn != nil {
		h.call(hookOutOfTurn, func() { ev.OutOfTurn(c) })
	}
}

func (h *hooks) missed(ev *Events, c Class, n int) {
	if ev.TimerMissed != nil {
		h.call(hookTimerMissed, func() { ev.TimerMissed(c, n) })
	}
}

func (h *hooks) spinRefused(ev *Events, n Name) {
	if ev.SpinRefused != nil {
		h.call(hookSpinRefused, func() { ev.SpinRefused(n) })
	}
}

func (h *hooks) abandoned(ev *Events, n Name, e Epoch) {
	if ev.Abandoned != nil {
		h.call(hookAbandoned, func() { ev.Abandoned(n, e) })
	}
}
