package judge_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/failshut/failshut/feeds/capture"
	"github.com/failshut/failshut/feeds/iex/iextest"
	"github.com/failshut/failshut/feeds/judge"
	"github.com/failshut/failshut/market"
)

// file writes b to a file of its own.
func file(t testing.TB, b []byte) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "recording")
	if err := os.WriteFile(p, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func zipped(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b) // a bytes.Buffer takes everything
	_ = w.Close()
	return out.Bytes()
}

// segments is n segments of two bids each, from sequence 1.
func segments(n int) [][]byte {
	var out [][]byte
	for i := range n {
		out = append(out, segment(uint64(2*i+1), int64(i+1)))
	}
	return out
}

func segment(first uint64, sent int64) []byte {
	return iextest.Segment{Session: 7, First: first, Sent: sent, Messages: [][]byte{
		iextest.Level("ACME", market.Buy, int64(first), 10, true),
		iextest.Level("ACME", market.Buy, int64(first+1), 10, true),
	}}.Bytes()
}

func flip(b []byte, at int) []byte {
	b = slices.Clone(b)
	b[at] ^= 0x10
	return b
}

func TestBrokenDatagramsFailWithTheirReason(t *testing.T) {
	whole := segments(100)
	without := slices.Delete(slices.Clone(whole), 50, 51)
	changed := slices.Clone(whole)
	conflict := slices.Insert(slices.Clone(whole), 51, flip(whole[50], 40+2+18))
	changed[50] = flip(whole[50], 12) // the payload length
	session := slices.Clone(whole)
	session[50] = flip(whole[50], 8)
	swapped := slices.Clone(whole)
	swapped[50], swapped[51] = swapped[51], swapped[50]
	pcap := iextest.Pcap(whole...)
	const record = 16 + 14 + 20 + 8 + 40 + 2*32
	badRecord := slices.Clone(pcap)
	badRecord[24+50*record+11] = 0xff // a captured length of 4 GB

	tests := []struct {
		name    string
		bytes   []byte
		reasons string
		check   func(r judge.Report) bool
	}{
		{"whole", pcap, "", func(r judge.Report) bool { return r.Messages == 200 && r.FinalState == "live" }},
		{"no bytes", nil, "empty", func(r judge.Report) bool {
			return r.Files[0].Container == capture.Empty && r.FinalState == "syncing" && r.FirstTime == nil
		}},
		{"no packets", iextest.Pcap(), "empty", func(r judge.Report) bool { return r.Files[0].Container == capture.Pcap }},
		{"a packet dropped", iextest.Pcap(without...), "gap", func(r judge.Report) bool {
			return r.Gaps == 1 && *r.GapMessages == 2 && r.Messages == 198 && r.Unapplied == 98 && r.FinalState == "suspect"
		}},
		{"a length changed", iextest.Pcap(changed...), "gap malformed", func(r judge.Report) bool { return r.Malformed == 1 && r.Packets == 100 }},
		{"a session changed", iextest.Pcap(session...), "gap", func(r judge.Report) bool { return r.Strays == 1 && r.Resets == 0 }},
		{"a second copy with other bytes", iextest.Pcap(conflict...), "conflict", func(r judge.Report) bool {
			return r.Conflicts == 1 && r.Duplicates == 2 && r.FinalState == "quarantined"
		}},
		{"a second copy", iextest.Pcap(slices.Insert(slices.Clone(whole), 51, whole[50])...), "", func(r judge.Report) bool { return r.Duplicates == 2 }},
		{"two swapped", iextest.Pcap(swapped...), "", func(r judge.Report) bool { return r.Reordered == 1 && r.FinalState == "live" }},
		{"head cut off", iextest.Pcap(whole[1:]...), "", func(r judge.Report) bool {
			return r.LateJoin && r.Unapplied == 198 && r.FinalState == "syncing" && r.NeverLive()
		}},
		{"tail cut off in a record", pcap[:len(pcap)-1], "truncated", func(r judge.Report) bool {
			return r.Packets == 99 && r.BytesUnread == record-1
		}},
		{"tail cut off in a record head", pcap[:len(pcap)-record+3], "truncated", func(r judge.Report) bool {
			return r.Packets == 99 && r.BytesUnread == 3
		}},
		{"tail cut off behind a record head", pcap[:len(pcap)-record+16], "truncated", func(r judge.Report) bool {
			return r.Packets == 99 && r.BytesUnread == 16
		}},
		{"tail cut off between records", pcap[:len(pcap)-record], "", func(r judge.Report) bool { return r.Packets == 99 }},
		{"cut in the file head", pcap[:20], "empty truncated", func(r judge.Report) bool { return r.BytesUnread == 20 }},
		{"a record length that cannot be", badRecord, "malformed", func(r judge.Report) bool {
			return r.Malformed == 1 && r.BytesUnread == 50*record && r.Messages == 100
		}},
		{"gzip cut", zipped(pcap)[:len(zipped(pcap))-9], "truncated", func(r judge.Report) bool { return r.Files[0].Compression == capture.Gzip && r.Packets > 0 }},
		{"gzip cut in its head", zipped(pcap)[:5], "empty truncated", func(r judge.Report) bool { return r.Packets == 0 }},
		{"gzip of two members", append(zipped(pcap[:1000]), zipped(pcap[1000:])...), "", func(r judge.Report) bool { return r.Messages == 200 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := judge.Verify(t.Context(), deep10, []string{file(t, tt.bytes)}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(r.Reasons, " "); got != tt.reasons || r.Failed() != (tt.reasons != "") {
				t.Errorf("verdict %s for %q, want reasons %q\n%+v", r.Verdict, got, tt.reasons, r)
			}
			if !tt.check(r) {
				t.Errorf("report = %+v", r)
			}
		})
	}
}

func TestWhatCannotBeReadIsAnError(t *testing.T) {
	text := []byte("no capture at all\n")
	pcap := iextest.Pcap(segments(3)...)
	damaged := zipped(pcap)
	damaged[len(damaged)-6] ^= 1 // its checksum
	tests := []struct {
		name   string
		format judge.Format
		bytes  []byte
		want   error
	}{
		{"text as datagrams", deep10, text, capture.ErrNoCapture},
		{"compressed text as datagrams", deep10, zipped(text), capture.ErrNoCapture},
		{"a capture as lines", spot, pcap, capture.ErrContainer},
		{"damaged gzip", deep10, damaged, capture.ErrCompression},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := judge.Verify(t.Context(), tt.format, []string{file(t, tt.bytes)}, nil); !errors.Is(err, tt.want) {
				t.Errorf("error = %v, want %v", err, tt.want)
			}
		})
	}
	if _, err := judge.Verify(t.Context(), deep10, []string{filepath.Join(t.TempDir(), "none")}, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error of an absent file = %v, want %v", err, os.ErrNotExist)
	}
}

func TestFilesOutOfOrderAreAnError(t *testing.T) {
	first := iextest.Pcap(segments(10)...)
	second := slices.Clone(first)
	for i := 24; i < len(second); { // an hour earlier
		second[i+1] -= 0x0e
		i += 16 + int(second[i+8]) + int(second[i+9])<<8
	}
	if _, err := judge.Verify(t.Context(), deep10, []string{file(t, first), file(t, second)}, nil); !errors.Is(err, capture.ErrOrder) {
		t.Errorf("error = %v, want %v", err, capture.ErrOrder)
	}
	if _, err := judge.Verify(t.Context(), deep10, []string{file(t, second), file(t, first)}, nil); err != nil {
		t.Errorf("error in order = %v, want none", err)
	}
}

func TestBookNamesWhatItWants(t *testing.T) {
	p := file(t, iextest.Pcap(segments(2)...))
	if _, err := judge.Book(t.Context(), io.Discard, deep10, "ACME", 0, []string{p}, nil); err == nil {
		t.Error("depth 0 is accepted, want an error")
	}
	var out bytes.Buffer
	r, err := judge.Book(t.Context(), &out, deep10, "NONE", 1, []string{p}, nil)
	if err != nil || r.SymbolSeen || r.Failed() {
		t.Errorf("a symbol that never came: error %v, seen %t, failed %t, want none of it", err, r.SymbolSeen, r.Failed())
	}
	if got, want := out.String(), "event,time_ns,bid_px_1,bid_sz_1,ask_px_1,ask_sz_1\n"; got != want {
		t.Errorf("output = %q, want %q", got, want)
	}
	out.Reset()
	if _, err := judge.Book(t.Context(), &out, deep10, "ACME", 2, []string{p}, nil); err != nil {
		t.Fatal(err)
	}
	start := strconv.Itoa(iextest.Start)
	want := "event,time_ns,bid_px_1,bid_sz_1,ask_px_1,ask_sz_1,bid_px_2,bid_sz_2,ask_px_2,ask_sz_2\n" +
		"0," + start + ",0.0001,10,,,,,,\n" +
		"1," + start + ",0.0002,10,,,0.0001,10,,\n" +
		"2," + start + ",0.0003,10,,,0.0002,10,,\n" +
		"3," + start + ",0.0004,10,,,0.0003,10,,\n"
	if out.String() != want {
		t.Errorf("output\n%swant\n%s", out.String(), want)
	}
}
