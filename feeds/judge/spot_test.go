package judge_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/failshut/failshut/feeds/judge"
)

// The frames of a made-up venue: prices are small numbers, ids begin at 11 behind a snapshot of 10.

func depthFrame(first, last int, bids, asks string) string {
	return fmt.Sprintf(`{"stream":"acme@depth@100ms","data":{"e":"depthUpdate","E":%d,"s":"ACME","U":%d,"u":%d,"b":[%s],"a":[%s]}}`,
		1000+last, first, last, bids, asks)
}

func tickerFrame(id int, bid, ask string) string {
	return fmt.Sprintf(`{"stream":"acme@bookTicker","data":{"u":%d,"s":"ACME","b":"%s","B":"1","a":"%s","A":"1"}}`, id, bid, ask)
}

const body = `{"lastUpdateId":10,"bids":[["9","1"],["8","1"]],"asks":[["11","1"],["12","1"]]}`

// stamp puts a receive time before each frame, a second apart.
func stamp(frames ...string) []byte {
	var b strings.Builder
	for i, f := range frames {
		fmt.Fprintf(&b, "%d %s\n", 1_000_000_000_000+int64(i)*1_000_000_000, f)
	}
	return []byte(b.String())
}

func TestSpotFollowsItsRules(t *testing.T) {
	start := []string{depthFrame(9, 10, "", ""), body, depthFrame(11, 12, `["9","2"]`, "")}
	with := func(more ...string) []byte { return stamp(append(append([]string{}, start...), more...)...) }
	torn := with(depthFrame(13, 13, "", ""))
	tests := []struct {
		name    string
		bytes   []byte
		reasons string
		check   func(r judge.Report) bool
	}{
		{"links and follows", with(depthFrame(13, 15, "", `["11","0"]`)), "", func(r judge.Report) bool {
			return r.FinalState == "live" && r.Snapshots == 1 && r.StaleDropped == 1 && r.Messages == 4
		}},
		{"a hole breaks the chain", with(depthFrame(14, 15, "", ""), depthFrame(16, 16, "", "")), "gap", func(r judge.Report) bool {
			return r.Gaps == 1 && r.GapMessages == nil && r.Unapplied == 2 && r.FinalState == "suspect"
		}},
		{"a new snapshot heals it and leaves no ghost", with(depthFrame(14, 15, "", ""), `{"lastUpdateId":15,"bids":[["7","1"]],"asks":[["13","1"]]}`,
			depthFrame(16, 16, "", ""), tickerFrame(16, "7", "13"), tickerFrame(17, "7", "13")), "gap", func(r judge.Report) bool {
			return r.Gaps == 1 && r.Snapshots == 2 && r.FinalState == "live" && r.OracleOK == 1 && r.OracleBad == 0 && r.StaleDropped == 2
		}},
		{"a snapshot older than the buffer is refused", stamp(depthFrame(12, 13, "", ""), body, depthFrame(14, 14, "", "")), "", func(r judge.Report) bool {
			return r.Rejected == 1 && r.Snapshots == 0 && r.Unapplied == 2 && r.FinalState == "syncing"
		}},
		{"a snapshot that no event follows never links", stamp(depthFrame(9, 10, "", ""), body), "", func(r judge.Report) bool {
			return r.Snapshots == 0 && r.Rejected == 0 && r.FinalState == "syncing"
		}},
		{"a snapshot for a live book is refused", with(body), "", func(r judge.Report) bool { return r.Rejected == 1 && r.FinalState == "live" }},
		{"a snapshot of no known symbol is refused", stamp(body), "", func(r judge.Report) bool { return r.Rejected == 1 && r.Symbols == 0 }},
		{"a second copy", with(depthFrame(11, 12, `["9","2"]`, "")), "", func(r judge.Report) bool {
			return r.Duplicates == 1 && r.Conflicts == 0 && r.Messages == 3 && r.FinalState == "live"
		}},
		{"a second copy with other bytes", with(depthFrame(11, 12, `["9","3"]`, "")), "conflict", func(r judge.Report) bool {
			return r.Conflicts == 1 && r.FinalState == "quarantined"
		}},
		{"a frame that is none puts every book in doubt", with(`{"stream":"acme@dep`, depthFrame(13, 13, "", "")), "malformed", func(r judge.Report) bool {
			return r.Malformed == 1 && r.Packets == 5 && r.Unapplied == 1 && r.FinalState == "suspect"
		}},
		{"a depth frame that lacks a field", with(`{"stream":"acme@depth","data":{"s":"ACME","U":13,"u":13,"b":[]}}`), "malformed", func(r judge.Report) bool { return r.Malformed == 1 }},
		{"a line without a stamp", append(with(), "what is this\n"...), "malformed", func(r judge.Report) bool { return r.Malformed == 1 && r.Packets == 4 }},
		{"a last line torn in its frame", torn[:len(torn)-9], "truncated", func(r judge.Report) bool {
			return r.Packets == 3 && r.Malformed == 0 && r.BytesUnread > 0 && r.FinalState == "live"
		}},
		{"a last line torn in its stamp", append(with(), "10000"...), "truncated", func(r judge.Report) bool { return r.Packets == 3 && r.BytesUnread == 5 }},
		{"a last line without its end is whole", torn[:len(torn)-1], "", func(r judge.Report) bool { return r.Packets == 4 && !r.Truncated }},
		{"ten decimals shut their symbol alone", with(`{"stream":"beta@trade","data":{"e":"trade","s":"BETA","p":"1","q":"1","m":true}}`,
			depthFrame(13, 13, `["8.0000000001","1"]`, "")), "", func(r judge.Report) bool {
			return r.States["quarantined"] == 1 && r.Unapplied == 1
		}},
		{"ten decimals of which the last is 0", with(depthFrame(13, 13, `["8.0000000000","1"]`, "")), "", func(r judge.Report) bool { return r.FinalState == "live" }},
		{"a size beyond 64 bits", with(depthFrame(13, 13, `["8","99999999999"]`, "")), "", func(r judge.Report) bool { return r.FinalState == "quarantined" }},
		{"a size below 0 is no size", with(depthFrame(13, 13, `["8","-1"]`, "")), "malformed", func(r judge.Report) bool { return r.Malformed == 1 }},
		{"crossed once", with(depthFrame(13, 13, `["11.5","1"]`, ""), depthFrame(14, 14, `["11.5","0"]`, "")), "crossed", func(r judge.Report) bool {
			return r.Crossed == 1 && r.FinalState == "live"
		}},
		{"crossed for a second", with(depthFrame(13, 13, `["11.5","1"]`, ""), depthFrame(14, 14, "", "")), "crossed", func(r judge.Report) bool {
			return r.Crossed == 2 && r.FinalState == "suspect"
		}},
		{"locked", with(depthFrame(13, 13, `["11","1"]`, `["11","1"]`)), "", func(r judge.Report) bool { return r.Locked == 1 && r.FinalState == "live" }},
		{"the oracle agrees by id, whatever came first", with(tickerFrame(13, "9.5", "11"), tickerFrame(14, "9.5", "11"), depthFrame(13, 13, `["9.5","1"]`, "")), "", func(r judge.Report) bool {
			return r.OracleOK == 1 && r.OracleSkipped == 1
		}},
		{"a size that differs is a disagreement", with(tickerFrame(11, "9", "11"), tickerFrame(13, "9", "11")), "oracle", func(r judge.Report) bool {
			return r.OracleBad == 1 // 2 rest at 9
		}},
		{"a lost deletion is found by the oracle", with(depthFrame(13, 13, `["9","0"]`, ""), tickerFrame(13, "9", "11"), tickerFrame(14, "9", "11")), "oracle", func(r judge.Report) bool {
			return r.OracleBad == 1 && r.OracleSkipped == 1
		}},
		{"acknowledgements and shutdowns are control", with(`{"result":null,"id":1}`, `{"e":"serverShutdown","E":1}`), "", func(r judge.Report) bool {
			return r.Control == 2 && r.Packets == 3
		}},
		{"a frame of no known kind", with(`{"what":1}`), "", func(r judge.Report) bool { return r.UnknownTypes == 1 && r.Messages == 4 }},
		{"frames without a stream's name", stamp(`{"e":"depthUpdate","E":1,"s":"ACME","U":9,"u":10,"b":[],"a":[]}`, body,
			`{"e":"depthUpdate","E":2,"s":"ACME","U":11,"u":11,"b":[],"a":[]}`, `{"u":11,"s":"ACME","b":"9","B":"1","a":"11","A":"1"}`), "", func(r judge.Report) bool {
			return r.ByType["depth"] == 2 && r.ByType["bookTicker"] == 1 && r.FinalState == "live"
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := judge.Verify(t.Context(), spot, []string{file(t, tt.bytes)}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(r.Reasons, " "); got != tt.reasons {
				t.Errorf("reasons = %q, want %q", got, tt.reasons)
			}
			if !tt.check(r) {
				t.Errorf("report = %+v", r)
			}
		})
	}
}
