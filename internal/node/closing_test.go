package node_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/internal/node"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/strategy"
)

// silent decides nothing. Its parameters are those of the shipped strategy.
type silent struct {
	Fast, Slow int
	Qty        market.Qty
}

func (*silent) OnStart(*strategy.Context, strategy.Start) error { return nil }

func mute() strategy.Def { return strategy.Define("cross", func() *silent { return &silent{} }) }

// working is how many orders work when everything else breaks.
func working() int {
	if testing.Short() {
		return 50
	}
	return 1000
}

// siege is a house whose account has so many orders at the exchange, on a disk in memory that can be broken.
type siege struct {
	*house
	disk          *journal.FaultFS
	sent, refused atomic.Int64 // orders
	over          atomic.Int64 // orders that ended
	cancelled     atomic.Int64
	cancels       atomic.Int64 // that were handed over
}

func besieged(t *testing.T) *siege {
	t.Helper()
	s := &siege{disk: journal.NewFaultFS(journal.NewMemFS(1))}
	disk := s.disk
	disk.AnswerFree(plenty)
	if err := disk.MkdirAll(kept); err != nil {
		t.Fatal(err)
	}
	h := open(t, mute(), func(c *node.DemoConfig) {
		c.Disk = elsewhere{disk}
		c.Hooks.Sent = func(market.Account, orders.New) { s.sent.Add(1) }
		c.Hooks.Cancelling = func(market.Account, market.ClOrdID) { s.cancels.Add(1) }
		c.Hooks.Order = func(o node.OrderTold) {
			switch o.Event.Kind {
			case orders.EventRefused:
				s.refused.Add(1)
			case orders.EventCancelled:
				s.cancelled.Add(1)
			case orders.EventClosed:
				s.over.Add(1)
			default: // the account's status shows the rest
			}
		}
		for i := range c.Venue.Exchange.Sessions {
			c.Venue.Exchange.Sessions[i].CancelOnDisconnect = "off"
		}
		c.Change = func(p *node.Plan) {
			quick(p)
			for i := range p.Risk.Limits {
				switch l := &p.Risk.Limits[i]; l.Measure {
				case risk.MaxConcentrationBps, risk.MaxUnknownOrders:
				case risk.CollarBps:
					l.Value = amount(t, "5000")
				default:
					l.Value = amount(t, "100000000")
				}
			}
		}
	})
	h.until("the gate's opening", func() bool { return h.Node().Up() && h.settled() })
	nth := 0
	h.until(fmt.Sprintf("%d working orders", working()), func() bool {
		live := h.Node().Live("A1")
		if live+int(s.refused.Load()+s.over.Load()) != nth {
			return false // some are on their way, and would come behind what closes
		}
		for range min(100, working()-live) {
			if err := h.Node().Place("A1", orders.Place{Intent: far(nth+1, h.Node().Now())}); err != nil {
				break // the lane is full: again at the next look
			}
			nth++
		}
		return live >= working() && h.Node().Stands("A1").ByStatus[orders.StatusNew] == live // what waits for the disk has not left
	})
	s.house = h
	return s
}

func amount(t *testing.T, decimal string) market.Notional {
	t.Helper()
	n, err := market.ParseNotional(decimal)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// far is an order that works and trades with nobody.
func far(nth int, now risk.Reading) risk.Intent {
	return risk.Intent{
		Cause: risk.Cause{byte(nth), byte(nth >> 8), byte(nth >> 16), 7}, Strategy: "cross1", Instrument: market.MustListed("SIM", "ACME"), Side: market.Buy,
		Type: market.Limit, TIF: market.GTC, Qty: market.Unit, Price: market.Price(90_00+int64(nth%20)) * 10_000_000, Decided: now.Mono,
	}
}

// deafLog takes no proposal.
type deafLog struct{}

func (deafLog) Propose(context.Context, []byte) (uint64, error) { return 0, risk.ErrNotAppended }
func (deafLog) Term() uint64                                    { return 1 }

// TestClosingNeedsNeitherJournalNorLogNorAFreeMailbox cancels a thousand orders by a cancel-all, and by a trip, while the part that the case names is broken
// (P7). The exchange's word on each order counts; the process and its sessions stay up, and no order leaves any more.
func TestClosingNeedsNeitherJournalNorLogNorAFreeMailbox(t *testing.T) {
	fails := func(call journal.Call, err error) func(h *siege) {
		return func(h *siege) {
			h.disk.Inject(journal.Fault{Call: call, At: h.disk.Calls(call) + 1, Err: err})
			_ = h.Node().Place("A1", orders.Place{Intent: far(1<<20, h.Node().Now())}) // something to write
			h.until("a dead journal", func() bool { return h.Node().Stands("A1").Journal == journal.Dead })
		}
	}
	for name, tt := range map[string]struct {
		breaks func(h *siege)
		dead   bool
	}{
		"its fdatasync fails":        {fails(journal.CallSync, syscall.EIO), true},
		"it is mounted read-only":    {fails(journal.CallWrite, syscall.EROFS), true},
		"its disk is full":           {fails(journal.CallWrite, syscall.ENOSPC), true},
		"the log takes no proposal":  {func(h *siege) { h.Node().LogIs(deafLog{}) }, false},
		"the lane of orders is full": {flooded, false},
		"all of that at the same time": {func(h *siege) {
			h.Node().LogIs(deafLog{})
			fails(journal.CallSync, syscall.EIO)(h)
			flooded(h)
		}, true},
	} {
		for _, by := range []string{"cancel-all", "trip"} {
			t.Run(name+"/"+by, func(t *testing.T) {
				h := besieged(t)
				owner := h.Node().Stands("A1").Generation
				tt.breaks(h)
				switch by {
				case "trip":
					if _, err := h.Node().Desk.Trip(risk.TripRequest{Scope: risk.Firm, Mode: risk.Closed, By: "test", Reason: name}, h.Node().Now()); err != nil {
						t.Fatal(err)
					}
				default:
					if err := h.Node().Tell("A1", orders.CancelAll{Why: name}); err != nil {
						t.Fatal(err)
					}
				}
				h.until("the venue's word on the end of each order", func() bool { return h.Node().Live("A1") == 0 })
				if n, ended := h.cancels.Load(), h.cancelled.Load(); n < ended || ended == 0 {
					t.Errorf("%d cancels were handed over, and %d orders cancelled: want one for each, whatever a mass cancel does", n, ended)
				}
				s := h.Node().Stands("A1")
				if s.Session != "open" || s.Generation != owner || s.Unknown != 0 {
					t.Errorf("session %s, owner %d (%d before), %d UNKNOWN: want the same owner and its session up", s.Session, s.Generation, owner, s.Unknown)
				}
				if (s.Journal == journal.Dead) != tt.dead {
					t.Errorf("the journal is %v, want it dead: %v", s.Journal, tt.dead)
				}
				if by == "trip" || tt.dead {
					sent, refused := h.sent.Load(), h.refused.Load()
					_ = h.Node().Place("A1", orders.Place{Intent: far(3<<20, h.Node().Now())})
					h.until("the refusal of an order", func() bool { return h.refused.Load() > refused })
					if h.sent.Load() != sent {
						t.Error("an order left a closed account")
					}
				}
			})
		}
	}
}

// flooded keeps the lane of orders full until the house ends.
func flooded(h *siege) {
	full := make(chan struct{})
	ctx, cancel := context.WithCancel(h.t.Context())
	over := make(chan struct{})
	go func() {
		defer close(over)
		var once bool
		for nth := 2 << 20; ctx.Err() == nil; nth++ {
			in := far(nth, h.Node().Now())
			in.Strategy = "nobody" // who may not trade here: it is refused when its turn comes
			err := h.Node().Place("A1", orders.Place{Intent: in})
			if err != nil && !once {
				once = true
				close(full)
			}
		}
	}()
	h.t.Cleanup(func() { cancel(); <-over })
	<-full
}
