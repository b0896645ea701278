package supervision

import (
	"errors"
	"strings"
	"time"

	"github.com/failshut/failshut/actors"
)

// incarnation is one life that the keeper has begun.
type incarnation struct {
	id        Incarnation
	b         *Birth
	serial    uint64
	began     time.Time
	stopping  bool
	killed    bool
	abandoned bool
	told      int    // ends of its parts that were heard of
	own       bool   // it is ending by itself: the first reason stays
	first     Reason // of the first part that ended
	final     Input  // what to tell when the last part is gone; nil is Exited
}

// start begins the life of an incarnation. A supervisor has none of its own: the trunk is its life.
func (k *keeper) start(a Action, now time.Time) {
	if a.Child.Sub != nil {
		k.tell(Started{a.Path, a.Epoch})
		return
	}
	life, err := k.tree.sys.Begin(actors.Birth{Name: actors.Name(a.Path), Epoch: actors.Epoch(a.Epoch), Class: k.class(a.Path), Watchdog: a.Child.Watchdog})
	if err == nil {
		b := &Birth{tree: k.tree, child: a.Child, life: life, class: k.class(a.Path), above: a.Path[:max(strings.LastIndexByte(a.Path, '/'), 0)]}
		k.serial++
		id := Incarnation{a.Path, a.Epoch}
		k.lives[id] = &incarnation{id: id, b: b, serial: k.serial, began: now}
		k.tree.births.Store(a.Path, b)
		if err = b.begin(); err == nil {
			return
		}
		k.forget(k.lives[id])
	}
	k.tree.sys.Log().Error("cannot begin", "actor", a.Path, "epoch", a.Epoch, "err", err)
	k.tell(Failed{Path: a.Path, Epoch: a.Epoch, Reason: "error"})
}

// class labels the actor of a child: its path, or for one that came by call its supervisor's, so that labels stay as few as
// the spec has children.
func (k *keeper) class(path string) actors.Class {
	i := max(strings.LastIndexByte(path, '/'), 0)
	if s := k.t.sups[path[:i]]; s != nil {
		if e := s.index[path]; e != nil && e.dynamic {
			return actors.Class(join(path[:i], "*"))
		}
	}
	return actors.Class(path)
}

// open lets the actor take messages, and has it told what it wants to hear once its supervisor is up.
func (k *keeper) open(in *incarnation) {
	if in == nil {
		return
	}
	in.b.open()
	if up := in.b.whenUp(); up != nil {
		k.waiting[in.id] = up
	}
}

func (k *keeper) stop(in *incarnation) {
	if in == nil {
		return
	}
	in.stopping = true
	in.b.life.Stop()
	k.goneIfEmpty(in)
}

// killGrace is how long a killed child may take to be seen ended. It is fenced already.
const killGrace = 100 * time.Millisecond

func (k *keeper) kill(in *incarnation) {
	if in == nil {
		return
	}
	in.stopping, in.killed = true, true
	in.b.life.Kill()
	if !k.goneIfEmpty(in) {
		k.c.After(in.id, killGrace, knock{grace: in.id})
	}
}

// empty reports whether no part is left, and none has ended of which the keeper has not heard yet.
func (in *incarnation) empty() bool { return in.b.life.Parts() == 0 && in.told == in.b.life.Begun() }

// goneIfEmpty ends a child that has no part which could tell its end.
func (k *keeper) goneIfEmpty(in *incarnation) bool {
	if !in.empty() || in.final != nil || in.first != "" {
		return false
	}
	k.lastGone(in)
	return true
}

func (k *keeper) abandon(in *incarnation) {
	if in == nil {
		return
	}
	in.abandoned = true
	in.b.life.Abandon()
	if in.empty() { // nothing is left that could tell its end
		k.forget(in)
		k.tell(Exited{in.id.Path, in.id.Epoch, ShutdownEnd})
		return
	}
	k.ended = append(k.ended, in.id.Path)
	k.tree.births.CompareAndDelete(in.id.Path, in.b)
	delete(k.waiting, in.id)
}

// onExit takes the end of one part of an incarnation. The first part to end ends the child; it is told so when the last is
// gone.
func (k *keeper) onExit(x actors.Exit) {
	if x.Name == k.tree.life.Name() {
		k.phaseEnded(x)
		return
	}
	in := k.lives[Incarnation{string(x.Name), uint64(x.Epoch)}]
	if in == nil {
		return
	}
	notice := in.isNotice(x)
	if !notice {
		in.told++
	}
	up := k.c.Now().Sub(in.began)
	k.later = k.watch.ended(k.later, x, up)
	switch {
	case in.abandoned || x.Late:
		if x.Left == 0 {
			k.forget(in)
			k.decide(Exited{in.id.Path, in.id.Epoch, Reason(x.Reason)})
		}
		return
	case notice:
		k.decide(Hung(in.id))
		return
	case x.Part == startPart && !in.stopping && in.first == "":
		k.startReturned(in, x)
		return
	case x.Part != startPart:
		k.partEnded(in, x)
	}
	if x.Left == 0 && (in.stopping || in.first != "" || in.final != nil) {
		k.lastGone(in)
		k.run()
	}
}

// isNotice reports whether x tells that a watchdog has left the incarnation behind, which is no end of a part. An actor may call
// its own end hung too.
func (in *incarnation) isNotice(x actors.Exit) bool {
	return x.Reason == actors.ReasonHung && !x.Late && !in.killed && errors.Is(in.b.life.Fence().Check(), actors.ErrFenced)
}

// startReturned takes the result of a Start function.
func (k *keeper) startReturned(in *incarnation, x actors.Exit) {
	path, epoch := in.id.Path, in.id.Epoch
	reason := Reason(x.Reason)
	switch {
	case x.Err == nil && x.Reason == actors.ReasonNormal:
		k.decide(Started{path, epoch})
		return
	case errors.Is(x.Err, ErrIgnore):
		in.final = Ignored{path, epoch}
	default:
		if x.Reason == actors.ReasonCrash {
			reason = Panicked
		}
		in.final = Failed{Path: path, Epoch: epoch, Reason: reason}
	}
	if x.Left == 0 {
		k.lastGone(in)
		k.run()
		return
	}
	in.first, in.own = reason, true
	k.decide(Ending{path, epoch, reason})
}

// partEnded notes why a child ends: its first part says it, and a part that breaks while the others stop.
func (k *keeper) partEnded(in *incarnation, x actors.Exit) {
	reason := Reason(x.Reason)
	switch {
	case in.first == "":
		in.first = reason
	case !in.own && in.first.Orderly() && !reason.Orderly():
		in.first = reason
	}
	if x.Left > 0 && !in.stopping {
		in.own = true
		k.decide(Ending{in.id.Path, in.id.Epoch, in.first})
	}
}

// lastGone tells the end of an incarnation that has no part left.
func (k *keeper) lastGone(in *incarnation) {
	k.forget(in)
	reason := in.first
	switch {
	case in.killed:
		reason = Killed
	case reason == "":
		reason = ShutdownEnd
	}
	if in.final != nil {
		k.tell(in.final)
		return
	}
	k.tell(Exited{in.id.Path, in.id.Epoch, reason})
}

// forget ends the life of an incarnation.
func (k *keeper) forget(in *incarnation) {
	in.b.life.End(true)
	delete(k.lives, in.id)
	delete(k.waiting, in.id)
	k.c.Cancel(in.id)
	k.tree.births.CompareAndDelete(in.id.Path, in.b)
	k.ended = append(k.ended, in.id.Path)
}
