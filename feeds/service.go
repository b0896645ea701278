package feeds

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"

	"github.com/failshut/failshut/market"
)

// ServiceConfig is a feed as it is to run.
type ServiceConfig struct {
	// Feed is what the feed is made of. Sink, Offline and Requests are set by the Service.
	Feed Config
	// New makes the feed: its transport, its codec and the machine over them.
	New func(Config) (Feed, error)
	// Lines are its sockets. Their order gives the numbers of lines.
	Lines []Line
	// Request is the re-request server; the zero one says that there is none. Ask writes one request as a datagram.
	Request netip.AddrPort
	Ask     func(b []byte, o Output) []byte
	// Board shows the last quotes, and Subscribers are told everything, in their order.
	Board       *Board
	Subscribers []Subscriber
	Hooks       Hooks
}

// Hooks tell what happens to sockets and mailbox. Any may be nil. They are called on the goroutines where it happens, and
// must not block.
type Hooks struct {
	// Bound says where a line listens, each time it is opened.
	Bound func(line string, at netip.AddrPort)
	// Dropped says that a datagram did not reach the channel's actor: its mailbox is full, or it is not there. The hole
	// will show it.
	Dropped func(line int, err error)
	// Unasked says that a request was not sent. It is made again.
	Unasked func()
}

// channelName is the name of the child that owns the feed, beside its lines.
const channelName = "channel"

// Service is a feed as it runs, over all incarnations of its parts: what readers know of it outlives them. Make one with
// NewService and run its Spec.
type Service struct {
	cfg    ServiceConfig
	pool   pool
	fanout *Fanout // each incarnation of the owner has one of its own that follows from it
	page   *Page   // likewise

	mu       sync.Mutex // of what follows, and of the addresses in cfg.Lines
	doubts   map[market.Instrument]bool
	doubting *Page   // of the incarnation that doubts belongs to
	memory   *Memory // of that incarnation
}

// NewService returns the Service of cfg, or every mistake in it.
func NewService(cfg ServiceConfig) (*Service, error) {
	var errs []error
	want := func(ok bool, what string) {
		if !ok {
			errs = append(errs, errors.New("feeds: "+what))
		}
	}
	want(cfg.New != nil, "no function that makes the feed")
	want(cfg.Board != nil, "no board")
	want(len(cfg.Lines) > 0, "no lines, want at least one")
	want(!cfg.Request.IsValid() || cfg.Ask != nil, "a re-request server and no function that writes requests")
	names := map[string]bool{}
	for _, l := range cfg.Lines {
		errs = append(errs, l.validate())
		if names[l.Name] {
			errs = append(errs, fmt.Errorf("feeds: two lines are called %q", l.Name))
		}
		names[l.Name] = true
	}
	fanout, err := NewFanout(cfg.Subscribers...)
	errs = append(errs, err, cfg.Feed.Limits.Validate())
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	cfg.Lines = slices.Clone(cfg.Lines)
	return &Service{cfg: cfg, fanout: fanout, page: cfg.Board.Page(nil), doubts: map[market.Instrument]bool{}}, nil
}

// doubt notes that the incarnation that writes p has told readers that the book of i is in doubt by itself, or no
// longer. One that has a successor is not listened to.
func (s *Service) doubt(p *Page, i market.Instrument, is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.doubting != p:
	case is:
		s.doubts[i] = true
	default:
		delete(s.doubts, i)
	}
}

// takeOver makes the incarnation that writes p the present one, and returns what the one before it doubted and remembers.
func (s *Service) takeOver(p *Page) ([]market.Instrument, *Memory) {
	s.mu.Lock()
	defer s.mu.Unlock()
	memory := s.memory.heir()
	if p.over() {
		return nil, memory // it may have a successor already
	}
	s.doubting, s.memory = p, memory
	return slices.SortedFunc(maps.Keys(s.doubts), market.Instrument.Compare), memory
}

// open opens the socket of a line, and tells where it listens. A port that the system chose is kept: whoever sends to it
// knows no other.
func (s *Service) open(line int) (*net.UDPConn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &s.cfg.Lines[line]
	conn, err := l.open()
	if err != nil {
		return nil, err
	}
	l.Address = netip.AddrPortFrom(l.Address.Addr(), conn.LocalAddr().(*net.UDPAddr).AddrPort().Port())
	if f := s.cfg.Hooks.Bound; f != nil {
		f(l.Name, l.Address)
	}
	return conn, nil
}

func (s *Service) dropped(line int, err error) {
	if f := s.cfg.Hooks.Dropped; f != nil {
		f(line, err)
	}
}

func (s *Service) unasked() {
	if f := s.cfg.Hooks.Unasked; f != nil {
		f()
	}
}
