package resilience

import (
	"errors"
	"fmt"
	"time"
)

// BreakerConfig says when a breaker opens and closes. Rates are percent, 1 to 100.
type BreakerConfig struct {
	// FailureRate opens when so many of the calls in the window failed, SlowRate when so many took SlowAfter or longer;
	// neither with fewer than MinCalls in the window. Consecutive failures in a row open at once.
	FailureRate, SlowRate int
	SlowAfter             time.Duration
	MinCalls              int
	Consecutive           int
	// The window: the last Calls calls, or those of the last Buckets × BucketSpan. One of the two.
	Calls      int
	Buckets    int
	BucketSpan time.Duration
	// OpenFor is how long it stays open the first time; each failed round of probes doubles it, up to OpenMax. The real
	// time is drawn from the upper half.
	OpenFor, OpenMax time.Duration
	// Probes may be out at once when it is half open; ProbesOK successes close it; a probe without a result for
	// ProbeDeadline has failed.
	Probes, ProbesOK int
	ProbeDeadline    time.Duration
}

// DefaultBreaker is for questions to a venue.
func DefaultBreaker() BreakerConfig {
	return BreakerConfig{
		FailureRate: 50, SlowRate: 80, SlowAfter: time.Second, MinCalls: 20, Consecutive: 5, Calls: 100,
		OpenFor: time.Second, OpenMax: 30 * time.Second, Probes: 1, ProbesOK: 3, ProbeDeadline: 5 * time.Second,
	}
}

// windowMax bounds a window, in calls or buckets.
const windowMax = 10_000

// Validate lists every mistake.
func (c BreakerConfig) Validate() error {
	var errs []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	want(1 <= c.FailureRate && c.FailureRate <= 100, "failure rate = %d %%, want 1 to 100", c.FailureRate)
	want(1 <= c.SlowRate && c.SlowRate <= 100, "slow rate = %d %%, want 1 to 100", c.SlowRate)
	want(c.SlowAfter > 0, "slow after = %v, want more than 0", c.SlowAfter)
	want(c.MinCalls >= 1, "min calls = %d, want at least 1", c.MinCalls)
	want(c.Consecutive >= 1, "consecutive = %d, want at least 1", c.Consecutive)
	byCount, byTime := c.Calls != 0, c.Buckets != 0 || c.BucketSpan != 0
	want(byCount != byTime, "window of %d calls and of %d buckets of %v, want one of them", c.Calls, c.Buckets, c.BucketSpan)
	want(!byCount || 1 <= c.Calls && c.Calls <= windowMax, "window of %d calls, want 1 to %d", c.Calls, windowMax)
	want(!byTime || 1 <= c.Buckets && c.Buckets <= windowMax, "%d buckets, want 1 to %d", c.Buckets, windowMax)
	want(!byTime || c.BucketSpan > 0, "buckets of %v, want more than 0", c.BucketSpan)
	want(!byCount || c.MinCalls <= c.Calls, "min calls = %d, want at most the window's %d", c.MinCalls, c.Calls)
	want(c.OpenFor > 0 && c.OpenFor <= c.OpenMax, "open for = %v, want more than 0 and at most open max = %v", c.OpenFor, c.OpenMax)
	want(c.Probes >= 1 && c.Probes <= 64, "probes = %d, want 1 to 64", c.Probes)
	want(c.ProbesOK >= 1, "probes ok = %d, want at least 1", c.ProbesOK)
	want(c.ProbeDeadline > 0, "probe deadline = %v, want more than 0", c.ProbeDeadline)
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("breaker: %w", err)
	}
	return nil
}

// State is where a breaker stands.
type State uint8

// The states of a breaker. The zero State is that of the zero Breaker, which refuses.
const (
	BreakerClosed State = iota + 1
	BreakerOpen
	BreakerHalfOpen
	BreakerForcedOpen   // refuses until it is released
	BreakerForcedClosed // lets everything through and measures nothing
	BreakerMetricsOnly  // lets everything through and measures
)

// String is the word of the state, as metrics have it.
func (s State) String() string {
	if words := [...]string{"none", "closed", "open", "half_open", "forced_open", "forced_closed", "metrics_only"}; int(s) < len(words) {
		return words[s]
	}
	return fmt.Sprintf("State(%d)", s)
}

// Forced is what an operator may set over the measurements.
type Forced uint8

// What an operator may set. None gives the breaker back to its measurements.
const (
	None Forced = iota
	ForcedOpen
	ForcedClosed
	MetricsOnly
)

// Pass is whether a call may go.
type Pass uint8

// The passes. The zero Pass is a refusal.
const (
	Refused Pass = iota
	Go
	Probe // go, and its result decides
)

// Verdict answers Ask.
type Verdict struct {
	Pass Pass
	// Until is when to ask again, of a refusal: Never when only an operator can change it.
	Until Instant
}

// Ticket is the right to one call. It says in which generation it was given, so that a result of another one decides
// nothing. The zero Ticket is none.
type Ticket struct {
	of         *Breaker
	generation uint64
	serial     uint64
	at         Instant
	probe      bool
}

// Outcome is how a call came back.
type Outcome uint8

// The outcomes. The zero Outcome is taken for Failed: who does not know has no success to tell.
const (
	Failed    Outcome = iota
	OK                // answered; slow or not is reckoned from the ticket
	Ignored           // it says nothing about the dependency, for instance a question that was wrong
	Abandoned         // whoever had the ticket ended: of a probe a failure, else nothing
)

// BreakerEvents are hooks; a nil one is skipped. They must not block.
type BreakerEvents struct {
	State func(from, to State, now Instant)
	Late  func() // a result of an older generation, ignored
	Stray func() // a result told twice, or of no ticket of this breaker, ignored
}

// outstanding is how many calls a breaker remembers as not come back. An older one that comes back is a stray.
const outstanding = 16_384

// Breaker stops asking a dependency that does not answer. Every Ask that is not refused gives a Ticket, which Done takes back
// with the outcome. Whoever stops an actor with a ticket tells Abandoned; should even that be lost, a probe has its deadline.
// So it is never half open and refusing for longer than ProbeDeadline, nor open for longer than OpenMax or a hint.
//
// It belongs before questions and logins. It never stands before a cancel, a kill or a logout. The zero Breaker refuses. A
// Breaker is for one goroutine at a time.
type Breaker struct {
	cfg    BreakerConfig
	chance Source
	events BreakerEvents
	watch

	state      State // measured
	forced     Forced
	generation uint64
	serial     uint64
	out        [outstanding / 64]uint64 // a bit for each call that has not come back
	window     window
	row        int // failures in a row

	until  Instant // of Open
	rounds int     // of probes that failed since it was closed
	probes []probe // out now, in order of their tickets
	good   int     // probes that came back well in this half-open time
}

type probe struct {
	serial uint64
	due    Instant
}

// NewBreaker is closed. The error lists the mistakes of the configuration; r must not be nil.
func NewBreaker(c BreakerConfig, r Source, ev BreakerEvents) (*Breaker, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if r == nil {
		return nil, errors.New("breaker: no source of chance")
	}
	return &Breaker{
		cfg: c, chance: r, events: ev, state: BreakerClosed, generation: 1,
		window: newWindow(c.Calls, c.Buckets, c.BucketSpan), probes: make([]probe, 0, c.Probes),
	}, nil
}

// Ask asks for one call.
func (b *Breaker) Ask(now Instant) (Ticket, Verdict) {
	if b.state == 0 {
		return Ticket{}, Verdict{Until: Never}
	}
	now = b.see(now)
	b.pass(now)
	switch b.forced {
	case ForcedOpen:
		return Ticket{}, Verdict{Until: Never}
	case ForcedClosed, MetricsOnly:
		return b.ticket(now, false), Verdict{Pass: Go}
	case None:
	}
	switch b.state {
	case BreakerClosed:
		return b.ticket(now, false), Verdict{Pass: Go}
	case BreakerHalfOpen:
		if len(b.probes) < b.cfg.Probes {
			t := b.ticket(now, true)
			b.probes = append(b.probes, probe{t.serial, now.Add(b.cfg.ProbeDeadline)})
			return t, Verdict{Pass: Probe}
		}
		return Ticket{}, Verdict{Until: b.probes[0].due}
	default:
		return Ticket{}, Verdict{Until: b.until}
	}
}

// Done takes a ticket back. A second Done of one ticket, and one of no ticket of this breaker, is counted and changes nothing.
func (b *Breaker) Done(now Instant, t Ticket, o Outcome) {
	if b.state == 0 {
		return
	}
	now = b.see(now)
	b.pass(now)
	if t.of != b || !b.comeBack(t.serial) {
		tell(b.events.Stray)
		return
	}
	if t.generation != b.generation {
		tell(b.events.Late)
		return
	}
	if t.probe {
		b.probed(now, t, o)
		return
	}
	b.measured(now, t, o)
}

// Look sees what time alone has changed, and returns the state and when time alone changes it next, Never when it does
// not: an actor arms a timer for it, so that a change is told also when nobody asks.
func (b *Breaker) Look(now Instant) (State, Instant) {
	if b.state == 0 {
		return 0, Never
	}
	now = b.see(now)
	b.pass(now)
	s, next := b.shown(), Never
	switch {
	case s == BreakerOpen:
		next = b.until
	case s == BreakerHalfOpen && len(b.probes) > 0:
		next = b.probes[0].due
	}
	return s, next
}

// Learn takes a hint of the server: an open breaker stays open until then. A hint lengthens, never shortens, and opens none.
func (b *Breaker) Learn(now Instant, h Hint) {
	after, said := h.said()
	if !said || b.state != BreakerOpen {
		return
	}
	now = b.see(now)
	b.pass(now)
	if b.state == BreakerOpen {
		b.until = max(b.until, now.Add(after+upTo(b.chance, h.spread())))
	}
}

// Force sets what an operator wants, or with None gives the breaker back. It then stands where the measurements say: where
// it stood, or, after MetricsOnly, open or closed by what was measured meanwhile.
func (b *Breaker) Force(now Instant, f Forced) {
	if b.state == 0 || f > MetricsOnly || f == b.forced {
		return
	}
	now = b.see(now)
	b.pass(now)
	from, was := b.shown(), b.forced
	b.forced = f
	b.generation++
	b.probes = b.probes[:0]
	if was == MetricsOnly && b.state != BreakerClosed {
		b.state, b.rounds = BreakerClosed, 0
	}
	b.changed(from, now)
	if f == None && b.state == BreakerClosed && b.bad(now) {
		b.trip(now)
	}
}

// shown is the state that others see.
func (b *Breaker) shown() State {
	switch b.forced {
	case ForcedOpen:
		return BreakerForcedOpen
	case ForcedClosed:
		return BreakerForcedClosed
	case MetricsOnly:
		return BreakerMetricsOnly
	default:
		return b.state
	}
}

// pass does what time alone does: an open time that is over, a probe that is overdue.
func (b *Breaker) pass(now Instant) {
	if b.forced != None {
		return
	}
	if b.state == BreakerOpen && now >= b.until {
		b.become(now, BreakerHalfOpen)
	}
	if b.state == BreakerHalfOpen && len(b.probes) > 0 && now >= b.probes[0].due {
		b.failedRound(now)
	}
}

func (b *Breaker) measured(now Instant, t Ticket, o Outcome) {
	if o == Ignored || o == Abandoned || b.forced == ForcedClosed {
		return
	}
	one := tally{calls: 1}
	if now.Sub(t.at) >= b.cfg.SlowAfter {
		one.slow = 1
	}
	b.row++
	if o == OK {
		b.row = 0
	} else {
		one.failed = 1
	}
	b.window.add(now, one)
	if b.forced == None && b.bad(now) {
		b.trip(now)
	}
}

// bad says whether the measurements open the breaker.
func (b *Breaker) bad(now Instant) bool {
	if b.row >= b.cfg.Consecutive {
		return true
	}
	s := b.window.sum(now)
	return s.calls >= b.cfg.MinCalls && (s.failed*100 >= b.cfg.FailureRate*s.calls || s.slow*100 >= b.cfg.SlowRate*s.calls)
}

func (b *Breaker) probed(now Instant, t Ticket, o Outcome) {
	for i := range b.probes {
		if b.probes[i].serial == t.serial {
			b.probes = append(b.probes[:i], b.probes[i+1:]...)
			break
		}
	}
	switch {
	case o == Ignored: // its place is free again, and nothing is known
	case o != OK || now.Sub(t.at) >= b.cfg.SlowAfter:
		b.failedRound(now)
	default:
		if b.good++; b.good >= b.cfg.ProbesOK {
			b.rounds = 0
			b.become(now, BreakerClosed)
		}
	}
}

func (b *Breaker) failedRound(now Instant) {
	b.rounds++
	b.trip(now)
}

// trip opens, for a time drawn from the upper half of what this round allows: so clients that failed together do not come back
// together.
func (b *Breaker) trip(now Instant) {
	b.become(now, BreakerOpen)
	most := doubled(b.cfg.OpenFor, b.rounds, b.cfg.OpenMax)
	b.until = now.Add(most - upTo(b.chance, most/2))
}

// become changes the state under a new generation, with an empty window.
func (b *Breaker) become(now Instant, s State) {
	from := b.shown()
	b.state = s
	b.generation++
	b.window.empty()
	b.row, b.good, b.until = 0, 0, 0
	b.probes = b.probes[:0]
	b.changed(from, now)
}

func (b *Breaker) changed(from State, now Instant) {
	if to := b.shown(); to != from && b.events.State != nil {
		b.events.State(from, to, now)
	}
}

func (b *Breaker) ticket(now Instant, probe bool) Ticket {
	b.serial++
	n := b.serial % outstanding
	b.out[n/64] |= 1 << (n % 64)
	return Ticket{of: b, generation: b.generation, serial: b.serial, at: now, probe: probe}
}

// comeBack strikes a call off the list; false when it is not on it.
func (b *Breaker) comeBack(serial uint64) bool {
	if serial+outstanding <= b.serial {
		return false // its place on the list belongs to a later one
	}
	n := serial % outstanding
	bit := uint64(1) << (n % 64)
	was := b.out[n/64]&bit != 0
	b.out[n/64] &^= bit
	return was
}

func tell(hook func()) {
	if hook != nil {
		hook()
	}
}
