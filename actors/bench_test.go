package actors_test

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/mailbox"
)

func newBench(b *testing.B, deterministic bool) *actors.System {
	b.Helper()
	cfg := actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(0)}
	if deterministic {
		cfg.Clock, cfg.Dispatch = actors.Virtual(start), actors.Deterministic()
	}
	s, err := actors.New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Stop(context.Background()) })
	return s
}

type packet struct {
	lane mailbox.Lane
	_    [2]int64 // the size of a real message
	_    *int
}

func laneOf(p packet) mailbox.Lane { return p.lane }

// BenchmarkDeterministicHop is one message from one handler to another under the deterministic dispatch.
func BenchmarkDeterministicHop(b *testing.B) {
	s := newBench(b, true)
	b.ReportAllocs()
	var ping, pong actors.Ref[packet]
	n, done := 0, false
	spawn := func(name actors.Name, to *actors.Ref[packet]) actors.Ref[packet] {
		ref, err := actors.Spawn(s, actors.Spec[packet]{
			Name: name, Box: mailbox.DefaultConfig("bench"), Lane: laneOf,
			Actor: actors.Func[packet](func(_ *actors.Context[packet], m packet) error {
				if n++; n >= b.N {
					done = true
					return nil
				}
				return to.Tell(m)
			}),
		})
		if err != nil {
			b.Fatal(err)
		}
		return ref
	}
	ping, pong = spawn("ping", &pong), spawn("pong", &ping)
	_ = s.Drive(b.Context(), nil)
	if err := ping.Tell(packet{lane: mailbox.Data}); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	_ = s.Drive(b.Context(), func() bool { return done })
	if !done {
		b.Fatal("not done")
	}
}

// BenchmarkTellHandled is a message from a goroutine outside until it is handled, under the shared dispatch, with
// one and four senders at full speed.
func BenchmarkTellHandled(b *testing.B) {
	for _, senders := range []int{1, 4} {
		b.Run(map[int]string{1: "1 sender", 4: "4 senders"}[senders], func(b *testing.B) {
			s := newBench(b, false)
			b.ReportAllocs()
			total := b.N / senders * senders
			if total == 0 {
				total = senders
			}
			done := make(chan struct{})
			n := 0
			ref, err := actors.Spawn(s, actors.Spec[packet]{
				Name: "sink", Box: mailbox.DefaultConfig("bench"), Lane: laneOf,
				Actor: actors.Func[packet](func(_ *actors.Context[packet], _ packet) error {
					if n++; n == total {
						close(done)
					}
					return nil
				}),
			})
			if err != nil {
				b.Fatal(err)
			}
			for ref.Tell(packet{lane: mailbox.Control}) != nil {
				continue
			}
			n = 0
			b.ResetTimer()
			var wg sync.WaitGroup
			for range senders {
				wg.Go(func() {
					for range total / senders {
						for ref.Tell(packet{lane: mailbox.Data}) != nil {
							runtime.Gosched() // full: let the handler work
						}
					}
				})
			}
			wg.Wait()
			<-done
		})
	}
}

// BenchmarkReplayPacket is one packet of a replay: the reader waits for its time, offers it, the channel handles it
// and tells a strategy, which sets a timer.
func BenchmarkReplayPacket(b *testing.B) {
	s := newBench(b, true)
	b.ReportAllocs()
	handled := 0
	quotes, err := actors.Spawn(s, actors.Spec[packet]{
		Name: "strategy", Box: mailbox.DefaultConfig("bench"), Lane: laneOf,
		Actor: actors.Func[packet](func(c *actors.Context[packet], m packet) error {
			handled++
			if m.lane == mailbox.Data {
				c.After("age", time.Hour, packet{lane: mailbox.Control})
			}
			return nil
		}),
	})
	if err != nil {
		b.Fatal(err)
	}
	box := mailbox.DefaultConfig("bench")
	box.Lanes[mailbox.Data-1].Policy = mailbox.Block
	channel, err := actors.Spawn(s, actors.Spec[packet]{
		Name: "channel", Box: box, Lane: laneOf,
		Actor: actors.Func[packet](func(_ *actors.Context[packet], m packet) error { return quotes.Tell(m) }),
	})
	if err != nil {
		b.Fatal(err)
	}
	_ = s.Drive(b.Context(), nil)
	l, err := s.Begin(actors.Birth{Name: "reader"})
	if err != nil {
		b.Fatal(err)
	}
	done := false
	err = l.Run("file", func(ctx context.Context, out actors.Outside) error {
		at := out.Now()
		for range b.N {
			at = at.Add(time.Microsecond)
			if err := out.Until(ctx, at); err != nil {
				return err
			}
			if err := channel.OfferWait(ctx, out, packet{lane: mailbox.Data}); err != nil {
				return err
			}
		}
		done = true
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	_ = s.Drive(b.Context(), func() bool { return done })
	if !done || handled < b.N-1 {
		b.Fatalf("handled %d of %d", handled, b.N)
	}
}

// BenchmarkLoopHop is one message from one handler to another on one loop.
func BenchmarkLoopHop(b *testing.B) {
	s := newBench(b, false)
	l, err := s.NewLoop(actors.LoopConfig{Wait: actors.Park})
	if err != nil {
		b.Fatal(err)
	}
	benchHops(b, s, l.Place(), l.Place())
}

// BenchmarkPingPong is half a round trip of two actors that each sleep until the other has spoken.
func BenchmarkPingPong(b *testing.B) {
	for name, p := range map[string]actors.Place{"pool": {}, "pinned": actors.Pinned(actors.Park)} {
		b.Run(name, func(b *testing.B) { benchHops(b, newBench(b, false), p, p) })
	}
	b.Run("channels", func(b *testing.B) {
		ping, pong := make(chan packet, 1), make(chan packet, 1)
		go func() {
			for m := range ping {
				pong <- m
			}
			close(pong)
		}()
		for i := 0; i < b.N; i += 2 {
			ping <- packet{}
			<-pong
		}
		close(ping)
	})
}

// benchHops lets two actors play b.N messages to each other.
func benchHops(b *testing.B, s *actors.System, first, second actors.Place) {
	b.Helper()
	b.ReportAllocs()
	done := make(chan struct{})
	n := 0 // the one who has the message has it
	var ping, pong actors.Ref[packet]
	spawn := func(name actors.Name, p actors.Place, to *actors.Ref[packet]) actors.Ref[packet] {
		ref, err := actors.Spawn(s, actors.Spec[packet]{
			Name: name, Box: mailbox.DefaultConfig("bench"), Lane: laneOf, Place: p,
			Actor: actors.Func[packet](func(_ *actors.Context[packet], m packet) error {
				if n++; n > b.N {
					close(done)
					return nil
				}
				return to.Tell(m)
			}),
		})
		if err != nil {
			b.Fatal(err)
		}
		return ref
	}
	ping, pong = spawn("ping", first, &pong), spawn("pong", second, &ping)
	for !ping.Open() || !pong.Open() {
		runtime.Gosched()
	}
	b.ResetTimer()
	if err := ping.Tell(packet{lane: mailbox.Data}); err != nil {
		b.Fatal(err)
	}
	<-done
}

// BenchmarkTimerRearmed sets one timer again for each message, as who waits for an answer does.
func BenchmarkTimerRearmed(b *testing.B) {
	s := newBench(b, true)
	b.ReportAllocs()
	n, done := 0, false
	ref, err := actors.Spawn(s, actors.Spec[packet]{
		Name: "a", Box: mailbox.DefaultConfig("bench"), Lane: laneOf,
		Actor: actors.Func[packet](func(c *actors.Context[packet], m packet) error {
			c.After("answer", time.Minute, packet{lane: mailbox.Control})
			if n++; n >= b.N {
				done = true
				return nil
			}
			return c.Self().Tell(m)
		}),
	})
	if err != nil {
		b.Fatal(err)
	}
	_ = s.Drive(b.Context(), ref.Open)
	if err := ref.Tell(packet{lane: mailbox.Data}); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	if _ = s.Drive(b.Context(), func() bool { return done }); !done {
		b.Fatal("not done")
	}
}

// BenchmarkSpawnStop is the life of an actor that handles nothing, by one name, one after the other.
func BenchmarkSpawnStop(b *testing.B) {
	s := newBench(b, false)
	b.ReportAllocs()
	ended := make(chan struct{}, 1)
	s.OnExit(func(actors.Exit) { ended <- struct{}{} })
	for b.Loop() {
		ref, err := actors.Spawn(s, actors.Spec[int]{
			Name: "a", Box: mailbox.One(16, mailbox.Reject), Actor: actors.Func[int](func(*actors.Context[int], int) error { return nil }),
		})
		if err != nil {
			b.Fatal(err)
		}
		_ = s.StopActor("a", ref.Epoch())
		<-ended
	}
}
