package sim_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/venues/sim"
)

// bodies gives the kinds of what a session has heard, with the numbers of what was resent, and forgets it.
func (w *world) bodies(id sim.SessionID) []string {
	var out []string
	for _, r := range w.heard[id] {
		s := ""
		switch b := r.Body.(type) {
		case sim.Welcome:
			s = "welcome"
		case sim.Refused:
			s = "refused"
		case sim.Replayed:
			s = "replayed"
		case sim.LoggedOut:
			s = "logged out"
		case sim.Cut:
			s = "cut"
		case sim.Report:
			s = b.Type.String() + " " + string(b.ClOrdID)
		case sim.CancelReject:
			s = "9 " + string(b.ClOrdID)
		case sim.BusinessReject:
			s = "j " + string(b.ClOrdID)
		case sim.SessionReject:
			s = "3 " + string(b.ClOrdID)
		case sim.MassCancelReport:
			s = "r " + string(b.ClOrdID)
		}
		if r.PossDup {
			s += " possdup"
		}
		out = append(out, s)
	}
	w.heard[id] = nil
	return out
}

func (w *world) want(id sim.SessionID, want ...string) {
	w.t.Helper()
	if got := w.bodies(id); !slices.Equal(got, want) {
		w.t.Errorf("%s heard %q, want %q", id, got, want)
	}
}

func TestReportsMissedAreResentAtLogonAndTheEndIsTold(t *testing.T) {
	cfg := config(t)
	cfg.Sessions[0].COD = sim.CODOff
	w := open(t, cfg)
	w.logon("A1")
	w.logon("A2")
	w.limit("A1", "a", market.Sell, 5, "100", market.Day)
	w.bodies("A1")
	w.must(w.venue.Logout("A1", "wire cut"))
	w.want("A1", "cut")
	w.limit("A2", "b", market.Buy, 2, "100", market.Day)
	w.limit("A2", "c", market.Buy, 3, "100", market.Day)
	w.want("A1")
	w.logon("A1")
	w.want("A1", "welcome", "T a possdup", "T a possdup", "replayed")
	w.logout("A1")
	w.want("A1", "logged out")
	w.logon("A1")
	w.want("A1", "welcome", "replayed")
	w.expect["A1"] = 2 // the client has lost all after its first logon
	w.logout("A1")
	w.expect["A1"] = 2
	w.bodies("A1")
	w.logon("A1")
	w.want("A1", "welcome", "NEW a possdup", "T a possdup", "T a possdup", "replayed")
}

func TestALogonOutOfStepIsRefused(t *testing.T) {
	w := open(t, config(t))
	w.logon("A1")
	w.logout("A1")
	w.bodies("A1")
	var got []sim.Reply
	hear := func(r sim.Reply) { got = append(got, r) }
	tests := map[string]struct {
		s    sim.Session
		want error
	}{
		"a number seen before":          {sim.Session{ID: "A1", Seq: 1, Expect: 3}, sim.ErrSequence},
		"no number":                     {sim.Session{ID: "A1", Expect: 3}, sim.ErrSequence},
		"more expected than was sent":   {sim.Session{ID: "A1", Seq: 3, Expect: 99}, sim.ErrSequence},
		"nobody knows it":               {sim.Session{ID: "A9", Seq: 1}, sim.ErrUnknownSession},
		"reset by the node that was up": {sim.Session{ID: "A1", Sub: "n1", Seq: 1, Reset: true}, sim.ErrReset},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got = nil
			tt.s.Send = hear
			if err := w.venue.Logon(tt.s); err != nil {
				t.Fatal(err)
			}
			if len(got) != 1 {
				t.Fatalf("heard %v, want one Refused", got)
			}
			if r, ok := got[0].Body.(sim.Refused); !ok || !errors.Is(r.Err, tt.want) {
				t.Errorf("heard %+v, want %v", got[0].Body, tt.want)
			}
		})
	}
	if err := w.venue.Receive("A1", sim.Request{Kind: sim.NewOrder, Seq: 3}); !errors.Is(err, sim.ErrNotLoggedOn) {
		t.Errorf("Receive() error = %v, want %v", err, sim.ErrNotLoggedOn)
	}
}

func TestAnotherNodeTakesTheSessionOverWithAReset(t *testing.T) {
	w := open(t, config(t))
	w.logon("A1")
	w.limit("A1", "a", market.Sell, 5, "100", market.Day)
	w.bodies("A1")
	var second []sim.Reply
	w.must(w.venue.Logon(sim.Session{ID: "A1", Sub: "n2", Seq: 1, Expect: 1, Reset: true, Send: func(r sim.Reply) { second = append(second, r) }}))
	w.want("A1", "cut")
	if len(second) != 2 || second[0].Seq != 1 {
		t.Fatalf("the second heard %+v, want a welcome under number 1 and the end of the replay", second)
	}
	w.must(w.venue.Receive("A1", sim.Request{Kind: sim.StatusRequest, Seq: 2, ClOrdID: "a"}))
	if r, ok := second[2].Body.(sim.Report); !ok || r.Status != sim.StatusCancelled {
		t.Errorf("status = %+v, want cancelled by the loss of the first link", second[2].Body)
	}
	w.want("A1")
}

func TestCancelOnDisconnectFollowsItsAgreement(t *testing.T) {
	tests := map[string]struct {
		cod   sim.COD
		grace time.Duration
		end   string
		back  time.Duration // when the client is back; 0: never
		want  sim.OrdStatus
	}{
		"off":                             {cod: sim.CODOff, end: "wire", want: sim.StatusNew},
		"logout, and it was a lost link":  {cod: sim.CODLogout, end: "wire", want: sim.StatusNew},
		"logout":                          {cod: sim.CODLogout, end: sim.WhyLogout, want: sim.StatusCancelled},
		"disconnect, and it was a logout": {cod: sim.CODDisconnect, end: sim.WhyLogout, want: sim.StatusNew},
		"disconnect":                      {cod: sim.CODDisconnect, end: "wire", want: sim.StatusCancelled},
		"both":                            {cod: sim.CODBoth, end: "wire", want: sim.StatusCancelled},
		"grace not over":                  {cod: sim.CODBoth, grace: 2 * time.Second, end: "wire", want: sim.StatusNew},
		"grace over":                      {cod: sim.CODBoth, grace: time.Second / 2, end: "wire", want: sim.StatusCancelled},
		"back within grace":               {cod: sim.CODBoth, grace: time.Second / 2, end: "wire", back: time.Second / 4, want: sim.StatusNew},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := config(t)
			cfg.Sessions[0].COD, cfg.Sessions[0].Grace = tt.cod, tt.grace
			w := open(t, cfg)
			w.logon("A1")
			w.limit("A1", "a", market.Sell, 5, "100", market.Day)
			w.bodies("A1")
			w.must(w.venue.Logout("A1", tt.end))
			if tt.end == sim.WhyLogout {
				w.number("A1")
			}
			if tt.back > 0 {
				w.pass(tt.back)
				w.logon("A1")
			}
			w.pass(time.Second - tt.back)
			if tt.back == 0 {
				w.logon("A1")
			}
			w.send("A1", sim.Request{Kind: sim.StatusRequest, ClOrdID: "a"})
			rs := w.reports("A1")
			if got := rs[len(rs)-1].Status; got != tt.want {
				t.Errorf("status a second later = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestGraceStartsOverWhenTheClientWasBack(t *testing.T) {
	cfg := config(t)
	cfg.Sessions[0].Grace = time.Second
	w := open(t, cfg)
	w.logon("A1")
	w.limit("A1", "a", market.Sell, 5, "100", market.Day)
	ended := func() bool { return lastOf[*sim.OrderLine](w).Status == sim.StatusCancelled }
	w.must(w.venue.Logout("A1", "wire"))
	w.pass(600 * time.Millisecond)
	w.logon("A1")
	w.must(w.venue.Logout("A1", "wire"))
	w.pass(900 * time.Millisecond) // the first grace is over
	if ended() {
		t.Error("cancelled by a loss of the link that the client had come back from")
	}
	w.pass(200 * time.Millisecond)
	if !ended() {
		t.Error("not cancelled after the second loss of the link")
	}
}

func TestANumberSeenBeforeIsAReplayOrTheEndOfTheLink(t *testing.T) {
	w := open(t, config(t))
	w.logon("A1")
	w.limit("A1", "a", market.Sell, 5, "100", market.Day)
	w.bodies("A1")
	again := sim.Request{
		Kind: sim.NewOrder, Seq: 2, PossDup: true, ClOrdID: "a", Symbol: "ACME", Side: market.Sell, Type: market.Limit,
		TIF: market.Day, Qty: market.Unit, Price: price(t, "100"),
	}
	w.must(w.venue.Receive("A1", again))
	w.want("A1")
	if r := lastOf[*sim.RecvLine](w); !r.PossDup || r.Fate != sim.FateDropped {
		t.Errorf("line of the replay = %+v, want dropped", r)
	}
	again.PossDup = false
	w.must(w.venue.Receive("A1", again))
	w.want("A1", "cut") // the cancel is stored for the next logon
}

func TestANumberThatWasSkippedIsFilled(t *testing.T) {
	w := open(t, config(t))
	w.logon("A1")
	w.number("A1")
	w.number("A1")
	w.send("A1", sim.Request{Kind: sim.StatusRequest, ClOrdID: "never"})
	if l := lastOf[*sim.LinkLine](w); l.Event != "gap_fill" || l.From != 2 || l.To != 3 {
		t.Errorf("line = %+v, want 2 to 3 filled", l)
	}
	w.want("A1", "welcome", "replayed", "STS never")
}

func TestASecondClOrdIDIsMetAsAgreed(t *testing.T) {
	tests := map[string]struct {
		dedupe sim.Dedupe
		resend bool
		want   string
		fate   string
	}{
		"strict":                   {sim.DedupeStrict, false, "REJ a", sim.FateRefusedDuplicate},
		"strict, marked":           {sim.DedupeStrict, true, "STS a", sim.FateRefusedDuplicate},
		"possresend":               {sim.DedupePossResend, false, "NEW a", sim.FateAppliedDuplicate},
		"possresend, marked":       {sim.DedupePossResend, true, "STS a", sim.FateRefusedDuplicate},
		"none executes again":      {sim.DedupeNone, false, "NEW a", sim.FateAppliedDuplicate},
		"none does not see a mark": {sim.DedupeNone, true, "NEW a", sim.FateAppliedDuplicate},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := config(t)
			cfg.Dedupe = tt.dedupe
			w := open(t, cfg)
			w.logon("A1")
			w.limit("A1", "a", market.Sell, 5, "100", market.Day)
			w.bodies("A1")
			w.send("A1", sim.Request{
				Kind: sim.NewOrder, ClOrdID: "a", PossResend: tt.resend, Symbol: "ACME", Side: market.Sell,
				Type: market.Limit, TIF: market.Day, Qty: 5 * market.Unit, Price: price(t, "100"),
			})
			w.want("A1", tt.want)
			if r := lastOf[*sim.RecvLine](w); r.Fate != tt.fate {
				t.Errorf("fate = %q, want %q", r.Fate, tt.fate)
			}
		})
	}
}

func lastOf[L sim.Line](w *world) (last L) {
	for _, l := range w.lines {
		if x, ok := l.(L); ok {
			last = x
		}
	}
	return last
}

func TestWhatTheVenueDoesNotDoIsRefusedByName(t *testing.T) {
	w := open(t, config(t))
	w.logon("A1")
	w.bodies("A1")
	tests := map[string]struct {
		r    sim.Request
		want string
		fate string
	}{
		"other":          {sim.Request{Kind: sim.Other, ClOrdID: "o"}, "j o", sim.FateRejected},
		"no kind":        {sim.Request{ClOrdID: "k"}, "3 k", sim.FateMalformed},
		"no id":          {sim.Request{Kind: sim.NewOrder}, "3 ", sim.FateMalformed},
		"no side":        {sim.Request{Kind: sim.NewOrder, ClOrdID: "s", Symbol: "ACME", Type: market.Limit, TIF: market.Day}, "3 s", sim.FateMalformed},
		"cancel of what": {sim.Request{Kind: sim.CancelOrder, ClOrdID: "c"}, "3 c", sim.FateMalformed},
		"stop":           {sim.Request{Kind: sim.NewOrder, ClOrdID: "p", Symbol: "ACME", Side: market.Buy, Type: market.Stop, TIF: market.Day, Qty: market.Unit}, "REJ p", sim.FateRejected},
		"symbol":         {sim.Request{Kind: sim.NewOrder, ClOrdID: "y", Symbol: "NONE", Side: market.Buy, Type: market.Market, TIF: market.Day, Qty: market.Unit}, "REJ y", sim.FateRejected},
		"quantity":       {sim.Request{Kind: sim.NewOrder, ClOrdID: "q", Symbol: "ACME", Side: market.Buy, Type: market.Market, TIF: market.Day, Qty: 1}, "REJ q", sim.FateRejected},
		"price":          {sim.Request{Kind: sim.NewOrder, ClOrdID: "x", Symbol: "ACME", Side: market.Buy, Type: market.Limit, TIF: market.Day, Qty: market.Unit, Price: 1}, "REJ x", sim.FateRejected},
		"unknown cancel": {sim.Request{Kind: sim.CancelOrder, ClOrdID: "u", Orig: "never"}, "9 u", sim.FateUnknownOrder},
		"unknown status": {sim.Request{Kind: sim.StatusRequest, ClOrdID: "v"}, "STS v", sim.FateUnknownOrder},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w.t = t
			w.send("A1", tt.r)
			w.want("A1", tt.want)
			if r := lastOf[*sim.RecvLine](w); r.Fate != tt.fate {
				t.Errorf("fate = %q, want %q", r.Fate, tt.fate)
			}
		})
	}
}

func TestMassQuestionsAndMassCancels(t *testing.T) {
	w := open(t, config(t))
	w.logon("A1")
	w.bodies("A1")
	w.send("A1", sim.Request{Kind: sim.MassStatus, ClOrdID: "m0"})
	if r := w.reports("A1"); len(r) != 1 || r[0].OrderID != "NONE" || r[0].MassID != "m0" || !r[0].Last || r[0].Total != 0 {
		t.Errorf("answer without an order = %+v, want one that says so", r)
	}
	w.limit("A1", "a", market.Sell, 5, "100", market.Day)
	w.limit("A1", "b", market.Sell, 5, "101", market.GTC)
	w.bodies("A1")
	w.send("A1", sim.Request{Kind: sim.MassStatus, ClOrdID: "m1"})
	if r := w.reports("A1"); len(r) != 2 || r[0].ClOrdID != "a" || r[0].Last || r[1].ClOrdID != "b" || !r[1].Last || r[1].Total != 2 {
		t.Errorf("answers = %+v, want a, then b as the last of 2", r)
	}
	w.send("A1", sim.Request{Kind: sim.MassCancel, ClOrdID: "q"})
	w.want("A1", "r q", "CXL a", "CXL b")
	w.cancel("A1", "late", "a")
	w.want("A1", "9 late")
}

func TestAStatusIsToldUnderTheIDThatWasAskedFor(t *testing.T) {
	w := open(t, config(t))
	w.logon("A1")
	w.limit("A1", "a", market.Sell, 5, "100", market.Day)
	w.cancel("A1", "c", "a")
	w.bodies("A1")
	w.send("A1", sim.Request{Kind: sim.StatusRequest, ClOrdID: "a"})
	w.want("A1", "STS a")
	w.send("A1", sim.Request{Kind: sim.StatusRequest, ClOrdID: "c"})
	w.want("A1", "STS c")
}

func TestTheSelfTradePolicyIsKept(t *testing.T) {
	tests := map[sim.SelfTrade][]string{
		sim.SelfTradeOff:        {"NEW b", "T a", "T b"},
		sim.SelfTradeCancelNew:  {"NEW b", "CXL b"},
		sim.SelfTradeCancelOld:  {"NEW b", "CXL a"},
		sim.SelfTradeCancelBoth: {"NEW b", "CXL a", "CXL b"},
	}
	for policy, want := range tests {
		t.Run(string(policy), func(t *testing.T) {
			cfg := config(t)
			cfg.SelfTrade = policy
			w := open(t, cfg)
			w.logon("A1")
			w.limit("A1", "a", market.Sell, 5, "100", market.Day)
			w.bodies("A1")
			w.limit("A1", "b", market.Buy, 5, "100", market.Day)
			w.want("A1", want...)
		})
	}
}
