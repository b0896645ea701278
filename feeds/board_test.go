package feeds_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
)

var acme = market.MustListed("IEX", "ACME")

func quote(n int64, mono int64) feeds.Quote {
	l := feeds.Level{Price: market.Price(n), Qty: market.Qty(n)}
	return feeds.Quote{Pos: feeds.Pos{Epoch: 1, Seq: uint64(n)}, Instrument: acme, State: feeds.Live, Bid: l, Ask: l, Mono: mono}
}

func TestBoardShowsNothingThatIsNotLive(t *testing.T) {
	var b feeds.Board
	if _, ok := b.Read(acme); ok {
		t.Fatal("an empty board knows an instrument")
	}
	p := b.Page(nil)
	read := func() feeds.Quote { q, _ := b.Read(acme); return q }
	p.Quote(quote(5, 1))
	if q := read(); q.State == feeds.Live || q.Bid.Qty != 0 {
		t.Errorf("before the channel is live: %+v, want no prices", q)
	}
	p.State(feeds.StateChange{State: feeds.Live, Reset: true})
	if q := read(); q.State == feeds.Live {
		t.Errorf("an epoch began and the old quote is read: %+v", q)
	}
	p.Quote(quote(6, 2))
	p.Proven(9)
	if q := read(); q.Bid.Qty != 6 || q.Mono != 9 || q.Tradable() != nil {
		t.Errorf("live: %+v, want size 6 as of 9, tradable", q)
	}
	p.State(feeds.StateChange{State: feeds.Suspect})
	if q := read(); q.State != feeds.Suspect || q.Bid != (feeds.Level{}) || !errors.Is(q.Tradable(), feeds.ErrNotLive) {
		t.Errorf("suspect: %+v, want no prices", q)
	}
	p.State(feeds.StateChange{State: feeds.Live})
	if q := read(); q.State != feeds.Syncing || q.Bid.Qty != 0 {
		t.Errorf("live again, not shown again: %+v, want syncing and no prices", q)
	}
	p.Quote(quote(7, 10))
	p.State(feeds.StateChange{Instrument: acme, State: feeds.Quarantined})
	if q := read(); q.State != feeds.Quarantined || q.Bid.Qty != 0 {
		t.Errorf("quarantined: %+v, want no prices", q)
	}
}

func TestBoardShowsNothingOfAnIncarnationThatIsOver(t *testing.T) {
	var b feeds.Board
	var over [2]atomic.Bool
	read := func() feeds.Quote { q, _ := b.Read(acme); return q }
	want := func(when string, state feeds.State, size market.Qty) {
		t.Helper()
		if q := read(); q.State != state || q.Bid.Qty != size {
			t.Errorf("%s: %s with %s on the bid, want %s with %s", when, q.State, q.Bid.Qty, state, size)
		}
	}
	first := b.Page(nil)
	old := first.Turn(over[0].Load, nil)
	old.State(feeds.StateChange{State: feeds.Live, Reset: true})
	old.Quote(quote(5, 1))
	want("live", feeds.Live, 5)
	over[0].Store(true)
	want("the incarnation is over", feeds.Down, 0)
	old.Quote(quote(6, 2))
	old.Proven(3)
	want("it writes all the same", feeds.Down, 0)
	present := first.Turn(over[1].Load, nil)
	want("the next one begins", feeds.Down, 0)
	present.State(feeds.StateChange{State: feeds.Live, Reset: true})
	want("the next one is live and has not spoken of it", feeds.Syncing, 0)
	old.Quote(quote(6, 2))
	want("the old one writes", feeds.Syncing, 0)
	present.Quote(quote(7, 4))
	want("the next one has spoken", feeds.Live, 7)
	old.Quote(quote(8, 5))
	old.State(feeds.StateChange{State: feeds.Suspect})
	want("the old one writes again", feeds.Live, 7)
	if late := old.Turn(over[0].Load, nil); late == present {
		t.Error("a page that is over took the place of its successor")
	}
	want("the old one turns the page", feeds.Live, 7)
	if q, ok := b.Read(market.MustListed("IEX", "BOLT")); ok {
		t.Errorf("the board knows %+v", q)
	}
}

func TestPageOfAnotherFeedDoesNotSpeakOfAnInstrumentThatIsTaken(t *testing.T) {
	var b feeds.Board
	p, other := b.Page(nil), b.Page(nil)
	for _, page := range []*feeds.Page{p, other} {
		page.State(feeds.StateChange{State: feeds.Live, Reset: true})
	}
	p.Quote(quote(5, 1))
	other.Quote(quote(9, 1))
	if q, _ := b.Read(acme); q.Bid.Qty != 5 {
		t.Errorf("size = %s, want 5: of the feed that spoke first", q.Bid.Qty)
	}
}

// TestBoardIsReadWhileIncarnationsWriteOverEachOther has each incarnation go on writing after its end, beside the next.
func TestBoardIsReadWhileIncarnationsWriteOverEachOther(t *testing.T) {
	var b feeds.Board
	const rounds, quotes = 50, 200
	page := b.Page(nil)
	var present atomic.Int64
	var writers, readers sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				least := present.Load()
				if q, ok := b.Read(acme); ok && q.State == feeds.Live && (int64(q.Epoch) < least || uint64(q.Bid.Price) != q.Seq) {
					t.Errorf("quote %+v, read when incarnation %d was the present one", q, least)
					return
				}
			}
		})
	}
	for n := range int64(rounds) {
		next := page.Turn(func() bool { return present.Load() > n }, nil)
		begun := make(chan struct{})
		writers.Go(func() {
			next.State(feeds.StateChange{State: feeds.Live})
			for i := int64(1); i <= quotes; i++ {
				q := quote(i, i)
				q.Epoch = uint32(n)
				next.Quote(q)
				if i == quotes/2 {
					close(begun)
				}
			}
		})
		<-begun
		present.Store(n + 1)
	}
	writers.Wait()
	close(stop)
	readers.Wait()
}

func TestBoardIsReadWhileItIsWritten(t *testing.T) {
	var b feeds.Board
	p := b.Page(nil)
	p.State(feeds.StateChange{State: feeds.Live})
	p.Quote(quote(1, 1))
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for last := int64(0); last < 20_000; {
				q, ok := b.Read(acme)
				if !ok || q.State == feeds.Live && (int64(q.Bid.Price) != int64(q.Ask.Qty) || uint64(q.Bid.Price) != q.Seq) {
					t.Errorf("torn quote %+v", q)
					return
				}
				last = max(last, int64(q.Seq))
			}
		})
	}
	for n := int64(2); n <= 20_000; n++ {
		if n%100 == 0 {
			p.State(feeds.StateChange{State: feeds.Suspect})
			p.State(feeds.StateChange{State: feeds.Live})
		}
		p.Quote(quote(n, n))
	}
	readers.Wait()
}

func TestBoardAllocatesNothing(t *testing.T) {
	var b feeds.Board
	p := b.Page(nil)
	p.State(feeds.StateChange{State: feeds.Live})
	p.Quote(quote(1, 1))
	n := testing.AllocsPerRun(100, func() {
		p.Quote(quote(2, 2))
		if q, ok := b.Read(acme); !ok || q.Seq != 2 {
			t.Errorf("quote = %+v", q)
		}
	})
	if n != 0 {
		t.Errorf("allocations = %v, want 0", n)
	}
}

func TestTradableNamesTheReason(t *testing.T) {
	l := func(p, q int64) feeds.Level { return feeds.Level{Price: market.Price(p), Qty: market.Qty(q)} }
	tests := []struct {
		name     string
		bid, ask feeds.Level
		known    feeds.PriceRange
		want     error
	}{
		{"two-sided", l(1, 1), l(2, 1), feeds.PriceRange{}, nil},
		{"locked", l(2, 1), l(2, 1), feeds.PriceRange{}, nil},
		{"crossed", l(3, 1), l(2, 1), feeds.PriceRange{}, feeds.ErrCrossed},
		{"no bid", feeds.Level{}, l(2, 1), feeds.PriceRange{}, feeds.ErrOneSided},
		{"no ask", l(2, 1), feeds.Level{}, feeds.PriceRange{}, feeds.ErrOneSided},
		{"beyond the snapshot", l(1, 1), l(2, 1), feeds.PriceRange{Low: 2, High: 9}, feeds.ErrOutOfRange},
		{"at the edge of it", l(1, 1), l(2, 1), feeds.PriceRange{Low: 1, High: 2}, nil},
	}
	for _, tt := range tests {
		q := feeds.Quote{Instrument: acme, State: feeds.Live, Bid: tt.bid, Ask: tt.ask, Range: tt.known}
		if err := q.Tradable(); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	if err := (feeds.Quote{}).Tradable(); !errors.Is(err, feeds.ErrNotLive) {
		t.Errorf("zero quote: %v, want %v", err, feeds.ErrNotLive)
	}
}
