package supervision

import "context"

// Birth is one attempt to start a child: what its Start function is given.
type Birth struct {
	path  string
	epoch uint64
}

// StartFunc starts a child: nil when it has started, ErrIgnore to be left out, or why not.
type StartFunc func(ctx context.Context, b *Birth) error

// Path is the child's path from below the root, which is its live name.
func (b *Birth) Path() string { return b.path }

// Epoch is the ordinal of this attempt.
func (b *Birth) Epoch() uint64 { return b.epoch }
