package mailbox

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// LaneConfig bounds one lane.
type LaneConfig struct {
	// Cap is the exact number of messages the lane holds. 0: the lane does not exist.
	Cap int
	// Policy must be stated where Cap is more than 0.
	Policy Policy
	// TTL is how long a message may wait before it is dropped as expired when the consumer comes to it; 0: for ever.
	// Commands and Data alone may have one, and it needs Now.
	TTL time.Duration
	// Prealloc takes the memory of the whole bound when the box is made, for boxes that must never grow
	// while they work.
	Prealloc bool
}

// Config describes a box. The zero Config is invalid: it has no lane.
type Config struct {
	// Class labels the box in events and metrics; a bounded set of words, never a name of one actor.
	Class string
	// Lanes are indexed by Lane-1: Control, Reports, Commands, Data.
	Lanes [laneCount]LaneConfig
	// MaxKeys is how many keys a conflating lane may see. Each has a place for one Barrier, which is part of the lane's
	// bound, so Cap must be more. 0 where no lane conflates.
	MaxKeys int
	// Now gives a monotonic reading in nanoseconds for the ages of messages. nil: no ages. It is called
	// with the box locked and must not call the box.
	Now func() int64
	// EasyWake says that to wake the consumer costs no more than a reading of Now, so the message that finds it idle is not
	// stamped for that. It is so where who offers and who takes share a goroutine.
	EasyWake bool
	// Events are told what happens to the box.
	Events Events
}

// One is the configuration of a box with a single lane, Data.
func One(capacity int, p Policy) Config {
	var c Config
	c.Lanes[Data-1] = LaneConfig{Cap: capacity, Policy: p}
	return c
}

// DefaultConfig is a box of four lanes for an actor of the given class: Control 1088 (1024 open orders and
// 64), Reports 4096, where readers outside actors may wait, Commands 1024, Data 8192.
func DefaultConfig(class string) Config {
	c := Config{Class: class}
	c.Lanes[Control-1] = LaneConfig{Cap: 1088, Policy: Reject}
	c.Lanes[Reports-1] = LaneConfig{Cap: 4096, Policy: Block}
	c.Lanes[Commands-1] = LaneConfig{Cap: 1024, Policy: Reject}
	c.Lanes[Data-1] = LaneConfig{Cap: 8192, Policy: Reject}
	return c
}

// Validate lists every mistake of the configuration, each with what was found and what was wanted; nil when
// there is none. Every error matches ErrConfig.
func (c Config) Validate() error {
	var errs []error
	lanes := 0
	for i, lc := range c.Lanes {
		errs = append(errs, lc.validate(Lane(i+1))...)
		if lc.TTL > 0 && c.Now == nil {
			errs = append(errs, fmt.Errorf("lane %s: ttl = %s and no Now, want a clock", Lane(i+1), lc.TTL))
		}
		if lc.Cap > 0 {
			lanes++
		}
	}
	if lanes == 0 {
		errs = append(errs, errors.New("no lane has a capacity, want at least one"))
	}
	errs = append(errs, c.validateKeys()...)
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrConfig, errors.Join(errs...))
}

// validateKeys looks at the one lane that may conflate.
func (c Config) validateKeys() []error {
	data := c.Lanes[Data-1]
	switch {
	case data.Policy != Conflate || data.Cap <= 0:
		if c.MaxKeys != 0 {
			return []error{fmt.Errorf("max keys = %d and no lane conflates, want 0", c.MaxKeys)}
		}
	case c.MaxKeys < 1:
		return []error{fmt.Errorf("max keys = %d, want at least 1 with policy %s", c.MaxKeys, Conflate)}
	case data.Cap <= c.MaxKeys:
		return []error{fmt.Errorf("lane %s: cap = %d, want more than max keys = %d", Data, data.Cap, c.MaxKeys)}
	case data.Cap > maxPlaces:
		return []error{fmt.Errorf("lane %s: cap = %d, want at most %d with policy %s", Data, data.Cap, maxPlaces, Conflate)}
	}
	return nil
}

func (lc LaneConfig) validate(l Lane) []error {
	var errs []error
	if lc.Cap < 0 {
		errs = append(errs, fmt.Errorf("lane %s: cap = %d, want 0 or more", l, lc.Cap))
	}
	if lc.TTL < 0 || lc.TTL > 0 && !mayAge(l) {
		errs = append(errs, fmt.Errorf("lane %s: ttl = %s, want none", l, lc.TTL))
	}
	if lc.Cap == 0 {
		return errs
	}
	if allowed := policiesOf(l); !slices.Contains(allowed, lc.Policy) {
		errs = append(errs, fmt.Errorf("lane %s: policy = %s, want one of %v", l, lc.Policy, allowed))
	}
	return errs
}

// policiesOf lists what a lane may do when it is full. A cancel is never lost and nobody waits to send one; evidence
// is never lost; of commands the older is the sender's who was told yes.
func policiesOf(l Lane) []Policy {
	switch l {
	case Control:
		return []Policy{Reject}
	case Reports:
		return []Policy{Reject, Block}
	case Commands:
		return []Policy{Reject, DropNewest}
	default:
		return []Policy{Reject, DropNewest, DropOldest, Conflate, Block}
	}
}

// Option sets what depends on the type of the messages.
type Option[M any] func(*Box[M])

// ByLane says in which lane a message waits. A box with more than one lane needs it; f is called once per
// offer, before the box is locked, and must be pure. Without it all messages go to the only lane there is.
func ByLane[M any](f func(M) Lane) Option[M] { return func(b *Box[M]) { b.byLane = f } }

// Sink receives the messages that will not be handled: those that were accepted, and those that a full DropNewest
// lane did not accept. It is called on the goroutine of Close, Offer or Take, outside the box's lock, must not block, and
// owns the letter. Letters of several offers may come in another order than their messages left the lane.
func Sink[M any](f func(Letter[M])) Option[M] { return func(b *Box[M]) { b.sink = f } }
