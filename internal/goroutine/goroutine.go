// Package goroutine tells goroutines apart. It serves the rule that what a handler is given belongs to the goroutine that
// runs it (P8): a check of that has to cost next to nothing, or nobody can afford it at each call. It says nothing else of
// a goroutine, and keeps none alive.
package goroutine

// ID is a number that no two goroutines have at the same time, never 0. One that has ended may leave its number to
// another, so it is compared only while the goroutine that it is of is known to run. It allocates nothing.
func ID() uintptr { return id() }
