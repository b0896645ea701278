// Package peer puts the loads of bench/load on other actor libraries. Each is a program of its own, since two of them
// register the same protobuf file; a program runs one case and prints its figures as one line of JSON.
package peer

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/failshut/failshut/bench/load"
)

// Figures are what one run of one case showed. Latencies are nanoseconds; 0 where the mode has none.
type Figures struct {
	System   string  `json:"system"`
	Version  string  `json:"version"`
	Bounded  bool    `json:"bounded"`
	Mode     string  `json:"mode"`
	Senders  int     `json:"senders"`
	Rate     int     `json:"rate"` // messages a second, of the mode steady
	NsPerOp  float64 `json:"ns_per_op"`
	P50      int64   `json:"p50"`
	P99      int64   `json:"p99"`
	Max      int64   `json:"max"`
	Allocs   float64 `json:"allocs_per_op"`
	Goodput  float64 `json:"goodput"`
	Memory   int64   `json:"memory_growth"`
	AgeBound int64   `json:"age_bound"`
	// Overloaded says that less than 99 in 100 of what was offered was handled in time: its latencies compare with nothing.
	Overloaded bool `json:"overloaded,omitempty"`
	// Note says why there are no figures, Failed that there should be some.
	Note   string `json:"note,omitempty"`
	Failed bool   `json:"failed,omitempty"`
}

// Case is one load.
type Case struct {
	Mode     string
	Senders  int
	Rate     int
	Duration time.Duration
	Warmup   time.Duration
	Seed     uint64
}

// The loads of `failshut bench mailbox`, see its modes.
const (
	room        = 8192
	wakeRate    = 1000
	slowHandler = 2 * time.Microsecond
)

// Run runs a case on a system. What the system cannot do on this machine is a note, no error.
func Run(ctx context.Context, d load.Driver, c Case) (Figures, error) {
	f := Figures{System: d.Name(), Version: d.Version(), Bounded: d.Traits().Bounded, Mode: c.Mode, Senders: c.Senders, Rate: c.Rate}
	plan := load.Plan{Senders: c.Senders, Capacity: room, Duration: c.Duration, Warmup: c.Warmup, Seed: c.Seed}
	var run func(context.Context, load.Driver, load.Plan) (load.Outcome, error)
	switch c.Mode {
	case "throughput":
		run = load.Throughput
	case "pingpong":
		run = load.PingPong
	case "wake":
		run, plan.Rate, plan.Pace = load.Steady, wakeRate, load.Constant
	case "steady":
		if c.Rate < 1 {
			return f, fmt.Errorf("rate = %d, want at least 1 message a second", c.Rate)
		}
		run, plan.Rate, plan.Pace = load.Steady, float64(c.Rate), load.Constant
	case "overload":
		run, plan.Work = load.Overload, slowHandler
	default:
		return f, fmt.Errorf("mode = %q, want throughput, pingpong, steady, wake or overload", c.Mode)
	}
	o, err := run(ctx, d, plan)
	switch {
	case errors.Is(err, load.ErrNoSpareCore):
		f.Note = load.ErrNoSpareCore.Error()
		return f, nil
	case err != nil:
		return f, err
	}
	f.Overloaded = c.Mode != "overload" && o.Overloaded()
	f.Allocs, f.Goodput, f.Memory, f.AgeBound = o.AllocsPerOp(), o.Goodput, o.MemoryGrowth, o.AgeBound
	if o.Latencies == nil {
		f.NsPerOp = o.NsPerOp()
	} else if p, ok := o.Latencies.Percentiles(); ok {
		f.P50, f.P99, f.Max = p.P50, p.P99, p.Max
	}
	return f, nil
}

// Main is the program of one library: it runs the case that its flags describe on the system that they name.
func Main(drivers ...load.Driver) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := mainWith(ctx, os.Args[1:], os.Stdout, drivers); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:gocritic // there is nothing left to stop
	}
}

func mainWith(ctx context.Context, args []string, out io.Writer, drivers []load.Driver) error {
	flags := flag.NewFlagSet("peer", flag.ContinueOnError)
	system := flags.String("system", "", "which of the systems of this program")
	var c Case
	flags.StringVar(&c.Mode, "mode", "throughput", "throughput, pingpong, steady, wake or overload")
	flags.IntVar(&c.Senders, "senders", 1, "senders of the mode throughput")
	flags.IntVar(&c.Rate, "rate", 0, "messages a second of the mode steady")
	flags.DurationVar(&c.Duration, "duration", time.Second, "measured")
	flags.DurationVar(&c.Warmup, "warmup", time.Second/5, "before it")
	flags.Uint64Var(&c.Seed, "seed", 0, "of random schedules")
	if err := flags.Parse(args); err != nil {
		return err
	}
	for _, d := range drivers {
		if d.Name() != *system {
			continue
		}
		f, err := Run(ctx, d, c)
		if err != nil {
			return fmt.Errorf("%s, %s: %w", d.Name(), c.Mode, err)
		}
		return json.NewEncoder(out).Encode(f)
	}
	return fmt.Errorf("system = %q is not of this program", *system)
}

// Engine is a running actor library.
type Engine interface {
	// Spawn starts an actor; send says whether the message was taken, where the library says so.
	Spawn(handle func(load.Message)) (send func(load.Message) bool, err error)
	Stop()
}

// Library makes a load.Driver of an actor library.
type Library struct {
	Called string
	Of     string // version
	Has    load.Traits
	Start  func(ctx context.Context, capacity int) (Engine, error)
}

// Name is how tables call it.
func (l Library) Name() string { return l.Called }

// Version is what was measured.
func (l Library) Version() string { return l.Of }

// Traits say what it has.
func (l Library) Traits() load.Traits { return l.Has }

type receiver struct {
	engine Engine
	send   func(load.Message) bool
}

// Open starts one actor.
func (l Library) Open(ctx context.Context, s load.Setup) (load.Receiver, error) {
	e, err := l.Start(ctx, s.Capacity)
	if err != nil {
		return nil, err
	}
	send, err := e.Spawn(s.Handle)
	if err != nil {
		e.Stop()
		return nil, err
	}
	return &receiver{e, send}, nil
}

func (r *receiver) Senders(n int, f func(int, load.Sender)) error {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { f(i, r) })
	}
	all.Wait()
	return nil
}

// Dropped is 0: none of the libraries says.
func (r *receiver) Dropped() uint64 { return 0 }

func (r *receiver) Close() error {
	r.engine.Stop()
	return nil
}

func (r *receiver) Offer(m load.Message) bool { return r.send(m) }

// Send has no way to wait but to try again.
func (r *receiver) Send(m load.Message) error {
	for !r.send(m) {
		runtime.Gosched()
	}
	return nil
}

type pair struct {
	engine Engine
	first  func(load.Message) bool
}

// Pair starts two actors that play.
func (l Library) Pair(ctx context.Context, turn func(load.Message) bool) (load.Pair, error) {
	e, err := l.Start(ctx, room)
	if err != nil {
		return nil, err
	}
	p := &pair{engine: e}
	var second func(load.Message) bool
	play := func(to *func(load.Message) bool) func(load.Message) {
		return func(m load.Message) {
			if turn(m) {
				m.Seq++
				(*to)(m)
			}
		}
	}
	if p.first, err = e.Spawn(play(&second)); err == nil {
		second, err = e.Spawn(play(&p.first))
	}
	if err != nil {
		e.Stop()
		return nil, err
	}
	return p, nil
}

func (p *pair) Kick(m load.Message) error {
	p.first(m)
	return nil
}

func (p *pair) Close() error {
	p.engine.Stop()
	return nil
}
