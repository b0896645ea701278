package risk

import (
	"errors"
	"fmt"

	"github.com/failshut/failshut/market"
)

// Version of the commands that this package writes, and the greatest that it reads.
const commandVersion = 1

// maxCommand bounds one command in bytes.
const maxCommand = 64 << 10

// errUnknownCommand says that a command is of a kind or version this build does not know. It is never skipped: a replica that skips
// differs from one that does not.
var errUnknownCommand = errors.New("command of an unknown kind or version")

type kind uint8

// The kinds of commands. Numbers are for good.
const (
	kindSeed kind = iota + 1
	kindHello
	kindSync
	kindFence
	kindReconcile
	kindSetLimit
	kindTrip
	kindReset
	kindTermOpen
	kindPhase
	kindEnd
)

var kindNames = [kindEnd]string{
	kindSeed: "seed", kindHello: "hello", kindSync: "sync", kindFence: "fence", kindReconcile: "reconcile",
	kindSetLimit: "set_limit", kindTrip: "trip", kindReset: "reset", kindTermOpen: "term_open", kindPhase: "phase",
}

func (k kind) String() string {
	if k == 0 || k >= kindEnd {
		return "unknown"
	}
	return kindNames[k]
}

// header is what every command begins with.
type header struct {
	actor string // node or user
	key   string // idempotency
	at    int64  // wall nanoseconds of the proposer; the ledger makes it monotone
}

// body is one command's own fields.
type body interface {
	kind() kind
	encode(e *encoder)
	decode(d *decoder)
}

type seed struct {
	limits []Limit
	hash   string
}

type hello struct {
	node, group string
	epoch       uint32
	nonce       uint64
	accounts    []string
	build       string
	version     uint64 // greatest command version the node reads
}

// move is an amount of one capacity measure in one scope for one account.
type move struct {
	account string
	scope   Scope
	measure Measure
	amount  market.Notional
}

type syncUp struct {
	node     string
	inc      uint64
	seq      uint64
	sentTerm uint64
	asks     []move
	returns  []move
	posts    []move // facts: signed
	want     bool   // the sender wants a permission
}

// proof says why nothing more can come from an earlier holder.
type proof uint8

const (
	proofSessionTaken proof = iota + 1 // the venue answered our logon to the account's one session
	proofSessionEnded
	proofVenueKill
	proofOperator // needs two persons
)

type fence struct {
	account   string
	inc       uint64 // every incarnation up to this one is fenced
	proof     proof
	reference string
}

// fact is what the journal and the venue agree on for one leaf.
type fact struct {
	strategy, instrument string
	pos, buys, sells     market.Qty
	longCost, shortCost  market.Notional // of the position
	long, short          market.Notional // worst cases
}

type reconcile struct {
	account     string
	inc         uint64
	fenceIndex  uint64
	reference   string
	facts       []fact
	unknown     uint64
	differences []string
	signedBy    string
}

type setLimit struct {
	limit  Limit
	reason string
	by     string
	expect uint64
}

type trip struct{ latch Latch }

type reset struct {
	scope  Scope
	ids    []string
	reason string
	by     string
	expect uint64
}

type termOpen struct {
	term   uint64
	leader string
}

type phase struct {
	term  uint64
	scope Scope
	mode  Mode
	auto  bool   // the policy admits opening without a person
	first bool   // also of a scope that was never open
	by    string // the operator who consented; empty: none
}

func (seed) kind() kind      { return kindSeed }
func (hello) kind() kind     { return kindHello }
func (syncUp) kind() kind    { return kindSync }
func (fence) kind() kind     { return kindFence }
func (reconcile) kind() kind { return kindReconcile }
func (setLimit) kind() kind  { return kindSetLimit }
func (trip) kind() kind      { return kindTrip }
func (reset) kind() kind     { return kindReset }
func (termOpen) kind() kind  { return kindTermOpen }
func (phase) kind() kind     { return kindPhase }

// encodeCommand writes version, kind, header and body. A command above 64 KiB is ErrInvalid.
func encodeCommand(h header, c body) ([]byte, error) {
	e := &encoder{}
	e.uint(commandVersion)
	e.uint(uint64(c.kind()))
	e.string(h.actor)
	e.string(h.key)
	e.int(h.at)
	c.encode(e)
	if len(e.b) > maxCommand {
		return nil, fmt.Errorf("%w: command %s of %d bytes, want at most %d", ErrInvalid, c.kind(), len(e.b), maxCommand)
	}
	return e.b, nil
}

// decodeCommand reads what encodeCommand wrote: errUnknownCommand for a kind or version of another build, ErrInvalid for bytes that
// are no command at all.
func decodeCommand(b []byte) (header, body, error) {
	if len(b) > maxCommand {
		return header{}, nil, fmt.Errorf("%w: command of %d bytes", ErrInvalid, len(b))
	}
	d := &decoder{b: b}
	if v := d.uint(); v == 0 || v > commandVersion {
		return header{}, nil, fmt.Errorf("%w: version %d, want at most %d", errUnknownCommand, v, commandVersion)
	}
	k := d.uint()
	c := newBody(k)
	if c == nil {
		return header{}, nil, fmt.Errorf("%w: kind %d", errUnknownCommand, k)
	}
	h := header{d.string(), d.string(), d.int()}
	c.decode(d)
	return h, c, d.end()
}

func newBody(k uint64) body {
	if k >= uint64(kindEnd) {
		return nil
	}
	switch kind(k) {
	case kindSeed:
		return &seed{}
	case kindHello:
		return &hello{}
	case kindSync:
		return &syncUp{}
	case kindFence:
		return &fence{}
	case kindReconcile:
		return &reconcile{}
	case kindSetLimit:
		return &setLimit{}
	case kindTrip:
		return &trip{}
	case kindReset:
		return &reset{}
	case kindTermOpen:
		return &termOpen{}
	case kindPhase:
		return &phase{}
	case kindEnd:
	}
	return nil
}
