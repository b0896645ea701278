package mailbox

// Tap calls f in each Take that has messages, with their number, when they are in the buffer that it was given and before
// it returns: on the consumer's goroutine and never while Hold calls anything. So the consumer, whose the buffer is, can
// write down what it takes, and others can read that. F must be quick, must not panic, and must not call the box.
func Tap[M any](f func(taken int)) Option[M] { return func(b *Box[M]) { b.tap = f } }

// Hold calls f while nothing is taken and no Tap is called; a consumer that has a message in hand is not waited for. F
// must be quick, for the consumer may wait, must not panic, and must not call the box but for Offer.
func (b *Box[M]) Hold(f func()) {
	b.enter()
	f()
	b.leave()
}

// Taken counts what the consumer took, of all lanes. It is cheaper than Stats and cuts through nothing.
func (b *Box[M]) Taken() uint64 {
	n := uint64(0)
	for _, l := range b.lanes {
		if l != nil {
			n += l.taken.Load()
		}
	}
	return n
}
