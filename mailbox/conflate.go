package mailbox

// Key says of what a message of a conflating lane speaks: one stream of one instrument.
type Key uint64

// Kind says what a conflating lane may do with a message. The zero Kind is Event, so that nothing is conflated because
// somebody forgot to say what it is.
type Kind uint8

// The kinds of messages. A message of any other kind is refused ErrPolicy.
const (
	Event   Kind = iota // a trade, a delta of a book: each one counts, and a loss is told as a Gap
	State               // a quote, a whole top of book: only the newest of its key counts
	Barrier             // a snapshot, an end of an epoch, a doubt: parts what was before it from what comes after
)

// Description is what a conflating lane must know of a message.
type Description struct {
	// Key is the stream of the message. A key that was seen once keeps its place among Config.MaxKeys.
	Key Key
	// Seq is the place of the message in its stream.
	Seq uint64
	// Kind is what may be done with it.
	Kind Kind
	// Rank is how strong a Barrier is. It takes the place of a queued one of its key that is not stronger and behind which
	// no Event waits.
	Rank uint8
	// Snapshot says of a Barrier that it makes whole again what a Gap tore. It is replaced by another Snapshot alone.
	Snapshot bool
}

// Coalesced says how many older States a State stands for, so that the consumer can tell merged from lost.
type Coalesced struct {
	// FirstSeq is the Seq of the first of them; it says nothing where N is 0.
	FirstSeq uint64
	// N is how many there were, 0 for a State that replaced none and for all other messages.
	N int
}

// Describe says what a conflating lane must know of a message. It needs one. F is called once per offer to such a lane,
// before the box is locked, and must be pure.
func Describe[M any](f func(M) Description) Option[M] { return func(b *Box[M]) { b.describe = f } }

// GapOf makes the message that stands for the lost Events of a key, whose Seq lay between from and to, both included.
// A conflating lane needs it. F is called when the gap is handed out, with the box locked, must be pure, quick, and must
// not call the box. A panic of it is one of Take, and the gap is lost; Close hands out the zero M then.
func GapOf[M any](f func(k Key, from, to uint64) M) Option[M] { return func(b *Box[M]) { b.gapOf = f } }

// offerKeyed is Offer for a conflating lane.
func (b *Box[M]) offerKeyed(name Lane, l *lane[M], m *M) error {
	d := b.describe(*m)
	var out outcome[M]
	b.mu.Lock()
	r := b.checkKeyed(l, m, d)
	if r == 0 {
		empty := l.keyed.n == 0
		r = l.keyed.put(m, d, b.stamp(l), &out)
		if empty && l.keyed.n > 0 {
			b.state.Or(arrivedBit(int(name - 1)))
		}
		l.counts.HighWater = max(l.counts.HighWater, l.keyed.n)
	}
	if r != 0 {
		b.refuse(l, r)
	}
	b.mu.Unlock()
	if r != 0 {
		b.hooks.refused(b.class, name, r)
	}
	b.tell(name, l, d.Key, &out)
	return errOf(r)
}

// checkKeyed says why the lane cannot look at m. A State alone may be too old: a loss of anything else is a Gap.
func (b *Box[M]) checkKeyed(l *lane[M], m *M, d Description) Reason {
	switch {
	case b.closed:
		return Closed
	case d.Kind > Barrier:
		return Policing
	case b.suspended:
		return Suspended
	case d.Kind == State && b.overdue(l, m):
		return Expired
	}
	return 0
}

// takeKeyed is takeDirect for a conflating lane; the box is locked.
func (b *Box[M]) takeKeyed(i int, l *lane[M], item *Item[M], now *int64) bool {
	state := l.keyed.pop(item)
	item.Lane = Lane(i + 1)
	if l.keyed.n == 0 {
		b.state.And(^arrivedBit(i))
	}
	old := state && l.mayExpire() && b.expired(l, item, now)
	if !old {
		l.taken.Add(1)
	}
	b.made(i, l, item, old)
	return !old
}

// outcome is what an offer did besides its answer, told when the box is no longer locked. All it dropped has one reason.
type outcome[M any] struct {
	gapped    bool // the key was whole before
	exhausted bool // this is the first key for which there is no place
	from, to  uint64
	dropped   int
	first     Letter[M] // most offers drop no other
	others    []Letter[M]
}

// drop adds a dead letter. Spare is memory for those beyond the first.
func (o *outcome[M]) drop(letter Letter[M], spare *[]Letter[M]) {
	o.dropped++
	if o.dropped == 1 {
		o.first = letter
		return
	}
	if o.others == nil {
		o.others, *spare = *spare, nil
	}
	o.others = append(o.others, letter)
}

// tell calls the hooks and the sink for what an offer did.
func (b *Box[M]) tell(name Lane, l *lane[M], k Key, o *outcome[M]) {
	if o.exhausted {
		b.hooks.keysExhausted(b.class)
	}
	if o.gapped {
		b.hooks.gapped(b.class, k, o.from, o.to)
	}
	if o.dropped == 0 {
		return
	}
	b.hooks.dropped(b.class, name, o.first.Reason, o.dropped)
	b.buryOne(o.first)
	if o.others == nil {
		return
	}
	for _, letter := range o.others {
		b.buryOne(letter)
	}
	clear(o.others)
	b.mu.Lock()
	l.keyed.spare = o.others[:0]
	b.mu.Unlock()
}
