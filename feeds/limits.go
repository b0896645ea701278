package feeds

import (
	"errors"
	"fmt"
	"time"
)

// Limits bounds everything that a feed keeps and every wait that it makes. Start from DefaultLimits.
type Limits struct {
	Hold         int           // datagrams held for an early one before the hole counts as a gap
	HoldFor      time.Duration // or for how long; a recording knows only Hold
	Silence      int           // heartbeats that a channel may miss before it is Stale
	Ring         int           // messages held while a gap is being refilled
	RingBytes    int           // bytes of them, or of what the books of a websocket keep until they are linked
	Seen         int           // delivered messages remembered to judge duplicates; a power of two
	Symbols      int           // instruments of one channel
	Levels       int           // levels a side of one book
	SymbolEvents int           // events buffered for one symbol that waits for its snapshot
	SymbolSeen   int           // events remembered for one symbol to judge duplicates
	Oracle       int           // depth events of one symbol waiting for their cross-check
	Types        int           // distinct stream names counted by name

	Requests     int           // retransmission requests in flight
	RequestRetry time.Duration // the longest wait, drawn evenly from 0, before a request is made again
	RequestTries int           // tries of one request
	RequestFor   time.Duration // without any progress: then the rung is given up
	Recoveries   int           // recoveries from the start within RecoverySpan: then Quarantined
	RecoverySpan time.Duration
	Retry        time.Duration // after which a quarantined channel is tried again
	Retries      int           // how often
	CrossedFor   time.Duration // a book that stays crossed for this long
	CrossedRuns  int           // or for so many batches in a row is Suspect, where the venue has snapshots
	OracleRuns   int           // disagreements in a row that make a live book Suspect
}

const mostSilence = 1000 // heartbeats

// DefaultLimits returns the bounds that feeds run with.
func DefaultLimits() Limits {
	return Limits{
		Hold: 64, HoldFor: 20 * time.Millisecond, Silence: 3, Ring: 65_536, RingBytes: 64 << 20, Seen: 65_536,
		Symbols: 65_536, Levels: 10_000, SymbolEvents: 10_000, SymbolSeen: 8_192, Oracle: 4_096, Types: 256,
		Requests: 8, RequestRetry: 100 * time.Millisecond, RequestTries: 5, RequestFor: time.Second,
		Recoveries: 5, RecoverySpan: time.Minute, Retry: 5 * time.Minute, Retries: 3,
		CrossedFor: time.Second, CrossedRuns: 100, OracleRuns: 3,
	}
}

// Validate lists every bound that cannot work, with the value found and the value wanted.
func (l Limits) Validate() error {
	var errs []error
	for _, c := range []struct {
		name string
		v    int
	}{
		{"hold", l.Hold},
		{"silence", l.Silence},
		{"ring", l.Ring},
		{"ring bytes", l.RingBytes},
		{"seen", l.Seen},
		{"symbols", l.Symbols},
		{"levels", l.Levels},
		{"symbol events", l.SymbolEvents},
		{"symbol seen", l.SymbolSeen},
		{"oracle", l.Oracle},
		{"types", l.Types},
		{"requests", l.Requests},
		{"request tries", l.RequestTries},
		{"recoveries", l.Recoveries},
		{"crossed runs", l.CrossedRuns},
		{"oracle runs", l.OracleRuns},
	} {
		if c.v < 1 {
			errs = append(errs, fmt.Errorf("feeds: %s = %d, want at least 1", c.name, c.v))
		}
	}
	for _, c := range []struct {
		name string
		v    time.Duration
	}{
		{"hold for", l.HoldFor},
		{"request retry", l.RequestRetry},
		{"request for", l.RequestFor},
		{"recovery span", l.RecoverySpan},
		{"retry", l.Retry},
		{"crossed for", l.CrossedFor},
	} {
		if c.v <= 0 {
			errs = append(errs, fmt.Errorf("feeds: %s = %v, want above 0", c.name, c.v))
		}
	}
	if l.Silence > mostSilence {
		errs = append(errs, fmt.Errorf("feeds: silence = %d, want at most %d", l.Silence, mostSilence))
	}
	if l.Seen&(l.Seen-1) != 0 {
		errs = append(errs, fmt.Errorf("feeds: seen = %d, want a power of two", l.Seen))
	}
	if l.Retries < 0 {
		errs = append(errs, fmt.Errorf("feeds: retries = %d, want at least 0", l.Retries))
	}
	return errors.Join(errs...)
}
