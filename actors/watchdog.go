package actors

// expire is the watchdog's look at the parts of the incarnation. The timers are locked.
func (l *Life) expire(_ *timer, now int64) func() {
	l.sys.timers.arm(&l.watch, now+int64(l.watchdog/4))
	return func() {
		if part, hung := l.hanging(now); hung {
			l.hang(part)
		}
	}
}

// hanging finds a part that has not moved for the time of the watchdog. It counts progress and beats instead of
// reading the clock at every message, so it is late by at most a quarter of that time.
func (l *Life) hanging(now int64) (part string, hung bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.actor; c != nil {
		p := c.progress()
		if p != c.seen || !c.hasTurn() || c.since == 0 {
			c.seen, c.since = p, now
		}
		if now-c.since >= int64(l.watchdog) {
			return "", true
		}
	}
	for _, w := range l.works {
		b := w.beats.Load()
		if b != w.seen || w.parked.Load() || w.since == 0 {
			w.seen, w.since = b, now
		}
		if now-w.since >= int64(l.watchdog) {
			return w.label, true
		}
	}
	return "", false
}

// hang abandons the incarnation and tells why.
func (l *Life) hang(part string) {
	l.telling.Lock() // the late ends of what is abandoned are told after this one
	defer l.telling.Unlock()
	l.mu.Lock()
	if l.ended || l.hung {
		l.mu.Unlock()
		return
	}
	l.hung = true
	actor := l.actor
	l.mu.Unlock()
	var recent []Record
	if part == "" && actor != nil {
		recent = actor.body.film().records(true)
	}
	l.Abandon()
	l.sys.tellExit(Exit{
		Name: l.name, Epoch: l.epoch, Class: l.class, Part: part, Reason: ReasonHung,
		Recent: recent, Left: l.Parts(),
	})
}
