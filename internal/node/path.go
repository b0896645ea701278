package node

import (
	"context"

	"github.com/failshut/failshut/feeds/capture"
	"github.com/failshut/failshut/feeds/judge"
	"github.com/failshut/failshut/market"
)

// Path is a recording kept in memory, to be replayed again and again: what a benchmark times, without disk and
// decompression.
type Path struct {
	cfg         ReplayConfig
	report      judge.Report
	instruments []market.Instrument
	packets     []capture.Packet
}

// OpenPath judges a recording and reads it into memory.
func OpenPath(ctx context.Context, cfg ReplayConfig) (*Path, error) {
	report, instruments, err := survey(ctx, cfg)
	if err != nil {
		return nil, err
	}
	rec, err := capture.Open(ctx, cfg.Format.Family, cfg.Files, cfg.Snapshots)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rec.Close() }() // it was only read
	k, err := keep(rec)
	if err != nil {
		return nil, err
	}
	return &Path{cfg: cfg, report: report, instruments: instruments, packets: k.packets}, nil
}

// Report is the verdict on the recording.
func (p *Path) Report() judge.Report { return p.report }

// Run is one replay that is ready to begin: node up, gates open.
type Run struct{ r *rerun }

// Ready brings a node up for one replay.
func (p *Path) Ready(ctx context.Context) (*Run, error) {
	r, err := prepare(ctx, p.cfg, p.report, p.instruments, &kept{packets: p.packets})
	return &Run{r}, err
}

// Play runs the recording through the tree: what is to be timed.
func (r *Run) Play(ctx context.Context) error { return r.r.play(ctx) }

// End takes the node down and gives the replay's answer.
func (r *Run) End(ctx context.Context) (ReplayAnswer, error) { return r.r.end(ctx) }
