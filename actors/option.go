package actors

import (
	"fmt"

	"github.com/failshut/failshut/mailbox"
)

// Option changes a Spec whose message type its maker does not name.
type Option struct {
	name     string
	box      *mailbox.Config
	place    *Place
	recorder *int
	set      any // func(*Spec[M])
}

// WithBox bounds the mailbox.
func WithBox(c mailbox.Config) Option { return Option{name: "WithBox", box: &c} }

// WithPlace says which goroutine runs the actor.
func WithPlace(p Place) Option { return Option{name: "WithPlace", place: &p} }

// WithRecorder says how many messages the flight recorder remembers, see Spec.Recorder.
func WithRecorder(n int) Option { return Option{name: "WithRecorder", recorder: &n} }

// WithLane says where a message waits; M must be the message type of the actor.
func WithLane[M any](f func(M) mailbox.Lane) Option {
	return Option{name: "WithLane", set: func(sp *Spec[M]) { sp.Lane = f }}
}

// WithKey says which messages of Control ask for the same thing; M must be the message type of the actor.
func WithKey[M any](f func(M) any) Option {
	return Option{name: "WithKey", set: func(sp *Spec[M]) { sp.Key = f }}
}

// WithConflation says what a conflating lane may do with a message, and makes the message that tells of lost ones; M must
// be the message type of the actor.
func WithConflation[M any](describe func(M) mailbox.Description, gapOf func(k mailbox.Key, from, to uint64) M) Option {
	return Option{name: "WithConflation", set: func(sp *Spec[M]) { sp.Describe, sp.GapOf = describe, gapOf }}
}

// WithQuarantine says after how many failures a message is put in quarantine and how it is known again, see Spec.PoisonAfter and
// Spec.Fingerprint; M must be the message type of the actor.
func WithQuarantine[M any](after int, fingerprint func(M) uint64) Option {
	return Option{name: "WithQuarantine", set: func(sp *Spec[M]) { sp.PoisonAfter, sp.Fingerprint = after, fingerprint }}
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
		if o.recorder != nil {
			sp.Recorder = *o.recorder
		}
		if o.set == nil {
			continue
		}
		set, ok := o.set.(func(*Spec[M]))
		if !ok {
			return sp, fmt.Errorf("%w: %s is a %T, want a %T", ErrConfig, o.name, o.set, set)
		}
		set(&sp)
	}
	return sp, nil
}
