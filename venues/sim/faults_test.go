package sim_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/venues/sim"
)

// faulty is an exchange of one fault, with A1 logged on and A2 offering 5 at 100.
func faulty(t *testing.T, f sim.Fault) *world {
	t.Helper()
	cfg := config(t)
	f.ID = "f"
	f.On.Session = "A1"
	cfg.Sessions[0].COD = sim.CODOff
	cfg.Faults = []sim.Fault{f}
	w := open(t, cfg)
	w.logon("A1")
	w.logon("A2")
	w.limit("A2", "m", market.Sell, 5, "100", market.Day)
	w.bodies("A1")
	return w
}

func (w *world) fates() (fates []string) {
	for _, l := range w.lines {
		if s, ok := l.(*sim.SendLine); ok && s.Session == "A1" {
			fates = append(fates, s.Fate)
		}
	}
	return fates
}

func (w *world) wantFates(want string) {
	w.t.Helper()
	if got := strings.Join(w.fates(), " "); got != want {
		w.t.Errorf("fates of what A1 was sent = %q, want %q", got, want)
	}
	f := lastOf[*sim.FaultLine](w)
	if f == nil || f.ID != "f" || f.Firing != 1 {
		w.t.Errorf("fault line = %+v, want one firing of f", f)
	}
}

func TestDropBeforeForgetsTheRequest(t *testing.T) {
	w := faulty(t, sim.Fault{Kind: sim.DropBefore, When: sim.FaultWhen{Nth: 1}})
	w.limit("A1", "a", market.Buy, 5, "100", market.Day)
	w.want("A1")
	w.wantFates("")
	if r := lastOf[*sim.RecvLine](w); r.Fate != sim.FateDropped || r.Fault != "f" {
		t.Errorf("recv line = %+v, want dropped by f", r)
	}
	w.send("A1", sim.Request{Kind: sim.StatusRequest, ClOrdID: "a"})
	if r := w.reports("A1"); len(r) != 1 || r[0].OrderID != "NONE" {
		t.Errorf("answer = %+v, want an order the venue never had", r)
	}
}

func TestDropAfterAppliesAndNeverAnswers(t *testing.T) {
	w := faulty(t, sim.Fault{Kind: sim.DropAfter, When: sim.FaultWhen{Nth: 1}})
	w.limit("A1", "a", market.Buy, 5, "100", market.Day)
	w.want("A1")
	w.wantFates("dropped dropped")
	for _, l := range w.lines {
		if s, ok := l.(*sim.SendLine); ok && s.Session == "A1" && s.Seq != 0 {
			t.Errorf("a dropped report has number %d: its loss would be seen", s.Seq)
		}
	}
	w.send("A1", sim.Request{Kind: sim.StatusRequest, ClOrdID: "a"})
	if seq := w.heard["A1"][0].Seq; seq != 2 {
		t.Errorf("the next reply has number %d, want 2: the loss would be seen", seq)
	}
	if r := w.reports("A1"); len(r) != 1 || r[0].Status != sim.StatusFilled {
		t.Errorf("answer = %+v, want filled", r)
	}
}

func TestDropAfterOnAReportDropsThatAlone(t *testing.T) {
	w := faulty(t, sim.Fault{Kind: sim.DropAfter, On: sim.FaultOn{Msg: "8"}, When: sim.FaultWhen{Nth: 1}})
	w.limit("A1", "a", market.Buy, 5, "100", market.Day)
	w.want("A1", "T a")
	w.wantFates("dropped sent")
}

func TestLateAckLeavesLaterUnderALaterNumber(t *testing.T) {
	w := faulty(t, sim.Fault{Kind: sim.LateAck, When: sim.FaultWhen{Nth: 1}, With: sim.FaultWith{Delay: time.Second}})
	w.limit("A1", "a", market.Buy, 5, "100", market.Day)
	w.want("A1")
	w.send("A1", sim.Request{Kind: sim.StatusRequest, ClOrdID: "a"})
	w.want("A1", "STS a")
	w.pass(time.Second)
	if got := w.heard["A1"]; len(got) != 2 || got[0].Seq != 3 || got[1].Seq != 4 {
		t.Errorf("heard %+v, want NEW and T under 3 and 4, after the status under 2", got)
	}
	w.want("A1", "NEW a", "T a")
	w.wantFates("delayed delayed sent sent sent")
}

func TestLateAckOfALostLinkIsStored(t *testing.T) {
	w := faulty(t, sim.Fault{Kind: sim.LateAck, When: sim.FaultWhen{Nth: 1}, With: sim.FaultWith{Delay: time.Second}})
	w.limit("A1", "a", market.Buy, 5, "100", market.Day)
	w.must(w.venue.Logout("A1", "wire"))
	w.pass(time.Second)
	w.logon("A1")
	w.want("A1", "cut", "welcome", "NEW a possdup", "T a possdup", "replayed")
}

func TestDupExecIsSentTwiceUnderTwoNumbers(t *testing.T) {
	w := faulty(t, sim.Fault{Kind: sim.DupExec, When: sim.FaultWhen{Nth: 2}})
	w.limit("A1", "a", market.Buy, 5, "100", market.Day)
	heard := w.heard["A1"]
	if len(heard) != 3 || heard[1].Seq == heard[2].Seq || heard[1].Body.(sim.Report).ExecID != heard[2].Body.(sim.Report).ExecID {
		t.Fatalf("heard %+v, want the fill twice under two numbers", heard)
	}
	w.wantFates("sent sent duplicated")
	if last := lastOf[*sim.SendLine](w); last.Copy == 0 {
		// The last line to A1 is the copy: the maker's report went to A2 before.
		t.Errorf("line = %+v, want it to name the first", last)
	}
}

func TestDisconnectWithinARequestLosesIt(t *testing.T) {
	w := faulty(t, sim.Fault{Kind: sim.DisconnectAt, When: sim.FaultWhen{Nth: 1}})
	w.limit("A1", "a", market.Buy, 5, "100", market.Day)
	w.want("A1", "cut")
	w.wantFates("")
	w.logon("A1")
	w.send("A1", sim.Request{Kind: sim.StatusRequest, ClOrdID: "a"})
	w.want("A1", "welcome", "replayed", "STS a")
}

func TestDisconnectWithinAReportKeepsIt(t *testing.T) {
	w := faulty(t, sim.Fault{Kind: sim.DisconnectAt, On: sim.FaultOn{Msg: "8"}, When: sim.FaultWhen{Nth: 1}})
	w.limit("A1", "a", market.Buy, 5, "100", market.Day)
	w.want("A1", "cut")
	w.wantFates("held held")
	w.logon("A1")
	w.want("A1", "welcome", "NEW a possdup", "T a possdup", "replayed")
}

func TestAFaultFiresWhenItShould(t *testing.T) {
	tests := map[string]struct {
		when sim.FaultWhen
		want string // of ten orders, a second apart: x is dropped
	}{
		"nth":         {sim.FaultWhen{Nth: 3}, "--x-------"},
		"at alone":    {sim.FaultWhen{At: 3 * time.Second}, "---x------"},
		"while":       {sim.FaultWhen{While: true, At: 3 * time.Second, For: 3 * time.Second}, "---xxx----"},
		"every":       {sim.FaultWhen{Every: 4}, "---x---x--"},
		"certain":     {sim.FaultWhen{P: sim.Certain}, "xxxxxxxxxx"},
		"from and to": {sim.FaultWhen{P: sim.Certain, At: 2 * time.Second, For: 3 * time.Second}, "--xxx-----"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := faulty(t, sim.Fault{Kind: sim.DropBefore, When: tt.when})
			got := ""
			for i := range 10 {
				w.limit("A1", market.ClOrdID(rune('a'+i)), market.Buy, 1, "90", market.Day)
				got += map[bool]string{true: "x", false: "-"}[lastOf[*sim.RecvLine](w).Fate == sim.FateDropped]
				w.pass(time.Second)
			}
			if got != tt.want {
				t.Errorf("dropped = %s, want %s", got, tt.want)
			}
		})
	}
}

func TestAPlanWithAMistakeIsRefused(t *testing.T) {
	good := sim.Fault{ID: "f", Kind: sim.DropBefore, When: sim.FaultWhen{Nth: 1}}
	tests := map[string]struct {
		spoil func(*sim.Fault)
		want  string
	}{
		"unknown kind":             {func(f *sim.Fault) { f.Kind = "half_opened" }, `"half_opened"`},
		"no id":                    {func(f *sim.Fault) { f.ID = "" }, "id"},
		"unknown message":          {func(f *sim.Fault) { f.On.Msg = "Z" }, `"Z"`},
		"request fault on report":  {func(f *sim.Fault) { f.On.Msg = "8" }, `"8"`},
		"never":                    {func(f *sim.Fault) { f.When = sim.FaultWhen{} }, "exactly one"},
		"twice":                    {func(f *sim.Fault) { f.When.Every = 2 }, "exactly one"},
		"probability above 1":      {func(f *sim.Fault) { f.When = sim.FaultWhen{P: sim.Certain + 1} }, "want 0 to 1"},
		"delay that means nothing": {func(f *sim.Fault) { f.With.Delay = 1 }, "delay"},
		"late without delay":       {func(f *sim.Fault) { f.Kind = sim.LateAck }, "delay"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := good
			tt.spoil(&f)
			cfg := config(t)
			cfg.Faults = []sim.Fault{f}
			_, err := sim.NewEngine(cfg)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("NewEngine() error = %v, want one that names %s", err, tt.want)
			}
			if (name == "unknown kind") != errors.Is(err, sim.ErrUnknownFault) {
				t.Errorf("error = %v, is ErrUnknownFault: %v", err, errors.Is(err, sim.ErrUnknownFault))
			}
		})
	}
}

func TestAConfigurationWithAMistakeNamesIt(t *testing.T) {
	tests := map[string]func(*sim.Config){
		"venue":                   func(c *sim.Config) { c.Venue = "" },
		"dedupe":                  func(c *sim.Config) { c.Dedupe = "" },
		"self_trade":              func(c *sim.Config) { c.SelfTrade = "maybe" },
		"max_open":                func(c *sim.Config) { c.MaxOpenPerAccount = 0 },
		"store":                   func(c *sim.Config) { c.Store = 0 },
		"mark_every":              func(c *sim.Config) { c.MarkEvery = -1 },
		"listed twice":            func(c *sim.Config) { c.Listings = append(c.Listings, c.Listings[0]) },
		"venue = \"SIM\"":         func(c *sim.Config) { c.Venue = "OTHER" },
		"reference":               func(c *sim.Config) { c.Listings[0].Reference = 1 },
		"name of its own":         func(c *sim.Config) { c.Sessions[1].ID = "A1" },
		"account":                 func(c *sim.Config) { c.Sessions[1].Account = "flow1" },
		"cancel_on_disconnect":    func(c *sim.Config) { c.Sessions[0].COD = "" },
		"reset":                   func(c *sim.Config) { c.Sessions[0].Reset = "" },
		"grace":                   func(c *sim.Config) { c.Sessions[0].Grace = -1 },
		"rate":                    func(c *sim.Config) { c.Flow.Levels = 1 },
		"spread_ticks":            func(c *sim.Config) { c.Flow = sim.DefaultFlow(); c.Flow.SpreadTicks = 0 },
		"trade_share_bps":         func(c *sim.Config) { c.Flow = sim.DefaultFlow(); c.Flow.TradeShareBps = 10_001 },
		"participants":            func(c *sim.Config) { c.Flow = sim.DefaultFlow(); c.Flow.Participants = 0 },
		"drift_bps_per_minute":    func(c *sim.Config) { c.Flow = sim.DefaultFlow(); c.Flow.DriftBpsPerMinute = -1 },
		"want above 0 and rising": func(c *sim.Config) { c.Flow = sim.DefaultFlow(); c.Flow.MinQty = 0 },
	}
	for want, spoil := range tests {
		t.Run(want, func(t *testing.T) {
			cfg := config(t)
			spoil(&cfg)
			if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("Validate() error = %v, want one that names %s", err, want)
			}
		})
	}
	if err := config(t).Validate(); err != nil {
		t.Errorf("Validate() error = %v, want nil", err)
	}
}
