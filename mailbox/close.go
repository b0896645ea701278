package mailbox

// Suspend refuses everything but Control and hands out nothing until Resume. What is queued stays, those who
// wait for room get ErrSuspended.
func (b *Box[M]) Suspend() {
	b.enter()
	defer b.leave()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.suspend()
	b.releaseWaiters(Suspended)
}

func (b *Box[M]) suspend() {
	for _, l := range b.lanes {
		if l != nil {
			l.brim.forget()
		}
	}
	b.suspended = true
	b.state.Or(suspension)
}

// Resume ends a suspension.
func (b *Box[M]) Resume() {
	b.enter()
	defer b.leave()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.suspended = false
	b.state.And(^uint32(suspension))
}

// Drained says how many messages a Close turned into dead letters, indexed by Lane-1.
type Drained [laneCount]int

// Total is the sum over the lanes.
func (d Drained) Total() int {
	n := 0
	for _, k := range d {
		n += k
	}
	return n
}

// Close ends the box: every Offer has a yes before it or ErrClosed after it. All that is queued is dropped
// with the reason and goes to the sink in lane order, and those who wait get ErrClosed. Closing again does
// nothing. The memory of the lanes is given back.
func (b *Box[M]) Close(r Reason) Drained {
	left, d := b.clear(r, Control, func() { b.closed = true })
	b.buryAll(left, d, r)
	return d
}

// Retire suspends the box for an owner that has ended and is to come back: all but Control is dropped with the
// reason, those who wait get ErrSuspended, and Control goes on being taken. HandOn or Close must follow; Resume
// must not.
func (b *Box[M]) Retire(r Reason) Drained {
	left, d := b.clear(r, Reports, b.suspend)
	b.buryAll(left, d, r)
	return d
}

// HandOn closes the box and offers its Control messages to the box of the next incarnation, which may be
// suspended. What that refuses is dropped as Restarted, as is all that waits in other lanes. The counts of the
// two boxes together still balance: a message handed on is dropped as HandedOn here and accepted anew there.
func (b *Box[M]) HandOn(to *Box[M]) {
	left, d := b.clear(Restarted, Control, func() { b.closed = true })
	control := &left[Control-1]
	moved := 0
	var item Item[M]
	for range control.n() {
		control.pop(&item)
		if to.Offer(item.Message) == nil {
			moved++
			continue
		}
		b.buryOne(Letter[M]{Message: item.Message, Lane: Control, Reason: Restarted, At: item.At})
	}
	if moved > 0 {
		b.mu.Lock() // the sum stays
		dropped := &b.lanes[Control-1].counts.Dropped
		dropped[Restarted] -= uint64(moved)
		dropped[HandedOn] += uint64(moved)
		b.mu.Unlock()
		d[Control-1] -= moved
		b.hooks.dropped(b.class, Control, HandedOn, moved)
	}
	b.buryAll(left, d, Restarted)
}

// clear takes out what is queued in the lanes from first on and counts it as dropped, in the same instant in
// which change changes the state of the box. A closed box stays as it is.
func (b *Box[M]) clear(r Reason, first Lane, change func()) (left [laneCount]backlog[M], d Drained) {
	b.enter()
	defer b.leave()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return left, d
	}
	change()
	released := Suspended
	if b.closed {
		released = Closed
	}
	b.releaseWaiters(released)
	for i := int(first) - 1; i < laneCount; i++ {
		l := b.lanes[i]
		if l == nil {
			continue
		}
		left[i] = l.detach()
		d[i] = left[i].n()
		l.drop(r, d[i])
		b.state.And(^(arrivedBit(i) | readyBit(i)))
	}
	return left, d
}

// detach takes out all that is queued.
func (l *lane[M]) detach() backlog[M] {
	l.brim.forget()
	if l.merges != nil {
		l.merges.clear()
	}
	if l.keyed != nil {
		return backlog[M]{first: l.keyed.detach()}
	}
	return backlog[M]{first: l.ready.detach(), then: l.arrived.detach()}
}

// backlog is what was queued in a lane, oldest first.
type backlog[M any] struct{ first, then queue[M] }

func (l *backlog[M]) n() int { return l.first.n + l.then.n }

func (l *backlog[M]) pop(item *Item[M]) {
	if l.first.n > 0 {
		l.first.pop(item)
		return
	}
	l.then.pop(item)
}

func (b *Box[M]) buryAll(left [laneCount]backlog[M], d Drained, r Reason) {
	for i := range left {
		if d[i] > 0 {
			b.hooks.dropped(b.class, Lane(i+1), r, d[i])
		}
		var item Item[M]
		for left[i].n() > 0 {
			left[i].pop(&item)
			b.buryOne(Letter[M]{Message: item.Message, Lane: Lane(i + 1), Reason: r, At: item.At})
		}
	}
}

func (b *Box[M]) buryOne(l Letter[M]) {
	if b.sink != nil {
		b.sink(l)
	}
}
