package mailbox_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/failshut/failshut/mailbox"
)

// keyedModel is a conflating lane as a naive reader of its rules would write it: one slice, searched each time.
type keyedModel struct {
	room, keys        int
	queue             []*entry
	known             []mailbox.Key
	gapped            map[mailbox.Key]bool
	letters           []keyedLetter
	suspended, closed bool
}

// entry is a message that waits, with the gap that its place is owed to.
type entry struct {
	tick
	coalesced mailbox.Coalesced
	owed      *tick
}

type keyedLetter struct {
	tick
	reason mailbox.Reason
}

func (m *keyedModel) bury(r mailbox.Reason, t tick) { m.letters = append(m.letters, keyedLetter{t, r}) }

// of lists where the messages of a key wait.
func (m *keyedModel) of(k mailbox.Key) []int {
	var out []int
	for i, e := range m.queue {
		if e.Key == k {
			out = append(out, i)
		}
	}
	return out
}

func (m *keyedModel) last(k mailbox.Key, kind mailbox.Kind) int {
	for _, i := range slices.Backward(m.of(k)) {
		if m.queue[i].Kind == kind {
			return i
		}
	}
	return -1
}

// full says whether only the first Barrier of a key would find room.
func (m *keyedModel) full() bool {
	used := len(m.queue)
	for _, k := range m.known {
		if m.last(k, mailbox.Barrier) >= 0 {
			used--
		}
	}
	return used >= m.room
}

func (m *keyedModel) remove(i int) { m.queue = slices.Delete(m.queue, i, i+1) }

func (m *keyedModel) offer(t tick) error {
	switch {
	case m.closed:
		return mailbox.ErrClosed
	case t.Kind > mailbox.Barrier:
		return mailbox.ErrPolicy
	case m.suspended:
		return mailbox.ErrSuspended
	}
	if !slices.Contains(m.known, t.Key) {
		if len(m.known) == m.keys {
			return mailbox.ErrFull
		}
		m.known = append(m.known, t.Key)
	}
	switch t.Kind {
	case mailbox.State:
		return m.offerState(t)
	case mailbox.Barrier:
		return m.offerBarrier(t)
	default:
		return m.offerEvent(t)
	}
}

func (m *keyedModel) offerState(t tick) error {
	i := m.last(t.Key, mailbox.State)
	switch {
	case i < 0 && m.full():
		return mailbox.ErrFull
	case i < 0:
		m.queue = append(m.queue, &entry{tick: t})
		return nil
	case t.Seq < m.queue[i].Seq:
		m.bury(mailbox.Stale, t)
		return nil
	}
	old := m.queue[i]
	m.bury(mailbox.Conflated, old.tick)
	next := &entry{tick: t, coalesced: mailbox.Coalesced{FirstSeq: old.Seq, N: 1}}
	if old.coalesced.N > 0 {
		next.coalesced = mailbox.Coalesced{FirstSeq: old.coalesced.FirstSeq, N: old.coalesced.N + 1}
	}
	if all := m.of(t.Key); all[len(all)-1] == i {
		m.queue[i] = next
		return nil
	}
	m.remove(i)
	m.queue = append(m.queue, next)
	return nil
}

func (m *keyedModel) offerBarrier(t tick) error {
	state := m.last(t.Key, mailbox.State)
	adjacent := -1
	for _, i := range m.of(t.Key) {
		if i == state {
			continue
		}
		adjacent = i
	}
	replaces := adjacent >= 0 && m.queue[adjacent].Kind == mailbox.Barrier && m.queue[adjacent].owed == nil &&
		!m.queue[adjacent].isGap() && m.queue[adjacent].Rank <= t.Rank && (t.Snapshot || !m.queue[adjacent].Snapshot)
	if !replaces && state < 0 && m.last(t.Key, mailbox.Barrier) >= 0 && m.full() {
		return mailbox.ErrFull
	}
	if t.Snapshot {
		m.gapped[t.Key] = false
	}
	if state >= 0 {
		m.bury(mailbox.Conflated, m.queue[state].tick)
	}
	if replaces {
		m.bury(mailbox.Conflated, m.queue[adjacent].tick)
		m.queue[adjacent] = &entry{tick: t}
	} else {
		m.queue = append(m.queue, &entry{tick: t})
	}
	if state >= 0 {
		m.remove(state)
	}
	return nil
}

func (m *keyedModel) offerEvent(t tick) error {
	if !m.gapped[t.Key] && !m.full() {
		m.queue = append(m.queue, &entry{tick: t})
		return nil
	}
	m.gapped[t.Key] = true
	b := m.last(t.Key, mailbox.Barrier)
	if b >= 0 {
		gap := m.queue[b].owed
		if m.queue[b].isGap() {
			gap = &m.queue[b].tick
		}
		if gap != nil {
			*gap = gapOf(t.Key, min(gap.from, t.Seq), max(gap.to, t.Seq))
			return mailbox.ErrGapped
		}
	}
	gap := gapOf(t.Key, t.Seq, t.Seq)
	first := -1
	for i := b + 1; i < len(m.queue); i++ {
		e := m.queue[i]
		if e.Key != t.Key || e.Kind != mailbox.Event {
			continue
		}
		gap = gapOf(t.Key, min(gap.from, e.Seq), max(gap.to, e.Seq))
		m.bury(mailbox.Overflow, e.tick)
		if first < 0 {
			first = i
			continue
		}
		m.remove(i)
		i--
	}
	switch {
	case first >= 0:
		m.queue[first] = &entry{tick: gap}
	case b < 0 || !m.full():
		m.queue = append(m.queue, &entry{tick: gap})
	default:
		m.queue[b].owed = &gap
	}
	return mailbox.ErrGapped
}

func (m *keyedModel) take() (tick, mailbox.Coalesced, bool) {
	if len(m.queue) == 0 || m.suspended {
		return tick{}, mailbox.Coalesced{}, false
	}
	e := m.queue[0]
	if e.owed != nil {
		m.queue[0] = &entry{tick: *e.owed}
	} else {
		m.remove(0)
	}
	return e.tick, e.coalesced, true
}

func (m *keyedModel) close() {
	for _, e := range m.queue {
		if !m.closed {
			m.bury(mailbox.Stopped, e.tick)
		}
	}
	m.closed, m.queue = true, nil
}

// keyedTick makes a message of two bytes: kind and key of the first, distance of its Seq of the second.
func keyedTick(what, seq byte, i int) tick {
	m := tick{n: i, Description: mailbox.Description{Key: mailbox.Key(what >> 5), Seq: uint64(i+300) - uint64(seq%8)}}
	switch kind := what % 16; {
	case kind < 6:
	case kind < 11:
		m.Kind = mailbox.State
	case kind == 15:
		m.Kind = mailbox.Barrier + 1
	default:
		m.Kind, m.Rank, m.Snapshot = mailbox.Barrier, kind-11, kind == 11
	}
	return m
}

// FuzzConflatingLaneAgainstModel runs a script of operations, three bytes each, on a conflating lane and on the model.
func FuzzConflatingLaneAgainstModel(f *testing.F) {
	f.Add(uint8(0), uint8(0), []byte{0, 0, 0, 0, 0, 0, 0, 6, 0, 1, 0, 0})
	f.Add(uint8(62), uint8(1), []byte{0, 11, 0, 0, 12, 0, 0, 13, 0, 1, 0, 0})
	for _, room := range []uint8{0, 1, 2, 7, 61, 62, 63, 64, 130} {
		var script []byte
		for i := range 600 {
			script = append(script, byte(i*i%7), byte(i*37), byte(i*11))
		}
		f.Add(room, room%5, script)
	}
	f.Fuzz(func(t *testing.T, room, keys uint8, script []byte) {
		m := &keyedModel{room: int(room) + 1, keys: int(keys)%8 + 1, gapped: make(map[mailbox.Key]bool)}
		var letters []keyedLetter
		b := newConflating(t, conflating(m.room, m.keys), mailbox.Sink(func(l mailbox.Letter[tick]) {
			letters = append(letters, keyedLetter{l.Message, l.Reason})
		}))
		for i := 0; i+2 < len(script); i += 3 {
			stepKeyed(t, b, m, script[i], script[i+1], script[i+2], i)
			if l := balanced(t, b); l.Queued != len(m.queue) || b.Pending() != (len(m.queue) > 0 && !m.suspended) {
				t.Fatalf("step %d: %d queued, pending %v, want %d", i, l.Queued, b.Pending(), len(m.queue))
			}
			if !slices.Equal(letters, m.letters) {
				t.Fatalf("step %d: letters\n%v, want\n%v", i, letters, m.letters)
			}
			letters, m.letters = letters[:0], m.letters[:0]
		}
	})
}

func stepKeyed(t *testing.T, b *mailbox.Box[tick], m *keyedModel, op, x, y byte, i int) {
	t.Helper()
	switch {
	case op < 250 && op%4 > 0:
		message := keyedTick(x, y, i)
		if got, want := b.Offer(message), m.offer(message); !errors.Is(got, want) {
			t.Fatalf("step %d: Offer(%v) = %v, want %v", i, message, got, want)
		}
	case op < 250:
		var item [1]mailbox.Item[tick]
		got := b.Take(item[:]) == 1
		message, coalesced, want := m.take()
		if got != want || item[0].Message != message || item[0].Coalesced != coalesced {
			t.Fatalf("step %d: Take = %v %+v, want %v %+v", i, item[0].Message, item[0].Coalesced, message, coalesced)
		}
	case op == 255:
		m.close()
		b.Close(mailbox.Stopped)
	case op%2 == 0:
		m.suspended = true
		b.Suspend()
	default:
		m.suspended = false
		b.Resume()
	}
}
