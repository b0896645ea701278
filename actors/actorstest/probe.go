package actorstest

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
)

// Probe is an actor that records. Safe for any number of goroutines.
type Probe[M any] struct {
	sys *actors.System
	ref actors.Ref[M]
	mu  sync.Mutex
	got []M
	at  int // the first message that nobody has looked at
	new chan struct{}

	keep func(M) // what must be done with a message so that it can be answered later
}

// ProbeOption changes a Probe.
type ProbeOption[M any] func(*Probe[M])

// Asked says where a message carries the ReplyTo of an ask, so that the ask stays open until the test answers it with
// Reply. Without it, a probe that is asked has given no answer: ErrNoReply.
func Asked[M, R any](where func(M) actors.ReplyTo[R]) ProbeOption[M] {
	return func(p *Probe[M]) { p.keep = func(m M) { where(m).Keep() } }
}

// NewProbe starts a probe in s. Its mailbox holds 8,192 messages in one lane. On a deterministic system it is ready
// at once.
func NewProbe[M any](t testing.TB, s *actors.System, name actors.Name, opts ...ProbeOption[M]) *Probe[M] {
	t.Helper()
	p := &Probe[M]{sys: s, new: make(chan struct{}, 1)}
	for _, o := range opts {
		o(p)
	}
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
	if r.p.keep != nil {
		r.p.keep(m)
	}
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

// Expect wants the next message to equal m, as reflect.DeepEqual sees it, waiting for it as Next does.
func (p *Probe[M]) Expect(t testing.TB, m M) {
	t.Helper()
	if got := p.Next(t); !reflect.DeepEqual(got, m) {
		t.Fatalf("probe %s: got %+v, want %+v; history:%s", p.ref.Name(), got, m, p.history())
	}
}

// ExpectNone wants no message for d: of the virtual clock, or of that of the testing/synctest bubble. Under the real clock
// it waits that long.
func (p *Probe[M]) ExpectNone(t testing.TB, d time.Duration) {
	t.Helper()
	if p.sys.Deterministic() {
		Settle(t, p.sys, d)
	} else {
		p.wait(d)
	}
	p.None(t)
}

// Fish is the next message that match says yes to; those before it are looked at and left. It waits as Next does for each
// of them.
func (p *Probe[M]) Fish(t testing.TB, match func(M) bool) M {
	t.Helper()
	for {
		if m := p.Next(t); match(m) {
			return m
		}
	}
}

// Reply answers the next message that p is told, an ask of which where says where its ReplyTo is, and gives the message.
// p must have been made with Asked.
func Reply[R, M any](t testing.TB, p *Probe[M], where func(M) actors.ReplyTo[R], answer R) M {
	t.Helper()
	m := p.Next(t)
	if err := where(m).Send(answer); err != nil {
		t.Fatalf("probe %s: the answer to %+v is refused: %v; history:%s", p.ref.Name(), m, err, p.history())
	}
	return m
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
		p.wait(stopMax)
	}
	m, ok := p.look()
	if !ok {
		t.Fatalf("probe %s: no further message; history:%s", p.ref.Name(), p.history())
	}
	return m
}

// None fails the test if there is a message that has not been looked at.
func (p *Probe[M]) None(t testing.TB) {
	t.Helper()
	if m, ok := p.look(); ok {
		t.Fatalf("probe %s: got %+v, want nothing; history:%s", p.ref.Name(), m, p.history())
	}
}

// wait ends with the first message that nobody has looked at, or when d has passed.
func (p *Probe[M]) wait(d time.Duration) {
	end := time.NewTimer(d)
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

// history lists what was recorded, one message a line, and marks where the test has got to.
func (p *Probe[M]) history() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.got) == 0 {
		return " nothing"
	}
	var b strings.Builder
	for i, m := range p.got {
		mark := ' '
		if i == p.at-1 {
			mark = '>'
		}
		fmt.Fprintf(&b, "\n%c %d: %+v", mark, i+1, m)
	}
	return b.String()
}
