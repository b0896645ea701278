package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/bench/load"
	"github.com/failshut/failshut/mailbox"
)

// Where says on which goroutine an actor of Failshut runs.
type Where uint8

// The places.
const (
	Pool         Where = iota // the shared workers
	Pinned                    // a goroutine of its own, which sleeps when idle
	PinnedSpin                // a goroutine of its own, which looks for messages; it needs a spare core
	OneGoroutine              // both actors of a pair on one loop
)

// Failshut is an actor of this project, with its mailbox.
type Failshut struct {
	Where Where
	// Conflates has it merge quotes of one key.
	Conflates bool
}

// Name is "failshut", with its place where that is not the pool.
func (f Failshut) Name() string {
	name := [...]string{"failshut", "failshut pinned", "failshut spinning", "failshut loop"}[f.Where]
	if f.Conflates {
		name += " conflating"
	}
	return name
}

// Version is the version of the module, "(devel)" in a checkout.
func (Failshut) Version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "(devel)"
}

// Traits say that it is bounded and has lanes.
func (f Failshut) Traits() load.Traits {
	return load.Traits{Bounded: true, Lanes: true, Conflates: f.Conflates, Spins: f.Where == PinnedSpin}
}

func (f Failshut) system() (*actors.System, error) {
	return actors.New(actors.Config{Name: "bench", Clock: actors.Real(), Dispatch: actors.Shared(0)})
}

func laneOf(m load.Message) mailbox.Lane {
	if m.Lane == load.Cancel {
		return mailbox.Control
	}
	return mailbox.Data
}

// spec is an actor with the mailbox that actors have by default, with the capacity of the run; senders outside actors may
// wait for room in it, or it conflates.
func (f Failshut) spec(n actors.Name, p actors.Place, s load.Setup) actors.Spec[load.Message] {
	box := mailbox.DefaultConfig("bench")
	box.Lanes[mailbox.Data-1] = mailbox.LaneConfig{Cap: s.Capacity, Policy: mailbox.Block}
	sp := actors.Spec[load.Message]{
		Name: n, Class: "bench", Lane: laneOf, Place: p,
		Actor: actors.Func[load.Message](func(_ *actors.Context[load.Message], m load.Message) error {
			s.Handle(m)
			return nil
		}),
	}
	if f.Conflates {
		box.Lanes[mailbox.Data-1] = mailbox.LaneConfig{Cap: s.Capacity + s.Keys, Policy: mailbox.Conflate}
		box.MaxKeys = s.Keys
		sp.Describe = func(m load.Message) mailbox.Description {
			return mailbox.Description{Key: mailbox.Key(m.Key), Seq: m.Seq, Kind: mailbox.State}
		}
		sp.GapOf = func(mailbox.Key, uint64, uint64) load.Message { return load.Message{} } // of States none is lost
	}
	sp.Box = box
	return sp
}

func (f Failshut) place(s *actors.System) (actors.Place, error) {
	switch f.Where {
	case Pinned:
		return actors.Pinned(actors.Park), nil
	case PinnedSpin:
		return actors.Pinned(actors.Spin), nil
	case OneGoroutine:
		l, err := s.NewLoop(actors.LoopConfig{Name: "bench", Wait: actors.Park})
		if err != nil {
			return actors.Place{}, err
		}
		return l.Place(), nil
	default:
		return actors.Place{}, nil
	}
}

// spawn starts an actor.
func spawn(s *actors.System, sp actors.Spec[load.Message]) (actors.Ref[load.Message], error) {
	ref, err := actors.Spawn(s, sp)
	if errors.Is(err, actors.ErrNoSpareCore) {
		err = fmt.Errorf("%w: %w", load.ErrNoSpareCore, err)
	}
	return ref, err
}

// opened waits until an actor takes messages.
func opened(ctx context.Context, ref actors.Ref[load.Message]) error {
	for !ref.Open() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		runtime.Gosched()
	}
	return nil
}

type failshut struct {
	sys   *actors.System
	to    actors.Ref[load.Message]
	lives atomic.Uint64
}

// Open starts a system with one actor.
func (f Failshut) Open(ctx context.Context, s load.Setup) (load.Receiver, error) {
	r, err := f.receiver(s, nil)
	if err != nil {
		return nil, err
	}
	if err := opened(ctx, r.to); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// OpenSuspended starts a system with one actor whose life is not open yet, as that of one whose supervisor waits for it.
func (f Failshut) OpenSuspended(ctx context.Context, s load.Setup) (load.Receiver, func() error, error) {
	var life *actors.Life
	r, err := f.receiver(s, func(sys *actors.System) (l *actors.Life, err error) {
		life, err = sys.Begin(actors.Birth{Name: "receiver", Class: "bench"})
		return life, err
	})
	if err != nil {
		return nil, nil, err
	}
	return r, func() error {
		life.Ready()
		life.Open()
		return opened(ctx, r.to)
	}, nil
}

// receiver starts a system with one actor; begin makes the life that it belongs to, nil: one of its own.
func (f Failshut) receiver(s load.Setup, begin func(*actors.System) (*actors.Life, error)) (*failshut, error) {
	sys, err := f.system()
	if err != nil {
		return nil, err
	}
	r := &failshut{sys: sys}
	place, err := f.place(sys)
	sp := f.spec("receiver", place, s)
	if err == nil && begin != nil {
		sp.Life, err = begin(sys)
	}
	if err == nil {
		r.to, err = spawn(sys, sp)
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

func (r *failshut) Senders(n int, f func(int, load.Sender)) error {
	name := actors.Name("senders" + strconv.FormatUint(r.lives.Add(1), 10))
	l, err := r.sys.Begin(actors.Birth{Name: name})
	if err != nil {
		return err
	}
	defer l.End(false)
	ended := make(chan struct{}, n)
	for i := range n {
		err := l.Run(strconv.Itoa(i), func(ctx context.Context, out actors.Outside) error {
			defer func() { ended <- struct{}{} }()
			f(i, &failshutSender{ctx: ctx, out: out, to: r.to})
			return nil
		})
		if err != nil {
			return err
		}
	}
	for range n {
		<-ended
	}
	return nil
}

func (r *failshut) Dropped() uint64 {
	var n uint64
	for _, b := range r.sys.Boxes() {
		n += b.Total().Dropped.Total()
	}
	return n
}

// stopMax bounds the stop of a system; what is queued is given up.
const stopMax = 5 * time.Second

func (r *failshut) Close() error { return stopSystem(r.sys) }

func stopSystem(s *actors.System) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopMax)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		return err
	}
	for _, b := range s.Boxes() {
		if t := b.Total(); !t.Balanced() {
			return fmt.Errorf("%w: %s: %+v", load.ErrUnbalanced, b.Name, t)
		}
	}
	return nil
}

type failshutSender struct {
	ctx context.Context
	out actors.Outside
	to  actors.Ref[load.Message]
}

func (s *failshutSender) Offer(m load.Message) bool { return s.to.Tell(m) == nil }

func (s *failshutSender) Send(m load.Message) error { return s.to.OfferWait(s.ctx, s.out, m) }

type failshutPair struct {
	sys   *actors.System
	first actors.Ref[load.Message]
}

// Pair starts a system with two actors.
func (f Failshut) Pair(ctx context.Context, turn func(load.Message) bool) (load.Pair, error) {
	sys, err := f.system()
	if err != nil {
		return nil, err
	}
	p := &failshutPair{sys: sys}
	place, err := f.place(sys)
	if err != nil {
		return nil, errors.Join(err, stopSystem(sys))
	}
	const room = 16
	var second actors.Ref[load.Message]
	play := func(to *actors.Ref[load.Message]) func(load.Message) {
		return func(m load.Message) {
			if turn(m) {
				m.Seq++
				_ = to.Tell(m) // the only message there is: it cannot be refused
			}
		}
	}
	spec := func(n actors.Name, handle func(load.Message)) actors.Spec[load.Message] {
		return f.spec(n, place, load.Setup{Capacity: room, Handle: handle})
	}
	if second, err = spawn(sys, spec("second", play(&p.first))); err == nil {
		p.first, err = spawn(sys, spec("first", play(&second)))
	}
	for _, ref := range []actors.Ref[load.Message]{p.first, second} {
		if err == nil {
			err = opened(ctx, ref)
		}
	}
	if err != nil {
		return nil, errors.Join(err, stopSystem(sys))
	}
	return p, nil
}

func (p *failshutPair) Kick(m load.Message) error { return p.first.Tell(m) }

func (p *failshutPair) Close() error { return stopSystem(p.sys) }
