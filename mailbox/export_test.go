package mailbox

// Chunks is how many chunks of memory a lane holds.
func Chunks[M any](b *Box[M], l Lane) int { return b.lanes[l-1].arrived.chunks }

// HoldConsumer makes the box look as if its consumer were inside Take.
func HoldConsumer[M any](b *Box[M]) (release func()) {
	b.consume()
	return b.leave
}
