package failshut_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/failshut/failshut/internal/recordings"
)

const deepFile = "iex_deep10_20170425_part1.pcap.gz"

// write makes a file of the test's own.
func write(t *testing.T, name, text string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// ends is one command and the code that it must end with.
type ends struct {
	name string
	args []string
	code int
	says string // in stderr
}

// check runs a command twice: as a table, and as JSON, where an error is an object too.
func (e ends) check(t *testing.T) {
	t.Helper()
	if r := run(e.args...); r.code != e.code || !strings.Contains(r.stderr, e.says) {
		t.Errorf("%s: want exit %d and %q, got %v", strings.Join(e.args, " "), e.code, e.says, r)
	}
	r := run(append([]string{"--output", "json"}, e.args...)...)
	if r.code != e.code {
		t.Fatalf("%s as JSON: want exit %d, got %v", strings.Join(e.args, " "), e.code, r)
	}
	if !strings.HasPrefix(r.stdout, `{"schema":"failshut.error/1"`) {
		t.Fatalf("%s as JSON: stdout is %.200q, want an error object", strings.Join(e.args, " "), r.stdout)
	}
	v := object(t, r.stdout, "failshut.error/1")
	if v["exit"] != float64(e.code) || v["code"] == "" || v["message"] == "" {
		t.Errorf("%s: error object %v, want exit %d, a code and a message", strings.Join(e.args, " "), v, e.code)
	}
	for _, key := range []string{"where", "retry_after_ms"} {
		if _, there := v[key]; !there {
			t.Errorf("%s: error object %v has no %s, want it null", strings.Join(e.args, " "), v, key)
		}
	}
}

func TestMistakesOfUsageEndWith2(t *testing.T) {
	file := write(t, "empty", "")
	for _, e := range []ends{
		{"unknown command", []string{"nonsense"}, 2, "nonsense"},
		{"unknown command below another", []string{"feed", "nonsense"}, 2, "nonsense"},
		{"unknown command of bench", []string{"bench", "nonsense"}, 2, "nonsense"},
		{"unknown command of config", []string{"config", "nonsense"}, 2, `unknown command "nonsense" for "failshut config", want one of check`},
		{"no argument", []string{"tree", "dump"}, 2, "found no argument, want failshut tree dump NAME"},
		{"two arguments", []string{"tree", "a", "b"}, 2, `found 2 arguments ["a" "b"], want failshut tree [PATH]`},
		{"an argument where there is none", []string{"status", "x"}, 2, `found the argument "x", want failshut status`},
		{"a number that is none", []string{"tree", "--depth", "x"}, 2, `--depth is "x", want a whole number`},
		{"a number below 0", []string{"demo", "--seed", "-1"}, 2, `--seed is "-1", want a whole number from 0 on`},
		{"a truth that is none", []string{"tree", "--unhealthy=maybe"}, 2, `--unhealthy is "maybe", want true or false`},
		{"a duration that is none", []string{"demo", "--for", "x"}, 2, `--for is "x", want a duration`},
		{"a rate below 0", []string{"bench", "mailbox", "--mode", "steady", "--rate", "-5"}, 2, "rate = -5, want 0 or more"},
		{"a reset of no scope", []string{"reset", "--reason", "x"}, 2, "--scope is missing"},
		{"unknown flag", []string{"--nonsense"}, 2, "--nonsense"},
		{"unknown flag of a command", []string{"demo", "--nonsense"}, 2, "--nonsense"},
		{"an argument too many", []string{"version", "more"}, 2, "more"},
		{"demo takes no argument", []string{"demo", "more"}, 2, "more"},
		{"a duration that is none", []string{"demo", "--for", "soon"}, 2, "soon"},
		{"a duration below zero", []string{"demo", "--for", "-5s"}, 2, "-5s"},
		{"no patience at all", []string{"version", "--timeout", "-1s"}, 2, "-1s"},
		{"a trip that opens", []string{"trip", "--mode", "OPEN", "--reason", "x"}, 2, "OPEN"},
		{"a trip into a mode that is none", []string{"trip", "--mode", "SHUT", "--reason", "x"}, 2, "SHUT"},
		{"a trip of a scope that is none", []string{"trip", "--scope", "A1", "--reason", "x"}, 2, "A1"},
		{"a trip that waits for ever", []string{"trip", "--wait", "2h", "--reason", "x"}, 2, "2h"},
		{"a seed that is none", []string{"demo", "--seed", "-1"}, 2, "-1"},
		{"verify without a file", []string{"feed", "verify", "--format", "iex-deep10"}, 2, "arg"},
		{"verify without a format", []string{"feed", "verify", file}, 2, "iex-deep10"},
		{"verify of an unknown format", []string{"feed", "verify", "--format", "nope", file}, 2, "iex-deep10"},
		{"book without a symbol", []string{"feed", "book", "--format", "iex-deep10", file}, 2, "--symbol"},
		{"book of an impossible symbol", []string{"feed", "book", "--format", "iex-deep10", "--symbol", "A B", file}, 2, "A B"},
		{"book of no depth", []string{"feed", "book", "--format", "iex-deep10", "--symbol", "A", "--depth", "0", file}, 2, "--depth"},
		{"book of an unknown format", []string{"feed", "book", "--format", "nope", "--symbol", "A", file}, 2, "nope"},
		{"replay without a strategy", []string{"replay", "--format", "iex-deep10", file}, 2, "cross"},
		{"replay of an unknown strategy", []string{"replay", "--format", "iex-deep10", "--strategy", "nope", file}, 2, "cross"},
		{"replay with a parameter that is none", []string{"replay", "--format", "iex-deep10", "--strategy", "cross", "--params", "{fsat: 2}", file}, 2, `did you mean "fast"?`},
		{"replay with a value that is none", []string{"replay", "--format", "iex-deep10", "--strategy", "cross", "--params", "{fast: 2", file}, 2, "--params"},
		{"replay with parameters that are no mapping", []string{"replay", "--format", "iex-deep10", "--strategy", "cross", "--params", "fast", file}, 2, "--params:1:1: found fast, want a mapping such as {key: value}"},
		{"replay with parameters beside a file", []string{"replay", "--format", "iex-deep10", "--config", file, "--params", "{fast: 2}", file}, 2, "one of them"},
		{"replay of an unknown format", []string{"replay", "--format", "nope", "--strategy", "cross", file}, 2, "nope"},
		{"bench of an unknown mode", []string{"bench", "mailbox", "--mode", "fast"}, 2, "throughput"},
		{"bench of an unknown mailbox figure", []string{"bench", "mailbox", "--threshold", "speed<=1"}, 2, "speed"},
		{"bench of a rate that no mode takes", []string{"bench", "mailbox", "--rate", "5"}, 2, "rate"},
		{"bench of no time", []string{"bench", "mailbox", "--duration", "0s"}, 2, "duration"},
		{"bench compared with what is no answer", []string{"bench", "mailbox", "--compare", file}, 2, "--compare"},
		{"bench without a recording", []string{"bench", "path", "--format", "iex-deep10"}, 2, "--replay"},
		{"bench of no loop", []string{"bench", "path", "--format", "iex-deep10", "--replay", file, "--loops", "0"}, 2, "--loops"},
		{"bench of an unknown strategy", []string{"bench", "path", "--format", "iex-deep10", "--replay", file, "--strategy", "x"}, 2, "cross"},
		{"bench of an unknown figure", []string{"bench", "path", "--format", "iex-deep10", "--replay", file, "--threshold", "speed>=1"}, 2, "speed"},
		{"bench of a threshold that is none", []string{"bench", "path", "--format", "iex-deep10", "--replay", file, "--threshold", "much"}, 2, "much"},
		{"check of no file", []string{"config", "check"}, 2, "arg"},
		{"an address that is none", []string{"gate", "--addr", "ftp://x"}, 2, "ftp://x"},
		{"a token of two words", []string{"gate", "--token-file", write(t, "token", "two words")}, 2, "9 bytes"},
		{"a reset of no scope", []string{"reset", "--reason", "x"}, 2, "--scope"},
		{"a list of no orders", []string{"orders", "--limit", "0"}, 2, "--limit"},
		{"orders in a state that is none", []string{"orders", "--status", "GONE"}, 2, "GONE"},
		{"orders since no time", []string{"orders", "--since", "noon"}, 2, "noon"},
		{"one order of a list", []string{"orders", "X", "--open"}, 2, "--open"},
		{"an order without an id", []string{"orders", ""}, 2, "ID"},
		{"a word about no order", []string{"orders", "resolve", "--reason", "x", "--as", "rejected"}, 2, "ID"},
		{"a word that is none", []string{"orders", "resolve", "X", "--reason", "x", "--as", "gone"}, 2, "gone"},
		{"a fill of nothing", []string{"orders", "resolve", "X", "--reason", "x", "--as", "filled=0"}, 2, "filled=0"},
		{"a fill without a quantity", []string{"orders", "resolve", "X", "--reason", "x", "--as", "filled"}, 2, "filled"},
		{"a fill at no price", []string{"orders", "resolve", "X", "--reason", "x", "--as", "filled=1@free"}, 2, "free"},
		{"a quantity of a rejection", []string{"orders", "resolve", "X", "--reason", "x", "--as", "rejected=1"}, 2, "rejected=1"},
		{"a difference of no account", []string{"orders", "resolve", "--difference", "1", "--accept", "--reason", "x"}, 2, "--account"},
		{"a difference that is not accepted", []string{"orders", "resolve", "--account", "A1", "--difference", "1", "--reason", "x"}, 2, "--accept"},
		{"a difference and an order", []string{"orders", "resolve", "X", "--account", "A1", "--difference", "1", "--accept", "--reason", "x"}, 2, "X"},
		{"positions of two words", []string{"positions", "x"}, 2, "x"},
		{"a listener that is none", []string{"demo", "--listen", "foo"}, 2, "foo"},
		{"a port that is none", []string{"demo", "--listen", "127.0.0.1:99999"}, 2, "99999"},
		{"a listener for everybody", []string{"demo", "--listen", "0.0.0.0:0"}, 2, "loopback"},
		{"a trip without a reason", []string{"trip", "--scope", "A1/*/*"}, 2, "--reason"},
	} {
		t.Run(e.name, e.check)
	}
}

func TestAnUnknownOutputIsAMistake(t *testing.T) {
	if r := run("version", "--output", "xml"); r.code != 2 || r.stdout != "" {
		t.Fatalf("want exit 2 and nothing on stdout, got %v", r)
	}
}

func TestWhatCannotBeReadEndsWith1(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	noCapture := write(t, "text", "no capture at all\n")
	noLines := write(t, "binary", "\xd4\xc3\xb2\xa1 and no more")
	for _, e := range []ends{
		{"verify", []string{"feed", "verify", "--format", "iex-deep10", missing}, 1, missing},
		{"book", []string{"feed", "book", "--format", "iex-deep10", "--symbol", "A", missing}, 1, missing},
		{"replay", []string{"replay", "--format", "iex-deep10", "--strategy", "cross", missing}, 1, missing},
		{"bench compared", []string{"bench", "mailbox", "--compare", missing}, 1, missing},
		{"bench", []string{"bench", "path", "--format", "iex-deep10", "--replay", missing}, 1, missing},
		{"config check", []string{"config", "check", missing}, 1, missing},
		{"a token file", []string{"gate", "--token-file", missing}, 1, missing},
		{"a configuration that is a directory", []string{"config", "check", t.TempDir()}, 1, "not a regular file"},
		{"a configuration that never ends", []string{"config", "check", "/dev/zero"}, 1, "not a regular file"},
		{"a snapshot", []string{"feed", "verify", "--format", "binance-spot", "--snapshot", missing, noCapture}, 1, missing},
		{"no capture", []string{"feed", "verify", "--format", "iex-deep10", noCapture}, 1, ""},
		{"a capture as lines", []string{"feed", "verify", "--format", "binance-spot", noLines}, 1, ""},
		{"a ledger nowhere", []string{"replay", "--format", "iex-deep10", "--strategy", "cross", "--ledger", filepath.Join(missing, "x"), noCapture}, 1, missing},
		{"events nowhere", []string{"replay", "--format", "iex-deep10", "--strategy", "cross", "--events", filepath.Join(missing, "x"), noCapture}, 1, missing},
	} {
		t.Run(e.name, e.check)
	}
}

func TestATruncatedRecordingEndsWith8(t *testing.T) {
	whole, err := os.ReadFile(recordings.Open(t, deepFile))
	if err != nil {
		t.Fatal(err)
	}
	cut := write(t, "cut.pcap.gz", string(whole[:300_000]))
	for _, args := range [][]string{
		{"feed", "verify", "--format", "iex-deep10", cut},
		{"feed", "book", "--format", "iex-deep10", "--symbol", "MSFT", cut},
		{"replay", "--format", "iex-deep10", "--strategy", "cross", cut},
	} {
		r := run(append(args, "--output", "json")...)
		if r.code != 8 || !strings.Contains(r.stderr, "truncated") || strings.Contains(r.stdout, "failshut.error") {
			t.Errorf("%v: want the whole answer, exit 8 and the word truncated, got %v", args, r)
		}
	}
	r := run("feed", "verify", "--format", "iex-deep10", write(t, "empty", ""), "--output", "json")
	if v := object(t, r.stdout, "failshut.feed.verify/1"); r.code != 8 || v["verdict"] != "fail" {
		t.Errorf("an empty file: verdict %v and exit %d, want fail and 8", v["verdict"], r.code)
	}
}

func TestABenchmarkOfARecordingThatDoesNotServeEndsWith8(t *testing.T) {
	whole, err := os.ReadFile(recordings.Open(t, deepFile))
	if err != nil {
		t.Fatal(err)
	}
	for name, e := range map[string]struct{ format, text, want string }{
		"truncated":        {"iex-deep10", string(whole[:300_000]), "truncated"},
		"empty":            {"iex-deep10", "", "empty"},
		"of another venue": {"binance-spot", "{\"op\":\"mcm\",\"pt\":1}\n", "none of its 1 messages is known"},
	} {
		t.Run(name, func(t *testing.T) {
			ends{name, []string{"bench", "path", "--format", e.format, "--loops", "1", "--replay", write(t, "recording", e.text)}, 8, e.want}.check(t)
		})
	}
}

func TestARecordingOfAnotherVenueIsSaidToBeOne(t *testing.T) {
	file := write(t, "recording", "{\"op\":\"mcm\",\"pt\":1}\n")
	for _, args := range [][]string{{"feed", "verify"}, {"replay", "--strategy", "cross"}} {
		r := run(append(args, "--format", "binance-spot", file, "--output", "json")...)
		if !strings.Contains(r.stderr, "none of the 1 messages is known") {
			t.Errorf("%v: want a warning, got %v", args, r)
		}
	}
}

func TestAWindowOfNothingIsAMistake(t *testing.T) {
	file := recordings.Open(t, deepFile)
	for _, e := range []ends{
		{"inside out", []string{"--from", "2017-04-25T15:00:00Z", "--until", "2017-04-25T14:00:00Z"}, 2, "before until"},
		{"before the recording", []string{"--until", "2000-01-01T00:00:00Z"}, 2, "the recording is from 2017-04-25T"},
		{"after the recording", []string{"--from", "2027-01-01T00:00:00Z"}, 2, "the recording is from 2017-04-25T"},
	} {
		e.args = append([]string{"replay", "--strategy", "cross", "--format", "iex-deep10", file}, e.args...)
		t.Run(e.name, e.check)
	}
}

func TestASymbolThatNeverCameIsAWarning(t *testing.T) {
	r := run("feed", "book", "--format", "iex-deep10", "--symbol", "NEVER", recordings.Open(t, deepFile))
	if r.code != 0 || strings.Count(r.stdout, "\n") != 1 || !strings.Contains(r.stderr, "NEVER") {
		t.Fatalf("want the head alone, a warning and exit 0, got %v", r)
	}
}

func TestConfigurationWithMistakesEndsWith3(t *testing.T) {
	bad := write(t, "node.yaml", "node:\n  idd: n1\n")
	for _, output := range []string{"table", "json"} {
		r := run("config", "check", bad, "--output", output)
		if r.code != 3 || !strings.Contains(r.stderr, bad+":2:3: unknown key \"idd\"") {
			t.Errorf("as %s: want exit 3 and the place of the mistake, got %v", output, r)
		}
	}
	v := object(t, run("config", "check", bad, "--output", "json").stdout, "failshut.config.check/1")
	file := v["files"].([]any)[0].(map[string]any)
	if file["ok"] != false || len(file["errors"].([]any)) == 0 || file["warnings"] == nil {
		t.Errorf("answer %v, want ok false with its errors, and no list null", file)
	}
	venue := run("config", "check", "examples/cluster/venue.example.yaml", "--output", "json")
	if venue.code != 0 {
		t.Errorf("the venue's example: want exit 0, got %v", venue)
	}
}

func TestNobodyThereEndsWith4(t *testing.T) {
	nobody := "unix:" + filepath.Join(t.TempDir(), "none.sock")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	mute := "http://" + l.Addr().String() // it takes the connection and says nothing
	for _, e := range []ends{
		{"status", []string{"status", "--addr", nobody}, 4, "unreachable"},
		{"gate", []string{"gate", "--addr", nobody}, 4, "unreachable"},
		{"trip", []string{"trip", "--addr", nobody, "--reason", "x"}, 4, "Idempotency-Key"},
		{"reset", []string{"reset", "--addr", nobody, "--scope", "A1/*/*", "--reason", "x"}, 4, "Idempotency-Key"},
		{"tree dump", []string{"tree", "dump", "venues/A1/orders", "--addr", nobody}, 4, "unreachable"},
		{"orders", []string{"orders", "--addr", nobody}, 4, "unreachable"},
		{"an order", []string{"orders", "X", "--addr", nobody}, 4, "unreachable"},
		{"positions", []string{"positions", "--addr", nobody}, 4, "unreachable"},
		{"a word about an order", []string{"orders", "resolve", "X", "--as", "rejected", "--reason", "x", "--addr", nobody}, 4, "Idempotency-Key"},
		{"a mute node", []string{"gate", "--addr", mute, "--timeout", "20ms"}, 4, "unreachable"},
		{"a mute node and a trip", []string{"trip", "--addr", mute, "--reason", "x", "--timeout", "20ms", "--wait", "0s"}, 4, "Idempotency-Key"},
	} {
		t.Run(e.name, e.check)
	}
}

func TestAResetWithoutEvidenceEndsWith6(t *testing.T) {
	ends{"reset", []string{"reset", "--scope", "A1/*/*"}, 6, "--reason"}.check(t)
	ends{"a word about an order", []string{"orders", "resolve", "X", "--as", "rejected"}, 6, "--reason"}.check(t)
}

// TestNoAnswerThatIsNotUnderstoodIsGreen knocks at doors that lie, break off, or speak another version.
func TestNoAnswerThatIsNotUnderstoodIsGreen(t *testing.T) {
	const open = `{"schema":"failshut.gate/1","open":true,"mode":"OPEN","why":[]}`
	tests := []struct {
		name   string
		status int
		body   string
		want   int
	}{
		{"open", 200, open, 0},
		{"shut", 503, `{"schema":"failshut.gate/1","open":false,"mode":"CLOSED","why":[]}`, 6},
		{"open under a status that says no", 503, open, 6},
		{"shut under a status that says yes", 200, `{"schema":"failshut.gate/1","open":false,"mode":"CLOSED"}`, 6},
		{"open and shut at once", 200, `{"schema":"failshut.gate/1","open":true,"mode":"REDUCE_ONLY"}`, 6},
		{"a mode of tomorrow", 200, `{"schema":"failshut.gate/1","open":true,"mode":"WIDE_OPEN"}`, 6},
		{"no mode", 200, `{"schema":"failshut.gate/1"}`, 6},
		{"another version", 200, `{"schema":"failshut.gate/2","open":true,"mode":"OPEN"}`, 4},
		{"another answer", 200, `{"schema":"failshut.status/1","open":true,"mode":"OPEN"}`, 4},
		{"half an answer", 200, open[:30], 4},
		{"nothing", 200, "", 4},
		{"no object", 200, `"OPEN"`, 4},
		{"a status that says nothing", 302, open, 4},
		{"a page of a proxy", 502, "<html>bad gateway</html>", 4},
		{"a no", 401, `{"schema":"failshut.error/1","code":"forbidden","message":"no token","exit":5}`, 5},
		{"a no that says yes", 200, `{"schema":"failshut.error/1","code":"ok","message":"fine","exit":0}`, 4},
		{"a no with a code of tomorrow", 500, `{"schema":"failshut.error/1","code":"x","message":"y","exit":99}`, 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.body)) // the client may be gone
			}))
			defer door.Close()
			if r := run("gate", "--addr", door.URL); r.code != tt.want {
				t.Errorf("want exit %d, got %v", tt.want, r)
			}
			if r := run("gate", "--addr", door.URL, "--output", "json"); r.code != tt.want {
				t.Errorf("as JSON: want exit %d, got %v", tt.want, r)
			}
		})
	}
}

func TestTheNodesOwnWordOfAnErrorIsKept(t *testing.T) {
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusConflict)
		_, _ = w.Write([]byte(`{"schema":"failshut.error/1","code":"STALE_REVISION","message":"m","exit":6}`)) // a test's client stays
	}))
	defer door.Close()
	r := run("reset", "--addr", door.URL, "--scope", "A1/*/*", "--reason", "x", "--output", "json")
	if v := object(t, r.stdout, "failshut.error/1"); v["code"] != "STALE_REVISION" || r.code != 6 {
		t.Fatalf("want the node's word and exit 6, got %v", r)
	}
}

func TestADataDirectoryThatCannotServe(t *testing.T) {
	used := t.TempDir()
	if err := os.WriteFile(filepath.Join(used, "something"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ends{"used", []string{"demo", "--data", used}, 6, "something"}.check(t)

	file := write(t, "file", "")
	ends{"below a file", []string{"demo", "--data", filepath.Join(file, "x")}, 1, ""}.check(t)
	ends{"a file", []string{"demo", "--data", file}, 1, ""}.check(t)

	if os.Getuid() != 0 {
		readOnly := t.TempDir()
		if err := os.Chmod(readOnly, 0o500); err != nil {
			t.Fatal(err)
		}
		ends{"read-only", []string{"demo", "--data", readOnly}, 1, "permission denied"}.check(t)
	}
	// A file system that is read-only for root too.
	ends{"nothing can be made there", []string{"demo", "--data", "/proc/failshut"}, 1, ""}.check(t)
}

func TestALockedDataDirectoryEndsWith6AndNamesTheHolder(t *testing.T) {
	dir := t.TempDir()
	f, err := os.OpenFile(filepath.Join(dir, "LOCK"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("pid 4711, node n1\n"); err != nil {
		t.Fatal(err)
	}
	ends{"locked", []string{"demo", "--data", dir}, 6, "pid 4711"}.check(t)
}

func TestAPortInUseEndsWith1AndLeavesNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	dir := filepath.Join(t.TempDir(), "data")
	r := run("demo", "--listen", l.Addr().String(), "--data", dir, "--output", "json")
	if v := object(t, r.stdout, "failshut.error/1"); r.code != 1 || !strings.Contains(v["message"].(string), "address already in use") {
		t.Fatalf("want exit 1 and the port named, got %v", r)
	}
	if _, err := os.Stat(filepath.Join(dir, "admin.sock")); err == nil {
		t.Error("the socket of a boot that failed is still there")
	}
}
