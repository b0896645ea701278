package sim

import (
	"slices"
	"strconv"
	"time"

	"github.com/failshut/failshut/market"
)

// Input is what an exchange is told: Open, Logon, Received, Ended, Arm, an Operation, Tick or Shut.
type Input interface{ simInput() }

// Open begins the day. It is the first input.
type Open struct{}

// Logon is Port.Logon; Send of the Session is not looked at.
type Logon struct{ Session Session }

// Received is Port.Receive.
type Received struct {
	Session SessionID
	Request Request
}

// Ended is Port.Logout.
type Ended struct {
	Session SessionID
	Why     string
}

// Arm puts other faults in place of those of the configuration and of any Arm before; none ends them all. The ledger gets a
// line for each fault that goes and each that comes. A plan with a mistake, one for a paper venue, and one before or after
// the day are refused whole, with a Refused to the session "".
type Arm struct{ Faults []Fault }

// Tick says only that time has passed: what is due is done.
type Tick struct{}

// Shut ends the day: sessions are logged out, the last ledger line is written.
type Shut struct{}

func (Open) simInput()     {}
func (Logon) simInput()    {}
func (Received) simInput() {}
func (Ended) simInput()    {}
func (Arm) simInput()      {}
func (Tick) simInput()     {}
func (Shut) simInput()     {}

// Output is what an exchange does: a Line, a Deliver or a MarketEvent. They are to be carried out in order; a line must be
// in the ledger before any later output leaves.
type Output interface{ simOutput() }

// Deliver sends a reply to a session. After a Refused, LoggedOut or Cut body the session takes no more of this logon.
type Deliver struct {
	Session SessionID
	Reply   Reply
	Logon   bool // a Refused of a logon, and not of what a session did
}

func (Deliver) simOutput() {}

// matcher decides what becomes of orders that the house has accepted: the engine matches them, the paper venue waits for the
// recorded book.
type matcher interface {
	enter(o *order)  // o is accepted and acknowledged
	remove(o *order) // o has ended, other than by being filled

	cut(o *order, by market.Qty)  // by of what was open of o is no more; o keeps its place
	move(o *order, change func()) // o gives its place up, and change gives it other terms; enter follows
}

// house is what every kind of exchange has: sessions with their sequence numbers and stored replies, accounts, orders, and
// the ledger lines about them. It is a pure state machine.
type house struct {
	cfg     Config
	matcher matcher
	engine  *Engine // nil of a paper venue
	paper   bool
	now     market.Timestamp
	out     []Output
	open    bool
	shut    bool

	lines, orderCount, tradeCount uint64
	bustCount, correctCount       uint64
	prefix                        string // of order and execution ids: no two lives of an exchange share one
	execs, refs, priorities       uint64

	symbols   []listed
	bySymbol  map[market.Symbol]int
	sessions  []*session
	bySession map[SessionID]*session
	accounts  []*account
	byAccount map[market.Account]*account
	byOID     map[string]*order
	timers    timers
	plan      *plan
	stranger  *account // with whom an order executes that a fault fills; nil of a paper venue that has no such fault
	because   because
	entry     firing           // the fault that the order in hand enters under
	down      market.Timestamp // by a fault: no logon is taken before
	skew      market.Timestamp // by a fault: how far the clock of a reply is ahead
}

// listed is one symbol.
type listed struct {
	sym   market.Symbol
	c     market.Contract
	last  market.Price
	phase Phase
}

// account is an owner of orders and positions. Slices are by symbol index.
type account struct {
	id               market.Account
	session          *session // nil of a participant of the flow
	pos, buys, sells []market.Qty
	open             []*order // in order of entry
	byCl             map[market.ClOrdID]*order
}

// because is the request in hand: what the replies to its session answer, and the fault that rides on them.
type because struct {
	session *session
	n       uint64 // of the recv line, or of the fault line where there is no session; 0: no request
	fault   firing
}

func newHouse(cfg Config, m matcher) *house {
	h := &house{
		cfg: cfg, matcher: m, plan: newPlan(cfg.Seed, cfg.Faults), bySymbol: map[market.Symbol]int{},
		bySession: map[SessionID]*session{}, byAccount: map[market.Account]*account{}, byOID: map[string]*order{},
	}
	for _, l := range cfg.Listings {
		h.list(l.Contract)
	}
	for _, sc := range cfg.Sessions {
		s := &session{cfg: sc, in: 1, out: 1}
		s.account = h.addAccount(sc.Account)
		s.account.session = s
		h.sessions = append(h.sessions, s)
		h.bySession[sc.ID] = s
	}
	return h
}

func (h *house) list(c market.Contract) int {
	sym := c.Instrument.Symbol()
	h.bySymbol[sym] = len(h.symbols)
	h.symbols = append(h.symbols, listed{sym: sym, c: c, phase: PhaseContinuous})
	for _, a := range h.accounts {
		a.grow(len(h.symbols))
	}
	return len(h.symbols) - 1
}

func (h *house) addAccount(id market.Account) *account {
	a := &account{id: id, byCl: map[market.ClOrdID]*order{}}
	a.grow(len(h.symbols))
	h.accounts = append(h.accounts, a)
	h.byAccount[id] = a
	return a
}

func (a *account) grow(n int) {
	for len(a.pos) < n {
		a.pos, a.buys, a.sells = append(a.pos, 0), append(a.buys, 0), append(a.sells, 0)
	}
}

// step does one input that is not the matcher's own. Timers that are due come first.
func (h *house) step(now market.Timestamp, in Input) {
	h.now = max(h.now, now) // a clock that steps back does not reorder the ledger
	if _, opens := in.(Open); h.shut || (!h.open && !opens) {
		h.refuseShut(in)
		return
	}
	h.runTimers()
	switch in := in.(type) {
	case Open:
		h.begin()
	case Logon:
		h.logon(in.Session)
	case Received:
		h.receive(in)
	case Ended:
		h.ended(in)
	case Shut:
		h.end()
	case Arm:
		h.arm(in.Faults)
	case Operation:
		h.operate(in)
	case Tick:
	}
}

func (h *house) refuseShut(in Input) {
	switch in := in.(type) {
	case Logon:
		h.refuseLogon(in.Session.ID, ErrShut)
	case Received:
		h.refuse(in.Session, ErrShut)
	case Arm, Operation:
		h.refuse("", ErrShut)
	case Open, Ended, Tick, Shut:
	}
}

func (h *house) begin() {
	if h.open {
		return
	}
	h.open = true
	h.plan.start = h.now
	h.await()
	h.prefix = strconv.FormatInt(int64(h.now), 36) + "-"
	l := &OpenLine{
		V: 1, Seed: h.cfg.Seed, Config: digest(h.cfg), Plan: digest(h.cfg.Faults), Dedupe: h.cfg.Dedupe,
		COD: h.codWord(), Symbols: []string{}, Accounts: []string{},
	}
	for _, s := range h.symbols {
		l.Symbols = append(l.Symbols, string(s.sym))
	}
	for _, s := range h.sessions {
		l.Accounts = append(l.Accounts, string(s.account.id))
	}
	slices.Sort(l.Accounts)
	h.line("open", l)
}

func (h *house) codWord() string {
	word := string(CODOff)
	for i, s := range h.sessions {
		if i > 0 && word != string(s.cfg.COD) {
			return "mixed"
		}
		word = string(s.cfg.COD)
	}
	return word
}

// end logs every session out and writes the last line.
func (h *house) end() {
	for _, s := range h.sessions {
		if s.up {
			h.close(s, "logout", "shut", LoggedOut{})
		}
	}
	c := &CloseLine{Lines: h.lines + 1, Orders: h.orderCount, Trades: h.tradeCount, Busts: h.bustCount, Corrects: h.correctCount, PerAccount: map[market.Account]map[market.Symbol]market.Qty{}}
	for _, a := range h.accounts {
		for i, q := range a.pos {
			if q == 0 {
				continue
			}
			if c.PerAccount[a.id] == nil {
				c.PerAccount[a.id] = map[market.Symbol]market.Qty{}
			}
			c.PerAccount[a.id][h.symbols[i].sym] = q
		}
	}
	h.line("close", c)
	h.shut = true
	h.timers = timers{}
}

func (h *house) emit(o Output) { h.out = append(h.out, o) }

// line numbers, stamps and emits a ledger line, and gives its number.
func (h *house) line(kind string, l Line) uint64 {
	h.lines++
	*l.At() = Head{N: h.lines, T: int64(h.now), K: kind}
	h.emit(l)
	return h.lines
}

// exposure writes the worst case of a session's account. Participants of the flow have no limit anybody could judge.
func (h *house) exposure(a *account, sym int) {
	if a.session == nil {
		return
	}
	l := &h.symbols[sym]
	top := l.last
	for _, o := range a.open {
		if o.sym == sym {
			top = max(top, o.px, o.stop)
		}
	}
	long, short := max(0, a.pos[sym]+a.buys[sym]), max(0, a.sells[sym]-a.pos[sym])
	worst, err := l.c.Worth(top, max(long, short), true)
	if err != nil {
		worst = market.MaxNotional()
	}
	h.line("exposure", &ExposureLine{
		Account: a.id, Sym: l.sym, Pos: a.pos[sym], OpenBuy: a.buys[sym], OpenSell: a.sells[sym],
		WorstLong: long, WorstShort: short, WorstNotional: worst,
	})
}

// timer is something that is due at a time; equal times run in the order they were set.
type timer struct {
	at  market.Timestamp
	run func()
}

// timers is a sorted list: there are few.
type timers struct{ list []timer }

func (t *timers) add(at market.Timestamp, run func()) {
	i, _ := slices.BinarySearchFunc(t.list, at, func(x timer, at market.Timestamp) int {
		if x.at <= at {
			return -1
		}
		return 1
	})
	t.list = slices.Insert(t.list, i, timer{at, run})
}

func (t *timers) next() (market.Timestamp, bool) {
	if len(t.list) == 0 {
		return 0, false
	}
	return t.list[0].at, true
}

func (h *house) after(d time.Duration, run func()) { h.timers.add(h.now+market.Timestamp(d), run) }

func (h *house) runTimers() {
	for len(h.timers.list) > 0 && h.timers.list[0].at <= h.now {
		run := h.timers.list[0].run
		h.timers.list = slices.Delete(h.timers.list, 0, 1)
		run()
	}
}
