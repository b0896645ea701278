package actors

import "time"

// Unheard is a message that does not count for ReceiveTimeout: one that comes all the time and says nothing new.
type Unheard interface{ Unheard() }

// silence is the receive timeout of one actor. It belongs to the actor's turn.
type silence struct {
	length int64 // 0: none
	heard  int64 // Instant of the last message, or of the last timeout
}

// silenceKey is the key of its timer, which no caller has.
type silenceKey struct{}

// ReceiveTimeout delivers m whenever nothing has come for d: no message told to this actor, no answer and no Down.
// Ticks do not count, nor do messages that are Unheard. A new call replaces the one before, a d of 0 or less ends it.
// It is a tick like those of After.
func (c *Context[M]) ReceiveTimeout(d time.Duration, m M) {
	if !c.mayAct() {
		return
	}
	in := c.in
	if d <= 0 {
		in.silence, in.ticks.silence = silence{}, nil
		in.ticks.cancel(in, silenceKey{})
		return
	}
	in.silence = silence{length: int64(d), heard: in.sys.Mono()}
	in.ticks.set(in, silenceKey{}, d, 0, m)
	in.ticks.silence = in.ticks.byKey[silenceKey{}]
}

// hear notes that a message has come.
func (in *incarnation[M]) hear(m M) {
	if _, no := any(m).(Unheard); !no {
		in.silence.heard = in.ctx.Instant()
	}
}

// stillSilent is asked when the timer has fired: the timer runs its length from when it was last armed, for arming it
// anew at every message would cost more than the message. If something has been heard since, it is armed for the rest.
// The timers are locked.
func (ts *ticks[M]) stillSilent(in *incarnation[M], now int64) {
	if s := &in.silence; now-s.heard < s.length {
		ts.unlink(in, ts.silence)
		in.sys.timers.arm(&ts.silence.timer, s.heard+s.length)
	}
}
