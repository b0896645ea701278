package mailbox

// Progress counts what a lane has accepted and what of it has been handled, in one cut: who saw accepted = n comes after
// whatever is handled while handled < n. It leaves the high-water mark alone. Zero where the lane does not exist.
func (b *Box[M]) Progress(name Lane) (accepted, handled uint64) {
	l := b.lane(name)
	if l == nil {
		return 0, 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return l.counts.Accepted, l.taken.Load()
}
