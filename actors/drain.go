package actors

// StopAfterQueue lets an incarnation handle all messages that it has accepted, then stops it as StopActor does. From
// now on a Tell is ErrClosed. It needs no room and cannot be refused. What the actor has stashed and not unstashed by
// then becomes dead letters. ErrFenced when that incarnation is not alive.
func (s *System) StopAfterQueue(n Name, epoch Epoch) error {
	return s.with(n, epoch, (*Life).StopAfterQueue)
}

// StopAfterQueue is Stop, once the actor has handled all that it has accepted. Its Run functions go on until then. An
// incarnation without an actor is stopped at once.
func (l *Life) StopAfterQueue() {
	l.mu.Lock()
	actor := l.actor
	l.mu.Unlock()
	if actor == nil {
		l.Stop()
		return
	}
	actor.lastQueue.Store(true)
	actor.barred.Store(true)
	actor.signal(signalLastQueue)
}

// finishQueue stops the life of an actor that was to handle its queue first, when it has. A suspended mailbox holds what
// has not been looked at yet.
func (c *cell) finishQueue() {
	if c.open.Load() && c.due.Load() == 0 && !c.body.pending() {
		c.life.Stop()
	}
}
