package feeds

import (
	"slices"
	"sync"
)

// Memory is what the incarnations of one channel have told readers of the latest sessions, and how far they know those
// to go. By it the next one, which reads its session from the start again, tells each trade once, goes on with the epoch
// that readers know, and is Live no earlier than it is where the one before has been. It does not know books: those are
// made anew. The nil Memory remembers nothing. It is safe for any number of goroutines.
type Memory struct {
	mu       sync.Mutex
	epoch    uint32
	sessions []recalled // latest first
}

// recalled is one session.
type recalled struct {
	session Session
	told    uint64 // every trade that was told lies before it
	lines   []line // what its lines have said
}

// mostRecalled bounds the sessions of a Memory: the present one, and as many as a channel takes back.
const mostRecalled = 5

// heir returns a copy of m for the next incarnation. What is written to m from now on it does not learn.
func (m *Memory) heir() *Memory {
	h := &Memory{}
	if m == nil {
		return h
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	h.epoch, h.sessions = m.epoch, slices.Clone(m.sessions)
	for i := range h.sessions {
		h.sessions[i].lines = slices.Clone(h.sessions[i].lines)
	}
	return h
}

// pos returns the position before which everything was told.
func (m *Memory) pos() Pos {
	if m == nil {
		return Pos{}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	p := Pos{Epoch: m.epoch}
	if len(m.sessions) > 0 {
		p.Seq = m.sessions[0].told
	}
	return p
}

// of returns what m knows of s, and whether s is the session of its latest epoch.
func (m *Memory) of(s Session) (r recalled, latest bool) {
	if m == nil {
		return recalled{}, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.sessions, func(r recalled) bool { return r.session == s })
	if i < 0 {
		return recalled{}, false
	}
	r = m.sessions[i]
	r.lines = slices.Clone(r.lines)
	return r, i == 0
}

// begin notes that epoch begins, with what r knows of its session.
func (m *Memory) begin(epoch uint32, r recalled) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.epoch = epoch
	m.sessions = slices.DeleteFunc(m.sessions, func(o recalled) bool { return o.session == r.session })
	r.lines = slices.Clone(r.lines)
	m.sessions = slices.Insert(m.sessions, 0, r)
	m.sessions = m.sessions[:min(len(m.sessions), mostRecalled)]
}

// tells notes that readers are about to be told the trade at seq of the present session.
func (m *Memory) tells(seq uint64) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.sessions) > 0 {
		r := &m.sessions[0]
		r.told = max(r.told, seq+1)
	}
}

// saw notes what line n has said in the present session.
func (m *Memory) saw(n int, l line) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.sessions) == 0 {
		return
	}
	r := &m.sessions[0]
	for len(r.lines) <= n {
		r.lines = append(r.lines, line{})
	}
	r.lines[n] = l
}

// top returns the end of what is known to exist.
func (r *recalled) top() uint64 {
	top := r.told
	for _, l := range r.lines {
		top = max(top, l.high)
	}
	return top
}
