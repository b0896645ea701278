package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/failshut/failshut/internal/node"
)

// Replayed are the figures of a replay that was run again and again.
type Replayed struct {
	MessagesPerS int64  `json:"messages_per_s"`
	PacketsPerS  int64  `json:"packets_per_s"`
	RSSBytes     int64  `json:"rss_bytes"`
	EventHash    string `json:"event_hash"`
	Orders       uint64 `json:"orders"`
	Fills        uint64 `json:"fills"`
}

// PathConfig is a benchmark of the whole path over a recording.
type PathConfig struct {
	Replay     node.ReplayConfig
	Loops      int
	Thresholds []string
}

// ErrRecording says that nothing is to be learned from a recording: it does not verify, or no message of it is known.
var ErrRecording = errors.New("the recording does not serve")

// Path replays a recording from memory, loop after loop, on one thread: packet, sequence, book, strategy, gate, journal
// and paper venue. Start and decompression are not timed. Every loop must end with the same event hash.
func Path(ctx context.Context, cfg PathConfig) (Answer, error) {
	if _, err := judge(cfg.Thresholds, figures(Replayed{}, Row{})); err != nil {
		return Answer{}, err // a mistake of the caller's shows before the work, not after it
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	path, err := node.OpenPath(ctx, cfg.Replay)
	if err != nil {
		return Answer{}, err
	}
	report := path.Report()
	switch {
	case report.Failed():
		return Answer{}, fmt.Errorf("%w: %s", ErrRecording, strings.Join(report.Reasons, ", "))
	case report.UnknownTypes == report.Messages:
		return Answer{}, fmt.Errorf("%w: none of its %d messages is known", ErrRecording, report.Messages)
	}
	if cfg.Loops < 1 {
		return Answer{}, fmt.Errorf("loops = %d, want at least one", cfg.Loops)
	}
	a := Answer{
		Schema: Schema, Bench: "path", Mode: "replay", Seed: cfg.Replay.Seed, Machine: machine(), Runs: []Row{},
		Notes: []string{"one core; start and decompression excluded; achieved is messages a second"},
	}
	r := Replayed{}
	for i := range cfg.Loops {
		row, answer, err := loop(ctx, path, report.Messages)
		if err != nil {
			return Answer{}, err
		}
		hash := *answer.EventHash // of a replay that came to its end
		if i > 0 && hash != r.EventHash {
			return Answer{}, fmt.Errorf("loop %d has the event hash %s, the first %s", i+1, hash, r.EventHash)
		}
		r.EventHash, r.Orders, r.Fills = hash, answer.Orders, answer.Fills
		a.Runs = append(a.Runs, row)
	}
	a.Median = medianOf(a.Runs)
	r.MessagesPerS = a.Median.Achieved
	r.PacketsPerS = int64(float64(a.Median.Achieved) * float64(report.Packets) / float64(report.Messages))
	r.RSSBytes = peakMemory()
	a.Replay = &r
	a.Thresholds, err = judge(cfg.Thresholds, figures(r, a.Median))
	return a, err
}

// figures are what a threshold may name.
func figures(r Replayed, median Row) map[string]float64 {
	return map[string]float64{
		"messages_per_s": float64(r.MessagesPerS), "packets_per_s": float64(r.PacketsPerS), "rss_bytes": float64(r.RSSBytes),
		"allocs_per_op": median.AllocsPerOp, "fills": float64(r.Fills),
	}
}

func loop(ctx context.Context, path *node.Path, messages uint64) (Row, node.ReplayAnswer, error) {
	run, err := path.Ready(ctx)
	if err != nil {
		return Row{}, node.ReplayAnswer{}, err
	}
	runtime.GC() // what starting left behind is not the path's
	m := startMeter()
	err = run.Play(ctx)
	row := m.row(messages)
	answer, ended := run.End(ctx)
	if err == nil {
		err = ended
	}
	return row, answer, err
}
