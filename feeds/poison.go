//go:build !race

package feeds

// poison does nothing: only builds that look for races spoil what was released.
func poison([]byte) {}

// poisonBook does nothing, and says so.
func poisonBook(*Book) (spoiled bool) { return false }
