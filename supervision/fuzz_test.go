package supervision

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

// fuzzSpec has every strategy, and children of every kind.
func fuzzSpec(strategy Strategy) *Spec {
	child := func(name string, r Restart) Child { c := DefaultChild(name, nil); c.Restart = r; return c }
	brutal, feed, slow := child("b", Transient), child("c", Permanent), child("d", Temporary)
	brutal.Shutdown, brutal.Watchdog = Brutal, time.Second
	feed.Class = FeedClass
	slow.Backoff = Backoff{Base: time.Second, Cap: 4 * time.Second, Reset: time.Minute}
	slow.Significant = true
	mid := Spec{Name: "m", Strategy: OneForAll, Intensity: 2, Period: 5 * time.Second, Children: []Child{child("x", Permanent), slow}}
	pool := Spec{Name: "p", Strategy: SimpleOneForOne, Intensity: 1, Period: 5 * time.Second, Children: []Child{child("w", Permanent)}}
	return &Spec{
		Name: "root", Strategy: strategy, Intensity: 3, Period: 5 * time.Second, AutoShutdown: AnySignificant, Budget: Budget{Starts: 2, Within: time.Second},
		Children: []Child{child("a", Permanent), brutal, SubTree("m", mid), feed, slow, SubTree("p", pool)},
	}
}

var fuzzPaths = []string{"", "a", "b", "m", "m/x", "m/d", "c", "d", "p", "p/w1", "e", "m/e", "nobody", "no/body", "/", "a/"}

// reel reads a story out of bytes.
type reel struct{ left []byte }

func (r *reel) byte() byte {
	if len(r.left) == 0 {
		return 0
	}
	b := r.left[0]
	r.left = r.left[1:]
	return b
}

func (r *reel) path() string { return fuzzPaths[int(r.byte())%len(fuzzPaths)] }

func (r *reel) reason() Reason {
	words := []Reason{Normal, ShutdownEnd, Crashed, "shutdown:rebalance", Killed, ""}
	return words[int(r.byte())%len(words)]
}

// about is a path, and mostly its present epoch.
func (r *reel) about(l *Ledger) (string, uint64) {
	p, b := r.path(), r.byte()
	if b < 200 {
		return p, l.epochs[p]
	}
	return p, uint64(b % 4)
}

// input is any input, of a supervisor or of a tree.
func (r *reel) input(l *Ledger, timers []Timer) Input {
	kind := r.byte() % 24
	p, n := r.about(l)
	switch kind {
	case 0, 1, 2:
		return Started{p, n}
	case 3:
		return Ready{p, n, []Evidence{Synced, CaughtUp, "", "nonsense"}[r.byte()%4]}
	case 4:
		return Ignored{p, n}
	case 5:
		return Failed{Path: p, Epoch: n, Reason: r.reason()}
	case 6, 7:
		return Exited{p, n, r.reason()}
	case 8:
		return Ending{p, n, r.reason()}
	case 9:
		return Hung{p, n}
	case 10, 11, 12:
		if len(timers) > 0 {
			return Fired{timers[int(r.byte())%len(timers)]}
		}
		return Fired{Timer{Sup: p, Epoch: n, Path: p, Kind: TimerKind(r.byte()), N: n}}
	case 13:
		return supCrash{p}
	case 14:
		return treeShutdown{}
	case 15:
		return treeSkip{}
	case 16:
		return phaseEnded{int(r.byte()%4) - 1, r.reason()}
	case 17:
		return treeStart{}
	case 18:
		return treeStop{}
	case 19:
		return []Input{Boot{}, Stop{}, Crash{}, Freeze{}, nil, Granted{p}, Begun{p, n}, Call{}}[r.byte()%8]
	}
	c := DefaultChild([]string{"e", "w1", "a", "", "x/y"}[r.byte()%5], nil)
	c.Restart = Restart(r.byte() % 5)
	return supCall{p, Call{Verb: Verb(r.byte() % 7), Name: c.Name, Child: c}}
}

// stale says whether an input is about an incarnation that is over: it must change nothing.
func (t *trunk) stale(in Input) bool {
	var path string
	var epoch uint64
	switch in := in.(type) {
	case Started:
		path, epoch = in.Path, in.Epoch
	case Ready:
		path, epoch = in.Path, in.Epoch
	case Ignored:
		path, epoch = in.Path, in.Epoch
	case Failed:
		path, epoch = in.Path, in.Epoch
	case Exited:
		path, epoch = in.Path, in.Epoch
	case Ending:
		path, epoch = in.Path, in.Epoch
	case Hung:
		path, epoch = in.Path, in.Epoch
	default:
		return false
	}
	return epoch < t.ledger.epochs[path] && t.zombie(path, epoch) < 0
}

func FuzzAnyInputInAnyState(f *testing.F) {
	f.Add([]byte{0})
	f.Add([]byte{1, 17, 0, 0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 0, 3, 0, 0, 4, 0, 6, 1, 0, 2, 14, 0, 0, 16, 0, 0, 2})
	f.Add([]byte{2, 17, 0, 0, 0, 0, 0, 0, 1, 0, 6, 1, 0, 2, 6, 1, 201, 2, 10, 0, 0, 0, 18, 0, 0})
	f.Add([]byte{3, 17, 0, 0, 0, 0, 0, 0, 1, 0, 9, 2, 0, 19, 1, 0, 1, 19, 0, 0, 5, 20, 0, 0, 0, 1, 1, 13, 3, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := fuzzTrunk(data); err != nil {
			t.Fatal(err)
		}
	})
}

// TestAnyInputInAnyState tells longer stories than a fuzzer finds in seconds.
func TestAnyInputInAnyState(t *testing.T) {
	for i := range 300 {
		r := rand.New(rand.NewPCG(*seedFlag, uint64(i)))
		data := make([]byte, 2000)
		for j := range data {
			data[j] = byte(r.Uint32())
		}
		data[1], data[2] = 0, 17 // most of them come up
		if err := fuzzTrunk(data); err != nil {
			t.Fatalf("-seed %d, story %d: %v", *seedFlag, i, err)
		}
	}
}

func fuzzTrunk(data []byte) error {
	r := &reel{data}
	strategy := []Strategy{OneForOne, RestForOne, OneForAll}[r.byte()%3]
	phases := []Phase{{Name: "trip", Timeout: time.Second}, {Name: "cancel", Timeout: Infinity}}
	t := newTrunk(fuzzSpec(strategy), Child{StartTimeout: time.Minute, Shutdown: time.Minute}, phases, Siblings)
	var timers []Timer
	now := time.Unix(0, 0)
	for steps := 0; len(r.left) > 0 && steps < 500; steps++ {
		now = now.Add(time.Duration(r.byte()) * 10 * time.Millisecond)
		in := r.input(t.ledger, timers)
		at := At{Now: now, Draw: float64(r.byte()) / 256}
		stale, before := t.stale(in), t.snapshot()
		actions := t.Decide(in, at)
		if len(actions) > 10_000 {
			return fmt.Errorf("%d actions of %#v, want a decision that ends", len(actions), in)
		}
		if stale && (len(actions) > 0 || !reflect.DeepEqual(before, t.snapshot())) {
			return fmt.Errorf("%#v of an old epoch has changed something: %v", in, actions)
		}
		for _, a := range actions {
			if a.Do == DoArm && len(timers) < 256 {
				timers = append(timers, a.Timer)
			}
			_ = a.Line.String()
		}
	}
	return nil
}

// FuzzOneSupervisor gives a State alone what a tree would never give it.
func FuzzOneSupervisor(f *testing.F) {
	f.Add([]byte{0, 19, 0, 0, 0, 0, 1, 0, 0, 6, 1, 0, 2})
	f.Add([]byte{1, 19, 0, 0, 2, 19, 0, 0, 0, 0, 1, 0, 19, 0, 0, 1})
	f.Fuzz(func(_ *testing.T, data []byte) {
		r := &reel{data}
		l := NewLedger(Siblings)
		s := NewState(fuzzSpec([]Strategy{OneForOne, RestForOne, OneForAll}[r.byte()%3]), "", 1, l, r.byte()%2 == 0)
		now := time.Unix(0, 0)
		var timers []Timer
		for len(r.left) > 0 {
			now = now.Add(time.Duration(r.byte()) * 10 * time.Millisecond)
			in := r.input(l, timers)
			if c, ok := in.(supCall); ok {
				in = c.call
			}
			for _, a := range s.Decide(in, At{Now: now}) {
				if a.Do == DoArm && len(timers) < 256 {
					timers = append(timers, a.Timer)
				}
			}
		}
	})
}
