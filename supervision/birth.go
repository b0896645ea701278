package supervision

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/failshut/failshut/actors"
)

// ErrIgnore leaves the child out when its Start function returns it: a success without a process.
var ErrIgnore = errors.New("supervision: ignore")

// ErrEvidence says that a child is not ready by what it states: the evidence is not that of its class.
var ErrEvidence = errors.New("supervision: not the evidence of its class")

// StartFunc starts a child: nil when it has started, ErrIgnore to be left out, or why not. It runs outside the supervisor and
// may block (under the deterministic dispatch, in the Outside of its ctx alone), but not beyond ctx, which ends at the child's
// StartTimeout and when it is to stop. A panic is a failed start. The child's Watchdog looks at it too.
type StartFunc func(ctx context.Context, b *Birth) error

// Birth is one attempt to start a child: what its Start function is given. It stays good for the life of the incarnation, and
// is safe for any number of goroutines.
type Birth struct {
	tree  *Tree
	child *Child
	life  *actors.Life
	above string // path of the supervisor
	class actors.Class
	fault atomic.Uint32 // the Fault at the next message

	broken atomic.Uint32 // the Fault of a Run function when it returns
	stops  atomic.Bool   // by a drill: PanicStop

	mu     sync.Mutex
	runs   []func(ctx context.Context, out actors.Outside) error
	parts  int
	opened bool
	actor  any          // the Ref of its actor
	up     func() error // of WhenUp
	err    error        // a mistake made with the Birth
}

// Path is the child's path from below the root, which is the name of its actor.
func (b *Birth) Path() actors.Name { return b.life.Name() }

// Epoch is the ordinal of this attempt: 1, 2, 3 …, never used again for this path.
func (b *Birth) Epoch() uint64 { return uint64(b.life.Epoch()) }

// Fence answers whether this incarnation may have an effect outside the process: ErrNotReady until it is ready, ErrFenced
// once it has ended or was left.
func (b *Birth) Fence() actors.Fence { return b.life.Fence() }

// Log is a logger that names the child and its epoch.
func (b *Birth) Log() *slog.Logger {
	return b.tree.sys.Log().With("actor", string(b.Path()), "epoch", b.Epoch())
}

// System is the system that the child lives in.
func (b *Birth) System() *actors.System { return b.tree.sys }

// Tree is the tree that the child lives in, and Above the path of its supervisor, "" for the root: what a child needs that
// starts others beside it. A call from inside a Start function is answered not running while the supervisor comes up; see
// WhenUp.
func (b *Birth) Tree() *Tree { return b.tree }

// Above is the path of the child's supervisor, "" for the root.
func (b *Birth) Above() string { return b.above }

// Ready tells the supervisor that the child is ready, on the evidence that its class owes; a plain child with Manual owes
// none. It may be told from the Start function, from a Run function and from the actor. ErrEvidence when it is the wrong
// evidence: the child is not ready then.
func (b *Birth) Ready(ev Evidence) error {
	b.tree.post(Ready{Path: string(b.Path()), Epoch: b.Epoch(), Evidence: ev})
	if !b.child.Class.Accepts(ev) {
		return fmt.Errorf("%w: %s: %q is not for class %s", ErrEvidence, b.Path(), ev, b.child.Class)
	}
	return nil
}

// Run makes f a part of the child: work that blocks. It is started once Start has returned nil, or at once when it has. The
// first part of a child to end ends the child with its reason (nil is normal); the others are asked to stop, inside the
// child's Shutdown. The rules of actors.Life.Run hold.
func (b *Birth) Run(f func(ctx context.Context, out actors.Outside) error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.opened {
		b.runs = append(b.runs, f)
		return
	}
	b.run(f)
}

func (b *Birth) run(f func(ctx context.Context, out actors.Outside) error) {
	b.parts++
	// A child that is stopping starts nothing any more: its end is on its way already.
	_ = b.life.Run("run"+strconv.Itoa(b.parts), b.breakable(f))
}

// startPart is the part of an incarnation that its Start function is.
const startPart = "start"

// begin runs the Start function.
func (b *Birth) begin() error {
	return b.life.Run(startPart, func(ctx context.Context, out actors.Outside) error {
		if _, ok := b.tree.drills.starts.LoadAndDelete(string(b.Path())); ok {
			_ = b.tree.drills.strike(PanicStart)
		}
		err := b.child.Start(context.WithValue(ctx, outsideKey{}, out), b)
		b.mu.Lock()
		defer b.mu.Unlock()
		if err == nil {
			err = b.err
		}
		return err
	})
}

// open lets the actor take messages and starts what was to run. It comes when the supervisor knows that the start has
// returned, so that no end of a Run function is ever taken for a start that failed.
func (b *Birth) open() {
	b.life.Open()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.opened = true
	for _, f := range b.runs {
		b.run(f)
	}
	b.runs = nil
}

// Spawn starts the actor of a child, of which there is at most one, under the child's path. Its mailbox is
// mailbox.DefaultConfig, and messages wait in Data, unless options say otherwise. It takes messages once the Start function
// has returned nil. A second actor is an error.
func Spawn[M any](b *Birth, a actors.Actor[M], o ...actors.Option) (actors.Ref[M], error) {
	sp, err := specFor[M](b, a).With(o...)
	if err != nil {
		return actors.Ref[M]{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.actor != nil {
		return actors.Ref[M]{}, fmt.Errorf("%w: %s has an actor", actors.ErrNameTaken, b.Path())
	}
	ref, err := actors.Spawn(b.tree.sys, sp)
	if err != nil {
		return actors.Ref[M]{}, err
	}
	b.actor = ref
	return ref, nil
}

// WhenUp tells m to the child's actor once the supervisor above is started, and the child with it: at once, for a child that
// is started again under a running supervisor. Which lane it waits in is the actor's to say, as for any message; Control is
// the one for it. The actor has to be spawned before; else the start fails.
func WhenUp[M any](b *Birth, m M) {
	b.mu.Lock()
	defer b.mu.Unlock()
	ref, ok := b.actor.(actors.Ref[M])
	if !ok {
		b.err = fmt.Errorf("%w: WhenUp with a %T for the actor of %s", actors.ErrType, m, b.Path())
		return
	}
	b.up = func() error { return ref.Tell(m) }
}

func (b *Birth) whenUp() func() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.up
}
