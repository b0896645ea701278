package caller_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/internal/caller"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/resilience"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	seedFlag = flag.Uint64("seed", 0, "seed of the random tests; 0 draws one")
	runsFlag = flag.Int("runs", 300, "histories of TestEveryCallEndsOnceAndLeavesNothing")
)

// message is something to do in the actor's turn, or a wake of its caller.
type message struct {
	do   func(d *desk, c *actors.Context[message])
	wake *caller.Wake
}

// desk is an actor that owns a connection.
type desk struct {
	k      *caller.Caller[message]
	cfg    caller.Config
	chance resilience.Source
	events caller.Events
}

func (d *desk) Starting(*actors.Context[message]) error {
	var err error
	d.k, err = caller.New(d.cfg, d.chance, func(w caller.Wake) message { return message{wake: &w} }, d.events)
	return err
}

func (d *desk) Receive(c *actors.Context[message], m message) error {
	if m.wake != nil {
		d.k.Woken(c, *m.wake)
		return nil
	}
	m.do(d, c)
	return nil
}

// house is a desk on virtual time, and what it was asked and told.
type house struct {
	t     *testing.T
	sys   *actors.System
	ref   actors.Ref[message]
	asked []caller.Attempt
	waits int // of attempts
	log   []string
}

func config() caller.Config {
	breaker, budget, bulkhead := resilience.DefaultBreaker(), resilience.DefaultBudget(), resilience.DefaultBulkhead()
	return caller.Config{
		Dependency: resilience.Dependency{
			Name: "venue", FailMode: resilience.Closed, Why: "no answer is no proof",
			Retry:   &resilience.Backoff{Base: time.Second, Cap: 30 * time.Second, Jitter: resilience.NoJitter, First: resilience.Now},
			Breaker: &breaker, Budget: &budget, Bulkhead: &bulkhead,
		},
		Limit: resilience.LimitConfig{Rate: 1000, Per: time.Second, Burst: 1000, Share: 80, Clean: time.Second}, Answer: 2 * time.Second,
	}
}

func open(t *testing.T, change func(*caller.Config)) *house {
	t.Helper()
	cfg := config()
	if change != nil {
		change(&cfg)
	}
	return openWith(t, cfg, rand.New(rand.NewPCG(1, 1)))
}

func openWith(t *testing.T, cfg caller.Config, r resilience.Source) *house {
	t.Helper()
	sys, err := actors.New(actors.Config{Clock: actors.Virtual(time.Unix(0, 0)), Dispatch: actors.Deterministic()})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, sys: sys}
	sys.OnExit(func(x actors.Exit) {
		if x.Reason.Abnormal() {
			t.Errorf("%s ended: %s, %v\n%s", x.Name, x.Reason, x.Err, x.Stack)
		}
	})
	t.Cleanup(func() {
		if err := sys.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	say := func(format string, args ...any) { h.log = append(h.log, fmt.Sprintf(format, args...)) }
	d := &desk{cfg: cfg, chance: r, events: caller.Events{
		State:   func(from, to resilience.State) { say("%s>%s", from, to) },
		Retry:   func(resilience.Why, resilience.Instant) { h.waits++ },
		Late:    func() { say("late") },
		Overrun: func() { say("overrun") },
		Hedged:  func(won bool) { say("hedged %t", won) },
	}}
	h.ref, err = actors.Spawn(sys, actors.Spec[message]{Name: "desk", Box: mailbox.One(4096, mailbox.Reject), Actor: d})
	if err != nil {
		t.Fatal(err)
	}
	h.pass(0)
	return h
}

// do does something in the desk's turn, and lets everything happen that needs no time.
func (h *house) do(f func(d *desk, c *actors.Context[message])) {
	h.t.Helper()
	if err := h.ref.Tell(message{do: f}); err != nil {
		h.t.Fatal(err)
	}
	h.pass(0)
}

func (h *house) pass(d time.Duration) {
	h.t.Helper()
	if err := h.sys.Advance(h.t.Context(), d); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) call(in caller.Call) {
	h.t.Helper()
	if in.Class == 0 {
		in.Class = resilience.Question
	}
	in.Try = func(a caller.Attempt) { h.asked = append(h.asked, a) }
	in.Drop = func(a caller.Attempt) { h.log = append(h.log, fmt.Sprintf("drop %d/%d", a.Key, a.N)) }
	in.End = func(e caller.End) {
		word := string(e.Why)
		if word == "" {
			word = "answered"
		}
		h.log = append(h.log, fmt.Sprintf("end %d %s after %d", e.Key, word, e.Asks))
	}
	h.do(func(d *desk, c *actors.Context[message]) {
		if err := d.k.Call(c, in); err != nil {
			h.log = append(h.log, err.Error())
		}
	})
}

func (h *house) answer(a caller.Attempt, w caller.Answer) {
	h.t.Helper()
	h.do(func(d *desk, c *actors.Context[message]) { d.k.Answered(c, a, w) })
}

// last is the attempt that was made last, of n in all.
func (h *house) last(n int) caller.Attempt {
	h.t.Helper()
	if len(h.asked) != n {
		h.t.Fatalf("asked %d times, want %d; %v", len(h.asked), n, h.log)
	}
	if n == 0 {
		return caller.Attempt{}
	}
	return h.asked[n-1]
}

// want compares what was told since the last look.
func (h *house) want(lines ...string) {
	h.t.Helper()
	if !slices.Equal(h.log, lines) {
		h.t.Fatalf("told %q, want %q", h.log, lines)
	}
	h.log = nil
}

var (
	ok        = caller.Answer{OK: true}
	transient = caller.Answer{Failure: resilience.Transient}
)

func TestWhatFailsIsAskedAgainByAMessage(t *testing.T) {
	h := open(t, nil)
	h.call(caller.Call{Key: 7})
	for n, wait := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
		a := h.last(n + 1)
		if a.N != n {
			t.Fatalf("attempt %+v, want the one after %d", a, n)
		}
		h.answer(a, transient)
		h.pass(wait - 1)
		h.last(n + 1)
		h.pass(1)
	}
	h.answer(h.last(4), ok)
	h.want("end 7 answered after 4")
}

func TestAnAnswerThatComesWhileARetryWaitsEndsTheCall(t *testing.T) {
	h := open(t, nil)
	h.call(caller.Call{Key: 1})
	first := h.last(1)
	h.pass(2 * time.Second) // no answer
	h.want("drop 1/0")
	h.answer(first, ok)
	h.want("end 1 answered after 1")
	h.pass(time.Hour)
	h.last(1)
	h.answer(first, ok)
	h.want("late")
}

func TestAFailureOfAnEarlierAttemptIsCountedOnce(t *testing.T) {
	h := open(t, nil)
	h.call(caller.Call{Key: 1})
	first := h.last(1)
	h.pass(3 * time.Second)
	second := h.last(2)
	h.answer(first, caller.Answer{Failure: resilience.Permanent})
	h.want("drop 1/0")
	h.answer(second, ok)
	h.want("end 1 answered after 2")
}

func TestWhatIsNotAskedAgain(t *testing.T) {
	for _, tt := range []struct {
		f    resilience.Failure
		want string
	}{
		{resilience.Permanent, "end 1 permanent after 1"},
		{resilience.Ambiguous, "end 1 ambiguous after 1"},
	} {
		h := open(t, nil)
		h.call(caller.Call{Key: 1})
		h.answer(h.last(1), caller.Answer{Failure: tt.f})
		h.want(tt.want)
		h.pass(time.Hour)
		h.last(1)
	}
}

func TestAnAttemptThatWouldBeginTooLateIsNotMade(t *testing.T) {
	h := open(t, nil)
	deadline := resilience.Deadline(h.sys.Mono() + int64(2500*time.Millisecond))
	h.call(caller.Call{Key: 1, Deadline: deadline})
	h.answer(h.last(1), transient)
	h.pass(time.Second)
	h.answer(h.last(2), transient)
	h.want("end 1 deadline after 2") // at once, and not at the deadline
	h.pass(time.Hour)
	h.call(caller.Call{Key: 2, Deadline: deadline})
	h.want("end 2 deadline after 0")
}

func TestABreakerHoldsEverybodyAndLetsOneThrough(t *testing.T) {
	h := open(t, func(c *caller.Config) { c.Budget.Reserve = 1_000_000 })
	for key := range uint64(5) {
		h.call(caller.Call{Key: key})
		h.answer(h.last(int(key)+1), caller.Answer{Failure: resilience.Permanent})
	}
	h.want("end 0 permanent after 1", "end 1 permanent after 1", "end 2 permanent after 1", "end 3 permanent after 1", "end 4 permanent after 1")
	for key := uint64(10); key < 15; key++ { // they get no answer
		h.call(caller.Call{Key: key, Deadline: resilience.Deadline(h.sys.Mono() + int64(time.Second))})
		h.pass(time.Second)
	}
	if !slices.Contains(h.log, "closed>open") {
		t.Fatalf("told %q, want an open breaker", h.log)
	}
	h.log = nil
	before := len(h.asked)
	for key := uint64(20); key < 40; key++ {
		h.call(caller.Call{Key: key})
	}
	if len(h.asked) != before {
		t.Fatal("an open breaker lets calls through")
	}
	h.pass(time.Second) // the breaker's own timer
	h.want("open>half_open")
	h.pass(time.Second) // and the calls', spread over a second
	h.last(before + 1)
	for range 100 { // the dependency is well again
		for before < len(h.asked) {
			h.answer(h.asked[before], ok)
			before++
		}
		h.pass(100 * time.Millisecond)
	}
	if n := count(h.log, "answered"); n != 20 {
		t.Fatalf("%d of 20 calls were answered: %q", n, h.log)
	}
	if !slices.Contains(h.log, "half_open>closed") {
		t.Fatalf("told %q, want it closed again", h.log)
	}
}

func TestTheBudgetIsOfAllCalls(t *testing.T) {
	h := open(t, func(c *caller.Config) {
		c.Breaker.Consecutive = 1000
		c.Breaker.FailureRate = 100
		c.Breaker.MinCalls = 100
	})
	for key := range uint64(10) {
		h.call(caller.Call{Key: key, Owner: resilience.Owner{Name: fmt.Sprint(key)}})
		h.answer(h.last(int(key)+1), transient)
	}
	h.pass(time.Second)
	retried := len(h.asked) - 10
	if retried != 4 { // four at once is what the bulkhead takes; the budget has five
		t.Fatalf("%d retries at once, want 4", retried)
	}
	for _, a := range slices.Clone(h.asked[10:]) {
		h.answer(a, caller.Answer{Failure: resilience.Permanent})
	}
	if n := count(h.log, " bulkhead "); n != 6 {
		t.Fatalf("%d calls found no permit, want 6: %q", n, h.log)
	}

	h = open(t, func(c *caller.Config) {
		c.Bulkhead.Permits = 100
		c.Breaker.Consecutive = 1000
		c.Breaker.FailureRate = 100
		c.Breaker.MinCalls = 100
	})
	for key := range uint64(10) {
		h.call(caller.Call{Key: key})
		h.answer(h.last(int(key)+1), transient)
	}
	h.pass(time.Second)
	if n := count(h.log, " budget "); n != 5 || len(h.asked) != 15 {
		t.Fatalf("%d calls ended for want of budget and %d were asked, want 5 and 15: 3 + 10 × 0.2 retries", n, len(h.asked))
	}
}

func count(lines []string, word string) int {
	n := 0
	for _, l := range lines {
		if strings.Contains(l, word) {
			n++
		}
	}
	return n
}

func TestWhoWaitsForAPermitGetsItInOrderOfDeadline(t *testing.T) {
	h := open(t, func(c *caller.Config) { c.Bulkhead.Permits, c.Bulkhead.Waiting = 1, 2 })
	in := func(d time.Duration) resilience.Deadline { return resilience.Deadline(h.sys.Mono() + int64(d)) }
	h.call(caller.Call{Key: 1})
	h.call(caller.Call{Key: 2, Deadline: in(20 * time.Second)})
	h.call(caller.Call{Key: 3, Deadline: in(time.Second)})
	h.call(caller.Call{Key: 4})
	h.want("end 4 bulkhead after 0")
	h.answer(h.last(1), ok)
	h.want("end 1 answered after 1")
	if a := h.last(2); a.Key != 3 {
		t.Fatalf("%+v got the permit, want the one with the earliest deadline", a)
	}
	h.pass(time.Second)
	h.want("drop 3/0", "end 3 deadline after 1")
	if a := h.last(3); a.Key != 2 {
		t.Fatalf("%+v got the permit, want the other", a)
	}
	h.call(caller.Call{Key: 5, Deadline: in(time.Second)})
	h.pass(time.Second + 1)
	h.want("end 5 deadline after 0") // it waited in vain
}

func TestTheEndOfAnOwnerFreesWhatItHad(t *testing.T) {
	h := open(t, func(c *caller.Config) { c.Bulkhead.Permits, c.Bulkhead.Waiting = 1, 1 })
	other, err := actors.Spawn(h.sys, actors.Spec[int]{Name: "asker", Box: mailbox.One(1, mailbox.Reject), Actor: actors.Func[int](func(*actors.Context[int], int) error { return actors.ErrDone })})
	if err != nil {
		t.Fatal(err)
	}
	h.do(func(d *desk, c *actors.Context[message]) {
		if err := d.k.Watch(c, other); err != nil {
			t.Error(err)
		}
	})
	h.call(caller.Call{Key: 1, Owner: resilience.Owner{Name: "asker", Epoch: 1}})
	h.call(caller.Call{Key: 2, Owner: resilience.Owner{Name: "another", Epoch: 1}})
	h.last(1)
	if err := other.Tell(1); err != nil {
		t.Fatal(err)
	}
	h.pass(0)
	h.want("drop 1/0", "end 1 gone after 1")
	if a := h.last(2); a.Key != 2 {
		t.Fatalf("%+v, want the one who waited", a)
	}
}

// TestCancelAmongRetries has a thousand retries pending: what the actor is told next is handled next, in the same instant.
func TestCancelAmongRetries(t *testing.T) {
	h := open(t, func(c *caller.Config) {
		c.Bulkhead.Permits, c.Limit.Burst, c.Budget.Reserve = 1000, 1000, 1_000_000
		c.Limit.Rate, c.Limit.Share = 1_000_000, 100
		c.Breaker.Consecutive, c.Breaker.Calls, c.Breaker.MinCalls = 10_000, 10_000, 10_000
	})
	for key := range uint64(1000) {
		h.call(caller.Call{Key: key})
		h.answer(h.asked[key], transient)
	}
	h.last(1000)
	h.pass(999 * time.Millisecond)
	h.last(1000)
	began, handled := h.sys.Mono(), int64(-1)
	h.do(func(d *desk, c *actors.Context[message]) {
		d.k.Cancelled(c, 1)
		handled = c.Instant()
	})
	if late := time.Duration(handled - began); handled < 0 || late > time.Millisecond {
		t.Fatalf("a cancel among 1,000 retries was handled after %v", late)
	}
	h.last(1000)
	h.pass(time.Millisecond)
	h.last(2000)
}

func TestACancelOverTheLimitIsCounted(t *testing.T) {
	h := open(t, func(c *caller.Config) { c.Limit = resilience.DefaultLimit() })
	h.do(func(d *desk, c *actors.Context[message]) { d.k.Cancelled(c, 10) })
	h.want()
	h.do(func(d *desk, c *actors.Context[message]) { d.k.Cancelled(c, 1) })
	h.want("overrun")
	h.call(caller.Call{Key: 1})
	h.last(0) // questions wait for them
	h.pass(2 * time.Second)
	h.last(1)
}

// TestThoseWhoWaitForTheLimitDoNotAllComeAtOnce counts how often a thousand calls are looked at until all were asked. When all of
// them came at each moment that fits one, that would be half a million times.
func TestThoseWhoWaitForTheLimitDoNotAllComeAtOnce(t *testing.T) {
	h := open(t, func(c *caller.Config) {
		c.Limit = resilience.LimitConfig{Rate: 100, Per: time.Second, Burst: 10, Share: 100, Clean: time.Second}
		c.Bulkhead.Permits = 1000
	})
	for key := range uint64(1000) {
		h.call(caller.Call{Key: key})
	}
	for answered := 0; answered < 1000; {
		for ; answered < len(h.asked); answered++ {
			h.answer(h.asked[answered], ok)
		}
		if h.sys.Mono() > int64(time.Minute) {
			t.Fatalf("%d of 1,000 calls were asked in a minute, at 100 a second", answered)
		}
		h.pass(10 * time.Millisecond)
	}
	if n := count(h.log, "answered"); n != 1000 {
		t.Fatalf("%d of 1,000 calls were answered", n)
	}
	if h.waits > 30_000 {
		t.Fatalf("a thousand calls were looked at %d times, want at most 30 times each", h.waits)
	}
	t.Logf("looked at %d times, in %v", h.waits, time.Duration(h.sys.Mono()))
}

func TestASlowReadIsAskedTwiceAndCountsOnce(t *testing.T) {
	h := open(t, func(c *caller.Config) { c.Budget.Reserve = 100_000 })
	for key := range uint64(20) {
		h.call(caller.Call{Key: key, Read: resilience.StatusRead{}})
		h.pass(10 * time.Millisecond)
		h.answer(h.last(int(key)+1), ok)
	}
	h.log = nil
	h.call(caller.Call{Key: 100, Read: resilience.StatusRead{}})
	first := h.last(21)
	h.pass(10 * time.Millisecond)
	second := h.last(22)
	if !second.Hedge || first.Hedge || second.N != 0 {
		t.Fatalf("%+v and %+v, want an asking and its hedge", first, second)
	}
	h.pass(time.Second)
	h.last(22) // no third
	h.answer(second, ok)
	h.want("hedged true", "drop 100/0", "end 100 answered after 2")
	h.answer(first, ok)
	h.want("late")

	h.call(caller.Call{Key: 101, Read: resilience.StatusRead{}})
	h.pass(10 * time.Millisecond)
	second = h.last(24)
	h.answer(h.asked[22], transient) // one of two has failed: the other may answer yet
	h.answer(second, transient)
	h.pass(time.Second)
	if a := h.last(25); a.N != 1 || a.Hedge {
		t.Fatalf("%+v, want one retry of both", a)
	}
}

func TestAHintHoldsAllCalls(t *testing.T) {
	h := open(t, nil)
	h.call(caller.Call{Key: 1})
	h.answer(h.last(1), caller.Answer{Failure: resilience.Throttled, Hint: resilience.Hint{After: time.Minute}})
	h.call(caller.Call{Key: 2})
	h.pass(59 * time.Second)
	h.last(1)
	h.pass(2 * time.Second)
	h.last(3)
}

func TestClosingEndsEverything(t *testing.T) {
	h := open(t, func(c *caller.Config) { c.Bulkhead.Permits, c.Bulkhead.Waiting = 1, 1 })
	h.call(caller.Call{Key: 1})
	h.call(caller.Call{Key: 2})
	h.do(func(d *desk, c *actors.Context[message]) { d.k.Close(c) })
	h.want("drop 1/0", "end 1 closing after 1", "end 2 closing after 0")
	h.call(caller.Call{Key: 3})
	h.want("end 3 closing after 0")
	h.pass(time.Hour)
	h.last(1)
}

func TestAKeyIsOfOneCallAtATime(t *testing.T) {
	h := open(t, nil)
	h.call(caller.Call{Key: 1})
	h.call(caller.Call{Key: 1})
	h.want("caller: key is under way: 1")
}

func TestConfigListsEveryMistake(t *testing.T) {
	err := caller.Config{}.Validate()
	for _, want := range []string{"want retry, breaker, budget and bulkhead", "answer = 0s", "without a name", "fail mode", "limit: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate() = %v, want %q in it", err, want)
		}
	}
	if _, err := caller.New(caller.Config{}, rand.New(rand.NewPCG(1, 1)), func(caller.Wake) message { return message{} }, caller.Events{}); err == nil {
		t.Error("New() takes no configuration")
	}
}

// TestEveryCallEndsOnceAndLeavesNothing plays random calls, answers, owners that go, and time: each call ends once, and when all have
// ended every permit is free again, which a call that takes all of them shows.
func TestEveryCallEndsOnceAndLeavesNothing(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-seed %d", seed)
	for run := range *runsFlag {
		t.Run("", func(t *testing.T) { history(t, rand.New(rand.NewPCG(seed, uint64(run)))) })
		if t.Failed() {
			t.Fatalf("run %d", run)
		}
	}
}

func history(t *testing.T, r *rand.Rand) {
	cfg := config()
	cfg.Retry.Jitter, cfg.Retry.Attempts = resilience.Full, 4
	if r.IntN(2) == 0 {
		cfg.Retry.First = resilience.Spread
	}
	cfg.Bulkhead.Permits, cfg.Bulkhead.Waiting = 1+r.IntN(4), r.IntN(4)
	cfg.Limit = resilience.LimitConfig{Rate: 20, Per: time.Second, Burst: 10, Share: 80, Clean: time.Second}
	h := openWith(t, cfg, r)
	begun, ended, key := map[uint64]bool{}, map[uint64]int{}, uint64(0)
	reads := []resilience.Read{nil, resilience.GapRead{Channel: "c"}}
	for range 150 {
		switch n := r.IntN(10); {
		case n < 3:
			key++
			begun[key] = true
			in := caller.Call{Key: key, Owner: resilience.Owner{Name: fmt.Sprint(r.IntN(3))}, Class: resilience.Question, Read: reads[r.IntN(2)]}
			if r.IntN(2) == 0 {
				in.Deadline = resilience.Deadline(h.sys.Mono() + r.Int64N(int64(5*time.Second)))
			}
			in.Try = func(a caller.Attempt) { h.asked = append(h.asked, a) }
			in.End = func(e caller.End) { ended[e.Key]++ }
			h.do(func(d *desk, c *actors.Context[message]) { _ = d.k.Call(c, in) })
		case n < 7 && len(h.asked) > 0:
			a := h.asked[r.IntN(len(h.asked))]
			w := caller.Answer{OK: r.IntN(2) == 0, Failure: resilience.Failure(r.IntN(4))}
			if r.IntN(10) == 0 {
				w.Hint.After = time.Duration(r.Int64N(int64(time.Second)))
			}
			h.answer(a, w)
		case n < 8:
			o := resilience.Owner{Name: fmt.Sprint(r.IntN(3))}
			h.do(func(d *desk, c *actors.Context[message]) { d.k.Gone(c, o) })
		default:
			h.pass(time.Duration(r.Int64N(int64(3 * time.Second))))
		}
	}
	h.pass(time.Hour)
	for k := range begun {
		if ended[k] != 1 {
			t.Fatalf("call %d ended %d times; %v", k, ended[k], h.log)
		}
	}
	h.asked = nil
	for n := range cfg.Bulkhead.Permits {
		h.call(caller.Call{Key: 10_000 + uint64(n)})
		h.pass(5 * time.Second)
		if len(h.asked) > 0 {
			break
		}
	}
	if len(h.asked) == 0 {
		t.Fatalf("an hour later nothing can be asked; %v", h.log)
	}
	h.do(func(d *desk, c *actors.Context[message]) {
		d.k.Close(c)
		if d.k.Waiting() != 0 {
			t.Errorf("%d calls are left", d.k.Waiting())
		}
	})
}
