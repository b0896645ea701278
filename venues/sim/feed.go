package sim

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/feeds/itch"
	"github.com/failshut/failshut/feeds/mold"
	"github.com/failshut/failshut/market"
)

// FeedLine is where the feed is sent to: a multicast group by a named interface, or a unicast address.
type FeedLine struct {
	Name      string
	Address   netip.AddrPort
	Interface string // of a multicast group; required there, for the packets would leave by the default route
}

// FeedConfig is the public feed of an exchange: ITCH 5.0 over MoldUDP64. Make one with DefaultFeed.
type FeedConfig struct {
	Session   string // one to ten characters; FeedSession makes one
	Lines     []FeedLine
	Heartbeat time.Duration
	Packet    int           // bytes of one packet at most
	Flush     time.Duration // a packet is sent when full or this old
	// Request is where the re-request server listens; port 0 takes a free one, the zero address is no server. Answers are
	// its bounds: its Packet may be larger than that of the lines, for an answer goes to one reader.
	Request netip.AddrPort
	Answers mold.Limits
	Hooks   FeedHooks
}

// FeedHooks tell what happens to a feed. Any may be nil; none may block.
type FeedHooks struct {
	// Bound says where the re-request server listens.
	Bound func(at netip.AddrPort)
	// Answered says what became of a request.
	Answered func(v mold.Verdict)
	// Lost says that a packet was not sent on a line. Readers ask for it again.
	Lost func(line string)
	// Withhold, for tests, sees each packet ahead of a line and keeps it back when it returns true.
	Withhold func(line string, packet []byte) bool
}

// DefaultFeed is a feed with a heartbeat of one second, packets of 1,400 bytes that wait for at most 1 ms, and a re-request
// server on a free port of the loopback that keeps the last million messages. Its answers have up to 60,000 bytes, which the
// loopback carries whole. It has no lines and no session yet.
func DefaultFeed() FeedConfig {
	c := FeedConfig{
		Heartbeat: time.Second, Packet: 1400, Flush: time.Millisecond,
		Request: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0), Answers: mold.DefaultLimits(),
	}
	c.Answers.Packet = 60_000
	return c
}

// FeedSession names the session of an exchange that was opened at a time: ten characters that no other seed or time has,
// but by a chance of 1 in 10^15.
func FeedSession(seed uint64, opened market.Timestamp) string {
	b := binary.LittleEndian.AppendUint64(nil, seed)
	b = binary.LittleEndian.AppendUint64(b, uint64(opened))
	s := "000000000" + strconv.FormatUint(feeds.Digest(b), 36)
	return s[len(s)-10:]
}

// largestITCH is the longest message that a feed may have to carry.
const largestITCH = 50

// Validate lists every mistake of c, with the value found and the value wanted.
func (c FeedConfig) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("feed: "+format, args...)) }
	if _, err := mold.NameSession(c.Session); err != nil {
		errs = append(errs, err)
	}
	names := map[string]bool{}
	for _, l := range c.Lines {
		switch {
		case l.Name == "" || names[l.Name]:
			bad("line name = %q, want one that no other line has", l.Name)
		case !l.Address.IsValid() || l.Address.Port() == 0:
			bad("line %s = %q, want an address with a port", l.Name, l.Address)
		case l.Address.Addr().IsMulticast() && l.Interface == "":
			bad("line %s = %s without an interface, want the name of one", l.Name, l.Address)
		}
		names[l.Name] = true
	}
	if len(c.Lines) == 0 {
		bad("no lines, want at least one")
	}
	if c.Heartbeat <= 0 || c.Flush <= 0 {
		bad("heartbeat = %v, flush = %v, want both above 0", c.Heartbeat, c.Flush)
	}
	least := mold.HeaderSize + 2 + largestITCH
	if c.Packet < least || c.Packet > math.MaxUint16-28 {
		bad("packet = %d, want %d to %d", c.Packet, least, math.MaxUint16-28)
	}
	if c.Answers.Packet < least {
		bad("answer packet = %d, want at least %d", c.Answers.Packet, least)
	}
	return errors.Join(append(errs, c.Answers.Validate())...)
}

// carries lists what of the listings ITCH cannot say: a symbol too long, a tick finer than 1e-4, lots that are not whole.
func carries(listings []Listing) error {
	const finest = market.Price(100_000)
	var errs []error
	for _, l := range listings {
		c := l.Contract
		errs = append(errs, itch.Writable(c.Instrument.Symbol()))
		if c.Tick%finest != 0 {
			errs = append(errs, fmt.Errorf("feed: tick of %s = %s, want a multiple of %s", c.Instrument, c.Tick, finest))
		}
		if c.Lot%market.Unit != 0 {
			errs = append(errs, fmt.Errorf("feed: lot of %s = %s, want whole shares", c.Instrument, c.Lot))
		}
		if c.MaxQty/market.Unit > math.MaxUint32 {
			errs = append(errs, fmt.Errorf("feed: max_qty of %s = %s, want at most %d", c.Instrument, c.MaxQty, uint32(math.MaxUint32)))
		}
	}
	return errors.Join(errs...)
}

// mostReady bounds the full packets that wait for the sender. One too many goes unsent; readers ask for it.
const mostReady = 4096

// Feed is the public feed of an exchange. Publish is its Outlets.Feed; Spec sends it and serves re-requests. What was
// published is kept here, not in an actor: whoever sends may die and come back, and the sequence goes on.
//
// Publish runs within the turn of the exchange and shares a lock with the sender and the server, which hold it for as long as
// it takes to copy one packet. A queue of events instead would have to drop one when full, and an event that was never
// numbered is one that no reader can ask for.
type Feed struct {
	cfg FeedConfig

	mu     sync.Mutex
	packer *mold.Packer
	server *mold.Server
	ready  [][]byte // packets that are full
	woken  bool     // the sender knows that something waits
	wake   func(full bool) error
	ended  bool // the day is over, or broken
	err    error
	msg    []byte
}

// NewFeed returns the feed of the exchange with these listings, or every mistake in cfg and what of the listings the format
// cannot carry.
func NewFeed(listings []Listing, cfg FeedConfig) (*Feed, error) {
	if err := errors.Join(cfg.Validate(), carries(listings)); err != nil {
		return nil, err
	}
	session, err := mold.NameSession(cfg.Session)
	if err != nil {
		return nil, err
	}
	f := &Feed{cfg: cfg}
	if f.packer, err = mold.NewPacker(session, cfg.Packet, 1); err != nil {
		return nil, err
	}
	if f.server, err = mold.NewServer(session, 1, cfg.Answers); err != nil {
		return nil, err
	}
	return f, nil
}

// Publish numbers e and has it sent. It never blocks but for the time of a copy. An event that the format cannot carry ends
// the session: a feed that would have to leave something out says nothing any more (Err).
func (f *Feed) Publish(e MarketEvent) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return
	}
	if f.err = f.number(e); f.err != nil {
		f.err = fmt.Errorf("feed: %s of %s: %w", e.Kind, e.Symbol, f.err)
	}
	f.ended = f.err != nil || e.Kind == DayClosed
	if full := len(f.ready) > 0; !f.woken || full {
		f.woken = f.wake != nil && f.wake(full) == nil
	}
}

// number writes e and gives it its number.
func (f *Feed) number(e MarketEvent) error {
	var err error
	if f.msg, err = appendITCH(f.msg[:0], e); err != nil {
		return err
	}
	full, err := f.packer.Add(f.msg)
	if err != nil {
		return err
	}
	if full != nil {
		f.queue(full)
	}
	return f.server.Add(f.msg)
}

func (f *Feed) queue(packet []byte) {
	if len(f.ready) < mostReady {
		f.ready = append(f.ready, append([]byte(nil), packet...))
	}
}

// take returns the packets that are to be sent now, the one that is not full among them.
func (f *Feed) take() [][]byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	if rest := f.packer.Flush(); rest != nil {
		f.queue(rest)
	}
	packets := f.ready
	f.ready, f.woken = nil, false
	return packets
}

// beat returns the packet that says what comes next, or that nothing does.
func (f *Feed) beat() []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	packet := f.packer.Heartbeat()
	if f.ended && f.packer.Pending() == 0 {
		packet = f.packer.End()
	}
	return append([]byte(nil), packet...)
}

// answer judges a re-request.
func (f *Feed) answer(now int64, from netip.AddrPort, request, buf []byte) ([]byte, mold.Verdict) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.server.Answer(now, from, request, buf)
}

// Err is why the session was ended early, nil while it was not.
func (f *Feed) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// Next is the number that the next event gets.
func (f *Feed) Next() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.packer.Next()
}

// appendITCH appends the message that carries e.
func appendITCH(b []byte, e MarketEvent) ([]byte, error) {
	h := itch.Head{Locate: e.Locate, Time: e.Time}
	switch e.Kind {
	case DayOpened:
		return itch.AppendSystem(b, h, itch.StartOfMessages), nil
	case Listed:
		return itch.AppendDirectory(b, h, e.Symbol, 1)
	case Trading:
		return itch.AppendTrading(b, h, e.Symbol, itch.Trading)
	case Added:
		return itch.AppendAdd(b, h, itch.Order{Ref: e.Ref, Side: e.Side, Qty: e.Qty, Symbol: e.Symbol, Price: e.Price})
	case Executed:
		return itch.AppendExecuted(b, h, e.Ref, e.Qty, e.Match)
	case ExecutedAt:
		return itch.AppendExecutedAt(b, h, e.Ref, e.Qty, e.Match, e.Price)
	case Printed:
		return itch.AppendTrade(b, h, itch.Order{Ref: e.Ref, Side: e.Side, Qty: e.Qty, Symbol: e.Symbol, Price: e.Price}, e.Match)
	case Broken:
		return itch.AppendBroken(b, h, e.Match), nil
	case Reduced:
		return itch.AppendCancel(b, h, e.Ref, e.Qty)
	case Deleted:
		return itch.AppendDelete(b, h, e.Ref), nil
	case Halted:
		return itch.AppendTrading(b, h, e.Symbol, itch.Halted)
	case DayClosed:
		return itch.AppendSystem(b, h, itch.EndOfMessages), nil
	}
	return b, fmt.Errorf("no such event: %d", e.Kind)
}
