package supervision

import (
	"iter"
	"slices"
)

// blockSize is how many children one block of a list shows.
const blockSize = 16

// block is a stretch of the list of a supervisor, in its order, and how it was last shown. A snapshot shares with the one before
// the blocks in which nothing has changed: with ten thousand children, a decision about one of them must not copy all.
type block struct {
	entries []*entry
	shown   *[]Entry // nil when something has changed since
}

// show puts e at the end of what is shown.
func (s *State) show(e *entry) {
	if n := len(s.blocks); n == 0 || len(s.blocks[n-1].entries) == blockSize {
		s.blocks = append(s.blocks, &block{entries: make([]*entry, 0, blockSize)})
	}
	e.block = s.blocks[len(s.blocks)-1]
	e.block.entries = append(e.block.entries, e)
	e.touch()
}

// hide takes e out again.
func (s *State) hide(e *entry) {
	b := e.block
	if b == nil {
		return
	}
	b.entries = slices.DeleteFunc(b.entries, func(o *entry) bool { return o == e })
	e.touch()
	e.block = nil
	if len(b.entries) == 0 {
		s.blocks = slices.DeleteFunc(s.blocks, func(o *block) bool { return o == b })
	}
}

// touch is told of every change of what a snapshot shows of e.
func (e *entry) touch() {
	if e.block != nil {
		e.block.shown = nil
	}
}

// show is the block as it stands. What it returns is never changed again.
func (b *block) show() *[]Entry {
	if b.shown == nil {
		shown := make([]Entry, len(b.entries))
		for i, e := range b.entries {
			shown[i] = e.snapshot()
		}
		b.shown = &shown
	}
	return b.shown
}

// Len is how many children are in the list.
func (v *Supervisor) Len() int {
	n := 0
	for _, b := range v.blocks {
		n += len(*b)
	}
	return n
}

// Children are the entries of the list, in its order.
func (v *Supervisor) Children() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for _, b := range v.blocks {
			for i := range *b {
				if !yield((*b)[i]) {
					return
				}
			}
		}
	}
}
