package orders

import (
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// ErrJournal says that the journal takes no record: new orders are refused,
// cancels go on.
var ErrJournal = errors.New("orders: the journal takes no record")

// ErrParts is a desk that lacks something it cannot work without.
var ErrParts = errors.New("orders: desk is not complete")

// Gate is what a desk needs of risk; *risk.Gate is one. Its single caller is
// the desk.
type Gate interface {
	Check(in risk.Intent, now risk.Reading) (risk.Permit, error)
	Veto(id market.ClOrdID)
	Hold(h risk.Held)
	Execute(e risk.Execution)
	Restore(positions []risk.Position, held []risk.Held)
}

// Log is what a desk needs of a journal; *journal.Log is one.
type Log interface {
	Append(k journal.Kind, version uint8, body []byte) (journal.LSN, error)
	Next() uint64
	NextBlock(n uint64) (first uint64)
	Epoch() uint32
	Group() string
	State() journal.State
	Watermark() journal.LSN
}

// Parts is what a desk is made of.
type Parts struct {
	Options  Options // of the machine; NextID is the desk's own
	Gate     Gate
	Gateway  Gateway
	Log      Log
	Records  iter.Seq2[journal.Record, error] // of all accounts, as journal.Log.Replay gives them; read by Open
	Settled  journal.LSN                      // last record that counts: all of the account is durable up to here; 0: the watermark
	Listener func(Event)                      // told every event; must not block nor call the desk; may be nil
	Risk     func(risk.Message)               // posts to the holder; must not block; may be nil
	Events   Events
	// Closed returns the scopes of risk that are held CLOSED at a reading: by the
	// effective mode of the account, or by a latch of a narrower scope. Live orders
	// in them are withdrawn, those the venue reveals later too. It must not block;
	// nil holds nothing.
	Closed func(now risk.Reading) []risk.Scope

	TTL         time.Duration // greatest age of an order whose intent says nothing; default 1 s
	AnswerAfter time.Duration // when a request without an answer is UNKNOWN; default 5 s
	QuietAfter  time.Duration // when a silent working order is asked for; default 30 s

	// Block is how many ids are set aside at once, so that orders leave ahead of the disk (horizon mode); at most 65,536. 0: an
	// order leaves when its intent is durable (journal ahead).
	Block int

	// CancelOnDisconnect says that the venue is expected to cancel what works when the link goes down. It is no evidence
	// of anything: every order is in doubt all the same. One that is found working after that is told to Events.Survived.
	CancelOnDisconnect bool

	// Crash is called at the numbered points at which a process may end between
	// two effects, so that a test can end it there by panicking. Nil outside of
	// tests. See DESIGN.md for the points.
	Crash func(point int)
}

// Desk is the owner of one venue account without a goroutine: machine,
// journal, gate and gateway, driven by Handle from one goroutine at a time.
type Desk struct {
	p        Parts
	m        *Machine
	now      risk.Reading
	buf      []byte
	pending  []pending // appended, not yet durable, in order of LSN
	held     map[market.ClOrdID]pending
	timers   []timer                // in order of due time
	asked    []asked                // silent orders that were asked for, in order of due time
	cutOff   map[market.ClOrdID]Ref // orders that worked when the link went down, where the venue is expected to cancel them
	todo     []Input                // follow-ups of the step under way
	evidence journal.LSN
	read     journal.LSN // last record that Open folded, or that its checkpoint covers
	loading  []byte      // of the account's state, in a checkpoint
	nextIn   map[string]uint64
	linkedAt int64
	early    []wish    // decisions cancelled before they came
	owed     []Inbound // evidence that the journal had no room for
	deaf     bool      // so much was owed that none is journalled any more
	dead     bool
	handing  risk.Permit // of the order that is being handed over
	doing    string      // why cancels go out, for CloseStep
	partial  error       // why this desk can only close; nil: it may open
	driven   map[market.ClOrdID]driven
	unsaid   []unsaid // operators' words that are not durable yet
	blocks   []ahead  // of ids that are set aside, the one in use first
	rows     *scribe
	said     standing
	opened   bool // the session has opened, and risk is not told yet
	revealed bool // something came to light that may have to be withdrawn
}

type pending struct {
	lsn    journal.LSN
	id     market.ClOrdID
	permit risk.Permit
	since  int64
}

type timer struct {
	due int64
	id  market.ClOrdID
}

// Points of Parts.Crash, as numbered in DESIGN.md.
const (
	CrashChecked    = 1  // permitted, nothing appended
	CrashAppended   = 2  // intent appended, not known to be durable
	CrashHeld       = 3  // held intent durable, not armed
	CrashArmed      = 4  // armed intent durable, not handed over
	CrashHanding    = 5  // about to hand over
	CrashHandedOver = 8  // the gateway has it
	CrashHeard      = 9  // report received, not appended
	CrashEvidence   = 10 // evidence appended, not known to be durable
	CrashStepped    = 11 // machine stepped, nothing posted
	CrashPosted     = 12 // posted to risk, nobody told
	CrashCancelled  = 13 // cancel sent, nothing appended
	CrashAnswered   = 14 // an answer of a reconciliation is in
)

// Open makes the desk of an account and replays its journal: executions,
// orders and ids are as they were, every request that may have left is
// UNKNOWN, held ones are proven unsent (R19). The gate is restored before it
// returns. Errors are ErrParts, ErrIdentity and ErrPartial, which OpenToClose
// is for.
func Open(p Parts, now risk.Reading) (*Desk, error) {
	d, err := newDesk(p, now)
	if err != nil {
		return nil, err
	}
	if err := d.replay(); err != nil {
		return nil, err
	}
	pos, held := d.m.Restored()
	p.Gate.Restore(pos, held)
	d.begin()
	return d, nil
}

func newDesk(p Parts, now risk.Reading) (*Desk, error) {
	if p.Gate == nil || p.Gateway == nil || p.Log == nil || !p.Options.Account.Valid() {
		return nil, fmt.Errorf("%w: account %q, want an account, a gate, a gateway and a log", ErrParts, p.Options.Account)
	}
	if p.Block < 0 || p.Block > blockMost {
		return nil, fmt.Errorf("%w: account %q: blocks of %d names, want 0 to %d", ErrParts, p.Options.Account, p.Block, blockMost)
	}
	if err := CheckGroup(p.Log.Group()); err != nil {
		return nil, err
	}
	p.TTL, p.AnswerAfter = orDefault(p.TTL, time.Second), orDefault(p.AnswerAfter, 5*time.Second)
	p.QuietAfter = orDefault(p.QuietAfter, 30*time.Second)
	d := &Desk{p: p, now: now, held: map[market.ClOrdID]pending{}, nextIn: map[string]uint64{}, driven: map[market.ClOrdID]driven{}, rows: newScribe(), cutOff: map[market.ClOrdID]Ref{}}
	p.Options.SessionOpen, p.Options.NextID = false, d.nextID
	d.m = NewMachine(p.Options)
	d.m.watched = true
	return d, nil
}

// begin ends what an earlier incarnation had under way (R19).
func (d *Desk) begin() {
	_, _ = d.append(Crash{}) // from here on another incarnation writes; a log that takes no record takes none of its own either
	d.m.epoch = d.p.Log.Epoch()
	d.step(Crash{})
	d.rows.begin(d.m)
	if d.partial == nil {
		d.inherit()
		d.setAside()
	}
	d.post(risk.Session{Account: d.p.Options.Account})
}

func orDefault(d, other time.Duration) time.Duration {
	if d == 0 {
		return other
	}
	return d
}

// NextIn returns the number of the first message of the session that the
// journal does not know, 1 when it knows none.
func (d *Desk) NextIn(session string) uint64 { return max(1, d.nextIn[session]) }

// Blotter returns what the desk has, for whoever asks later and elsewhere. It
// costs what has changed since the last one.
func (d *Desk) Blotter() *Blotter { return d.rows.blotter(d) }

// Machine returns the machine, for reading in the owner's turn.
func (d *Desk) Machine() *Machine { return d.m }

// Handle applies one message, read at now. It never blocks. A message that
// makes no sense is answered with an event, never with a panic.
func (d *Desk) Handle(now risk.Reading, m Message) {
	d.now = now
	switch v := m.(type) {
	case Place:
		d.place(v)
	case Release:
		d.release(v.ID)
	case CancelOrder:
		d.cancelOrder(v)
	case CancelAll:
		d.cancelAll(v)
	case ReplaceOrder:
		d.replace(v)
	case Received:
		d.received(v.In)
	case Durable:
		d.durable(v.LSN)
	case Tick:
		d.tick()
	case AskUnknown:
		for _, r := range d.m.InDoubt() {
			d.step(Ask{Of: r})
		}
	case Reconcile:
		d.step(AskAll{})
	case Day:
		d.step(NewDay{})
	case Recall:
		d.recall(v)
	case ResolveOrder:
		d.resolveOrder(v)
	case AcceptDifference:
		d.acceptDifference(v)
	}
	d.saySigned()
	if d.revealed {
		d.revealed = false
		d.drive()
	}
	_, tick := m.(Tick)
	d.report(tick)
}

// step runs the machine and what comes of it.
func (d *Desk) step(in Input) {
	d.todo = append(d.todo, in)
	for len(d.todo) > 0 {
		next := d.todo[0]
		d.todo = d.todo[1:]
		out := d.m.Step(d.now.Mono, next)
		d.rows.take(d.m)
		d.carryOut(out)
		d.rows.behind()
	}
	d.todo = d.todo[:0]
}

// append puts an input into the journal. Where the journal takes no record the
// effect is in memory only.
func (d *Desk) append(in Input) (journal.LSN, error) {
	k, body, err := encode(d.buf[:0], d.p.Options.Account, d.now.Mono, in)
	d.buf = body
	if err != nil {
		return 0, err
	}
	lsn, err := d.p.Log.Append(k, recordVersion, body)
	if err != nil {
		d.journalState(err)
		return 0, fmt.Errorf("%w: %w", ErrJournal, err)
	}
	d.rows.at = stamp{lsn, d.now.Wall}
	return lsn, nil
}

// journalState tells once that the journal takes nothing any more.
func (d *Desk) journalState(err error) {
	if s := d.p.Log.State(); s != journal.OK && !d.dead {
		d.dead = true
		if d.p.Events.JournalDead != nil {
			d.p.Events.JournalDead(s, err)
		}
	}
}

func (d *Desk) nextID() market.ClOrdID {
	id, _ := MakeID(d.p.Log.Group(), d.p.Log.Epoch(), d.p.Log.Next())
	return id // "" when the numbers are used up, which every request refuses
}

func (d *Desk) crash(point int) {
	if d.p.Crash != nil {
		d.p.Crash(point)
	}
}

func (d *Desk) post(m risk.Message) {
	if d.p.Risk != nil {
		d.p.Risk(m)
	}
}
