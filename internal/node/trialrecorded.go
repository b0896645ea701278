package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/strategy"
	"github.com/failshut/failshut/supervision"
)

// Tapes are the recordings of trials, each read and judged once. The zero Tapes has none. Safe for any number of goroutines.
type Tapes struct {
	mu  sync.Mutex
	all map[string]*Path
}

// open gives a recording that verifies. Nil Tapes keep none.
func (t *Tapes) open(ctx context.Context, r *strategy.Recording) (*Path, error) {
	if t == nil {
		return openTape(ctx, r)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	key := strings.Join(append([]string{r.Format}, r.Files...), "\x00")
	if p := t.all[key]; p != nil {
		return p, nil
	}
	p, err := openTape(ctx, r)
	if err != nil {
		return nil, err
	}
	if t.all == nil {
		t.all = map[string]*Path{}
	}
	t.all[key] = p
	return p, nil
}

func openTape(ctx context.Context, r *strategy.Recording) (*Path, error) {
	format, err := FormatOf(r.Format)
	if err != nil {
		return nil, err
	}
	p, err := OpenPath(ctx, ReplayConfig{Format: format, Files: r.Files})
	if err != nil {
		return nil, err
	}
	if report := p.Report(); report.Failed() || report.FirstTime == nil {
		return nil, fmt.Errorf("the recording does not verify: %s, %d packets, %s", report.Verdict, report.Packets, strings.Join(report.Reasons, "; "))
	}
	return p, nil
}

// errOneProcess says that a recording is told to one process.
var errOneProcess = errors.New("no process can read on in a recording whose beginning it has not seen: a trial of one has no death")

// record makes a recording what a trial is told, and gives it what it trades where nobody has said.
func (t *trial) record(ctx context.Context, tapes *Tapes) error {
	r := t.cfg.Recording
	if t.cfg.Dies != nil || len(t.cfg.Script) > 0 {
		return fmt.Errorf("%w, and no script", errOneProcess)
	}
	p, err := tapes.open(ctx, r)
	if err != nil {
		return err
	}
	t.tape = p
	if len(t.cfg.Contracts) > 0 {
		return nil
	}
	of, err := among(p.instruments, r.Symbols)
	if err != nil {
		return err
	}
	t.cfg.Contracts = paperContracts(of)
	return nil
}

// among picks the instruments of some symbols, or of none all.
func among(all []market.Instrument, symbols []string) ([]market.Instrument, error) {
	if len(symbols) == 0 {
		return all, nil
	}
	var out []market.Instrument
	for _, s := range symbols {
		n := slices.IndexFunc(all, func(i market.Instrument) bool { return string(i.Symbol()) == s })
		if n < 0 {
			return nil, fmt.Errorf("symbol %q is not in the recording, want some of %v", s, all)
		}
		out = append(out, all[n])
	}
	return out, nil
}

// start is when the clock of a trial begins: ahead of a recording by what a node takes to come up.
func (t *trial) start() time.Time {
	if t.tape == nil {
		return trialStart
	}
	return time.Unix(0, int64(*t.tape.report.FirstTime)).Add(-lead)
}

// channel is who tells the market.
func (t *trial) channel(n *Node, readers *feeds.Fanout) supervision.Child {
	if t.tape != nil {
		t.reel = &recorded{
			format: t.tape.cfg.Format, source: &kept{packets: t.tape.packets}, page: n.Board.Page(nil), readers: readers, watch: t.look,
		}
		return t.reel.child()
	}
	t.told.page, t.told.readers, t.told.watch = n.Board.Page(nil), readers, t.look
	t.told.trip = func() { n.TripFirm("trial", "the script says so") }
	return t.told.child()
}

// finished reports whether everything was told, and the error of a recording that could not be.
func (t *trial) finished() bool {
	if t.reel != nil {
		return t.reel.finished.Load()
	}
	return t.told.finished.Load()
}
