package risk

import (
	"crypto/sha256"
	"errors"
	"io"
	"sync"
)

// Machine is this node's replica of the ledger: what a cluster replicates. Apply, Freeze and Restore are called by one goroutine, the
// log's; everything else reads under a lock that none of the order's way ever takes.
//
// What must not wait for an actor happens in Apply itself: a newer term ends permissions, other limits end permits, a trip latches,
// this node's own Sync renews its permission.
type Machine struct {
	mu     sync.RWMutex
	ledger *ledger
	desk   *Desk
	sent   sentSync // the newest Sync of this process
	nodeID string

	answers map[string]answer // of the newest commands that carried a key
	asked   []string          // their keys, oldest first
}

// maxAnswers bounds the answers kept for who proposed.
const maxAnswers = 256

// answer is what the ledger said to one command, and where.
type answer struct {
	res             code
	index, revision uint64
}

// sentSync is what a permission is made from when the replica applies it: when it was first sent, under which number. It is under way
// until the replica shows its number; until then its bytes do not change. It outlives the holder that sent it and a snapshot, since
// the log may still bring it.
type sentSync struct {
	inc, seq uint64
	at       Reading
	command  []byte
}

// Machine returns the desk's replica. There is one a process.
func (d *Desk) Machine() *Machine { return d.machine }

// Apply takes one committed entry and returns the ledger's answer as text. It never panics on bytes; what it cannot apply freezes the
// replica, is told to Events.Fatal, and shuts every gate.
func (m *Machine) Apply(index, term uint64, cmd []byte) []byte {
	m.mu.Lock()
	before := m.ledger.frozen
	res, h, c := m.ledger.apply(index, term, cmd)
	frozen := m.ledger.frozen
	m.keep(h.key, res)
	permission := m.renew(res, term, c)
	m.desk.limits.Store(m.ledger.limitsAt)
	m.mu.Unlock()

	d := m.desk
	if old := d.logTerm.Load(); term > old {
		d.logTerm.Store(term)
		if d.events.Term != nil {
			d.events.Term(term)
		}
	}
	if frozen != "" && before == "" {
		d.fatal(errors.New(frozen))
	}
	if permission != nil {
		d.permission.Store(permission)
	}
	if t, ok := c.(*trip); ok && res == resOK {
		d.latch(t.latch)
	}
	if r, ok := c.(*reset); ok && res == resOK {
		for _, id := range r.ids {
			d.unlatch(id)
		}
	}
	d.wake()
	return []byte(res.String())
}

// keep remembers the answer to a command by its key.
func (m *Machine) keep(key string, res code) {
	if key == "" {
		return
	}
	if m.answers == nil {
		m.answers = map[string]answer{}
	}
	if _, again := m.answers[key]; !again {
		m.asked = append(m.asked, key)
	}
	m.answers[key] = answer{res, m.ledger.index, m.ledger.revision}
	if len(m.asked) > maxAnswers {
		delete(m.answers, m.asked[0])
		m.asked = append(m.asked[:0], m.asked[1:]...)
	}
}

// renew makes the permission that this node's own Sync brings: only in the opened term, only of the living incarnation, only if it was
// sent in that term, and running from the moment it was first sent.
func (m *Machine) renew(res code, term uint64, c body) *Permission {
	s, ok := c.(*syncUp)
	if !ok || res != resOK || s.node != m.nodeID || !s.want || term != m.ledger.opened || s.sentTerm != term ||
		s.inc != m.sent.inc || s.seq != m.sent.seq {
		return nil
	}
	ttl := int64(m.desk.cfg.Permission.TTL)
	return &Permission{Incarnation: s.inc, Term: term, Until: Reading{m.sent.at.Wall + ttl, m.sent.at.Mono + ttl}}
}

// Freeze returns the encoding of the state as it is now; the function may run aside while further entries are applied.
func (m *Machine) Freeze() (encode func(io.Writer) error) {
	m.mu.RLock()
	b := seal(m.ledger.encode())
	m.mu.RUnlock()
	return func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	}
}

// Restore replaces the state by a snapshot, or returns ErrSnapshot and changes nothing. The permission ends: whatever a snapshot says,
// this process opens only by an entry that it applies itself.
func (m *Machine) Restore(r io.Reader) error {
	b, err := unseal(r)
	if err != nil {
		return err
	}
	l, err := decodeLedger(b)
	if err != nil {
		return err
	}
	m.mu.Lock()
	l.moved, l.limitsAt = m.ledger.moved+1, m.ledger.limitsAt+1
	m.ledger = l
	m.desk.limits.Store(l.limitsAt)
	m.mu.Unlock()
	m.desk.permission.Store(m.desk.permission.Load().ended())
	m.desk.logTerm.Store(max(m.desk.logTerm.Load(), l.term))
	for _, t := range l.latches {
		m.desk.latch(t)
	}
	if l.frozen != "" {
		m.desk.fatal(errors.New(l.frozen))
	}
	m.desk.wake()
	return nil
}

// Digest returns the SHA-256 of the state: equal on replicas that applied the same entries (I8).
func (m *Machine) Digest() [32]byte {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return sha256.Sum256(m.ledger.encode())
}

// Applied returns the index of the last entry applied, and the term that is opened.
func (m *Machine) Applied() (index, opened uint64) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.ledger.index, m.ledger.opened
}

// fatal shuts every gate for the life of the process.
func (d *Desk) fatal(err error) {
	d.dead.Store(true)
	if d.events.Fatal != nil {
		d.events.Fatal(err)
	}
}
