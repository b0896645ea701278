package actors

import "sync"

// Down tells a watcher that an incarnation is over: it has ended, was killed or was left behind. A restart is a Down of
// the incarnation before.
type Down struct {
	Name   Name
	Epoch  Epoch
	Class  Class
	Reason Reason
}

// Watched is what can be watched: a Ref of any message type.
type Watched interface{ watched() *cell }

func (r Ref[M]) watched() *cell {
	if r.in == nil {
		return nil
	}
	return &r.in.cell
}

// Watch tells this actor once that the incarnation of ref is over, by the message that wrap makes, on Reports and never
// refused for want of room; at once if it is over already. Watching it again before that changes nothing. wrap is
// called in this actor's turn, just before the message is handled. ErrUnknown for the zero Ref.
func (c *Context[M]) Watch(ref Watched, wrap func(Down) M) error {
	target := ref.watched()
	if target == nil {
		return ErrUnknown
	}
	if !c.mayAct() {
		return ErrOutOfTurn
	}
	in := c.in
	if in.watching[target] != nil {
		return nil
	}
	w := &watch[M]{in: in, target: target, wrap: wrap}
	w.link.owns, w.notice.parcel, w.notice.from = w, w, target.life
	if in.watching == nil {
		in.watching = make(map[*cell]*watch[M])
	}
	in.watching[target] = w
	target.watchers.add(&w.link)
	return nil
}

// Unwatch ends a watch and says whether there was one. No Down of it comes after this, not even one that waits already.
func (c *Context[M]) Unwatch(ref Watched) bool {
	if !c.mayAct() {
		return false
	}
	w := c.in.watching[ref.watched()]
	if w == nil {
		return false
	}
	w.forget()
	return true
}

// watch is one actor's watch over one incarnation. All but its link belongs to the watcher's turn.
type watch[M any] struct {
	in     *incarnation[M]
	target *cell
	wrap   func(Down) M
	off    bool
	link   watchLink
	notice slip
}

func (w *watch[M]) unpack() (M, bool) {
	if w.off {
		var none M
		return none, false
	}
	delete(w.in.watching, w.target)
	return w.wrap(w.link.down), true
}

func (w *watch[M]) told() { w.in.post(&w.notice) }

func (w *watch[M]) forget() {
	w.off = true
	delete(w.in.watching, w.target)
	w.target.watchers.remove(&w.link)
}

// stopWatching ends all watches of the incarnation.
func (in *incarnation[M]) stopWatching() {
	for _, w := range in.watching {
		w.forget()
	}
}

// watchers are those who wait for the end of a cell, in the order in which they came.
type watchers struct {
	mu    sync.Mutex
	first *watchLink
	last  *watchLink
	down  *Down // it is over
}

// watchLink is a place in that list.
type watchLink struct {
	prev, next *watchLink
	in         bool
	down       Down
	owns       interface{ told() }
}

func (ws *watchers) add(l *watchLink) {
	ws.mu.Lock()
	if over := ws.down; over != nil {
		ws.mu.Unlock()
		l.down = *over
		l.owns.told()
		return
	}
	l.prev, l.in = ws.last, true
	if ws.last == nil {
		ws.first = l
	} else {
		ws.last.next = l
	}
	ws.last = l
	ws.mu.Unlock()
}

func (ws *watchers) remove(l *watchLink) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if !l.in {
		return
	}
	if l.prev == nil {
		ws.first = l.next
	} else {
		l.prev.next = l.next
	}
	if l.next == nil {
		ws.last = l.prev
	} else {
		l.next.prev = l.prev
	}
	l.prev, l.next, l.in = nil, nil, false
}

// tellDown tells the watchers that the cell is over, once.
func (c *cell) tellDown(r Reason) {
	ws := &c.watchers
	ws.mu.Lock()
	if ws.down != nil {
		ws.mu.Unlock()
		return
	}
	ws.down = &Down{Name: c.life.name, Epoch: c.life.epoch, Class: c.life.class, Reason: r}
	var told []*watchLink
	for l := ws.first; l != nil; {
		l.down = *ws.down
		told = append(told, l)
		next := l.next
		l.prev, l.next, l.in = nil, nil, false
		l = next
	}
	ws.first, ws.last = nil, nil
	ws.mu.Unlock()
	for _, l := range told {
		l.owns.told()
	}
}
