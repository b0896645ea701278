package sim

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
)

// The ways a Gateway refuses a call. Nothing has left when one of them comes back.
var (
	ErrLinkDown    = errors.New("link is down")
	ErrUnsupported = errors.New("unsupported")
	ErrGap         = errors.New("numbers of the venue do not follow")
)

// GatewayConfig is what a Gateway needs.
type GatewayConfig struct {
	Port    Port
	Session SessionID
	Node    string       // SenderSubID: who speaks
	Venue   market.Venue // of the instruments
	NextOut uint64       // number of the first message that leaves, from 1; after a crash, above all that may have left
	NextIn  uint64       // number of the first message of the venue not journalled yet, from 1
	Reset   bool         // at the first logon, set both counters back to 1

	Now   func() risk.Reading // both clocks, for permits and stamps; required
	Fence func() error        // last check before something leaves; nil: none
	// Hand takes what the venue says, in order, on the venue's goroutine. It must not block nor call the Gateway. An
	// error (a full mailbox) breaks the link: nothing more is handed on, and what was not taken is asked for again at the
	// next logon.
	Hand func(orders.Inbound) error
	// Broken is told once, in the place of Hand, that Hand failed; the owner then calls Disconnect. Nil: nobody is told.
	Broken func(error)
}

// Gateway is order entry in the process: the counterpart of a FIX initiator, with the same sequence numbers. It decodes
// what a Port sends and hands it on, and never sends anything twice. Calls are safe from any goroutine.
type Gateway struct {
	cfg GatewayConfig

	mu    sync.Mutex // guards out and reset; held over calls of the Port, so that numbers leave in order
	out   uint64
	reset bool

	link    atomic.Uint64 // the logon whose replies count; odd while it is up
	in      atomic.Uint64
	welcome atomic.Uint64 // number of the answer to the logon, while what was missed is resent; 0: every number follows
	resets  atomic.Bool   // the logon under way asked for a reset
	broken  atomic.Bool
}

var _ orders.Gateway = (*Gateway)(nil)

// NewGateway makes a gateway whose link is down.
func NewGateway(cfg GatewayConfig) (*Gateway, error) {
	if cfg.Port == nil || cfg.Now == nil || cfg.Hand == nil || cfg.Session == "" || !cfg.Venue.Valid() {
		return nil, fmt.Errorf("gateway %q at %q: want a port, a clock, a hand, a session and a venue", cfg.Session, cfg.Venue)
	}
	g := &Gateway{cfg: cfg, out: max(1, cfg.NextOut), reset: cfg.Reset}
	g.in.Store(max(1, cfg.NextIn))
	return g, nil
}

// Connect logs on. What comes of it is handed on: a Link of LinkLogon, what was missed, LinkReplayed; or LinkLogout.
func (g *Gateway) Connect() error {
	if err := g.fenced(); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	mine := (g.link.Load() | 1) + 1 // even: another logon than any before, and not up yet
	g.link.Store(mine)
	g.broken.Store(false)
	s := Session{
		ID: g.cfg.Session, Sub: g.cfg.Node, Seq: g.out, Expect: g.in.Load(), Reset: g.reset,
		Send: func(r Reply) { g.heard(mine, r) },
	}
	g.resets.Store(s.Reset)
	if s.Reset {
		s.Seq, s.Expect = 1, 1
		s.Send = func(r Reply) {
			if _, ok := r.Body.(Welcome); ok {
				g.in.Store(r.Seq)
			}
			g.heard(mine, r)
		}
	}
	if err := g.cfg.Port.Logon(s); err != nil {
		return fmt.Errorf("logon of %s: %w", g.cfg.Session, err)
	}
	g.out, g.reset = s.Seq+1, false
	return nil
}

// Logout ends the session in order; the answer is handed on as a Link.
func (g *Gateway) Logout() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.up() {
		return fmt.Errorf("logout of %s: %w", g.cfg.Session, ErrLinkDown)
	}
	if err := g.cfg.Port.Logout(g.cfg.Session, WhyLogout); err != nil {
		return fmt.Errorf("logout of %s: %w", g.cfg.Session, err)
	}
	g.out++
	return nil
}

// Disconnect drops the link without a word, as a broken wire would.
func (g *Gateway) Disconnect(why string) error {
	if why == "" || why == WhyLogout {
		why = "disconnect"
	}
	return g.cfg.Port.Logout(g.cfg.Session, why)
}

// Counters gives the numbers of the next message out and in.
func (g *Gateway) Counters() (out, in uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.out, g.in.Load()
}

// Place sends a new order under a permit, which it uses up.
func (g *Gateway) Place(p risk.Permit, n orders.New) error {
	if !g.up() {
		return fmt.Errorf("order %s: %w", n.ID, ErrLinkDown)
	}
	if err := g.fenced(); err != nil {
		return err
	}
	if err := p.Spend(g.cfg.Now()); err != nil {
		return fmt.Errorf("order %s: %w", n.ID, err)
	}
	return g.submit(Request{
		Kind: NewOrder, Sent: p.Intent().DecidedWall, ClOrdID: n.ID, Symbol: n.Instrument.Symbol(), Side: n.Side,
		Type: n.Type, TIF: n.TIF, Qty: n.Qty, Price: n.Price, StopPx: n.StopPrice,
	})
}

// Replace sends other terms of an order under a permit of their own, which it uses up.
func (g *Gateway) Replace(p risk.Permit, r orders.Replace) error {
	if !g.up() {
		return fmt.Errorf("replace %s: %w", r.ID, ErrLinkDown)
	}
	if err := g.fenced(); err != nil {
		return err
	}
	if err := p.Spend(g.cfg.Now()); err != nil {
		return fmt.Errorf("replace %s: %w", r.ID, err)
	}
	return g.submit(Request{
		Kind: ReplaceOrder, Sent: p.Intent().DecidedWall, ClOrdID: r.ID, Orig: r.Orig, OrderID: r.OrderID, Symbol: symbolOf(r.Instrument),
		Side: r.Side, Type: r.Type, TIF: r.TIF, Qty: r.Qty, Price: r.Price,
	})
}

// Cancel asks for the end of one order.
func (g *Gateway) Cancel(c orders.Cancel) error {
	return g.submit(Request{Kind: CancelOrder, ClOrdID: c.ID, Orig: c.Orig, OrderID: c.OrderID, Symbol: symbolOf(c.Instrument), Side: c.Side, Qty: c.Qty})
}

// MassCancel asks for the end of every order of the account, or of one instrument; a strategy is nothing the venue knows.
func (g *Gateway) MassCancel(s orders.Scope) error {
	if s.Strategy != "" {
		return fmt.Errorf("mass cancel of strategy %s: %w", s.Strategy, ErrUnsupported)
	}
	return g.submit(Request{Kind: MassCancel, Symbol: symbolOf(s.Instrument)})
}

// Ask puts a question.
func (g *Gateway) Ask(q orders.Question) error {
	if q.Mass {
		return g.submit(Request{Kind: MassStatus, Symbol: symbolOf(q.Instrument)})
	}
	return g.submit(Request{Kind: StatusRequest, ClOrdID: q.ID, OrderID: q.OrderID, Symbol: symbolOf(q.Instrument), Side: q.Side})
}

func symbolOf(i market.Instrument) market.Symbol {
	if !i.Valid() {
		return ""
	}
	return i.Symbol()
}

func (g *Gateway) fenced() error {
	if g.cfg.Fence == nil {
		return nil
	}
	return g.cfg.Fence()
}

func (g *Gateway) up() bool { return g.link.Load()&1 == 1 && !g.broken.Load() }

func (g *Gateway) submit(r Request) error {
	if !g.up() {
		return fmt.Errorf("%s %s: %w", r.Kind, r.ClOrdID, ErrLinkDown)
	}
	if err := g.fenced(); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	r.Seq = g.out
	if r.Sent == 0 {
		r.Sent = market.Timestamp(g.cfg.Now().Wall)
	}
	if r.ClOrdID == "" { // a mass request needs an id for its answer only
		r.ClOrdID = market.ClOrdID(r.Kind.String() + "-" + strconv.FormatUint(r.Seq, 10))
	}
	if err := g.cfg.Port.Receive(g.cfg.Session, r); err != nil {
		return fmt.Errorf("%s %s: %w", r.Kind, r.ClOrdID, err)
	}
	g.out++
	return nil
}

// heard takes one reply to the logon called mine.
func (g *Gateway) heard(mine uint64, r Reply) {
	now := g.link.Load()
	if now&^1 != mine || g.broken.Load() {
		return // an old logon, or one whose owner could not follow
	}
	o := orders.Origin{Session: string(g.cfg.Session), Seq: r.Seq, PossDup: r.PossDup, Recv: market.Timestamp(g.cfg.Now().Wall)}
	if err := g.follows(r); err != nil {
		g.fail(r, err)
		return
	}
	switch r.Body.(type) {
	case Welcome: // it is ahead of what it missed: its number counts once the replay has ended
		g.link.Store(mine | 1)
		g.welcome.Store(r.Seq)
		o.Seq = 0
	case Replayed:
		o.Seq = g.welcome.Swap(0)
	case Refused, LoggedOut, Cut:
		g.link.Store(mine)
	}
	for _, in := range g.inbound(o, r.Body) {
		if err := g.cfg.Hand(in); err != nil {
			g.fail(r, err)
			return
		}
	}
	if o.Seq >= g.in.Load() {
		g.in.Store(o.Seq + 1)
	}
}

// follows says whether the number of a reply is the next, once what was missed has been resent. One too many was lost on the
// way; one too few is not what it seems, for a replay is marked as one. The link ends on both: at the next logon the venue
// sends again what was not taken. A venue that begins at 1 again unasked has nothing to send again, and what is believed of it
// is not for a gateway to say.
func (g *Gateway) follows(r Reply) error {
	if w, ok := r.Body.(Welcome); ok && w.Reset && !g.resets.Load() {
		return fmt.Errorf("%w: begun at 1 again, want %d", ErrGap, g.in.Load())
	}
	if want := g.in.Load(); r.Seq != 0 && !r.PossDup && g.up() && g.welcome.Load() == 0 && r.Seq != want {
		return fmt.Errorf("%w: %d, want %d", ErrGap, r.Seq, want)
	}
	return nil
}

// fail breaks the link on a reply.
func (g *Gateway) fail(r Reply, err error) {
	g.broken.Store(true)
	if g.cfg.Broken != nil {
		g.cfg.Broken(fmt.Errorf("report %d of %s: %w", r.Seq, g.cfg.Session, err))
	}
}

// inbound says what a reply means to the owner of the account.
func (g *Gateway) inbound(o orders.Origin, b Body) []orders.Inbound {
	switch b := b.(type) {
	case Welcome:
		return []orders.Inbound{orders.Link{Origin: o, Event: orders.LinkLogon}}
	case Replayed:
		return []orders.Inbound{orders.Link{Origin: o, Event: orders.LinkReplayed}}
	case Refused:
		return []orders.Inbound{orders.Link{Origin: o, Event: orders.LinkLogout, Why: "refused: " + b.Err.Error()}}
	case LoggedOut:
		return []orders.Inbound{orders.Link{Origin: o, Event: orders.LinkLogout, Why: WhyLogout}}
	case Cut:
		return []orders.Inbound{orders.Link{Origin: o, Event: orders.LinkLogout, Why: b.Why}}
	case Report:
		return g.report(o, b)
	case CancelReject:
		return []orders.Inbound{orders.CancelReject{
			Origin: o, ID: b.ClOrdID, Orig: b.Orig, OrderID: b.OrderID,
			Status: ourStatus(b.Status), Reason: int(b.Reason), Text: b.Text,
		}}
	case BusinessReject:
		return []orders.Inbound{orders.BusinessReject{Origin: o, ID: b.ClOrdID, Reason: int(b.Reason), Text: b.Text}}
	case SessionReject:
		return []orders.Inbound{orders.SessionReject{Origin: o, ID: b.ClOrdID, Reason: int(b.Reason), Text: b.Text}}
	case MassCancelReport:
		return []orders.Inbound{orders.MassCancelAck{Origin: o, Accepted: b.Accepted}}
	}
	return nil
}

// report makes a report, or the answer to a question. An answer that is resent answers a question of another logon, which
// is over: it says nothing.
func (g *Gateway) report(o orders.Origin, b Report) []orders.Inbound {
	if b.Type == ExecStatus && o.PossDup {
		return nil
	}
	if b.Type == ExecStatus && b.OrderID == "NONE" {
		if b.MassID != "" {
			return []orders.Inbound{orders.MassEnd{Origin: o}}
		}
		return []orders.Inbound{orders.Absent(b.ClOrdID)}
	}
	i, err := market.Listed(g.cfg.Venue, b.Symbol)
	if err != nil {
		return nil // the venue repeats what it was sent: a symbol that cannot be is of an order that was never ours
	}
	r := orders.Report{
		Origin: o, ID: b.ClOrdID, Orig: b.Orig, OrderID: b.OrderID, ExecID: b.ExecID, ExecRef: b.ExecRef, Restate: orders.RestateReason(b.Restate), Type: ourType(b.Type),
		Status: ourStatus(b.Status), Instrument: i, Side: b.Side, Qty: b.Qty, Cum: b.Cum, Leaves: b.Leaves, LastQty: b.LastQty,
		LastPx: b.LastPx, Price: b.Price, Avg: b.AvgPx, HasAvg: b.AvgPx != 0, Reason: int(b.Reason), Text: b.Text, Paper: b.Paper,
	}
	if b.Type != ExecStatus {
		return []orders.Inbound{r}
	}
	if b.MassID != "" && b.Last {
		return []orders.Inbound{orders.Found(r), orders.MassEnd{Origin: o, Count: b.Total}}
	}
	return []orders.Inbound{orders.Found(r)}
}

func ourStatus(s OrdStatus) orders.Status {
	st, _ := orders.ParseStatus(s.String()) // both rooms use the tokens of the order scripts
	return st
}

func ourType(t ExecType) orders.ExecType {
	et, _ := orders.ParseExecType(t.String())
	return et
}
