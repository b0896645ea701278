package sim_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/failshut/failshut/feeds/itch"
	"github.com/failshut/failshut/feeds/mold"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/venues/sim"
)

func loopback(port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)
}

func TestFeedRefusesWhatItCannotCarry(t *testing.T) {
	listings := config(t).Listings
	good := sim.DefaultFeed()
	good.Session, good.Lines = "S1", []sim.FeedLine{{Name: "a", Address: loopback(7)}}
	if _, err := sim.NewFeed(listings, good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*sim.FeedConfig, *sim.Listing){
		"session":            func(c *sim.FeedConfig, _ *sim.Listing) { c.Session = "elevenchars" },
		"no lines":           func(c *sim.FeedConfig, _ *sim.Listing) { c.Lines = nil },
		"other line has":     func(c *sim.FeedConfig, _ *sim.Listing) { c.Lines = append(c.Lines, c.Lines[0]) },
		"with a port":        func(c *sim.FeedConfig, _ *sim.Listing) { c.Lines[0].Address = loopback(0) },
		"without an inter":   func(c *sim.FeedConfig, _ *sim.Listing) { c.Lines[0].Address = netip.MustParseAddrPort("239.0.0.1:7") },
		"heartbeat = 0":      func(c *sim.FeedConfig, _ *sim.Listing) { c.Heartbeat = 0 },
		"flush = 0":          func(c *sim.FeedConfig, _ *sim.Listing) { c.Flush = 0 },
		"packet = 71":        func(c *sim.FeedConfig, _ *sim.Listing) { c.Packet = 71 },
		"packet = 65508":     func(c *sim.FeedConfig, _ *sim.Listing) { c.Packet = 65508 },
		"answer packet = 64": func(c *sim.FeedConfig, _ *sim.Listing) { c.Answers.Packet = 64 },
		"messages = 0":       func(c *sim.FeedConfig, _ *sim.Listing) { c.Answers.Messages = 0 },
		"tick of":            func(_ *sim.FeedConfig, l *sim.Listing) { l.Contract.Tick = 10_000 },
		"lot of":             func(_ *sim.FeedConfig, l *sim.Listing) { l.Contract.Lot = 1 },
		"max_qty of":         func(_ *sim.FeedConfig, l *sim.Listing) { l.Contract.MaxQty = 1 << 32 * market.Unit },
		"itch: symbol":       func(_ *sim.FeedConfig, l *sim.Listing) { l.Contract.Instrument = market.MustListed("SIM", "NINECHARS") },
	} {
		cfg, ls := good, slices.Clone(listings)
		cfg.Lines = slices.Clone(good.Lines)
		change(&cfg, &ls[0])
		if _, err := sim.NewFeed(ls, cfg); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error = %v, want one that says %q", err, name)
		}
	}
}

func TestFeedThatWouldLeaveSomethingOutEnds(t *testing.T) {
	cfg := sim.DefaultFeed()
	cfg.Session, cfg.Lines = "S1", []sim.FeedLine{{Name: "a", Address: loopback(7)}}
	f, err := sim.NewFeed(config(t).Listings, cfg)
	if err != nil {
		t.Fatal(err)
	}
	added := sim.MarketEvent{Kind: sim.Added, Symbol: "ACME", Locate: 1, Ref: 1, Side: market.Buy, Qty: market.Unit, Price: 100_000}
	f.Publish(added)
	dear := added
	dear.Ref, dear.Price = 2, price(t, "429496.7296")
	f.Publish(dear)
	f.Publish(added)
	if !errors.Is(f.Err(), itch.ErrPrice) || f.Next() != 2 {
		t.Errorf("error = %v, next = %d, want ErrPrice and 2", f.Err(), f.Next())
	}
}

func TestFeedSessionsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(100) {
		for at := range market.Timestamp(100) {
			s := sim.FeedSession(seed, 1_700_000_000_000_000_000+at)
			if _, err := mold.NameSession(s); err != nil || len(s) != 10 || seen[s] {
				t.Fatalf("session of %d at %d = %q, %v, seen before %v", seed, at, s, err, seen[s])
			}
			seen[s] = true
		}
	}
}
