package actors

import (
	"fmt"

	"github.com/failshut/failshut/mailbox"
)

// Option changes a Spec whose message type its maker does not name.
type Option struct {
	box      *mailbox.Config
	lane     any // func(M) mailbox.Lane
	place    *Place
	conflate any // func(*Spec[M])
}

// WithBox bounds the mailbox.
func WithBox(c mailbox.Config) Option { return Option{box: &c} }

// WithPlace says which goroutine runs the actor.
func WithPlace(p Place) Option { return Option{place: &p} }

// WithLane says where a message waits; M must be the message type of the actor.
func WithLane[M any](f func(M) mailbox.Lane) Option { return Option{lane: f} }

// WithConflation says what a conflating lane may do with a message, and makes the message that tells of lost ones; M must
// be the message type of the actor.
func WithConflation[M any](describe func(M) mailbox.Description, gapOf func(k mailbox.Key, from, to uint64) M) Option {
	return Option{conflate: func(sp *Spec[M]) { sp.Describe, sp.GapOf = describe, gapOf }}
}

// With is the Spec with the options applied; a later one wins. ErrConfig where an option is for actors of
// another message type.
func (sp Spec[M]) With(opts ...Option) (Spec[M], error) {
	for _, o := range opts {
		if o.box != nil {
			sp.Box = *o.box
		}
		if o.place != nil {
			sp.Place = *o.place
		}
		if o.lane != nil {
			f, ok := o.lane.(func(M) mailbox.Lane)
			if !ok {
				return sp, fmt.Errorf("%w: WithLane takes a %T, want a %T", ErrConfig, o.lane, f)
			}
			sp.Lane = f
		}
		if o.conflate != nil {
			f, ok := o.conflate.(func(*Spec[M]))
			if !ok {
				return sp, fmt.Errorf("%w: WithConflation is for messages of another type, want %T", ErrConfig, f)
			}
			f(&sp)
		}
	}
	return sp, nil
}
