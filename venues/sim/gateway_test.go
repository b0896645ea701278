package sim_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
	"github.com/failshut/failshut/risk"
	"github.com/failshut/failshut/venues/sim"
)

var errFull = errors.New("full")

// entry is a gateway of A1 on a world, with what it has handed on.
type entry struct {
	*world
	g     *sim.Gateway
	heard []orders.Inbound
	full  bool // Hand refuses
	told  error
	fence error
}

// enter leaves two orders of A1 at the venue, a filled by 2 of 5 and b untouched, loses the link and makes a gateway that
// knows of nothing but its counters.
func enter(t *testing.T, change func(*sim.GatewayConfig)) *entry {
	t.Helper()
	cfg := config(t)
	cfg.Sessions[0].COD = sim.CODOff
	w := open(t, cfg)
	w.logon("A1")
	w.logon("A2")
	w.limit("A1", "a", market.Sell, 5, "100", market.Day)
	w.limit("A1", "b", market.Sell, 5, "101", market.Day)
	w.limit("A2", "m", market.Buy, 2, "100", market.IOC)
	w.must(w.venue.Logout("A1", "wire"))
	e := &entry{world: w}
	gc := sim.GatewayConfig{
		Port: w.venue, Session: "A1", Node: "n1", Venue: "SIM", NextOut: 4, NextIn: 3,
		Now:   func() risk.Reading { return risk.Reading{Wall: int64(w.now), Mono: 1} },
		Fence: func() error { return e.fence },
		Hand: func(in orders.Inbound) error {
			if e.full {
				return errFull
			}
			e.heard = append(e.heard, in)
			return nil
		},
		Broken: func(err error) { e.told = err },
	}
	if change != nil {
		change(&gc)
	}
	g, err := sim.NewGateway(gc)
	if err != nil {
		t.Fatal(err)
	}
	e.g = g
	return e
}

// said puts what was handed on into words, and forgets it.
func (e *entry) said() []string {
	var out []string
	for _, in := range e.heard {
		switch in := in.(type) {
		case orders.Link:
			s := in.Event.String()
			if in.Why != "" {
				s += ": " + in.Why
			}
			out = append(out, s)
		case orders.Report:
			out = append(out, fmt.Sprintf("%d %v %v/%v %v/%v/%v dup=%v", in.Seq, in.ID, in.Type, in.Status, in.Qty, in.Cum, in.Leaves, in.PossDup))
		case orders.Answer:
			r, found := in.Report()
			out = append(out, fmt.Sprintf("%v found=%v absent=%v %v", in.ID(), found, in.IsAbsent(), r.Cum))
		case orders.MassEnd:
			out = append(out, fmt.Sprintf("end of %d", in.Count))
		case orders.CancelReject:
			out = append(out, fmt.Sprintf("%d refused %v of %v: %d", in.Seq, in.ID, in.Orig, in.Reason))
		case orders.MassCancelAck:
			out = append(out, fmt.Sprintf("mass cancel %v", in.Accepted))
		case orders.BusinessReject, orders.SessionReject:
			out = append(out, fmt.Sprintf("%T", in))
		}
	}
	e.heard = nil
	return out
}

func (e *entry) wantSaid(want ...string) {
	e.t.Helper()
	if got := e.said(); !slices.Equal(got, want) {
		e.t.Errorf("handed on\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestAGatewayHearsWhatItMissedAndThenTheEndOfIt(t *testing.T) {
	e := enter(t, nil)
	e.must(e.g.Connect())
	e.wantSaid("logon", "3 b NEW/NEW 5/0/5 dup=true", "4 a T/PF 5/2/3 dup=true", "replayed")
	e.must(e.g.Logout())
	e.wantSaid("logout: logout")
	e.must(e.g.Connect())
	e.wantSaid("logon", "replayed")
	if out, in := e.g.Counters(); out != 7 || in != 8 {
		t.Errorf("Counters() = %d, %d, want 7 and 8", out, in)
	}
}

func TestAQuestionIsAnsweredFoundOrAbsent(t *testing.T) {
	e := enter(t, nil)
	e.must(e.g.Connect())
	e.said()
	e.must(e.g.Ask(orders.Question{ID: "a"}))
	e.must(e.g.Ask(orders.Question{ID: "never"}))
	e.must(e.g.Ask(orders.Question{Mass: true}))
	e.wantSaid("a found=true absent=false 2", "never found=false absent=true 0",
		"a found=true absent=false 2", "b found=true absent=false 0", "end of 2")
	e.must(e.g.Cancel(orders.Cancel{ID: "c", Orig: "a"}))
	e.must(e.g.Cancel(orders.Cancel{ID: "d", Orig: "a"}))
	e.must(e.g.MassCancel(orders.Scope{}))
	e.must(e.g.Ask(orders.Question{Mass: true}))
	e.wantSaid("10 c CXL/CXL 5/2/0 dup=false", "11 refused d of a: 0", "mass cancel true", "13 b CXL/CXL 5/0/0 dup=false", "end of 0")
	if err := e.g.MassCancel(orders.Scope{Strategy: "cross1"}); !errors.Is(err, sim.ErrUnsupported) {
		t.Errorf("MassCancel() of a strategy error = %v, want %v", err, sim.ErrUnsupported)
	}
}

func TestAnAnswerThatIsResentAnswersNothing(t *testing.T) {
	e := enter(t, nil)
	e.must(e.g.Connect())
	e.must(e.g.Ask(orders.Question{ID: "a"}))
	e.said()
	again, err := sim.NewGateway(sim.GatewayConfig{
		Port: e.venue, Session: "A1", Node: "n1", Venue: "SIM", NextOut: 100, NextIn: 5,
		Now: func() risk.Reading { return risk.Reading{Wall: 1, Mono: 1} }, Hand: func(in orders.Inbound) error { e.heard = append(e.heard, in); return nil },
	})
	e.must(err)
	e.must(again.Connect()) // takes the session over
	e.wantSaid("logout: takeover", "logon", "replayed")
}

func TestAGatewayDownOrFencedRefusesAndNothingLeaves(t *testing.T) {
	e := enter(t, nil)
	lines := len(e.lines)
	cancel := func() error { return e.g.Cancel(orders.Cancel{ID: "c", Orig: "a"}) }
	if err := cancel(); !errors.Is(err, sim.ErrLinkDown) {
		t.Errorf("before logon: Cancel() error = %v, want %v", err, sim.ErrLinkDown)
	}
	if err := e.g.Logout(); !errors.Is(err, sim.ErrLinkDown) {
		t.Errorf("before logon: Logout() error = %v, want %v", err, sim.ErrLinkDown)
	}
	e.fence = errors.New("fenced")
	if err := e.g.Replace(risk.Permit{}, orders.Replace{ID: "x"}); !errors.Is(err, sim.ErrLinkDown) {
		t.Errorf("before logon: Replace() error = %v, want %v", err, sim.ErrLinkDown)
	}
	if err := e.g.Connect(); !errors.Is(err, e.fence) {
		t.Errorf("fenced: Connect() error = %v, want %v", err, e.fence)
	}
	if len(e.lines) != lines {
		t.Errorf("%d lines in the ledger, want %d: something left", len(e.lines), lines)
	}
	e.fence = nil
	e.must(e.g.Connect())
	lines = len(e.lines)
	if err := e.g.Place(risk.Permit{}, orders.New{ID: "x"}); !errors.Is(err, risk.ErrNoPermit) {
		t.Errorf("Place() without a permit error = %v, want %v", err, risk.ErrNoPermit)
	}
	if err := e.g.Replace(risk.Permit{}, orders.Replace{ID: "x"}); !errors.Is(err, risk.ErrNoPermit) {
		t.Errorf("Replace() without a permit error = %v, want %v", err, risk.ErrNoPermit)
	}
	e.fence = errors.New("fenced")
	if err := cancel(); !errors.Is(err, e.fence) {
		t.Errorf("fenced: Cancel() error = %v, want %v", err, e.fence)
	}
	if len(e.lines) != lines {
		t.Errorf("%d lines in the ledger, want %d: something left", len(e.lines), lines)
	}
}

func TestAReportThatCannotBeTakenBreaksTheLinkAndIsAskedForAgain(t *testing.T) {
	e := enter(t, nil)
	e.must(e.g.Connect())
	e.said()
	e.full = true
	e.must(e.g.Cancel(orders.Cancel{ID: "c", Orig: "a"}))
	if !errors.Is(e.told, errFull) {
		t.Fatalf("told %v, want %v", e.told, errFull)
	}
	if err := e.g.Cancel(orders.Cancel{ID: "d", Orig: "b"}); !errors.Is(err, sim.ErrLinkDown) {
		t.Errorf("broken: Cancel() error = %v, want %v", err, sim.ErrLinkDown)
	}
	e.full = false
	e.must(e.g.Disconnect(e.told.Error()))
	e.wantSaid()
	e.must(e.g.Connect())
	e.wantSaid("logon", "6 c CXL/CXL 5/2/0 dup=true", "replayed")
}

func TestALinkThatBreaksWithinTheReplayMissesNothing(t *testing.T) {
	e := enter(t, nil)
	hand := 0
	e.must(e.g.Connect())
	e.said()
	e.must(e.g.Disconnect("test"))
	e.said()
	broken, err := sim.NewGateway(sim.GatewayConfig{
		Port: e.venue, Session: "A1", Node: "n1", Venue: "SIM", NextOut: 10, NextIn: 3,
		Now: func() risk.Reading { return risk.Reading{Wall: 1, Mono: 1} },
		Hand: func(in orders.Inbound) error {
			if hand++; hand == 3 { // the second report
				return errFull
			}
			e.heard = append(e.heard, in)
			return nil
		},
	})
	e.must(err)
	e.must(broken.Connect())
	e.wantSaid("logon", "3 b NEW/NEW 5/0/5 dup=true")
	if _, in := broken.Counters(); in != 4 {
		t.Errorf("next in = %d, want 4, the report that was not taken", in)
	}
	e.must(broken.Disconnect("full"))
	e.must(broken.Connect())
	e.wantSaid("logon", "4 a T/PF 5/2/3 dup=true", "replayed")
	if _, in := broken.Counters(); in != 8 {
		t.Errorf("next in = %d, want 8, behind the answer to this logon", in)
	}
}

func TestAGatewayResetsItsCountersWhenToldTo(t *testing.T) {
	e := enter(t, func(c *sim.GatewayConfig) { c.Node, c.Reset, c.NextOut, c.NextIn = "n2", true, 50, 60 })
	e.must(e.g.Connect())
	e.wantSaid("logon", "replayed")
	e.must(e.g.Ask(orders.Question{ID: "b"}))
	e.wantSaid("b found=true absent=false 0")
	if out, in := e.g.Counters(); out != 3 || in != 3 {
		t.Errorf("Counters() = %d, %d, want 3 and 3", out, in)
	}
}

func TestARefusedLogonIsToldAsALogout(t *testing.T) {
	e := enter(t, func(c *sim.GatewayConfig) { c.NextOut = 1 })
	e.must(e.g.Connect())
	if got := e.said(); len(got) != 1 || !strings.HasPrefix(got[0], "logout: refused: ") {
		t.Errorf("handed on %q, want one refusal", got)
	}
}

// TestLinesOfOneDialGoOnWithTheirNumbers dials for two incarnations of an owner: the second line hears again from where its
// journal stands, and sends under numbers that the first has not used.
func TestLinesOfOneDialGoOnWithTheirNumbers(t *testing.T) {
	e := enter(t, nil)
	dial := sim.Dial(sim.GatewayConfig{
		Port: e.venue, Session: "A1", Node: "n1", Venue: "SIM", NextOut: 4, Now: func() risk.Reading { return risk.Reading{Wall: 1, Mono: 1} },
	})
	var fence error
	ear := func(next uint64) orders.Ear {
		return orders.Ear{
			NextIn: func(string) uint64 { return next }, Fence: func() error { return fence },
			Hand: func(in orders.Inbound) error { e.heard = append(e.heard, in); return nil }, Broken: func(error) {},
		}
	}
	first, err := dial(ear(3))
	e.must(err)
	e.must(first.Connect())
	e.must(first.Ask(orders.Question{ID: "b"}))
	e.must(first.Disconnect("the owner was started again"))
	e.said()
	second, err := dial(ear(4))
	e.must(err)
	e.must(second.Connect())
	e.wantSaid("logon", "4 a T/PF 5/2/3 dup=true", "replayed")
	if l := lastOf[*sim.LinkLine](e.world); l.Event == "refused" {
		t.Errorf("line = %+v, want the second logon taken", l)
	}
	fence = errors.New("fenced")
	if err := second.Ask(orders.Question{ID: "b"}); !errors.Is(err, fence) {
		t.Errorf("Ask() of a fenced owner error = %v, want %v", err, fence)
	}
	if l, err := sim.Dial(sim.GatewayConfig{})(ear(1)); err == nil || l != nil {
		t.Errorf("a dial without a port = %v, %v, want an error and no line", l, err)
	}
}
