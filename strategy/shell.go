package strategy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// Desk is what a strategy asks of the orders of its account. Place and Cancel hand over and do not wait; what comes of
// it arrives as events. An error says that the handing over itself was refused, by the errors of package mailbox and actors.
type Desk interface {
	Place(in risk.Intent) error
	Cancel(strategy string, cause risk.Cause) error
	CancelAll(strategy string) error
	// Attach asks for the strategy's State, which comes as the message Restored, and for its events from then on.
	Attach(strategy string, epoch uint64) error
}

// World is what a strategy may look at besides its messages: one atomic read each, safe in any turn.
type World interface {
	Quote(i market.Instrument) (feeds.Quote, bool)
	// Gate is the mode that touches the strategy in an instrument, or with the zero Instrument in all of them.
	Gate(i market.Instrument) Gate
}

// Config is one strategy of a node.
type Config struct {
	Name        string
	Account     market.Account
	Contracts   []market.Contract // what it may trade, in the order of the configuration
	Incarnation uint32            // of the node's journal
	TTL         time.Duration     // of intents that name none; at most the account's
	Desk        Desk
	World       World
	Events      Events
	Params      []Param   // in force
	Seed        uint64    // of Context.Rand
	Books       *Books    // shared with the inlets; nil: none
	Interest    *Interest // shared with the inlets; nil: the shell's own
	Meters      *Meters   // of the process; nil: what is measured is shown to nobody
	Memory      Memory    // of the incarnation; nil: nothing is kept
	Ear         Ear       // of the incarnation; nil: nobody keeps what was not told
	Horizon     bool      // decisions do not outlive the process, so nothing can be placed Once
	// Show asks the feeds to show the strategy how everything stands, after it has missed something. It must not block. Nil where
	// nobody can: then what was missed is missed until a feed says Live by itself.
	Show func() error
}

// Events are hooks for metrics and logs; nil is skipped. They get the strategy's name, are called in its turn or from whoever finds
// the thing out, and must not block.
type Events struct {
	Started          func(name string, why Why)                         // the state has come, OnStart is next
	Ready            func(name, evidence string, took time.Duration)    // since the incarnation began to ask for its state
	Decided          func(name string, effects int, took time.Duration) // wishes have left, since the turn began
	Refused          func(name, reason string, n int)                   // by the shell itself
	Held             func(name, reason string)                          // a goal waits
	Lapsed           func(name string)                                  // a goal has waited for too long
	Absorbed         func(name string)                                  // a goal was said again, with nothing to do
	Repeated         func(name string)                                  // a decision was made before, its first order stands
	Policy           func(name string, cancelled, kept int)             // working orders of one that has ended
	Snapshot         func(name string, bytes int, took time.Duration)   // taken
	SnapshotSetAside func(name, why string)                             // and never used again
	Goroutines       func(name string, n int)                           // left behind by an incarnation that has ended
	Ended            func(name, reason string)
	// OutOfTurn tells that a Context was used outside its handler, on whatever goroutine does that.
	OutOfTurn func(name string)
}

// ErrMissed ends an incarnation that was not told an event of its orders: the next one starts from the journal, which knows.
var ErrMissed = errors.New("events of orders were missed")

// shell is the actor around a user's strategy: it keeps what the strategy may rely on, runs its handlers all or
// nothing, and turns its wishes into intents.
type shell struct {
	cfg         Config
	user        any
	ready       func(evidence string) error
	why         Why
	log         *slog.Logger
	contracts   map[market.Instrument]market.Contract
	places      map[market.Instrument]uint16 // of instruments in the configuration
	instruments []market.Instrument

	self     *actors.Context[Message]
	contexts [mostContexts]Context // that handlers get, in turn
	calls    uint64                // of handlers
	now      time.Time
	instant  int64
	root     root
	ordinal  uint16
	effects  []effect
	spare    []effect // memory of those that left last
	born     int64    // instant
	labels   context.Context
	started  bool   // the state has come
	starting bool   // in OnStart
	fault    error  // of this handler: it asked for what cannot be
	isReady  bool   // and OnStart has returned: wishes leave
	seq      uint64 // of the last event taken
	least    uint64 // a State older than this event is not taken
	book     *blotter
	aims     map[aimKey]*aim
	recent   *aim                 // that was wished for last
	gapped   map[mailbox.Key]bool // streams of which something was lost, until Live
	asking   bool                 // for a showing
	passes   []feeds.Pos          // by stream: the last that was told
	readings map[market.Instrument]*reading
	lent     []market.Instrument // whose books the handler has been lent
	refusals map[refusalKey]*refusal
	flood    flood
	answers  []OrderEvent // local answers that the next handler call tells

	asked      []Decision                        // what has left in the present call of a handler, and what followed from it
	owing      []owing                           // events that were told, oldest first, until they are dealt with
	waiting    []Untold                          // that came ahead of the state
	retold     map[uint64]bool                   // numbers of the events of others that this incarnation was told
	subscribed map[market.Instrument]feeds.Kinds // nil: all that there are handlers for
	rand       *rand.Rand                        // made at its first use
}

// NewShell makes the actor of one incarnation of a strategy. Why says how the incarnation before it ended; WhyFirst becomes
// WhyAdopted when the state that comes is of somebody before. Ready is called once, with the evidence "flat" or
// "rehydrated", when the state of journal and venue has arrived and OnStart has returned.
func NewShell(cfg Config, user any, why Why, ready func(evidence string) error) actors.Actor[Message] {
	s := &shell{
		cfg: cfg, user: user, why: why, ready: ready, contracts: map[market.Instrument]market.Contract{},
		places: map[market.Instrument]uint16{},
		aims:   map[aimKey]*aim{}, gapped: map[mailbox.Key]bool{}, refusals: map[refusalKey]*refusal{},
	}
	for i := range s.contexts {
		s.contexts[i].s = s // once: one that was kept is read by whoever has it
	}
	s.book = newBlotter(State{}, s.factor)
	if s.cfg.Interest == nil {
		s.cfg.Interest = &Interest{}
	}
	for n, c := range cfg.Contracts {
		s.contracts[c.Instrument], s.places[c.Instrument] = c, uint16(n)
		s.instruments = append(s.instruments, c.Instrument)
	}
	return s
}

// factor is the multiplier of an instrument's contract; one that is not configured any more counts as 1.
func (s *shell) factor(i market.Instrument) market.Factor {
	if c := s.contracts[i]; c.Multiplier.Valid() {
		return c.Multiplier
	}
	return market.One
}

// NeedsOf says which data the strategy value has handlers for.
func NeedsOf(user any) Needs {
	_, quotes := user.(QuoteHandler)
	_, trades := user.(TradeHandler)
	_, depths := user.(BookHandler)
	_, states := user.(FeedStateHandler)
	return Needs{Quotes: quotes, Depths: depths, Trades: trades, States: states}
}

// Starting asks the account's orders for the state to start from.
func (s *shell) Starting(c *actors.Context[Message]) error {
	s.log, s.self = c.Log(), c
	s.born, s.labels = s.clock(), labelsOf(s.cfg.Name, uint64(c.Epoch()))
	c.After(attachKey{}, 0, Message{kind: gotAttach}) // in the first turn: before it the mailbox takes no event
	return nil
}

// attachEvery is how often an account whose orders are not up is asked again.
const attachEvery = 250 * time.Millisecond

type attachKey struct{}

// attach asks for the state to start from, and again until it has come: an account that waits for its venue holds its
// strategies, and ends none.
func (s *shell) attach(c *actors.Context[Message]) {
	if err := s.cfg.Desk.Attach(s.cfg.Name, uint64(c.Epoch())); err != nil {
		s.log.Debug("orders are not up", "account", s.cfg.Account, "err", err)
	}
	c.After(attachKey{}, attachEvery, Message{kind: gotAttach})
}

// Receive runs the handlers that a message concerns. An error ends the incarnation, and with it everything that the
// handler wished for.
func (s *shell) Receive(c *actors.Context[Message], m Message) error {
	s.self, s.now, s.instant = c, c.Now(), c.Instant()
	if !s.started {
		return s.early(m)
	}
	switch m.kind {
	case gotTrade:
		return s.onTrade(m)
	case gotQuote:
		return s.onQuote(m)
	case gotState:
		return s.onState(m)
	case gotBook:
		return s.onBook(m)
	case gotGap:
		return s.onGap(m)
	case gotMark:
		s.onMark(m)
	case gotShow:
		s.onShow()
	case gotOrder:
		return s.onTold(m)
	case gotAgain:
		return s.retell([]Untold{m.rest.(Untold)})
	case gotMissed:
		if m.seq > s.seq {
			return fmt.Errorf("%w: events up to %d, and this one has heard %d", ErrMissed, m.seq, s.seq)
		}
	case gotTimer:
		return s.onTick(m.rest.(tick))
	case gotGate:
		return s.onGate(m.rest.(Gate))
	case gotWant:
		return s.onWant(m.rest.(aimKey))
	case gotOwed:
		return s.onOwed(m.rest.(refusalKey))
	case gotSnapshot:
		return s.onSnapshot()
	case gotRestored, gotAttach: // it has come before
	}
	return nil
}

// early is before the state has arrived: no data and no wishes, but the gate's changes are not lost, for the gate is read.
func (s *shell) early(m Message) error {
	switch m.kind {
	case gotAttach:
		s.attach(s.self)
	case gotMissed:
		s.least = m.seq
	case gotAgain:
		s.waiting = append(s.waiting, m.rest.(Untold))
	case gotRestored:
		return s.arrive(m.rest.(State))
	case gotGap:
		s.gapped[m.key()] = true // all is shown to one that is ready
	case gotMark:
		s.onMark(m)
	case gotTrade, gotQuote, gotBook, gotState, gotOrder, gotTimer, gotGate, gotWant, gotOwed, gotSnapshot, gotShow: // not yet, or in the state that comes
	}
	return nil
}

// arrive begins from a state that is not too old, once it is known what else there is to begin from: the account is asked again.
func (s *shell) arrive(state State) error {
	if state.Seq < s.least {
		return nil
	}
	snapshot, known := s.recall()
	if !known {
		return nil
	}
	return s.begin(state, snapshot)
}

// begin starts the user's code from the state of journal and venue, and from what it has kept itself.
func (s *shell) begin(state State, snapshot []byte) error {
	s.seq = state.Seq
	s.book = newBlotter(state, s.factor)
	s.started = true
	if s.why == WhyFirst && !state.empty() {
		s.why = WhyAdopted
	}
	if f := s.cfg.Events.Started; f != nil {
		f(s.cfg.Name, s.why)
	}
	restored, err := s.restore(snapshot)
	if err != nil {
		return err
	}
	start := Start{Epoch: uint64(s.self.Epoch()), Why: s.why, Positions: s.book.positions(), Working: state.Working, Restored: restored}
	s.starting = true
	err = s.handle(startRoot(s.cfg.Incarnation, start.Epoch), func(c *Context) error {
		if h, ok := s.user.(StartHandler); ok {
			return h.OnStart(c, start)
		}
		return nil
	})
	s.starting = false
	if err != nil {
		return err
	}
	s.listen()
	evidence := "flat"
	if len(start.Positions) > 0 || len(start.Working) > 0 {
		evidence = "rehydrated"
	}
	if f := s.cfg.Events.Ready; f != nil {
		f(s.cfg.Name, evidence, time.Duration(s.clock()-s.born))
	}
	if err := s.ready(evidence); err != nil {
		return err
	}
	s.isReady = true
	s.remindSnapshot()
	if err := s.onGate(s.cfg.World.Gate(market.Instrument{})); err != nil {
		return err
	}
	return s.retell(append(state.Untold, s.waiting...))
}

// Stopping tells the user the end. What it cancels leaves; what it places is refused.
func (s *shell) Stopping(c *actors.Context[Message], r actors.Reason) error {
	if f := s.cfg.Events.Ended; f != nil {
		f(s.cfg.Name, string(r))
	}
	s.self, s.now, s.instant = c, c.Now(), c.Instant()
	defer s.countLeft()
	if err := s.tellStop(r); err != nil {
		return err
	}
	return s.lastSnapshot(r)
}

func (s *shell) tellStop(r actors.Reason) error {
	h, ok := s.user.(StopHandler)
	if !ok || !s.started {
		return nil
	}
	s.root, s.ordinal = momentRoot(s.cfg.Incarnation, ofStop, "", s.instant), 0
	return s.call(func(c *Context) error { return h.OnStop(c, Stop{Why: string(r)}) }, true)
}
