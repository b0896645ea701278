// Package judge says of a recording whether its books can be trusted: it runs the same feed code as a live channel
// does over the packets of a capture, counts what that code found, and gives a verdict. It also prints the book after
// each message.
//
// It keeps P9: the same bytes give the same output. It never repairs and never asks the network: a hole in a
// recording stays a hole.
package judge

import (
	"encoding/json"
	"strconv"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/feeds/capture"
	"github.com/failshut/failshut/market"
)

// Schema names the fields of Report.
const Schema = "failshut.feed.verify/1"

// The verdicts.
const (
	Pass = "pass"
	Fail = "fail"
)

// Report is what Verify finds, in the order and under the names of the JSON output. Counts are integers; times are
// decimal nanoseconds.
type Report struct {
	Schema         string            `json:"schema"`
	Format         string            `json:"format"`
	Files          []capture.File    `json:"files"`
	Verdict        string            `json:"verdict"`
	Reasons        []string          `json:"reasons"`
	DetectionLimit feeds.Detection   `json:"detection_limit"`
	Packets        uint64            `json:"packets"`
	Messages       uint64            `json:"messages"`
	ByType         map[string]uint64 `json:"by_type"`
	Heartbeats     uint64            `json:"heartbeats"`
	Control        uint64            `json:"control"`
	Malformed      uint64            `json:"malformed"`
	UnknownTypes   uint64            `json:"unknown_types"`
	Truncated      bool              `json:"truncated"`
	BytesUnread    int64             `json:"bytes_unread"`
	Gaps           uint64            `json:"gaps"`
	GapMessages    *uint64           `json:"gap_messages"` // null when nobody can know
	Resets         uint64            `json:"resets"`
	Strays         uint64            `json:"strays"`
	Duplicates     uint64            `json:"duplicates"`
	Conflicts      uint64            `json:"conflicts"`
	Reordered      uint64            `json:"reordered"`
	StaleDropped   uint64            `json:"stale_dropped"`
	Snapshots      uint64            `json:"snapshots"`
	Rejected       uint64            `json:"snapshots_rejected"`
	Unapplied      uint64            `json:"unapplied"`
	UnknownOrders  uint64            `json:"unknown_orders"`
	Contradictions uint64            `json:"contradictions"`
	UnknownLevels  uint64            `json:"unknown_levels"`
	ChecksumsOK    uint64            `json:"checksums_ok"`
	ChecksumsBad   uint64            `json:"checksums_bad"`
	Crossed        uint64            `json:"crossed"`
	Locked         uint64            `json:"locked"`
	Symbols        int               `json:"symbols"`
	States         map[string]int    `json:"states"`
	FinalState     string            `json:"final_state"`
	LateJoin       bool              `json:"late_join"`
	EndOfSession   bool              `json:"end_of_session"`
	OracleOK       uint64            `json:"oracle_ok"`
	OracleBad      uint64            `json:"oracle_bad"`
	OracleSkipped  uint64            `json:"oracle_skipped"`
	FirstTime      *Nanos            `json:"first_time"` // null without packets
	LastTime       *Nanos            `json:"last_time"`
	TimeBase       string            `json:"time_base"`
	Silences       uint64            `json:"silences"`
	MaxSilence     *int64            `json:"max_silence_ns"` // null without receive times

	// SymbolSeen reports, after Book, whether the feed spoke of the symbol.
	SymbolSeen bool `json:"-"`
}

// Nanos is a time in nanoseconds that is written as a decimal string, for it may pass what a JSON number holds.
type Nanos market.Timestamp

// MarshalJSON writes n as a decimal string.
func (n Nanos) MarshalJSON() ([]byte, error) {
	return strconv.AppendQuote(nil, strconv.FormatInt(int64(n), 10)), nil
}

// UnmarshalJSON reads a decimal string.
func (n *Nanos) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	v, err := strconv.ParseInt(s, 10, 64)
	*n = Nanos(v)
	return err
}

// Failed reports whether the verdict is anything but pass, which is exit code 8.
func (r Report) Failed() bool { return r.Verdict != Pass }

// NeverLive reports whether the recording ended without a Live book, which does not fail it but must be said.
func (r Report) NeverLive() bool { return r.States[feeds.Live.String()] == 0 }

// reasons lists what fails the recording, in the order in which they are always listed.
func (r Report) reasons(lines bool) []string {
	out := []string{}
	for _, c := range []struct {
		name string
		bad  bool
	}{
		{"empty", r.Packets == 0},
		{"gap", r.Gaps > 0},
		{"malformed", r.Malformed > 0},
		{"truncated", r.Truncated},
		{"conflict", r.Conflicts > 0},
		{"checksum", r.ChecksumsBad > 0},
		{"oracle", r.OracleBad*200 > r.OracleOK+r.OracleBad}, // some venues disagree for a moment after a snapshot
		{"crossed", lines && r.Crossed > 0},                  // test systems of exchanges publish crossed books
		{"unknown-order", r.UnknownOrders > 0},
		{"contradiction", r.Contradictions > 0},
	} {
		if c.bad {
			out = append(out, c.name)
		}
	}
	return out
}
