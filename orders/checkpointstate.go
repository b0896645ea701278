package orders

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
)

// stateVersion is the version of an account's state in a checkpoint.
const stateVersion = 2

var (
	errState  = errors.New("a state of this version cannot be like that")
	errSum    = errors.New("its checksum is another")
	errDigest = errors.New("its digest is another")
)

// past is what the records of one account fold into: its machine, and the number of the next message of each session.
type past struct {
	m      *Machine
	nextIn map[string]uint64
}

func newPast(o Options) *past { return &past{m: NewMachine(o), nextIn: map[string]uint64{}} }

// fold applies a record of a life of the journal.
func (p *past) fold(epoch uint32, now int64, in Input) {
	p.m.epoch = epoch
	p.m.Fold(now, in)
	count(p.nextIn, in)
}

// isOrders reports whether a record is of this package's making.
func isOrders(r journal.Record) bool { return r.Kind >= KindIntent && r.Kind <= KindReserve }

// A state is its version, the fields, the digest of the machine, and the SHA-256 of all that. The digest says that what was read
// is the machine that was written, the sum that not a bit of what no digest has is another.
const sumSize = sha256.Size

// encode appends the whole state to buf, which is empty.
func (p *past) encode(buf []byte) []byte {
	s := stateCoder{coder: coder{b: append(buf, stateVersion), write: true}, at: map[*order]int64{nil: -1}}
	for i, o := range p.m.orders {
		s.at[o] = int64(i)
	}
	s.state(p)
	digest := p.m.Digest()
	b := append(s.b, digest[:]...)
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

// load makes an empty past that which b is of. The error is ErrRecord, and the past is of no use then.
func (p *past) load(b []byte) error {
	if len(b) < 1+2*sumSize || b[0] != stateVersion {
		return fmt.Errorf("%w: a state of %d bytes, want version %d", ErrRecord, len(b), stateVersion)
	}
	b, sum := b[:len(b)-sumSize], b[len(b)-sumSize:]
	if sha256.Sum256(b) != [sumSize]byte(sum) {
		return fmt.Errorf("%w: state: %w", ErrRecord, errSum)
	}
	b, digest := b[:len(b)-sumSize], b[len(b)-sumSize:]
	if err := p.read(b[1:]); err != nil {
		return err
	}
	if p.m.Digest() != [sumSize]byte(digest) {
		return fmt.Errorf("%w: state: %w", ErrRecord, errDigest)
	}
	return nil
}

// read reads the fields.
func (p *past) read(b []byte) error {
	s := stateCoder{coder: coder{b: b}}
	s.state(p)
	if s.err == nil && len(s.b) != 0 {
		s.err = errState
	}
	if s.err != nil {
		return fmt.Errorf("%w: state: %w", ErrRecord, s.err)
	}
	return nil
}

// stateCoder reads or writes a state, with the same code. Orders are named by their place in the order of creation.
type stateCoder struct {
	coder
	at     map[*order]int64 // when writing
	orders []*order         // when reading
}

func (s *stateCoder) state(p *past) {
	m := p.m
	for _, n := range []*uint64{&m.strangers, &m.executed, &m.changes, &m.lists} {
		s.uint(n)
	}
	number64(&s.coder, &m.unknowns)
	number64(&s.coder, &m.foreigns)
	small(&s.coder, &m.session)
	s.bool(&m.listWhole)
	s.bool(&m.listing)
	whole(s, &m.epoch)
	list(s, &m.blocks, s.block)
	number64(&s.coder, &m.phantoms)
	number64(&s.coder, &m.answers)
	whole(s, &m.round)
	whole(s, &m.day)
	s.int(&m.now)
	list(s, &m.orders, func(o **order) {
		if *o == nil {
			*o = &order{}
		}
		s.one(*o)
	})
	s.orders = m.orders
	list(s, &m.live, s.ref)
	table(s, m.ids, cmp.Compare, func(k *market.ClOrdID) { code(&s.coder, k) }, s.ref)
	table(s, m.oids, cmp.Compare, func(k *string) { code(&s.coder, k) }, s.ref)
	table(s, m.causes, compareWishes, func(k *wish) { code(&s.coder, &k.strategy); s.cause(&k.cause) }, s.ref)
	table(s, m.execs, compareExecs, s.execKey, s.ref)
	table(s, m.pos, market.Instrument.Compare, s.instrument, func(q *market.Qty) { number64(&s.coder, q) })
	table(s, m.unknown, market.Instrument.Compare, s.instrument, func(n *int) { number64(&s.coder, n) })
	table(s, p.nextIn, cmp.Compare, func(k *string) { code(&s.coder, k) }, s.uint)
}

func (s *stateCoder) one(o *order) {
	s.order(&o.New)
	s.cause(&o.cause)
	number64(&s.coder, &o.ttl)
	code(&s.coder, &o.oid)
	for _, q := range []*market.Qty{&o.qty, &o.cum, &o.greatest, &o.worst, &o.synthetic, &o.toldQty} {
		number64(&s.coder, q)
	}
	number64(&s.coder, &o.px)
	number64(&s.coder, &o.toldPrice)
	s.int(&o.cost.hi)
	s.uint(&o.cost.lo)
	list(s, &o.execs, s.execution)
	list(s, &o.aliases, func(a *alias) { code(&s.coder, &a.id); number64(&s.coder, &a.idx) })
	list(s, &o.parked, s.correction)
	list(s, &o.reqs, s.request)
	code(&s.coder, &o.why)
	small(&s.coder, &o.w)
	whole(s, &o.doubts)
	for _, b := range []*bool{
		&o.foreign, &o.phantom, &o.signed, &o.recovered, &o.paper, &o.closing, &o.again, &o.stuck, &o.listed, &o.toldUnknown, &o.toldClosed, &o.toldDoubt,
	} {
		s.bool(b)
	}
	s.uint(&o.difference)
	whole(s, &o.tries)
	whole(s, &o.absents)
	s.int(&o.absentAt)
	whole(s, &o.round)
	whole(s, &o.named)
	s.int(&o.heard)
}

func (s *stateCoder) execution(e *execution) {
	code(&s.coder, &e.id)
	s.uint(&e.nth)
	number64(&s.coder, &e.qty)
	number64(&s.coder, &e.px)
	whole(s, &e.day)
	s.bool(&e.gone)
	s.bool(&e.synthetic)
}

func (s *stateCoder) correction(v *correction) {
	code(&s.coder, &v.id)
	code(&s.coder, &v.ref)
	number64(&s.coder, &v.qty)
	number64(&s.coder, &v.px)
	s.bool(&v.bust)
}

func (s *stateCoder) request(q *request) {
	code(&s.coder, &q.id)
	code(&s.coder, &q.orig)
	number64(&s.coder, &q.qty)
	number64(&s.coder, &q.px)
	small(&s.coder, &q.kind)
	small(&s.coder, &q.ev)
	s.bool(&q.held)
	s.bool(&q.again)
	s.int(&q.due)
}

func (s *stateCoder) block(b *block) {
	code(&s.coder, &b.group)
	whole(s, &b.epoch)
	s.uint(&b.from)
	s.uint(&b.to)
}

func (s *stateCoder) execKey(k *execKey) {
	code(&s.coder, &k.id)
	s.instrument(&k.sym)
	whole(s, &k.day)
}

func compareWishes(a, b wish) int {
	return cmp.Or(cmp.Compare(a.strategy, b.strategy), slices.Compare(a.cause[:], b.cause[:]))
}

func compareExecs(a, b execKey) int {
	return cmp.Or(cmp.Compare(a.id, b.id), a.sym.Compare(b.sym), cmp.Compare(a.day, b.day))
}

// ref names an order, -1 for none.
func (s *stateCoder) ref(o **order) {
	if s.write {
		n := s.at[*o]
		s.int(&n)
		return
	}
	var n int64
	s.int(&n)
	switch {
	case n >= 0 && n < int64(len(s.orders)):
		*o = s.orders[n]
	case n != -1:
		s.fail()
	}
}

func (s *stateCoder) fail() {
	s.err = cmp.Or(s.err, errState)
	s.b = nil
}

func (s *stateCoder) uint(v *uint64) {
	n := int64(*v)
	s.int(&n)
	*v = uint64(n)
}

// whole codes an integer of any size. One that does not fit says that the state is none.
func whole[N ~int8 | ~int32 | ~uint16 | ~uint32](s *stateCoder, v *N) {
	n := int64(*v)
	s.int(&n)
	if *v = N(n); int64(*v) != n {
		s.fail()
	}
}

// list codes a slice. A length that the bytes cannot hold allocates nothing.
func list[T any](s *stateCoder, v *[]T, one func(*T)) {
	n := s.length(len(*v))
	if !s.write && n > 0 {
		*v = make([]T, 0, min(n, 4096))
	}
	for i := 0; i < n && s.err == nil; i++ {
		if !s.write {
			var zero T
			*v = append(*v, zero)
		}
		one(&(*v)[i])
	}
}

// table codes a map in the order of its keys.
func table[K comparable, V any](s *stateCoder, m map[K]V, order func(a, b K) int, key func(*K), value func(*V)) {
	n := s.length(len(m))
	if s.write {
		for _, k := range slices.SortedFunc(maps.Keys(m), order) {
			v := m[k]
			key(&k)
			value(&v)
		}
		return
	}
	for i := 0; i < n && s.err == nil; i++ {
		var k K
		var v V
		key(&k)
		value(&v)
		m[k] = v
	}
	if s.err == nil && len(m) != n {
		s.fail() // a key stood there twice
	}
}

// length codes how many follow, each of a byte at least.
func (s *stateCoder) length(n int) int {
	if s.write {
		s.b = binary.AppendUvarint(s.b, uint64(n))
		return n
	}
	v, w := binary.Uvarint(s.b)
	if w <= 0 || v > uint64(len(s.b)-w) {
		s.short()
		return 0
	}
	s.b = s.b[w:]
	return int(v)
}
