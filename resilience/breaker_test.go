package resilience_test

import (
	"flag"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/resilience"
)

var historiesFlag = flag.Int("histories", 100_000, "random histories of a breaker")

// patient is a breaker with what it has told.
type patient struct {
	*resilience.Breaker
	t           *testing.T
	now         resilience.Instant
	told        []string
	late, stray int
}

func breaker(t *testing.T, change func(*resilience.BreakerConfig)) *patient {
	t.Helper()
	c := resilience.DefaultBreaker()
	if change != nil {
		change(&c)
	}
	p := &patient{t: t}
	b, err := resilience.NewBreaker(c, lowest, resilience.BreakerEvents{ // the lowest draw: the longest time open
		State: func(from, to resilience.State, _ resilience.Instant) {
			p.told = append(p.told, from.String()+">"+to.String())
		},
		Late:  func() { p.late++ },
		Stray: func() { p.stray++ },
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Breaker = b
	return p
}

func (p *patient) pass(d time.Duration) { p.now = p.now.Add(d) }

// call is one call that takes d.
func (p *patient) call(d time.Duration, o resilience.Outcome) {
	p.t.Helper()
	k, v := p.Ask(p.now)
	if v.Pass == resilience.Refused {
		p.t.Fatalf("refused at %v until %v", p.now, v.Until)
	}
	p.pass(d)
	p.Done(p.now, k, o)
}

func (p *patient) want(s resilience.State) {
	p.t.Helper()
	if got, _ := p.Look(p.now); got != s {
		p.t.Fatalf("at %v it is %s, want %s; told %v", time.Duration(p.now), got, s, p.told)
	}
}

// trip fails it until it opens.
func (p *patient) trip() {
	p.t.Helper()
	for range 5 {
		p.call(0, resilience.Failed)
	}
	p.want(resilience.BreakerOpen)
}

func TestFailuresInARowOpen(t *testing.T) {
	p := breaker(t, nil)
	for range 4 {
		p.call(0, resilience.Failed)
	}
	p.call(0, resilience.OK)
	for range 4 {
		p.call(0, resilience.Failed)
	}
	p.want(resilience.BreakerClosed)
	p.call(0, resilience.Failed)
	p.want(resilience.BreakerOpen)
}

func TestRatesOpenFromTheLeastNumberOfCallsOn(t *testing.T) {
	for _, tt := range []struct {
		name string
		bad  func(p *patient)
		of   int // bad ones of 20
	}{
		{"half of them failed", func(p *patient) { p.call(0, resilience.Failed) }, 10},
		{"eight of ten were slow", func(p *patient) { p.call(time.Second, resilience.OK) }, 16},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := breaker(t, func(c *resilience.BreakerConfig) { c.Consecutive = 1000 })
			for range tt.of {
				tt.bad(p)
			}
			for range 19 - tt.of {
				p.call(0, resilience.OK)
			}
			p.want(resilience.BreakerClosed)
			p.call(0, resilience.OK)
			p.want(resilience.BreakerOpen)

			p = breaker(t, func(c *resilience.BreakerConfig) { c.Consecutive = 1000 })
			for range 21 - tt.of {
				p.call(0, resilience.OK)
			}
			for range tt.of - 1 {
				tt.bad(p)
			}
			p.want(resilience.BreakerClosed) // one too few
		})
	}
}

func TestCallsThatSayNothingAreNotCounted(t *testing.T) {
	p := breaker(t, nil)
	for range 100 {
		p.call(time.Minute, resilience.Ignored)
		p.call(time.Minute, resilience.Abandoned)
	}
	p.want(resilience.BreakerClosed)
}

func TestItOpensForLongerAfterEachFailedProbeAndClosesAfterThreeGood(t *testing.T) {
	p := breaker(t, nil)
	p.trip()
	for _, open := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
		open *= time.Second
		_, v := p.Ask(p.now)
		if want := p.now.Add(open); v.Pass != resilience.Refused || v.Until != want {
			t.Fatalf("%+v, want refused until %v", v, want)
		}
		p.pass(open - 1)
		p.want(resilience.BreakerOpen)
		p.pass(1)
		p.want(resilience.BreakerHalfOpen)
		p.call(0, resilience.OK)
		p.call(0, resilience.OK)
		p.call(0, resilience.Failed)
		p.want(resilience.BreakerOpen)
	}
	p.pass(30 * time.Second)
	for range 3 {
		p.want(resilience.BreakerHalfOpen)
		p.call(0, resilience.OK)
	}
	p.want(resilience.BreakerClosed)
	p.trip()
	if _, v := p.Ask(p.now); v.Until != p.now.Add(time.Second) {
		t.Fatalf("after a recovery it opens until %v, want a second again", v.Until)
	}
}

func TestWhatFailsARoundOfProbes(t *testing.T) {
	for name, end := range map[string]func(p *patient, k resilience.Ticket){
		"failure":        func(p *patient, k resilience.Ticket) { p.Done(p.now, k, resilience.Failed) },
		"slow success":   func(p *patient, k resilience.Ticket) { p.pass(time.Second); p.Done(p.now, k, resilience.OK) },
		"owner is gone":  func(p *patient, k resilience.Ticket) { p.Done(p.now, k, resilience.Abandoned) },
		"no result ever": func(p *patient, _ resilience.Ticket) { p.pass(5 * time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			p := breaker(t, nil)
			p.trip()
			p.pass(time.Second)
			k, v := p.Ask(p.now)
			if v.Pass != resilience.Probe {
				t.Fatalf("Ask() = %+v, want a probe", v)
			}
			end(p, k)
			p.want(resilience.BreakerOpen)
			p.pass(24 * time.Hour)
			for range 3 {
				p.call(0, resilience.OK)
			}
			p.want(resilience.BreakerClosed)
		})
	}
}

func TestAProbeThatSaysNothingGivesItsPlaceBack(t *testing.T) {
	p := breaker(t, nil)
	p.trip()
	p.pass(time.Second)
	p.call(0, resilience.Ignored)
	p.want(resilience.BreakerHalfOpen)
	p.call(0, resilience.OK)
}

func TestAThousandAsksAtOnceAreOneProbe(t *testing.T) {
	p := breaker(t, nil)
	p.trip()
	p.pass(time.Second)
	probes := 0
	for range 1000 {
		_, v := p.Ask(p.now)
		if v.Pass == resilience.Probe {
			probes++
		} else if v.Until != p.now.Add(5*time.Second) {
			t.Fatalf("refused until %v, want the probe's deadline", v.Until)
		}
	}
	if probes != 1 {
		t.Fatalf("%d probes", probes)
	}
}

func TestAnAnswerFromBeforeTheOutageClosesNothing(t *testing.T) {
	p := breaker(t, nil)
	var old []resilience.Ticket
	for range 5 {
		k, _ := p.Ask(p.now)
		old = append(old, k)
	}
	p.trip()
	p.pass(time.Second)
	if _, v := p.Ask(p.now); v.Pass != resilience.Probe {
		t.Fatal("no probe")
	}
	for _, k := range old[:3] {
		p.Done(p.now, k, resilience.OK)
	}
	p.want(resilience.BreakerHalfOpen)
	p.Done(p.now, old[3], resilience.Failed)
	p.want(resilience.BreakerHalfOpen)
	if p.late != 4 || p.stray != 0 {
		t.Fatalf("%d late and %d strays, want 4 and 0", p.late, p.stray)
	}
}

func TestAFailureFromBeforeTheRecoveryOpensNothing(t *testing.T) {
	p := breaker(t, func(c *resilience.BreakerConfig) { c.Consecutive = 1; c.MinCalls = 1 })
	k, _ := p.Ask(p.now)
	p.call(0, resilience.Failed)
	p.pass(time.Second)
	for range 3 {
		p.call(0, resilience.OK)
	}
	p.Done(p.now, k, resilience.Failed)
	p.want(resilience.BreakerClosed)
}

func TestATicketCountsOnce(t *testing.T) {
	p, other := breaker(t, nil), breaker(t, nil)
	k, _ := p.Ask(p.now)
	for range 10 {
		p.Done(p.now, k, resilience.Failed)
		p.Done(p.now, resilience.Ticket{}, resilience.Failed)
		other.Done(p.now, k, resilience.Failed)
	}
	p.want(resilience.BreakerClosed)
	other.want(resilience.BreakerClosed)
	if p.stray != 19 || other.stray != 10 {
		t.Fatalf("%d and %d strays, want 19 and 10", p.stray, other.stray)
	}
}

func TestATicketThatIsOlderThanTheListIsAStray(t *testing.T) {
	p := breaker(t, func(c *resilience.BreakerConfig) { c.Consecutive = 1; c.MinCalls = 1 })
	k, _ := p.Ask(p.now)
	for range 20_000 {
		_, _ = p.Ask(p.now)
	}
	p.Done(p.now, k, resilience.Failed)
	p.want(resilience.BreakerClosed)
	if p.stray != 1 {
		t.Fatalf("%d strays, want 1", p.stray)
	}
}

// TestAChangeIsToldWithNobodyAsking has a timer alone look at the breaker.
func TestAChangeIsToldWithNobodyAsking(t *testing.T) {
	p := breaker(t, nil)
	p.trip()
	_, next := p.Look(p.now)
	p.now = next
	if s, _ := p.Look(p.now); s != resilience.BreakerHalfOpen {
		t.Fatalf("at its own moment it is %s", s)
	}
	_, _ = p.Ask(p.now)
	_, next = p.Look(p.now)
	p.now = next
	p.Look(p.now)
	if got := strings.Join(p.told, " "); got != "closed>open open>half_open half_open>open" {
		t.Fatalf("told %s", got)
	}
}

func TestAHintLengthensAndNeverShortens(t *testing.T) {
	p := breaker(t, nil)
	p.Learn(p.now, resilience.Hint{After: time.Hour})
	p.want(resilience.BreakerClosed)
	p.trip()
	p.Learn(p.now, resilience.Hint{After: time.Millisecond})
	p.Learn(p.now, resilience.Hint{After: -time.Hour})
	if _, until := p.Look(p.now); until != p.now.Add(time.Second) {
		t.Fatalf("open until %v, want a second", until)
	}
	p.Learn(p.now, resilience.Hint{After: 1 << 62})
	if _, until := p.Look(p.now); until != p.now.Add(resilience.HintMax) {
		t.Fatalf("open until %v, want the longest hint", until)
	}
}

func TestForced(t *testing.T) {
	p := breaker(t, nil)
	p.Force(p.now, resilience.ForcedOpen)
	if _, v := p.Ask(p.now); v != (resilience.Verdict{Until: resilience.Never}) {
		t.Fatalf("forced open: %+v", v)
	}
	p.Force(p.now, resilience.ForcedClosed)
	for range 50 {
		p.call(0, resilience.Failed)
	}
	p.Force(p.now, resilience.None)
	p.want(resilience.BreakerClosed) // nothing was measured
	p.Force(p.now, resilience.MetricsOnly)
	for range 50 {
		p.call(0, resilience.Failed)
	}
	p.want(resilience.BreakerMetricsOnly)
	p.Force(p.now, resilience.None)
	p.want(resilience.BreakerOpen) // by what was measured
	p.Force(p.now, resilience.MetricsOnly)
	for range 50 {
		p.call(0, resilience.OK)
	}
	p.Force(p.now, resilience.None)
	p.want(resilience.BreakerClosed)
}

func TestTheZeroBreakerRefuses(t *testing.T) {
	var b resilience.Breaker
	k, v := b.Ask(1)
	b.Done(1, k, resilience.OK)
	b.Force(1, resilience.ForcedClosed)
	b.Learn(1, resilience.Hint{After: 1})
	if _, again := b.Ask(2); v.Pass != resilience.Refused || again.Pass != resilience.Refused {
		t.Fatalf("%+v, then %+v", v, again)
	}
	if s, next := b.Look(3); s != 0 || next != resilience.Never {
		t.Fatalf("Look() = %v, %v", s, next)
	}
}

func TestBreakerConfigListsEveryMistake(t *testing.T) {
	err := resilience.BreakerConfig{FailureRate: 101, SlowRate: -1, Probes: 65, Calls: 10_001, Buckets: 1}.Validate()
	for _, want := range []string{
		"failure rate = 101 %, want 1 to 100", "slow rate = -1 %", "slow after = 0s", "min calls = 0", "consecutive = 0",
		"window of 10001 calls and of 1 buckets", "want 1 to 10000", "buckets of 0s", "open for = 0s", "probes = 65", "probes ok = 0", "probe deadline = 0s",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate() = %v, want %q in it", err, want)
		}
	}
	if _, err := resilience.NewBreaker(resilience.BreakerConfig{}, lowest, resilience.BreakerEvents{}); err == nil {
		t.Error("a breaker of no configuration")
	}
	if _, err := resilience.NewBreaker(resilience.DefaultBreaker(), nil, resilience.BreakerEvents{}); err == nil {
		t.Error("a breaker without chance")
	}
}

// TestHistories throws anything at breakers, and holds them to this: a state never outlasts its bound, no more probes are out than
// allowed, results of older generations and strays change nothing, and once the dependency is well the breaker closes.
func TestHistories(t *testing.T) {
	r := chance(t)
	for range *historiesFlag {
		oneHistory(t, r)
	}
}

type outTicket struct {
	k     resilience.Ticket
	probe bool
}

// history is a breaker and what its owner remembers of it.
type history struct {
	t       *testing.T
	r       *rand.Rand
	c       resilience.BreakerConfig
	b       *resilience.Breaker
	now     resilience.Instant // never steps back; what the breaker is told may
	changes int
	since   resilience.Instant // of the state
	probed  resilience.Instant // the last probe given
	out     []outTicket
	used    []resilience.Ticket
}

func oneHistory(t *testing.T, r *rand.Rand) {
	h := &history{t: t, r: r, c: resilience.BreakerConfig{
		FailureRate: 1 + r.IntN(100), SlowRate: 1 + r.IntN(100), SlowAfter: time.Duration(1 + r.IntN(5)), MinCalls: 1 + r.IntN(4),
		Consecutive: 1 + r.IntN(4), Calls: 4 + r.IntN(4), OpenFor: time.Duration(1 + r.IntN(10)), OpenMax: 40,
		Probes: 1 + r.IntN(3), ProbesOK: 1 + r.IntN(3), ProbeDeadline: time.Duration(1 + r.IntN(20)),
	}}
	if r.IntN(2) == 0 {
		h.c.Calls, h.c.Buckets, h.c.BucketSpan = 0, 1+r.IntN(4), time.Duration(1+r.IntN(9))
	}
	b, err := resilience.NewBreaker(h.c, r, resilience.BreakerEvents{State: func(_, to resilience.State, now resilience.Instant) {
		h.changes++
		h.since = now
	}})
	if err != nil {
		t.Fatal(err)
	}
	h.b = b
	for range 10 + r.IntN(40) {
		h.step()
		h.bounds()
	}
	h.recovers()
}

// step is one thing that may happen.
func (h *history) step() {
	told := h.now
	switch n := h.r.IntN(20); {
	case n < 7:
		h.ask()
	case n < 12 && len(h.out) > 0:
		h.answer(told)
	case n < 13 && len(h.used) > 0: // told twice
		h.unchanged(func() { h.b.Done(told, h.used[h.r.IntN(len(h.used))], resilience.OK) })
	case n < 14:
		h.unchanged(func() { h.b.Done(told, resilience.Ticket{}, resilience.Failed) })
	case n < 15 && len(h.out) > 0: // the owner is lost with its tickets
		h.out = h.out[:0]
	case n < 16:
		h.b.Force(told, resilience.Forced(h.r.IntN(4)))
	case n < 17: // the clock steps back
		h.unchanged(func() { h.b.Look(max(0, told-resilience.Instant(h.r.IntN(50)))) })
	default:
		h.now += resilience.Instant(h.r.IntN(15))
	}
}

func (h *history) ask() {
	k, v := h.b.Ask(h.now)
	if v.Pass == resilience.Refused {
		return
	}
	h.out = append(h.out, outTicket{k, v.Pass == resilience.Probe})
	if v.Pass == resilience.Probe {
		h.probed = h.now
	}
}

func (h *history) answer(now resilience.Instant) {
	i := h.r.IntN(len(h.out))
	o := h.out[i]
	h.out = append(h.out[:i], h.out[i+1:]...)
	h.used = append(h.used, o.k)
	h.b.Done(now, o.k, resilience.Outcome(h.r.IntN(4)))
}

// unchanged does what must change no state; time has been let through before.
func (h *history) unchanged(f func()) {
	h.b.Look(h.now)
	before := h.changes
	f()
	if h.changes != before {
		h.t.Fatalf("-seed: a stray, a second result or an earlier instant changed the state; %+v", h.c)
	}
}

// bounds looks at the state and how long it has lasted.
func (h *history) bounds() {
	s, next := h.b.Look(h.now)
	switch s {
	case resilience.BreakerOpen:
		if h.now.Sub(h.since) > h.c.OpenMax || next > h.since.Add(h.c.OpenMax) {
			h.t.Fatalf("open since %d, at %d until %d, want at most %d; %+v", h.since, h.now, next, h.c.OpenMax, h.c)
		}
	case resilience.BreakerHalfOpen:
		if next != resilience.Never && next > h.probed.Add(h.c.ProbeDeadline) {
			h.t.Fatalf("half open and refusing until %d, the last probe was at %d; %+v", next, h.probed, h.c)
		}
	default:
	}
}

// recovers lets the dependency be well, with old results still coming in: it must close.
func (h *history) recovers() {
	h.b.Force(h.now, resilience.None)
	deadline := h.now.Add(h.c.OpenMax + time.Duration(h.c.ProbesOK)*h.c.ProbeDeadline + h.c.ProbeDeadline)
	for h.now <= deadline {
		k, v := h.b.Ask(h.now)
		if len(h.out) > 0 && !h.out[0].probe {
			h.b.Done(h.now, h.out[0].k, resilience.Ignored)
			h.out = h.out[1:]
		}
		if v.Pass != resilience.Refused {
			h.b.Done(h.now, k, resilience.OK)
			if s, _ := h.b.Look(h.now); s == resilience.BreakerClosed {
				return
			}
			continue
		}
		h.now++
	}
	h.t.Fatalf("never closed again; %+v", h.c)
}
