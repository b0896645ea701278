package mailbox

// mayAge says whether messages of a lane may be dropped for their age: never a cancel, never evidence.
func mayAge(l Lane) bool { return l == Commands || l == Data }

// Deadline says until when a message of Commands or Data is worth handling, on the clock of Config.Now, which it needs;
// 0 or less: for ever. One that has passed is refused ErrExpired, or dropped when the consumer comes to it. F is called
// with the box locked, must be pure, quick, and must not call the box.
func Deadline[M any](f func(M) int64) Option[M] { return func(b *Box[M]) { b.due = f } }

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
	if !l.ages || b.due == nil {
		return false
	}
	due := b.due(*m)
	return due > 0 && b.now() >= due
}

// expired says whether a message has waited longer than its lane allows, or past its own deadline. The clock is read
// into now once a Take, and only for a lane whose messages age.
func (b *Box[M]) expired(l *lane[M], item *Item[M], now *int64) bool {
	if *now == 0 {
		*now = max(b.now(), 1)
	}
	if l.ttl > 0 && *now-item.At >= l.ttl {
		return true
	}
	if b.due == nil {
		return false
	}
	due := b.due(item.Message)
	return due > 0 && *now >= due
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
