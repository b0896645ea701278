package mailbox

// mayAge says whether messages of a lane may be dropped for their age: never a cancel, never evidence.
func mayAge(l Lane) bool { return l == Commands || l == Data }

// Deadline says until when a message of Commands or Data is worth handling, on the clock of Config.Now, which it needs;
// 0 or less: for ever. One that has passed is refused ErrExpired, or dropped when the consumer comes to it. F is called
// with the box locked, must be pure, quick, and must not call the box.
func Deadline[M any](f func(M) int64) Option[M] {
	return func(b *Box[M]) { b.due, b.seldomDue = f, false }
}

// SeldomDeadline is Deadline for a box of whose messages few have one, which come by OfferBy: until the first does, f is
// not asked, and no clock is read for the others.
func SeldomDeadline[M any](f func(M) int64) Option[M] {
	return func(b *Box[M]) { b.due, b.seldomDue = f, true }
}

// OfferBy is OfferIn for a message that has a deadline. In Control and Reports, where nothing grows too old, it is as any
// other. The box needs Deadline or SeldomDeadline.
func (b *Box[M]) OfferBy(name Lane, m M) error {
	if l := b.lane(name); l != nil && mayAge(name) && b.due != nil && !l.mayExpire() {
		b.mu.Lock()
		l.dated.Store(true)
		l.brim.forget()
		b.mu.Unlock()
	}
	return b.OfferIn(name, m)
}

// mayExpire says whether messages of the lane can grow too old.
func (l *lane[M]) mayExpire() bool { return l.ages || l.dated.Load() }

// judge says why the lane cannot take m, 0 when it can. What is too old already is not wanted, however much room there is.
func (b *Box[M]) judge(name Lane, l *lane[M], m *M) Reason {
	r := b.check(name, l)
	if (r == 0 || r == Full) && b.overdue(l, m) {
		return Expired
	}
	return r
}

// overdue says whether the deadline of a message that is offered has passed.
func (b *Box[M]) overdue(l *lane[M], m *M) bool {
	if !l.mayExpire() || b.due == nil {
		return false
	}
	due := b.due(*m)
	return due > 0 && b.now() >= due
}

// expired says whether a message has waited longer than its lane allows, or past its own deadline. The clock is read
// into now once a Take, and only for a message that can grow too old.
func (b *Box[M]) expired(l *lane[M], item *Item[M], now *int64) bool {
	due := int64(0)
	if b.due != nil {
		due = b.due(item.Message)
	}
	if l.ttl == 0 && due <= 0 {
		return false
	}
	if *now == 0 {
		*now = max(b.now(), 1)
	}
	return l.ttl > 0 && *now-item.At >= l.ttl || due > 0 && *now >= due
}

// buryLate makes dead letters of what the consumer found too old, outside the lock.
func (b *Box[M]) buryLate() {
	for i, l := range b.late {
		b.hooks.dropped(b.class, l.Lane, Expired, 1)
		b.buryOne(l)
		b.late[i] = Letter[M]{}
	}
	b.late = b.late[:0]
}
