package judge_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/feeds/binance"
	"github.com/failshut/failshut/feeds/capture"
	"github.com/failshut/failshut/feeds/iex"
	"github.com/failshut/failshut/feeds/judge"
	"github.com/failshut/failshut/internal/recordings"
	"github.com/failshut/failshut/market"
)

func TestMain(m *testing.M) { os.Exit(recordings.Main(m)) }

var deep10 = judge.Format{
	Name: "iex-deep10", Family: capture.Datagrams, Venue: "IEX",
	New: func(cfg feeds.Config) (feeds.Feed, error) {
		return feeds.NewChannel(cfg, iex.Transport{Protocol: iex.ProtocolDEEP}, iex.NewDeep())
	},
}

var spot = judge.Format{
	Name: "binance-spot", Family: capture.Lines, Venue: "BINANCE",
	New: func(cfg feeds.Config) (feeds.Feed, error) { return binance.NewSpot(cfg) },
}

const (
	eth8     = "binance_spot_ethusdt_20240808.gz"
	eth9     = "binance_spot_ethusdt_20240809.gz"
	fourWS   = "cryptofeed_BINANCE.ws.1.0.gz"
	fourHTTP = "cryptofeed_BINANCE.http.0.0.gz"
)

const deepFile = "iex_deep10_20170425_part1.pcap.gz"

// figures are the fields of a report that are not 0, false, null or empty, but for schema, format, files, states and
// time_base.
func figures(t *testing.T, r judge.Report) map[string]any {
	t.Helper()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"schema", "format", "files", "states", "time_base"} {
		delete(all, k)
	}
	for k, v := range all {
		switch v := v.(type) {
		case nil:
			delete(all, k)
		case float64:
			if v == 0 {
				delete(all, k)
			}
		case bool:
			if !v {
				delete(all, k)
			}
		case []any:
			if len(v) == 0 {
				delete(all, k)
			}
		}
	}
	return all
}

func TestVerifyFindsTheFiguresOfTheRecording(t *testing.T) {
	tests := []struct {
		name             string
		format           judge.Format
		files, snapshots []string
		want             string
	}{
		{"DEEP 1.0 with five resets in one session", deep10, []string{deepFile}, nil, `{
			"verdict": "pass", "detection_limit": "sequence", "packets": 21519, "messages": 159343, "heartbeats": 872,
			"resets": 5, "unknown_levels": 4, "crossed": 1951, "locked": 341, "symbols": 6, "final_state": "live",
			"first_time": "1493132598746881000", "last_time": "1493140768955990000", "silences": 5,
			"max_silence_ns": 6293344749000,
			"by_type": {"5": 2291, "8": 2405, "E": 28, "H": 46820, "O": 46820, "P": 46818, "S": 23, "T": 14138}}`},
		{"spot with its snapshot in mid-stream", spot, []string{eth8}, nil, `{
			"verdict": "pass", "detection_limit": "chain", "packets": 33618, "messages": 33618, "stale_dropped": 2,
			"snapshots": 1, "unknown_levels": 3957, "symbols": 1, "final_state": "live", "oracle_ok": 3432,
			"first_time": "1723161254024619568", "last_time": "1723161599900862584", "max_silence_ns": 300091397,
			"by_type": {"bookTicker": 24077, "depth": 3434, "snapshot": 1, "trade": 6106}}`},
		{"spot after midnight alone is never live", spot, []string{eth9}, nil, `{
			"verdict": "pass", "detection_limit": "chain", "packets": 46126, "messages": 46126, "unapplied": 3036,
			"symbols": 1, "final_state": "syncing",
			"first_time": "1723161600001233484", "last_time": "1723161904543279633", "max_silence_ns": 200046900,
			"by_type": {"bookTicker": 34681, "depth": 3036, "trade": 8409}}`},
		{"spot over midnight is live throughout", spot, []string{eth8, eth9}, nil, `{
			"verdict": "pass", "detection_limit": "chain", "packets": 79744, "messages": 79744, "stale_dropped": 2,
			"snapshots": 1, "unknown_levels": 10826, "symbols": 1, "final_state": "live", "oracle_ok": 6468,
			"first_time": "1723161254024619568", "last_time": "1723161904543279633", "max_silence_ns": 300091397,
			"by_type": {"bookTicker": 58758, "depth": 6470, "snapshot": 1, "trade": 14515}}`},
		{"spot, four symbols with snapshots from a second file", spot, []string{fourWS}, []string{fourHTTP}, `{
			"verdict": "pass", "detection_limit": "chain", "packets": 269, "messages": 269, "control": 1,
			"stale_dropped": 5, "snapshots": 4, "symbols": 4, "final_state": "live", "oracle_ok": 141,
			"oracle_skipped": 31,
			"first_time": "1633998512063356900", "last_time": "1633998542077861800", "max_silence_ns": 1301916000,
			"by_type": {"aggTrade": 2, "bookTicker": 84, "depth": 177, "kline": 2, "snapshot": 4}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := judge.Verify(t.Context(), tt.format, paths(t, tt.files), paths(t, tt.snapshots))
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.Marshal(figures(t, r))
			if err != nil {
				t.Fatal(err)
			}
			var m map[string]any
			if err := json.Unmarshal([]byte(tt.want), &m); err != nil {
				t.Fatal(err)
			}
			want, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != string(want) {
				t.Errorf("figures\n got %s\nwant %s", got, want)
			}
		})
	}
}

func paths(t testing.TB, names []string) []string {
	t.Helper()
	var out []string
	for _, n := range names {
		out = append(out, recordings.Open(t, n))
	}
	return out
}

func TestBookHasTheHashOfTheRecording(t *testing.T) {
	tests := []struct {
		name   string
		format judge.Format
		symbol market.Symbol
		depth  int
		files  []string
		want   string
	}{
		{"DEEP 1.0", deep10, "MSFT", 1, []string{deepFile}, "08807edb53268399"},
		{"spot", spot, "ETHUSDT", 2, []string{eth8}, "e1740a2127f0427a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := sha256.New()
			if _, err := judge.Book(t.Context(), h, tt.format, tt.symbol, tt.depth, paths(t, tt.files), nil); err != nil {
				t.Fatal(err)
			}
			if got := hex.EncodeToString(h.Sum(nil))[:16]; got != tt.want {
				t.Errorf("sha256 begins with %s, want %s", got, tt.want)
			}
		})
	}
}
