//go:build race

package feeds

// poison spoils bytes that were released, so that whoever kept them reads nonsense.
func poison(b []byte) {
	for i := range b {
		b[i] = 0xDB
	}
}

// poisonBook spoils a book that was lent, so that whoever kept a view of it on another goroutine reads nonsense, and says so.
func poisonBook(b *Book) (spoiled bool) {
	for _, side := range [2][]Level{b.bids, b.asks} {
		for i := range side {
			side[i] = Level{Price: -0xDB, Qty: -0xDB}
		}
	}
	return true
}
