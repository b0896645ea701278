package failshut_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/failshut/failshut/internal/recordings"
)

const (
	ethFile     = "binance_spot_ethusdt_20240808.gz"
	nextEthFile = "binance_spot_ethusdt_20240809.gz"
	multiFile   = "cryptofeed_BINANCE.ws.1.0.gz"
	restFile    = "cryptofeed_BINANCE.http.0.0.gz"
)

// figures are what a recording is known to hold. A field that is not named is 0, false, null or empty.
type figures map[string]any

// always are the fields that every report fills.
var always = map[string]bool{"schema": true, "format": true, "files": true, "states": true, "time_base": true, "verdict": true}

func TestFeedVerifyGivesTheKnownFigures(t *testing.T) {
	tests := []struct {
		name      string
		format    string
		files     []string
		snapshots []string
		want      figures
	}{
		{"IEX DEEP", "iex-deep10", []string{deepFile}, nil, figures{
			"detection_limit": "sequence", "packets": 21519, "messages": 159343, "heartbeats": 872, "resets": 5, "unknown_levels": 4,
			"crossed": 1951, "locked": 341, "symbols": 6, "final_state": "live", "first_time": "1493132598746881000",
			"last_time": "1493140768955990000", "silences": 5, "max_silence_ns": 6293344749000,
			"by_type": "5:2291 8:2405 E:28 H:46820 O:46820 P:46818 S:23 T:14138",
		}},
		{"Binance, a day with its snapshot", "binance-spot", []string{ethFile}, nil, figures{
			"detection_limit": "chain", "packets": 33618, "messages": 33618, "stale_dropped": 2, "snapshots": 1, "unknown_levels": 3957,
			"symbols": 1, "final_state": "live", "oracle_ok": 3432, "first_time": "1723161254024619568", "last_time": "1723161599900862584",
			"max_silence_ns": 300091397, "by_type": "bookTicker:24077 depth:3434 snapshot:1 trade:6106",
		}},
		{"Binance, a day without a snapshot", "binance-spot", []string{nextEthFile}, nil, figures{
			"detection_limit": "chain", "packets": 46126, "messages": 46126, "unapplied": 3036, "symbols": 1, "final_state": "syncing",
			"first_time": "1723161600001233484", "last_time": "1723161904543279633", "max_silence_ns": 200046900,
			"by_type": "bookTicker:34681 depth:3036 trade:8409",
		}},
		{"Binance, over midnight", "binance-spot", []string{ethFile, nextEthFile}, nil, figures{
			"detection_limit": "chain", "packets": 79744, "messages": 79744, "stale_dropped": 2, "snapshots": 1, "unknown_levels": 10826,
			"symbols": 1, "final_state": "live", "oracle_ok": 6468, "first_time": "1723161254024619568", "last_time": "1723161904543279633",
			"max_silence_ns": 300091397, "by_type": "bookTicker:58758 depth:6470 snapshot:1 trade:14515",
		}},
		{"Binance, four symbols with snapshots of another file", "binance-spot", []string{multiFile}, []string{restFile}, figures{
			"detection_limit": "chain", "packets": 269, "messages": 269, "control": 1, "stale_dropped": 5, "snapshots": 4, "symbols": 4,
			"final_state": "live", "oracle_ok": 141, "oracle_skipped": 31, "first_time": "1633998512063356900",
			"last_time": "1633998542077861800", "max_silence_ns": 1301916000,
			"by_type": "aggTrade:2 bookTicker:84 depth:177 kline:2 snapshot:4",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			args := []string{"feed", "verify", "--format", tt.format, "--output", "json"}
			for _, s := range tt.snapshots {
				args = append(args, "--snapshot", recordings.Open(t, s))
			}
			for _, f := range tt.files {
				args = append(args, recordings.Open(t, f))
			}
			r := run(args...)
			if r.code != 0 {
				t.Fatalf("want exit 0, got %v", r)
			}
			v := object(t, r.stdout, "failshut.feed.verify/1")
			if v["verdict"] != "pass" || v["format"] != tt.format || len(v["files"].([]any)) != len(tt.files) {
				t.Errorf("verdict %v, format %v, files %v", v["verdict"], v["format"], v["files"])
			}
			for key, got := range v {
				if want, named := tt.want[key]; named {
					if plain(got) != fmt.Sprint(want) {
						t.Errorf("%s = %s, want %v", key, plain(got), want)
					}
				} else if !always[key] && !blank(got) {
					t.Errorf("%s = %v, want nothing in it", key, got)
				}
			}
			for key := range tt.want {
				if _, there := v[key]; !there {
					t.Errorf("%s is missing", key)
				}
			}
		})
	}
}

// plain writes a JSON value as the tables of this test do.
func plain(v any) string {
	switch x := v.(type) {
	case float64:
		return fmt.Sprint(int64(x))
	case map[string]any: // printed sorted by key
		return strings.TrimSuffix(strings.TrimPrefix(fmt.Sprint(x), "map["), "]")
	}
	return fmt.Sprint(v)
}

func blank(v any) bool {
	switch x := v.(type) {
	case nil:
		return true
	case float64:
		return x == 0
	case bool:
		return !x
	case string:
		return x == ""
	case []any:
		return len(x) == 0
	case map[string]any:
		return len(x) == 0
	}
	return false
}

func TestTheSecondDayAloneIsSaidToBeUntradable(t *testing.T) {
	r := run("feed", "verify", "--format", "binance-spot", recordings.Open(t, nextEthFile))
	if r.code != 0 || !strings.Contains(r.stdout, "no book was ever live") {
		t.Fatalf("want exit 0 and a plain word, got %v", r)
	}
}

func TestFeedBookWritesTheKnownBytes(t *testing.T) {
	tests := []struct {
		format, symbol, depth, file string
		rows                        int
		hash                        string
	}{
		{"binance-spot", "ETHUSDT", "2", ethFile, 3433, "e1740a2127f0427a"},
		{"iex-deep10", "MSFT", "1", deepFile, 844, "08807edb53268399"},
	}
	for _, tt := range tests {
		t.Run(tt.format, func(t *testing.T) {
			r := run("feed", "book", "--format", tt.format, "--symbol", tt.symbol, "--depth", tt.depth, recordings.Open(t, tt.file))
			if r.code != 0 || r.stderr != "" {
				t.Fatalf("want exit 0 and no word on stderr, got exit %d, %q", r.code, r.stderr)
			}
			if rows := strings.Count(r.stdout, "\n") - 1; rows != tt.rows {
				t.Errorf("rows = %d, want %d", rows, tt.rows)
			}
			if got := digest(r.stdout)[:16]; got != tt.hash {
				t.Errorf("hash = %s, want %s", got, tt.hash)
			}
		})
	}
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func TestReplayIsTheSameEveryTimeAndOnAnyNumberOfCores(t *testing.T) {
	tests := []struct {
		format string
		files  []string
	}{
		{"iex-deep10", []string{deepFile}},
		{"binance-spot", []string{ethFile, nextEthFile}},
	}
	for _, tt := range tests {
		t.Run(tt.format, func(t *testing.T) {
			var files []string
			for _, f := range tt.files {
				files = append(files, recordings.Open(t, f))
			}
			first := replayed(t, tt.format, files)
			v := object(t, first.answer, "failshut.replay/1")
			if v["orders"].(float64) < 20 || v["fills"].(float64) < 20 || v["final_state"] != "live" {
				t.Errorf("orders %v, fills %v, final state %v, want 20 of each and live", v["orders"], v["fills"], v["final_state"])
			}
			if v["intents"].(float64) < v["orders"].(float64) {
				t.Errorf("intents %v, orders %v: an order came from nowhere", v["intents"], v["orders"])
			}
			for _, cores := range []int{1, 2} {
				before := runtime.GOMAXPROCS(cores)
				again := replayed(t, tt.format, files)
				runtime.GOMAXPROCS(before)
				if again != first {
					t.Errorf("at GOMAXPROCS %d: %+.400v, the first run %+.400v", cores, again, first)
				}
			}
		})
	}
}

// outcome is all that a replay leaves: its answer whole, the hashes of its files.
type outcome struct{ answer, ledger, events string }

func replayed(t *testing.T, format string, files []string) outcome {
	t.Helper()
	dir := t.TempDir()
	ledger, events := filepath.Join(dir, "ledger"), filepath.Join(dir, "events")
	args := []string{"replay", "--format", format, "--strategy", "cross", "--output", "json", "--ledger", ledger, "--events", events}
	r := run(append(args, files...)...)
	if r.code != 0 || r.stderr != "" {
		t.Fatalf("want exit 0 and no word on stderr, got %v", r)
	}
	return outcome{r.stdout, content(t, ledger), content(t, events)}
}

// content is the hash of a file that is not empty.
func content(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil || len(b) == 0 {
		t.Fatalf("%s: %d bytes, error %v, want something in it", filepath.Base(name), len(b), err)
	}
	return digest(string(b))
}
