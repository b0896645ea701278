package judge_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/failshut/failshut/feeds/judge"
	"github.com/failshut/failshut/internal/recordings"
)

var seed = flag.Uint64("seed", 1, "of the tests that break recordings at random places")

// unzipped reads a recording into memory.
func unzipped(t testing.TB, name string) []byte {
	t.Helper()
	f, err := os.Open(recordings.Open(t, name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// records returns where each record of a little-endian capture begins, and its end.
func records(pcap []byte) []int {
	at := []int{24}
	for i := 24; i < len(pcap); {
		i += 16 + int(binary.LittleEndian.Uint32(pcap[i+8:]))
		at = append(at, i)
	}
	return at
}

func TestBrokenDeepRecordingFails(t *testing.T) {
	whole := unzipped(t, deepFile)
	at := records(whole)
	random := rand.New(rand.NewPCG(*seed, 0))
	t.Logf("seed %d", *seed)
	judged := func(b []byte) judge.Report {
		r, err := judge.Verify(t.Context(), deep10, []string{file(t, b)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for range 10 {
		i := full(whole, at, random) // a packet with messages
		count := uint64(binary.LittleEndian.Uint16(whole[at[i]+16+42+14:]))
		r := judged(slices.Delete(slices.Clone(whole), at[i], at[i+1]))
		if strings.Join(r.Reasons, " ") != "gap" || r.Gaps != 1 || *r.GapMessages != count || r.Messages != 159_343-count {
			t.Errorf("packet %d of %d messages dropped: reasons %v, gaps %d of %d", i, count, r.Reasons, r.Gaps, *r.GapMessages)
		}
		b := slices.Clone(whole)
		b[at[i]+16+42+12] ^= 1 << random.IntN(8) // the payload length of the segment
		if r := judged(b); strings.Join(r.Reasons, " ") != "gap malformed" || r.Malformed != 1 {
			t.Errorf("packet %d with another length: reasons %v", i, r.Reasons)
		}
		cut := at[i] + 1 + random.IntN(at[i+1]-at[i]-1)
		if r := judged(whole[:cut]); strings.Join(r.Reasons, " ") != "truncated" || r.Packets != uint64(i) || r.BytesUnread != int64(cut-at[i]) {
			t.Errorf("cut within packet %d: reasons %v, packets %d, unread %d", i, r.Reasons, r.Packets, r.BytesUnread)
		}
	}
	// Without the heartbeats from sequence 1 no book is exact before the next reset.
	first := 0
	for binary.LittleEndian.Uint64(whole[at[first]+16+42+24:]) < 1000 {
		first++
	}
	r := judged(slices.Concat(whole[:24], whole[at[first]:]))
	if r.Failed() || !r.LateJoin || r.Resets != 5 || r.FinalState != "live" {
		t.Errorf("without its head: %v, late join %t, %d resets, %s", r.Reasons, r.LateJoin, r.Resets, r.FinalState)
	}
}

// full draws a packet that has messages, and is followed by one of the same run.
func full(pcap []byte, at []int, random *rand.Rand) int {
	first := func(i int) uint64 { return binary.LittleEndian.Uint64(pcap[at[i]+16+42+24:]) }
	for {
		i := 1 + random.IntN(len(at)-3)
		if binary.LittleEndian.Uint16(pcap[at[i]+16+42+14:]) > 0 && first(i+1) > first(i) && first(i) > 1 {
			return i
		}
	}
}

func TestBrokenSpotRecordingFails(t *testing.T) {
	lines := bytes.SplitAfter(unzipped(t, eth8), []byte("\n"))
	random := rand.New(rand.NewPCG(*seed, 1))
	t.Logf("seed %d", *seed)
	for range 5 {
		i := 100 + random.IntN(len(lines)-200)
		for !bytes.Contains(lines[i], []byte("@depth")) {
			i++
		}
		r, err := judge.Verify(t.Context(), spot, []string{file(t, bytes.Join(slices.Delete(slices.Clone(lines), i, i+1), nil))}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Join(r.Reasons, " ") != "gap" || r.Gaps != 1 || r.GapMessages != nil || r.FinalState != "suspect" {
			t.Errorf("line %d dropped: reasons %v, final state %s", i, r.Reasons, r.FinalState)
		}
		cut := slices.Clone(lines)
		cut[i] = append(bytes.Clone(cut[i][:len(cut[i])/2]), '\n')
		if r, err = judge.Verify(t.Context(), spot, []string{file(t, bytes.Join(cut, nil))}, nil); err != nil {
			t.Fatal(err)
		}
		if strings.Join(r.Reasons, " ") != "malformed" || r.Malformed != 1 || r.FinalState != "suspect" {
			t.Errorf("line %d cut: reasons %v, final state %s", i, r.Reasons, r.FinalState)
		}
	}
}
