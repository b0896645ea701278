package actors

import (
	"fmt"

	"github.com/failshut/failshut/mailbox"
)

// Option changes a Spec whose message type its maker does not name.
type Option struct {
	box   *mailbox.Config
	lane  any // func(M) mailbox.Lane
	place *Place
}

// WithBox bounds the mailbox.
func WithBox(c mailbox.Config) Option { return Option{box: &c} }

// WithPlace says which goroutine runs the actor.
func WithPlace(p Place) Option { return Option{place: &p} }

// WithLane says where a message waits; M must be the message type of the actor.
func WithLane[M any](f func(M) mailbox.Lane) Option { return Option{lane: f} }

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
		if o.lane == nil {
			continue
		}
		f, ok := o.lane.(func(M) mailbox.Lane)
		if !ok {
			return sp, fmt.Errorf("%w: WithLane takes a %T, want a %T", ErrConfig, o.lane, f)
		}
		sp.Lane = f
	}
	return sp, nil
}
