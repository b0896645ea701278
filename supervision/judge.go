package supervision

import (
	"fmt"
	"hash/crc64"
	"time"
)

// note is one decision as the journal keeps it: its place in the order of all decisions of the tree, what was decided about
// and when, and a hash of what came out.
type note struct {
	seq     uint64
	in      Input
	at      At
	actions uint64 // how many
	sum     uint64
}

func (c *codec) note(n *note) {
	count(c, &n.seq)
	c.time(&n.at.Now)
	c.float(&n.at.Draw)
	c.input(&n.in)
	count(c, &n.actions)
	c.bits(&n.sum)
}

// moment is the state of a tree before decision seq+1. Times are counted from base.
type moment struct {
	seq  uint64
	base int64 // ns since 1970 UTC
	t    *trunk
}

func (c *codec) moment(w *moment) {
	count(c, &w.seq)
	whole(c, &w.base)
	if c.reading {
		c.base, w.t = time.Unix(0, w.base).UTC(), &trunk{}
	}
	c.state(w.t)
}

// Replay is what came of deciding again about everything in a journal.
type Replay struct {
	Records uint64      // decisions that were read
	Judged  uint64      // of them, decided again: the rest stand behind a gap, or before the first state that is left
	Dropped uint64      // decisions that are missing, by their numbers
	First   *Difference // nil when all that was judged is as the journal says
	Damage  error       // the first damage of the files; what it cost is in Dropped unless nothing could be read behind it
}

// Difference is where a replay first decides otherwise than the journal says.
type Difference struct {
	Seq   uint64   // of the decision, from 1
	Input string   // what was decided about; "state" when the whole state differs before the decision after it
	Want  []string // what the journal says
	Got   []string // what was decided now
}

// judge holds a journal against the rules: it decides again about each input, from the last state that the journal has.
type judge struct {
	Replay

	t    *trunk // nil behind a gap, until the next state
	c    codec  // writes what is judged
	base time.Time
	next uint64 // the decision that comes next; 0 is not known
}

// life begins another tree: its decisions are counted from 1.
func (j *judge) life() { j.t, j.next = nil, 1 }

// state takes the whole state, and holds it against what the decisions before it have led to.
func (j *judge) state(body []byte) error {
	var w moment
	in := codec{buf: body, reading: true}
	in.moment(&w)
	if err := in.end(); err != nil {
		return fmt.Errorf("the state at decision %d: %w", w.seq, err)
	}
	if err := j.missing(w.seq + 1); err != nil {
		return err
	}
	if j.t != nil && j.First == nil {
		j.c.fresh()
		j.c.base = j.base
		j.c.moment(&moment{j.next - 1, j.base.UnixNano(), j.t})
		if want, got := sumOf(body), sumOf(j.c.buf); want != got {
			j.First = &Difference{Seq: w.seq, Input: "state", Want: []string{hashText(want)}, Got: []string{hashText(got)}}
		}
	}
	j.t, j.next, j.base = w.t, w.seq+1, in.base
	return nil
}

// decision takes one record and decides about its input again.
func (j *judge) decision(body []byte) error {
	var n note
	in := codec{buf: body, reading: true, base: j.base}
	in.note(&n)
	if err := in.end(); err != nil {
		return fmt.Errorf("decision %d: %w", n.seq, err)
	}
	j.Records++
	if err := j.missing(n.seq); err != nil {
		return err
	}
	j.next = n.seq + 1
	if j.t == nil || j.First != nil {
		return nil
	}
	j.Judged++
	actions, broke := j.decide(n)
	if sum := j.c.sum(actions); broke != "" || sum != n.sum {
		j.First = &Difference{Seq: n.seq, Input: inputText(n.in), Want: []string{actionsText(n.actions, n.sum)}}
		j.First.Got = append([]string{actionsText(uint64(len(actions)), sum)}, j.lines(actions)...)
		if broke != "" {
			j.First.Got = []string{broke}
		}
	}
	return nil
}

// missing counts the decisions between the one that was to come and seq. What follows on a gap cannot be judged before the
// next state.
func (j *judge) missing(seq uint64) error {
	switch {
	case j.next == 0 || seq == j.next:
	case seq < j.next:
		return fmt.Errorf("%w: decision %d is next, want %d or later", errCodec, seq, j.next)
	default:
		j.Dropped += seq - j.next
		j.t, j.next = nil, seq
	}
	return nil
}

// decide is the trunk's, and says so when it panics: what was read may be what no tree wrote.
func (j *judge) decide(n note) (actions []Action, broke string) {
	defer func() {
		if p := recover(); p != nil {
			broke = fmt.Sprint("panic: ", p)
		}
	}()
	return j.t.Decide(n.in, n.at), ""
}

// lines are the lines of the trace that were decided, and what else was asked for.
func (j *judge) lines(actions []Action) (out []string) {
	for _, a := range actions {
		if a.Do == DoEmit || a.Do == DoReply {
			out = append(out, a.Line.String())
		}
	}
	return out
}

func sumOf(b []byte) uint64 { return crc64.Checksum(b, sumTable) }

func hashText(sum uint64) string { return fmt.Sprintf("hash %016x", sum) }

func actionsText(n, sum uint64) string { return fmt.Sprintf("%d actions, %s", n, hashText(sum)) }
