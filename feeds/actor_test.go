package feeds_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/feeds/iex/iextest"
	"github.com/failshut/failshut/feeds/itch"
	"github.com/failshut/failshut/feeds/mold"
	"github.com/failshut/failshut/mailbox"
	"github.com/failshut/failshut/market"
)

var probeBox = mailbox.One(8, mailbox.Reject)

var unspecified = netip.AddrPortFrom(netip.IPv4Unspecified(), 7)

func loopback(port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)
}

// host is a service whose owner runs on the virtual clock.
type host struct {
	t        *testing.T
	sys      *actors.System
	service  *feeds.Service
	board    feeds.Board
	heard    []string
	packer   *mold.Packer
	ref      actors.Ref[feeds.Message]
	requests *feeds.Requests
	readied  int
	life     *actors.Life
	dropped  int
	probes   int
}

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{t: t}
	var err error
	h.sys, err = actors.New(actors.Config{Clock: actors.Virtual(time.Date(2026, 1, 5, 14, 30, 0, 0, time.UTC)), Dispatch: actors.Deterministic()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		h.life.Stop()
		h.settle(0)
		h.life.End(false)
		if err := h.sys.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	h.service, err = feeds.NewService(feeds.ServiceConfig{
		Feed: feeds.Config{Venue: "SIM", Name: "sim", Limits: feeds.DefaultLimits()},
		New: func(cfg feeds.Config) (feeds.Feed, error) {
			return feeds.NewChannel(cfg, mold.Transport{}, itch.NewCodec(0))
		},
		Lines: []feeds.Line{{Name: "a", Address: loopback(0)}},
		Board: &h.board,
		Subscribers: []feeds.Subscriber{
			{Name: "one", Kinds: feeds.AllKinds, Sink: ear{"one", &h.heard}},
			{Name: "late", Kinds: feeds.Depths, Instruments: []market.Instrument{simAcme}, Sink: ear{"late", &h.heard}},
		},
		Hooks: feeds.Hooks{Dropped: func(int, error) { h.dropped++ }},
	})
	if err != nil {
		t.Fatal(err)
	}
	session, _ := mold.NameSession("S1")
	if h.packer, err = mold.NewPacker(session, 1400, 1); err != nil {
		t.Fatal(err)
	}
	h.own()
	return h
}

// own spawns the next incarnation.
func (h *host) own() {
	h.t.Helper()
	var err error
	if h.life, h.ref, h.requests, err = feeds.Own(h.sys, h.service, "feed", func() { h.readied++ }); err != nil {
		h.t.Fatal(err)
	}
	h.settle(0)
}

// settle lets d pass.
func (h *host) settle(d time.Duration) {
	h.t.Helper()
	end := h.sys.Mono() + int64(d)
	passed := false
	probe := actors.Func[int](func(c *actors.Context[int], m int) error {
		if m == 0 {
			c.After("end", d, 1)
			return nil
		}
		passed = true
		return actors.ErrDone
	})
	h.probes++
	ref, err := actors.Spawn(h.sys, actors.Spec[int]{Name: actors.Name(fmt.Sprint("probe", h.probes)), Box: probeBox, Actor: probe})
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.sys.Drive(context.Background(), func() bool { return ref.Open() }); err != nil {
		h.t.Fatal(err)
	}
	if err := ref.Tell(0); err != nil {
		h.t.Fatal(err)
	}
	if err := h.sys.Drive(context.Background(), func() bool { return passed }); err != nil {
		h.t.Fatal(err)
	}
	if h.sys.Mono() != end {
		h.t.Fatalf("it is %d, want %d", h.sys.Mono(), end)
	}
}

// send packs messages and hands the packet over as read now.
func (h *host) send(msgs ...[]byte) {
	h.t.Helper()
	for _, m := range msgs {
		if _, err := h.packer.Add(m); err != nil {
			h.t.Fatal(err)
		}
	}
	h.hand(h.packer.Flush())
}

func (h *host) hand(d []byte) {
	h.t.Helper()
	feeds.Hand(h.service, h.ref, d, h.sys.Mono())
	h.settle(0)
}

// log returns what was heard since the last call.
func (h *host) log() string {
	s := strings.Join(h.heard, ", ")
	h.heard = nil
	return s
}

func head(locate uint16) itch.Head { return itch.Head{Locate: locate} }

func ask(ref uint64, shares int64) []byte {
	b, _ := itch.AppendAdd(nil, head(1), itch.Order{Ref: ref, Side: market.Sell, Qty: market.Qty(shares) * market.Unit, Symbol: "ACME", Price: 10_000_000_000})
	return b
}

func TestOwnerIsReadyOnceItIsLive(t *testing.T) {
	h := newHost(t)
	if got, want := h.log(), "one: state  down, late: state  down, one: state  syncing, late: state  syncing"; got != want || h.readied != 0 {
		t.Errorf("heard %q, ready %d times, want %q and 0", got, h.readied, want)
	}
	h.send(ask(1, 5))
	want := "one: state  live, late: state  live, one: depth ACME sell 5@10 true, late: depth ACME sell 5@10 true, one: quote ACME"
	if got := h.log(); got != want || h.readied != 1 {
		t.Errorf("heard %q, ready %d times, want %q and 1", got, h.readied, want)
	}
	h.settle(4 * time.Second)
	h.hand(h.packer.Heartbeat())
	if h.readied != 1 {
		t.Errorf("ready %d times, want 1", h.readied)
	}
}

func TestSilenceIsStaleAtThreeHeartbeatsByTheClock(t *testing.T) {
	h := newHost(t)
	h.send(ask(1, 5))
	for range 5 { // each packet moves the deadline, one timer serves them all
		h.settle(2 * time.Second)
		h.hand(h.packer.Heartbeat())
	}
	h.log()
	h.settle(3 * time.Second)
	if got := h.log(); got != "" {
		t.Errorf("heard %q within three heartbeats, want nothing", got)
	}
	h.settle(1)
	if got, want := h.log(), "one: state  stale, late: state  stale"; got != want {
		t.Errorf("heard %q a nanosecond later, want %q", got, want)
	}
	if q, _ := h.board.Read(simAcme); q.State != feeds.Stale || q.Ask.Qty != 0 {
		t.Errorf("the board shows %+v, want no price", q)
	}
}

func TestHeartbeatsThatMayBeMissedAreALimit(t *testing.T) {
	for _, n := range []int{1, 5} {
		r := newUntimed(t, func(c *feeds.Config) { c.Limits.Silence = n })
		r.send(0, data(1, 1))
		if got, want := r.Deadline()-iextest.Start, int64(r.now)+int64(n)*int64(time.Second)+1; got != want {
			t.Errorf("%d heartbeats: deadline = %d, want %d", n, got, want)
		}
		r.tick(time.Duration(n) * time.Second)
		if got := r.Desk().State(); got != feeds.Live {
			t.Errorf("%d heartbeats in silence: %s, want live", n, got)
		}
		r.tick(1)
		if got := r.Desk().State(); got != feeds.Stale {
			t.Errorf("a nanosecond after %d heartbeats in silence: %s, want stale", n, got)
		}
	}
}

func TestPacketIsDatedByWhenItWasRead(t *testing.T) {
	h := newHost(t)
	h.send(ask(1, 5))
	h.settle(2 * time.Second)
	read := h.sys.Mono()
	feeds.Hand(h.service, h.ref, slices.Clone(h.packer.Heartbeat()), read-int64(time.Second)) // it waited for a second
	h.settle(0)
	if q, _ := h.board.Read(simAcme); q.Mono != read-int64(time.Second) {
		t.Errorf("price proven at %d, want %d: when it was read", q.Mono, read-int64(time.Second))
	}
}

func TestStoppedOwnerTurnsReadersAwayAndTheNextOneStartsOver(t *testing.T) {
	for _, how := range []string{"stop", "abandon"} {
		h := newHost(t)
		h.send(ask(1, 5), itch.AppendDelete(nil, head(1), 99)) // an unknown order: ACME is suspect
		h.log()
		if how == "abandon" {
			h.life.Abandon()
		} else {
			h.life.Stop()
		}
		h.settle(0)
		h.life.End(true)
		told := h.log()
		if want := "one: state  down, late: state  down"; how == "stop" && told != want {
			t.Errorf("%s: heard %q, want %q", how, told, want)
		}
		h.own()
		want := "one: state  down, late: state  down, one: state ACME live, late: state ACME live, one: state  syncing, late: state  syncing"
		if got := h.log(); got != want {
			t.Errorf("%s: the next one says %q, want %q", how, got, want)
		}
		h.packer, _ = mold.NewPacker(h.packer.Session(), 1400, 1)
		h.send(ask(1, 7), itch.AppendSystem(nil, head(0), 'Q')) // as many as the one before has seen
		if q, _ := h.board.Read(simAcme); q.State != feeds.Live || q.Ask.Qty != 7*market.Unit {
			t.Errorf("%s: the board shows %+v, want 7 on the ask", how, q)
		}
	}
}

func TestBookOfAnOwnerThatIsOverIsNotRead(t *testing.T) {
	for _, how := range []string{"abandoned", "killed", "ended"} {
		h := newHost(t)
		h.send(ask(1, 5))
		if q, _ := h.board.Read(simAcme); q.Tradable() == nil || q.State != feeds.Live {
			t.Fatalf("%s: the board shows %+v, want a live book", how, q)
		}
		switch how {
		case "abandoned":
			h.life.Abandon()
		case "killed":
			h.life.Kill()
		case "ended":
			h.life.End(true)
		}
		if q, _ := h.board.Read(simAcme); q.State != feeds.Down || q.Ask.Qty != 0 {
			t.Errorf("%s: the board shows %+v, want no price at once", how, q)
		}
	}
}

func TestHoleIsAskedForAndItsAnswerHeals(t *testing.T) {
	h := newHost(t)
	h.send(ask(1, 5))
	lost := func(msg []byte) []byte { _, _ = h.packer.Add(msg); return slices.Clone(h.packer.Flush()) }
	second := lost(ask(2, 6))
	h.hand(lost(ask(3, 7)))
	h.settle(25 * time.Millisecond)
	if h.requests.Len() != 1 {
		t.Fatalf("%d requests wait, want 1", h.requests.Len())
	}
	h.log()
	h.hand(second)
	if got := h.log(); !strings.HasPrefix(got, "one: state  live, late: state  live, one: depth ACME sell 18@10 true") {
		t.Errorf("heard %q, want the whole book", got)
	}
}

func TestLateSubscriberIsShownWhatItAskedFor(t *testing.T) {
	h := newHost(t)
	other, _ := itch.AppendAdd(nil, head(2), itch.Order{Ref: 7, Side: market.Buy, Qty: market.Unit, Symbol: "BOLT", Price: 10_000_000_000})
	h.send(ask(1, 5), other)
	h.log()
	for _, tt := range []struct{ name, want string }{
		{"late", "late: state  live, late: depth ACME sell 5@10 true"},
		{"one", "one: state  live, one: depth ACME sell 5@10 true, one: quote ACME, one: depth BOLT buy 1@10 true, one: quote BOLT"},
		{"nobody", ""},
	} {
		if err := h.ref.Tell(feeds.Show(tt.name)); err != nil {
			t.Fatal(err)
		}
		h.settle(0)
		if got := h.log(); got != tt.want {
			t.Errorf("%s is shown %q, want %q", tt.name, got, tt.want)
		}
	}
	h.send(itch.AppendDelete(nil, head(1), 99))
	h.log()
	_ = h.ref.Tell(feeds.Show("late"))
	h.settle(0)
	if got, want := h.log(), "late: state  live, late: state ACME suspect"; got != want {
		t.Errorf("late is shown %q, want %q", got, want)
	}
	h.settle(4 * time.Second)
	h.log()
	_ = h.ref.Tell(feeds.Show("one"))
	h.settle(0)
	if got, want := h.log(), "one: state  stale, one: state ACME suspect"; got != want {
		t.Errorf("one is shown %q of a stale feed, want %q", got, want)
	}
}

func TestDatagramThatFindsNobodyIsCounted(t *testing.T) {
	h := newHost(t)
	h.life.Stop()
	h.settle(0)
	feeds.Hand(h.service, h.ref, []byte("x"), 1)
	if h.dropped != 1 {
		t.Errorf("dropped = %d, want 1", h.dropped)
	}
}

// TestReaderEndsWithItsContextAndClosesItsSocket runs a reader on a real socket and the real clock.
func TestReaderEndsWithItsContextAndClosesItsSocket(t *testing.T) {
	sys, err := actors.New(actors.Config{Clock: actors.Real(), Dispatch: actors.Shared(1)})
	if err != nil {
		t.Fatal(err)
	}
	bound := make(chan netip.AddrPort, 1)
	s, err := feeds.NewService(feeds.ServiceConfig{
		Feed: feeds.Config{Venue: "SIM", Limits: feeds.DefaultLimits()}, Board: &feeds.Board{},
		New: func(cfg feeds.Config) (feeds.Feed, error) {
			return feeds.NewChannel(cfg, mold.Transport{}, itch.NewCodec(0))
		},
		Lines: []feeds.Line{{Name: "a", Address: loopback(0)}},
		Hooks: feeds.Hooks{Bound: func(_ string, at netip.AddrPort) { bound <- at }},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan feeds.Message, 8)
	to, err := actors.Spawn(sys, actors.Spec[feeds.Message]{Name: "to", Box: probeBox, Actor: actors.Func[feeds.Message](
		func(_ *actors.Context[feeds.Message], m feeds.Message) error { got <- m; return nil })})
	if err != nil {
		t.Fatal(err)
	}
	for !to.Open() {
		runtime.Gosched() // what comes before it is open is refused, and nobody sends it again
	}
	life, err := sys.Begin(actors.Birth{Name: "reader"})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	opened := make(chan struct{})
	if err := life.Run("read", func(ctx context.Context, out actors.Outside) error {
		err := feeds.Read(ctx, out, s, 0, to, func() { close(opened) })
		ended <- err
		return err
	}); err != nil {
		t.Fatal(err)
	}
	<-opened
	at := <-bound
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(at))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte("datagram")); err != nil {
		t.Fatal(err)
	}
	<-got
	life.Stop()
	if err := <-ended; err == nil || context.Cause(life.Context()) == nil {
		t.Errorf("the reader ended with %v", err)
	}
	again, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
	if err != nil {
		t.Fatalf("its socket is still open: %v", err)
	}
	_ = again.Close()
	if err := sys.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
