package risk

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// snapshotVersion is the greatest version of a snapshot that this package reads, and the one it writes.
const snapshotVersion = 1

// maxSnapshot bounds a snapshot in bytes.
const maxSnapshot = 64 << 20

// ErrSnapshot says that bytes are not a whole snapshot of a version this build reads. Nothing was taken from them.
var ErrSnapshot = errors.New("not a snapshot")

// encode writes the whole state, the same bytes for the same state on every replica (I8), without the digest.
func (l *ledger) encode() []byte {
	e := &encoder{}
	e.uint(snapshotVersion)
	e.uint(l.index)
	e.uint(l.term)
	e.int(l.at)
	e.bool(l.seeded)
	e.string(l.seedHash)
	e.uint(l.revision)
	e.uint(l.epoch)
	e.uint(l.opened)
	e.string(l.leader)
	e.uint(l.lastInc)
	e.string(l.frozen)
	l.encodeLimits(e)
	l.encodeCells(e)
	l.encodeHolders(e)
	e.uint(uint64(len(l.phases)))
	for _, k := range sortedScopes(l.phases) {
		p := l.phases[k]
		e.scope(k)
		e.uint(uint64(p.mode))
		e.bool(p.wasOpen)
		e.uint(p.epoch)
	}
	e.uint(uint64(len(l.latches)))
	for _, t := range l.latches {
		e.latch(t)
	}
	e.strings(l.cleared)
	return e.b
}

func (l *ledger) encodeLimits(e *encoder) {
	keys := slices.SortedFunc(maps.Keys(l.limits), func(a, b row) int {
		if c := a.scope.compare(b.scope); c != 0 {
			return c
		}
		return int(a.measure) - int(b.measure)
	})
	e.uint(uint64(len(keys)))
	for _, k := range keys {
		x := l.limits[k]
		e.limit(Limit{k.scope, k.measure, x.value})
		e.string(x.by)
		e.string(x.reason)
		e.int(x.at)
		e.uint(x.revision)
	}
}

func (l *ledger) encodeCells(e *encoder) {
	keys := l.keys()
	e.uint(uint64(len(keys)))
	for _, k := range keys {
		c := l.cells[k]
		e.scope(k.scope)
		e.uint(uint64(k.measure))
		e.bool(c.over)
		e.uint(uint64(len(c.claims)))
		for _, p := range c.claims {
			e.string(p.account)
			e.amount(p.granted)
			e.amount(p.posted)
			e.amount(p.orphan)
		}
	}
}

func (l *ledger) encodeHolders(e *encoder) {
	e.uint(uint64(len(l.nodes)))
	for _, name := range slices.Sorted(maps.Keys(l.nodes)) {
		n := l.nodes[name]
		e.string(name)
		e.string(n.group)
		e.uint(uint64(n.epoch))
		e.uint(n.nonce)
		e.string(n.build)
		e.uint(n.inc)
		e.uint(n.seq)
		e.uint(uint64(n.last))
		e.uint(n.term)
	}
	e.uint(uint64(len(l.groups)))
	for _, name := range slices.Sorted(maps.Keys(l.groups)) {
		e.string(name)
		e.string(l.groups[name].node)
		e.uint(uint64(l.groups[name].epoch))
	}
	e.uint(uint64(len(l.accounts)))
	for _, name := range sortedAccounts(l.accounts) {
		a := l.accounts[name]
		e.string(name)
		e.string(a.owner)
		e.uint(a.inc)
		e.uint(uint64(len(a.orphans)))
		for _, inc := range a.orphans {
			e.uint(inc)
		}
		e.uint(a.fenced)
		e.uint(a.fenceIndex)
		e.string(a.reference)
		e.uint(a.reconciled)
		e.string(a.matched)
		e.uint(uint64(a.doubt))
	}
}

// decodeLedger reads what encode wrote, or ErrSnapshot.
func decodeLedger(b []byte) (*ledger, error) {
	d := &decoder{b: b}
	if v := d.uint(); d.err == nil && v != snapshotVersion {
		return nil, fmt.Errorf("%w: version %d, want %d", ErrSnapshot, v, snapshotVersion)
	}
	l := newLedger()
	l.index, l.term, l.at = d.uint(), d.uint(), d.int()
	l.seeded, l.seedHash = d.bool(), d.string()
	l.revision, l.epoch, l.opened = d.uint(), d.uint(), d.uint()
	l.leader, l.lastInc, l.frozen = d.string(), d.uint(), d.string()
	l.decodeLimits(d)
	l.decodeCells(d)
	l.decodeHolders(d)
	for range d.length() {
		k := d.scope()
		l.phases[k] = &phaseEntry{Mode(d.small()), d.bool(), d.uint()}
	}
	for range d.length() {
		l.latches = append(l.latches, d.latch())
	}
	l.cleared = d.strings()
	if err := d.end(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	if err := l.check(l.keys()); err != nil && l.frozen == "" {
		return nil, fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	return l, nil
}

func (l *ledger) decodeLimits(d *decoder) {
	for range d.length() {
		x := d.limit()
		k := row{x.Scope, x.Measure}
		l.limits[k] = limitEntry{x.Value, d.string(), d.string(), d.int(), d.uint()}
		l.table[k] = x.Value
		if d.err == nil && x.Validate() != nil {
			d.fail("bad limit")
		}
	}
}

func (l *ledger) decodeCells(d *decoder) {
	for range d.length() {
		k, m := d.scope(), Measure(d.small())
		if d.err != nil {
			return
		}
		if k.validate(false) != nil || !m.capacity() {
			d.fail("bad cell")
			return
		}
		c := l.cell(k, m)
		c.over = d.bool()
		for range d.length() {
			account := d.string()
			if n := len(c.claims); n > 0 && c.claims[n-1].account >= account {
				d.fail("claims out of order")
			}
			c.claims = append(c.claims, claim{account, d.amount(), d.amount(), d.amount()})
		}
	}
}

func (l *ledger) decodeHolders(d *decoder) {
	for range d.length() {
		name := d.string()
		n := &node{group: d.string(), epoch: uint32(d.uint()), nonce: d.uint(), build: d.string(), inc: d.uint(), seq: d.uint()}
		n.last, n.term = code(d.small()), d.uint()
		l.nodes[name] = n
	}
	for range d.length() {
		name := d.string()
		l.groups[name] = groupEntry{d.string(), uint32(d.uint())}
	}
	for range d.length() {
		name := d.string()
		a := &account{owner: d.string(), inc: d.uint()}
		for range d.length() {
			a.orphans = append(a.orphans, d.uint())
		}
		a.fenced, a.fenceIndex, a.reference = d.uint(), d.uint(), d.string()
		a.reconciled, a.matched, a.doubt = d.uint(), d.string(), code(d.small())
		l.accounts[name] = a
	}
}

// seal adds the digest that a reader checks.
func seal(b []byte) []byte {
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

// unseal reads a sealed snapshot whole, and checks size and digest.
func unseal(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxSnapshot+sha256.Size+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	if len(b) < sha256.Size || len(b) > maxSnapshot+sha256.Size {
		return nil, fmt.Errorf("%w: %d bytes", ErrSnapshot, len(b))
	}
	cut := len(b) - sha256.Size
	sum := sha256.Sum256(b[:cut])
	if subtle.ConstantTimeCompare(sum[:], b[cut:]) != 1 {
		return nil, fmt.Errorf("%w: digest does not match", ErrSnapshot)
	}
	return b[:cut], nil
}
