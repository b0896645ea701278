package supervision

import (
	"math"
	"time"
)

// Strategy says who else is stopped and started again when a child has to be restarted. The zero Strategy is invalid.
type Strategy uint8

// The strategies of OTP.
const (
	OneForOne       Strategy = iota + 1 // the child alone
	RestForOne                          // the child and those after it in the list
	OneForAll                           // every child
	SimpleOneForOne                     // the child alone; one template, instances by StartChild, and nothing else
	strategyEnd
)

var strategyNames = [...]string{"", "one_for_one", "rest_for_one", "one_for_all", "simple_one_for_one"}

// String returns the name of s in scripts and files, "invalid" for a value that is none.
func (s Strategy) String() string { return nameOf(strategyNames[:], int(s)) }

func (s Strategy) valid() bool { return s > 0 && s < strategyEnd }
func (s Strategy) group() bool { return s == RestForOne || s == OneForAll }

// Restart says whether a child that ended by itself is started again. The zero Restart is invalid: nobody is permanent by
// having been forgotten.
type Restart uint8

// The restart types of OTP.
const (
	Permanent Restart = iota + 1 // always
	Transient                    // unless it ended with normal, shutdown or shutdown:WORD
	Temporary                    // never; its entry is dropped at its end
	restartEnd
)

var restartNames = [...]string{"", "permanent", "transient", "temporary"}

// String returns the name of r in scripts and files, "invalid" for a value that is none.
func (r Restart) String() string { return nameOf(restartNames[:], int(r)) }

func (r Restart) valid() bool { return r > 0 && r < restartEnd }

// again reports whether a child of this type that ended with reason by itself is started again.
func (r Restart) again(reason Reason) bool {
	return r == Permanent || (r == Transient && !reason.Orderly())
}

// AutoShutdown says whether the own end of significant children shuts their supervisor down. The zero value is never.
type AutoShutdown uint8

// When a supervisor shuts down by itself.
const (
	NeverShutdown  AutoShutdown = iota // not for a child's end
	AnySignificant                     // when one significant child has ended for good
	AllSignificant                     // when the last of them has
	autoShutdownEnd
)

var autoShutdownNames = [...]string{"never", "any_significant", "all_significant"}

// String returns the name of a in scripts and files, "invalid" for a value that is none.
func (a AutoShutdown) String() string { return nameOf(autoShutdownNames[:], int(a)) }

// Class says what evidence a child owes before it counts as ready. The zero Class is invalid in a checked spec.
type Class uint8

// The restart classes.
const (
	Plain         Class = iota + 1 // ready when started
	FeedClass                      // ready when Synced: snapshot and gap fill are done
	StrategyClass                  // ready when Rehydrated or Flat
	OrdersClass                    // ready when Reconciled with the venue
	RiskClass                      // ready when CaughtUp: snapshot and log of this disk are restored
	classEnd
)

var classNames = [...]string{"", "plain", "feed", "strategy", "orders", "risk"}

// String returns the name of c in scripts and files, "invalid" for a value that is none.
func (c Class) String() string { return nameOf(classNames[:], int(c)) }

func (c Class) valid() bool { return c > 0 && c < classEnd }

// Evidence is what a child states when it says that it is ready.
type Evidence string

// The evidence that a class other than plain is asked for.
const (
	Synced     Evidence = "synced"
	Rehydrated Evidence = "rehydrated"
	Flat       Evidence = "flat"
	Reconciled Evidence = "reconciled"
	CaughtUp   Evidence = "caught_up"
)

// Accepts reports whether ev makes a child of class c ready. A plain child needs none and is not asked for any.
func (c Class) Accepts(ev Evidence) bool {
	switch c {
	case Plain:
		return true
	case FeedClass:
		return ev == Synced
	case StrategyClass:
		return ev == Rehydrated || ev == Flat
	case OrdersClass:
		return ev == Reconciled
	case RiskClass:
		return ev == CaughtUp
	case classEnd:
	}
	return false
}

// Infinity is a deadline that never comes, and Brutal is the Shutdown of a child that is killed: fenced at once, without
// being asked. Brutal is refused for supervisors, whose children it would orphan.
const (
	Infinity time.Duration = math.MaxInt64
	Brutal   time.Duration = -1
)

// Backoff makes a restart wait draw × min(Cap, Base·2^(k−1)), where draw is uniform in [0,1) and k counts the failures and
// failed starts of the child since it was last ready for Reset. The zero Backoff waits for nothing.
type Backoff struct{ Base, Cap, Reset time.Duration }

func (b Backoff) valid() bool {
	return b == Backoff{} || (b.Base > 0 && b.Base <= b.Cap && b.Reset > 0)
}

// delay is the wait before attempt k (1 is the first restart), full jitter.
func (b Backoff) delay(k int, draw float64) time.Duration {
	bound := b.Base
	for i := 1; i < k && bound < b.Cap; i++ {
		bound *= 2
		if bound <= 0 { // overflow
			bound = b.Cap
		}
	}
	bound = min(bound, b.Cap)
	if d := draw * float64(bound); d < float64(bound) { // else it may not fit
		return time.Duration(d)
	}
	return bound
}

// Budget bounds the restarts of a whole tree: at most Starts of them begin within Within; the rest are held in order of
// arrival, never dropped. The zero Budget is no bound.
type Budget struct {
	Starts int
	Within time.Duration
}

func (b Budget) valid() bool { return b == Budget{} || (b.Starts > 0 && b.Within > 0) }

// Spec is a supervisor: its strategy and its children in the order in which they start. DefaultSpec fills what OTP presumes.
type Spec struct {
	Name         string        // letters, digits, '_', '-', '.'; used of the root only, a child's name is in its Child
	Strategy     Strategy      // SimpleOneForOne takes exactly one child, the template, which is no supervisor
	Intensity    int           // restarts that are allowed within Period, 0 or more
	Period       time.Duration // more than 0; inclusive, a restart exactly one period old counts
	AutoShutdown AutoShutdown  // never with SimpleOneForOne
	Budget       Budget        // of the root only
	Children     []Child       // read, never written; the caller must not change it after Start

	unread fields // fields whose text a reader could not make a value of
}

// DefaultSpec is one_for_one with OTP's one restart within five seconds.
func DefaultSpec(name string, children ...Child) Spec {
	return Spec{Name: name, Strategy: OneForOne, Intensity: 1, Period: 5 * time.Second, Children: children}
}

// Child is one entry of a supervisor: a worker with a Start function, or a supervisor of its own (Sub). The zero Restart is
// invalid. In a living tree a zero Class is Plain, and a zero Shutdown and StartTimeout are those of DefaultChild.
type Child struct {
	Name         string        // unique within its supervisor; the live name is the path from below the root
	Start        StartFunc     // of a worker; nil for a supervisor
	Restart      Restart       // when it is started again
	Significant  bool          // its own end may shut the supervisor down (AutoShutdown); never with Permanent
	Shutdown     time.Duration // how long its stop may last: 5 s, for a supervisor Infinity; or Brutal
	StartTimeout time.Duration // from its start until it is ready: 10 s, for a supervisor Infinity
	Class        Class         // what evidence makes it ready
	Manual       bool          // a plain child that calls Birth.Ready itself
	Backoff      Backoff       // the wait before a restart
	Watchdog     time.Duration // longest time for one message; 0 is unwatched
	// Recorder is how many messages the flight recorder of its actor remembers: a power of two up to 65,536; 0 is 64, and none for a temporary
	// child, of which there may be many; actors.NoRecorder is none. An actors.WithRecorder of its Spawn is stronger.
	Recorder int
	Sub      *Spec // the supervisor that this child is; its Name is not used

	unread fields
}

// DefaultChild is a permanent plain worker with OTP's five seconds to stop and ten to become ready.
func DefaultChild(name string, start StartFunc) Child {
	return Child{Name: name, Start: start, Restart: Permanent, Shutdown: 5 * time.Second, StartTimeout: 10 * time.Second, Class: Plain}
}

// SubTree is a permanent child that is a supervisor: its start and its stop take as long as its children need.
func SubTree(name string, sub Spec) Child {
	return Child{Name: name, Restart: Permanent, Shutdown: Infinity, StartTimeout: Infinity, Class: Plain, Sub: &sub}
}

// noRecorder is actors.NoRecorder, and recorderMax bounds what one child may remember.
const (
	noRecorder  = -1
	recorderMax = 1 << 16
)

func validRecorder(n int) bool {
	return n == 0 || n == noRecorder || 0 < n && n <= recorderMax && n&(n-1) == 0
}

// auto reports whether the child is ready by having started.
func (c *Child) auto() bool { return c.Sub != nil || (c.Class == Plain && !c.Manual) }

// fields is a set of field names.
type fields map[string]bool

// nameOf is names[i], or "invalid" where there is none.
func nameOf(names []string, i int) string {
	if i >= 0 && i < len(names) && names[i] != "" {
		return names[i]
	}
	return "invalid"
}
