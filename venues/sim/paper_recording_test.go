package sim_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/feeds/binance"
	"github.com/failshut/failshut/feeds/capture"
	"github.com/failshut/failshut/feeds/iex"
	"github.com/failshut/failshut/internal/recordings"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/venues/sim"
)

// stage plays a recording to a paper venue and to the naive model at once, and places random orders in both.
type stage struct {
	*world
	paper  *sim.Paper
	sink   *sim.PaperFeed
	naive  map[market.Symbol]*naivePaper
	rng    *rand.Rand
	last   feeds.Depth // the level that was told of last
	placed []placed
	events int
}

type placed struct {
	cl  market.ClOrdID
	sym market.Symbol
}

func newStage(t *testing.T, seed uint64) *stage {
	t.Helper()
	cfg := sim.DefaultConfig()
	cfg.Venue, cfg.Sessions = "PAPER", []sim.SessionConfig{sim.DefaultSession("A1")}
	w := &world{t: t, heard: map[sim.SessionID][]sim.Reply{}, out: map[sim.SessionID]uint64{}, expect: map[sim.SessionID]uint64{}}
	p, err := sim.NewPaper(cfg, sim.PaperLatency, sim.Outlets{Ledger: sim.NewLedger(io.Discard, false), Clock: func() market.Timestamp { return w.now }})
	if err != nil {
		t.Fatal(err)
	}
	w.venue = p.Venue
	w.must(p.Open(0))
	w.logon("A1")
	return &stage{world: w, paper: p, sink: p.Feed(), naive: map[market.Symbol]*naivePaper{}, rng: rand.New(rand.NewPCG(seed, 5))}
}

func (s *stage) model(i market.Instrument) *naivePaper {
	n := s.naive[i.Symbol()]
	if n == nil {
		n = newNaive()
		s.naive[i.Symbol()] = n
		s.must(s.paper.List(market.Contract{
			Instrument: market.MustListed("PAPER", i.Symbol()), Currency: "USD", Tick: 1, Lot: 1, MinQty: 1,
			MaxQty: 1e9 * market.Unit, Multiplier: market.One,
		}))
	}
	return n
}

func (s *stage) Quote(feeds.Quote) {}

func (s *stage) Depth(e feeds.Depth) {
	s.events++
	s.last = e
	s.model(e.Instrument).depth(e)
	s.sink.Depth(e)
}

func (s *stage) Trade(e feeds.Trade) {
	s.events++
	s.model(e.Instrument).trade(e)
	s.sink.Trade(e)
}

func (s *stage) State(e feeds.StateChange) {
	if e.Instrument.Valid() {
		s.model(e.Instrument).state(e)
	} else {
		for _, n := range s.naive {
			n.state(e)
		}
	}
	s.sink.State(e)
}

// act places or cancels an order around the level that changed last.
func (s *stage) act(i int) {
	if !s.last.Instrument.Valid() || s.rng.IntN(15) > 0 {
		return
	}
	if len(s.placed) > 0 && s.rng.IntN(4) == 0 {
		p := s.placed[s.rng.IntN(len(s.placed))]
		s.send("A1", sim.Request{Kind: sim.CancelOrder, ClOrdID: market.ClOrdID("c" + strconv.Itoa(i)), Orig: p.cl})
		n := s.naive[p.sym]
		n.flight = append(n.flight, &naiveRequest{at: s.now + market.Timestamp(sim.PaperLatency), cancel: p.cl})
		return
	}
	px, err := s.last.Price.Bps(int64(9_990+s.rng.IntN(21)), false)
	if err != nil || px <= 0 {
		return
	}
	if s.rng.IntN(2) == 0 {
		px = s.last.Price
	}
	o := &naiveOrder{
		cl: market.ClOrdID("o" + strconv.Itoa(i)), side: market.Side(1 + s.rng.IntN(2)), px: px,
		tif: []market.TIF{market.Day, market.IOC, market.FOK}[s.rng.IntN(3)], leaves: max(1, s.last.Qty/market.Qty(1+s.rng.IntN(4))),
	}
	typ := market.Limit
	if s.rng.IntN(8) == 0 {
		typ, o.px = market.Market, 0
	}
	sym := s.last.Instrument.Symbol()
	s.send("A1", sim.Request{Kind: sim.NewOrder, ClOrdID: o.cl, Symbol: sym, Side: o.side, Type: typ, TIF: o.tif, Qty: o.leaves, Price: o.px})
	n := s.naive[sym]
	n.flight = append(n.flight, &naiveRequest{at: s.now + market.Timestamp(sim.PaperLatency), order: o})
	s.placed = append(s.placed, placed{o.cl, sym})
}

func (s *stage) play(feed feeds.Feed, rec *capture.Recording) {
	s.t.Helper()
	for i := 0; ; i++ {
		p, err := rec.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		s.must(err)
		s.now = max(s.now, p.Recv)
		feed.Step(int64(s.now), p.Input)
		s.act(i)
	}
	s.now += market.Timestamp(time.Second)
	for _, n := range s.naive {
		n.arrivals(s.now)
	}
	s.must(s.venue.Tick(s.now))
}

// compare holds the fills of each instrument against the model's.
func (s *stage) compare() (total int) {
	s.t.Helper()
	got := map[market.Symbol][]naiveFill{}
	for _, r := range s.reports("A1") {
		if r.Type == sim.ExecTrade {
			got[r.Symbol] = append(got[r.Symbol], naiveFill{r.ClOrdID, r.LastQty, r.LastPx})
		}
	}
	for sym, n := range s.naive {
		if !slices.Equal(got[sym], n.fills) {
			s.t.Errorf("%s: %d fills differ from the naive model's %d", sym, len(got[sym]), len(n.fills))
		}
		total += len(n.fills)
	}
	return total
}

func TestPaperEqualsTheNaiveModelOnRecordings(t *testing.T) {
	tests := map[string]struct {
		files  []string
		family capture.Family
		feed   func(feeds.Config) (feeds.Feed, error)
	}{
		"iex deep": {[]string{"iex_deep10_20170425_part1.pcap.gz"}, capture.Datagrams, func(c feeds.Config) (feeds.Feed, error) {
			return feeds.NewChannel(c, iex.Transport{Protocol: iex.ProtocolDEEP}, iex.NewDeep())
		}},
		"binance spot": {
			[]string{"binance_spot_ethusdt_20240808.gz", "binance_spot_ethusdt_20240809.gz"},
			capture.Lines,
			func(c feeds.Config) (feeds.Feed, error) { return binance.NewSpot(c) },
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var files []string
			for _, f := range tt.files {
				files = append(files, recordings.Open(t, f))
			}
			s := newStage(t, max(1, *seedFlag))
			feed, err := tt.feed(feeds.Config{Venue: "PAPER", Name: name, Limits: feeds.DefaultLimits(), Offline: true, Sink: s})
			s.must(err)
			rec, err := capture.Open(t.Context(), tt.family, files, nil)
			s.must(err)
			s.play(feed, rec)
			s.must(rec.Close())
			total := s.compare()
			t.Logf("%d events, %d orders, %d fills", s.events, len(s.placed), total)
			if total < 100 {
				t.Errorf("%d fills: nothing was tested", total)
			}
		})
	}
}
