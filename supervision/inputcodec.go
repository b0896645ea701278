package supervision

import (
	"fmt"
	"hash/crc64"
	"strconv"
)

// The kinds of inputs in a record. A number is never used again for another.
const (
	noInput uint8 = iota // one that a tree does not heed
	inTreeStart
	inTreeStop
	inTreeShutdown
	inTreeSkip
	inPhaseEnded
	inSupCall
	inSupCrash
	inFired
	inStarted
	inReady
	inIgnored
	inFailed
	inExited
	inEnding
	inHung
)

func inputKind(in Input) uint8 {
	switch in.(type) {
	case treeStart:
		return inTreeStart
	case treeStop:
		return inTreeStop
	case treeShutdown:
		return inTreeShutdown
	case treeSkip:
		return inTreeSkip
	case phaseEnded:
		return inPhaseEnded
	case supCall:
		return inSupCall
	case supCrash:
		return inSupCrash
	case Fired:
		return inFired
	case Started:
		return inStarted
	case Ready:
		return inReady
	case Ignored:
		return inIgnored
	case Failed:
		return inFailed
	case Exited:
		return inExited
	case Ending:
		return inEnding
	case Hung:
		return inHung
	}
	return noInput
}

// as is an input of one type.
func as[T Input](c *codec, v *Input, each func(*T)) {
	in, _ := (*v).(T)
	each(&in)
	if c.reading {
		*v = in
	}
}

// input is any input of a tree; those that it does not heed are written as none.
func (c *codec) input(v *Input) {
	kind := noInput
	if !c.reading {
		kind = inputKind(*v)
	}
	count(c, &kind)
	switch kind {
	case noInput:
	case inTreeStart:
		as(c, v, func(in *treeStart) { count(c, &in.tag) })
	case inTreeStop:
		as(c, v, func(in *treeStop) { count(c, &in.tag) })
	case inTreeShutdown:
		as(c, v, func(*treeShutdown) {})
	case inTreeSkip:
		as(c, v, func(*treeSkip) {})
	case inPhaseEnded:
		as(c, v, func(in *phaseEnded) { whole(c, &in.n); text(c, &in.reason) })
	case inSupCall:
		as(c, v, func(in *supCall) { text(c, &in.sup); c.call(&in.call) })
	case inSupCrash:
		as(c, v, func(in *supCrash) { text(c, &in.path) })
	default:
		c.report(kind, v)
	}
}

// report is an input about one incarnation, or of a timer.
func (c *codec) report(kind uint8, v *Input) {
	switch kind {
	case inFired:
		as(c, v, func(in *Fired) { c.timer(&in.Timer) })
	case inStarted:
		as(c, v, func(in *Started) { c.about(&in.Path, &in.Epoch) })
	case inReady:
		as(c, v, func(in *Ready) { c.about(&in.Path, &in.Epoch); text(c, &in.Evidence) })
	case inIgnored:
		as(c, v, func(in *Ignored) { c.about(&in.Path, &in.Epoch) })
	case inFailed:
		as(c, v, c.failed)
	case inExited:
		as(c, v, func(in *Exited) { c.about(&in.Path, &in.Epoch); text(c, &in.Reason) })
	case inEnding:
		as(c, v, func(in *Ending) { c.about(&in.Path, &in.Epoch); text(c, &in.Reason) })
	case inHung:
		as(c, v, func(in *Hung) { c.about(&in.Path, &in.Epoch) })
	default:
		c.fail("input of kind %d, want at most %d", kind, inHung)
	}
}

func (c *codec) about(path *string, epoch *uint64) {
	text(c, path)
	count(c, epoch)
}

func (c *codec) incarnation(v *Incarnation) { c.about(&v.Path, &v.Epoch) }

func (c *codec) failed(v *Failed) {
	c.about(&v.Path, &v.Epoch)
	text(c, &v.Reason)
	text(c, &v.Deepest)
	text(c, &v.Why)
}

func (c *codec) timer(v *Timer) {
	text(c, &v.Sup)
	count(c, &v.Epoch)
	text(c, &v.Path)
	count(c, &v.Kind)
	count(c, &v.N)
}

func (c *codec) call(v *Call) {
	count(c, &v.Verb)
	text(c, &v.Name)
	c.child(&v.Child)
	count(c, &v.Tag)
	count(c, &v.order)
}

func (c *codec) answer(v *Answer) {
	c.flag(&v.OK)
	c.flag(&v.Ignored)
	count(c, &v.Epoch)
	text(c, &v.Word)
	text(c, &v.At)
	text(c, &v.Detail)
}

func (c *codec) line(v *Decision) {
	count(c, &v.Kind)
	text(c, &v.Sup)
	c.about(&v.Path, &v.Epoch)
	text(c, &v.Reason)
	whole(c, &v.N)
	whole(c, &v.M)
	whole(c, &v.Delay)
	count(c, &v.Verb)
	c.answer(&v.Answer)
	list(c, &v.Left, c.incarnation)
}

// action is all that an action says; of its child, what is below is left out: that was in the spec, or in the call.
func (c *codec) action(v *Action) {
	count(c, &v.Do)
	c.about(&v.Path, &v.Epoch)
	child := Child{}
	if v.Child != nil {
		child = *v.Child
	}
	c.worker(&child)
	c.timer(&v.Timer)
	whole(c, &v.Delay)
	text(c, &v.Reason)
	c.line(&v.Line)
	count(c, &v.Tag)
	c.answer(&v.Answer)
	c.failed(&v.failed)
}

var sumTable = crc64.MakeTable(crc64.ECMA)

// sum is the hash of what was decided: it differs when one bit of an action does.
func (c *codec) sum(actions []Action) uint64 {
	c.fresh()
	for i := range actions {
		c.action(&actions[i])
	}
	return crc64.Checksum(c.buf, sumTable)
}

// inputText is an input for people.
func inputText(in Input) string {
	id := func(path string, epoch uint64) string { return path + "#" + strconv.FormatUint(epoch, 10) }
	switch in := in.(type) {
	case treeStart:
		return "start"
	case treeStop:
		return "stop"
	case treeShutdown:
		return "shutdown"
	case treeSkip:
		return "skip_phases"
	case phaseEnded:
		return fmt.Sprintf("phase %d ended %s", in.n, in.reason)
	case supCall:
		return fmt.Sprintf("%s %s", in.call.Verb, join(in.sup, in.call.Name))
	case supCrash:
		return "crash " + in.path
	case Fired:
		return fmt.Sprintf("timer %d of %s about %s", in.Timer.N, id(in.Timer.Sup, in.Timer.Epoch), in.Timer.Path)
	case Started:
		return "started " + id(in.Path, in.Epoch)
	case Ready:
		return fmt.Sprintf("ready %s %s", id(in.Path, in.Epoch), in.Evidence)
	case Ignored:
		return "ignored " + id(in.Path, in.Epoch)
	case Failed:
		return fmt.Sprintf("failed %s %s", id(in.Path, in.Epoch), in.Reason)
	case Exited:
		return fmt.Sprintf("exited %s %s", id(in.Path, in.Epoch), in.Reason)
	case Ending:
		return fmt.Sprintf("ending %s %s", id(in.Path, in.Epoch), in.Reason)
	case Hung:
		return "hung " + id(in.Path, in.Epoch)
	}
	return "none"
}
