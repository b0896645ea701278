// Package actorstest helps to test actors: a probe that stands where an actor would and records what it is told, and
// Explore, which looks for an order of events that breaks a scenario.
// It is for tests and never waits in real time under the virtual clock.
package actorstest

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
)

// Start is the time at which the virtual clock of NewSystem starts.
var Start = time.Date(2026, 1, 5, 14, 30, 0, 0, time.UTC)

// stopMax is how long a test system may take to stop.
const stopMax = 10 * time.Second

// NewSystem makes a deterministic system on the virtual clock, which is stopped when the test ends. seed 0 is order
// of arrival. The test fails if it does not stop or a mailbox does not balance.
func NewSystem(t testing.TB, seed uint64) *actors.System {
	t.Helper()
	return newSystem(t, actors.Config{
		Name: t.Name(), Clock: actors.Virtual(Start), Dispatch: actors.Deterministic(), Seed: seed,
	})
}

// NewShared makes a system of two workers on the real clock, which is that of the testing/synctest bubble
// where there is one, and stops it when the test ends, as NewSystem does.
func NewShared(t testing.TB) *actors.System {
	t.Helper()
	return newSystem(t, actors.Config{Name: t.Name(), Clock: actors.Real(), Dispatch: actors.Shared(2)})
}

func newSystem(t testing.TB, cfg actors.Config) *actors.System {
	t.Helper()
	s, err := actors.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), stopMax)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Errorf("System.Stop() error = %v, want nil", err)
		}
		Balanced(t, s)
	})
	return s
}

// Balanced fails the test if a mailbox of s has lost count of a message.
func Balanced(t testing.TB, s *actors.System) {
	t.Helper()
	for _, b := range s.Boxes() {
		for i, l := range b.Lanes {
			if !l.Balanced() {
				t.Errorf("%s, lane %s: accepted %d, handled %d, dropped %d, queued %d, offered %d, refused %d: does not balance",
					b.Name, mailbox.Lane(i+1), l.Accepted, l.Handled, l.Dropped.Total(), l.Queued, l.Offered, l.Refused.Total())
			}
		}
	}
}

// Settle drives a deterministic system for d of its virtual time: everything that happens within it has
// happened, and the clock stands at the end of it.
func Settle(t testing.TB, s *actors.System, d time.Duration) {
	t.Helper()
	if err := s.Advance(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

// Probe is an actor that records. Safe for any number of goroutines.
type Probe[M any] struct {
	sys *actors.System
	ref actors.Ref[M]
	mu  sync.Mutex
	got []M
	at  int // the first message that no Expect has looked at
	new chan struct{}
}

// NewProbe starts a probe in s. Its mailbox holds 8,192 messages in one lane. On a deterministic system it is ready
// at once.
func NewProbe[M any](t testing.TB, s *actors.System, name actors.Name) *Probe[M] {
	t.Helper()
	p := &Probe[M]{sys: s, new: make(chan struct{}, 1)}
	up := make(chan struct{})
	ref, err := actors.Spawn(s, actors.Spec[M]{
		Name: name, Class: "probe", Box: mailbox.One(8192, mailbox.Reject), Actor: recorder[M]{p: p, up: up},
	})
	if err != nil {
		t.Fatal(err)
	}
	p.ref = ref
	if s.Deterministic() {
		if err := s.Drive(t.Context(), ref.Open); err != nil {
			t.Fatal(err)
		}
	}
	<-up
	for !ref.Open() {
		runtime.Gosched() // between the end of Starting and the opening of the mailbox
	}
	return p
}

type recorder[M any] struct {
	p  *Probe[M]
	up chan struct{}
}

// Starting tells that the probe is about to take messages.
func (r recorder[M]) Starting(*actors.Context[M]) error {
	close(r.up)
	return nil
}

// Receive records m.
func (r recorder[M]) Receive(_ *actors.Context[M], m M) error {
	r.p.mu.Lock()
	r.p.got = append(r.p.got, m)
	r.p.mu.Unlock()
	select {
	case r.p.new <- struct{}{}:
	default:
	}
	return nil
}

// Ref is where to send what the probe shall record.
func (p *Probe[M]) Ref() actors.Ref[M] { return p.ref }

// Got lists everything recorded so far. The list is the caller's.
func (p *Probe[M]) Got() []M {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]M(nil), p.got...)
}

// Next is the first message that has not been looked at, waiting for it: the virtual time it takes on a
// deterministic system, up to 10 s otherwise. It fails the test, with the probe's history, when none comes.
func (p *Probe[M]) Next(t testing.TB) M {
	t.Helper()
	if m, ok := p.look(); ok {
		return m
	}
	if p.sys.Deterministic() {
		if err := p.sys.Drive(t.Context(), func() bool { return p.fresh() }); err != nil {
			t.Fatal(err)
		}
	} else {
		p.wait()
	}
	m, ok := p.look()
	if !ok {
		t.Fatalf("probe %s: no further message, history: %s", p.ref.Name(), p.history())
	}
	return m
}

// None fails the test if there is a message that has not been looked at.
func (p *Probe[M]) None(t testing.TB) {
	t.Helper()
	if m, ok := p.look(); ok {
		t.Fatalf("probe %s: got %+v, want nothing; history: %s", p.ref.Name(), m, p.history())
	}
}

func (p *Probe[M]) wait() {
	end := time.NewTimer(stopMax)
	defer end.Stop()
	for !p.fresh() {
		select {
		case <-p.new:
		case <-end.C:
			return
		}
	}
}

func (p *Probe[M]) fresh() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at < len(p.got)
}

func (p *Probe[M]) look() (M, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at == len(p.got) {
		var none M
		return none, false
	}
	p.at++
	return p.got[p.at-1], true
}

func (p *Probe[M]) history() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return fmt.Sprintf("%+v", p.got)
}
