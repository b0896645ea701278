package config_test

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/internal/config"
	"github.com/failshut/failshut/market"
)

func example(t testing.TB, name string) string {
	t.Helper()
	src, err := os.ReadFile("../../examples/cluster/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}

var examples = []string{"node.example.yaml", "venue.example.yaml"}

func TestExamplesHaveNoMistake(t *testing.T) {
	for _, name := range examples {
		if f := config.Read(name, []byte(example(t, name)), nil); len(f.Mistakes) != 0 {
			t.Errorf("%s:\n%s", name, f.Mistakes.Text(name))
		}
	}
}

// keyAt finds keys as a reader does, by eye and not by the parser: a word and a colon before a blank or the line's end.
var keyAt = regexp.MustCompile(`(^|[ {,-] *)([a-z_0-9]+):( |$)`)

// TestEveryKeyOfTheExamplesMisspelt renames each key of both files in turn, and wants the mistake exactly there.
func TestEveryKeyOfTheExamplesMisspelt(t *testing.T) {
	cases := 0
	for _, name := range examples {
		src := example(t, name)
		lines := strings.Split(src, "\n")
		for i, line := range lines {
			code, _, _ := strings.Cut(line, " #")
			code, _, _ = strings.Cut(code, " params: ") // a strategy's own keys: TestParams
			if strings.HasPrefix(strings.TrimSpace(line), "#") {
				continue
			}
			for _, at := range keyAt.FindAllStringSubmatchIndex(code, -1) {
				start, end := at[4], at[5]
				broken := append([]string{}, lines...)
				broken[i] = line[:start] + "qqqq" + line[start:end] + line[end:]
				cases++
				wantMistake(t, name, strings.Join(broken, "\n"), i+1, start+1, "qqqq"+line[start:end])
			}
		}
	}
	if cases < 300 {
		t.Fatalf("%d keys were misspelt, want at least 300", cases)
	}
}

func wantMistake(t *testing.T, name, src string, line, column int, what string) {
	t.Helper()
	f := config.Read(name, []byte(src), nil)
	for _, m := range f.Mistakes {
		if m.Line == line && m.Column == column && strings.Contains(m.Message, what) {
			return
		}
	}
	// Without its top key the file is of no kind, and says so.
	if f.Kind == "" && len(f.Mistakes) == 1 {
		return
	}
	t.Errorf("%s:%d:%d: %s is not among the mistakes:\n%s", name, line, column, what, f.Mistakes.Text(name))
}

// mistakes lists replacements in the node example and what must be said, at which piece of text.
var mistakes = []struct {
	name      string
	old, new  string // the first old is replaced
	at        string // the text within new under which the caret must stand
	want      string // within the message
	suggested string
}{
	{"a key with one letter too many", "max_age: 3s", "max_agee: 3s", "max_agee", `unknown key "max_agee" in risk.controls.price`, `did you mean "max_age"?`},
	{"a key of another place", "  spin: false", "  reopen: auto", "reopen", `unknown key "reopen" in node`, "belongs under risk"},
	{"a key twice", "  spin: false", "  spin: false\n  spin: true", "spin: true", `key "spin" is repeated in node`, ""},
	{"a boolean that is a word", "spin: false", "spin: yes", "yes", "node.spin is yes, want true or false", ""},
	{"a decimal without quotes", `tick: "0.01"`, `tick: 0.01`, "0.01", "instruments[0].tick is 0.01, want a quoted decimal", `write "0.01"`},
	{"a decimal with a comma", `tick: "0.01"`, `tick: "0,01"`, `"0,01"`, `instruments[0].tick is "0,01"`, ""},
	{"a tenth decimal", `tick: "0.01"`, `tick: "0.0000000001"`, `"0.0000000001"`, "instruments[0].tick", ""},
	{"a decimal with an exponent", `tick: "0.01"`, `tick: "1e-2"`, `"1e-2"`, "instruments[0].tick", ""},
	{"a zero tick", `tick: "0.01"`, `tick: "0"`, `"0"`, "want more than 0", ""},
	{"a negative lot", `lot: "1"`, `lot: "-1"`, `"-1"`, "want more than 0", ""},
	{"a multiplier beyond 64 bits", `multiplier: "1"`, `multiplier: "99999999999999999999"`, `"99999999999999999999"`, "instruments[0].multiplier", ""},
	{"an empty value", `currency: USD`, `currency: `, "", "instruments[0].currency is empty", ""},
	{"an empty text", `currency: USD`, `currency: ""`, `""`, "instruments[0].currency is empty", ""},
	{"a duration without a unit", "renew: 100ms", "renew: 100", "100", "want a duration", ""},
	{"a duration that is none", "renew: 100ms", "renew: soon", "soon", `found "soon"`, ""},
	{"a negative duration", "renew: 100ms", "renew: -1s", "-1s", "want more than 0s", ""},
	{"a size without a unit", "segment: 16MiB", "segment: 16", "16", "want a size such as 64MiB", ""},
	{"a size in a unit that is none", "segment: 16MiB", "segment: 16MB", "16MB", "want a whole number with B, KiB, MiB or GiB", ""},
	{"a size below its least", "segment: 16MiB", "segment: 1KiB", "1KiB", "want at least 64KiB", ""},
	{"a word that is not allowed", "dispatch: shared", "dispatch: shard", "shard", "want shared, loop, pinned", `did you mean "shared"?`},
	{"a number for a word", "dispatch: shared", "dispatch: 1", "1", "node.dispatch is 1, want text", `write "1"`},
	{"a word for a number", "snapshots_kept: 3", "snapshots_kept: three", "three", "want a whole number", ""},
	{"a fraction for a whole number", "snapshots_kept: 3", "snapshots_kept: 3.5", "3.5", "want a whole number", ""},
	{"a number above its most", "snapshots_kept: 3", "snapshots_kept: 17", "17", "want at most 16", ""},
	{"a number beyond 64 bits", "snapshots_kept: 3", "snapshots_kept: 99999999999999999999", "99999999999999999999", "cluster.raft.snapshots_kept", ""},
	{"a list for a mapping", "raft:                                   # all default\n    heartbeat: 200ms", "raft: []\n  raf:\n    heartbeat: 200ms", "[", "cluster.raft is a list, want a mapping", ""},
	{"a mapping for a list", "restricted: []", "restricted: {}", "{", "want a list", ""},
	{"a node that is no peer", "  id: n1 ", "  id: n7 ", "n7", `unknown node "n7"`, ""},
	{"an address without a port", "  listen: 127.0.0.1:7101", `  listen: "127.0.0.1"`, `"127.0.0.1"`, "want ADDRESS:PORT", ""},
	{"an address that is not loopback without tls", "  listen: 127.0.0.1:7101", "  listen: 10.0.0.1:7101", "10.0.0.1:7101", "want a loopback address while tls is none", ""},
	{"two peers of one id", "- {id: n2,", "- {id: n1,", "n1", "cluster.peers[1].id is \"n1\"", ""},
	{"two voters", "role: voter}     #", "role: nonvoter}     #", "", "cluster.peers has 2 voters, want 1, 3 or 5", ""},
	{"a token digest that is short", `sha256: "936093b5`, `sha256: "93609`, `"93609`, "want 64 hexadecimal digits", ""},
	{"two tokens of one name", "- name: bob", "- name: ann", "ann", `admin.tokens[1].name is "ann"`, ""},
	{"a role that is none", "roles: [viewer, trader, risk]", "roles: [viewer, trader, risky]", "risky", "want viewer, trader, risk, admin", `did you mean "risk"?`},
	{"a uid that is none", "uid: self", "uid: me", "me", "want self or a number", ""},
	{"a group of three characters", `group: "10"`, `group: "100"`, `"100"`, "want two characters", ""},
	{"a floor below two segments", "floor: 64MiB", "floor: 1MiB", "1MiB", "want at least two segments", ""},
	{"a feed of no venue", "    venue: SIM\n    format", "    venue: SIN\n    format", "SIN", `unknown venue "SIN"`, `did you mean "SIM"?`},
	{"a strategy of no account", "use: cross, account: A1", "use: cross, account: A9", "A9", `unknown account "A9"`, ""},
	{"a strategy of no feed", "account: A1, feeds: [sim]", "account: A1, feeds: [simm]", "simm", `unknown feed "simm"`, `did you mean "sim"?`},
	{"a strategy of no instrument", "instruments: [ACME], params", "instruments: [ACMA], params", "ACMA", `unknown instrument "ACMA"`, `did you mean "ACME"?`},
	{"two strategies of one name", "name: quoter2, use", "name: cross1, use", "cross1", `strategies[1].name is "cross1"`, ""},
	{"an entitled account of no venue", "{account: A1, strategies: [cross1]", "{account: A8, strategies: [cross1]", "A8", `unknown account "A8"`, ""},
	{"an account that nobody is entitled to", "account: A3, addr", "account: A7, addr", "A7", "no entry in risk.controls.entitlements", ""},
	{"an entitled strategy that is none", "strategies: [cross1]", "strategies: [cross9]", "cross9", `unknown strategy "cross9"`, ""},
	{"a renewal as slow as the permission", "renew: 100ms", "renew: 300ms", "300ms", "want less than half of ttl = 500ms", ""},
	{"a home that stands by for itself", "home: n1, standby: [n2]", "home: n1, standby: [n1]", "n1]", "want another node than home", ""},
	{"a scope of two parts", `scope: "+/+/*"`, `scope: "+/+"`, `"+/+"`, "want account/strategy/instrument", ""},
	{"a scope of no account", `scope: "A1/cross1/ACME"`, `scope: "A4/cross1/ACME"`, `"A4/cross1/ACME"`, `unknown account "A4"`, ""},
	{"a scope twice", `scope: "+/+/*"`, `scope: "+/*/*"`, `"+/*/*"`, "is risk.limits[1].scope too", ""},
	{"a measure that is none", "max_gross:", "max_grosss:", "max_grosss", `unknown key "max_grosss"`, `did you mean "max_gross"?`},
	{"a count without quotes", `max_open_orders: "50"`, `max_open_orders: 50`, "50", "want a quoted whole number", `write "50"`},
	{"a negative count", `max_open_orders: "50"`, `max_open_orders: "-1"`, `"-1"`, "want a whole number of at least 0", ""},
	{"a negative limit", `max_gross: "80000"`, `max_gross: "-80000"`, `"-80000"`, "max_gross", ""},
	{"a control that is only observed", "observe: []", "observe: [collar]", "collar", "want nothing", ""},
	{"a time zone that is none", "zone: UTC", "zone: UTX", "UTX", "want a time zone", ""},
	{"a day that starts nowhere", `day_starts: "00:00"`, `day_starts: "25:00"`, `"25:00"`, "want a time of day", ""},
	{"shut above no_grants", "shut: 32MiB", "shut: 128MiB", "128MiB", "want at most no_grants", ""},
	{"ballast as large as shut", "ballast: 16MiB", "ballast: 32MiB", "32MiB", "want less than shut", ""},
	{"an anchor", "  spin: false", "  spin: &x false", "&", "anchors are not allowed", ""},
	{"a tag", "  spin: false", "  spin: !!bool false", "!!bool", "tags are not allowed", ""},
	{"a password in the clear", "      heartbeat: 1s\n      logon_timeout", "      password: hunter2\n      heartbeat: 1s\n      logon_timeout", "hunter2", "want file:PATH or env:NAME", ""},
	{"a least quantity above the most", `min_qty: "1", max_qty: "1000"`, `min_qty: "2000", max_qty: "1000"`, `"2000"`, "want at most max_qty", ""},
	{"a file of two kinds of list", "first_open: auto ", "first_open: always ", "always", "want operator, auto", ""},
}

func TestMistakesStandWhereTheyWereMade(t *testing.T) {
	src := example(t, "node.example.yaml")
	for _, m := range mistakes {
		t.Run(m.name, func(t *testing.T) {
			i := strings.Index(src, m.old)
			if i < 0 {
				t.Fatalf("the example does not hold %q", m.old)
			}
			broken := src[:i] + m.new + src[i+len(m.old):]
			f := config.Read("node.yaml", []byte(broken), nil)
			for _, got := range f.Mistakes {
				if !strings.Contains(got.Message, m.want) {
					continue
				}
				line, column := position(broken, i+strings.Index(m.new, m.at))
				if m.at != "" && (got.Line != line || got.Column != column) {
					t.Errorf("stands at %d:%d, want %d:%d", got.Line, got.Column, line, column)
				}
				if got.Suggestion != m.suggested {
					t.Errorf("suggestion %q, want %q", got.Suggestion, m.suggested)
				}
				return
			}
			t.Errorf("no mistake says %q:\n%s", m.want, f.Mistakes.Text("node.yaml"))
		})
	}
}

// position counts lines and columns from 1.
func position(src string, offset int) (line, column int) {
	before := src[:offset]
	line = 1 + strings.Count(before, "\n")
	return line, offset - strings.LastIndex(before, "\n")
}

func TestAllMistakesComeAtOnce(t *testing.T) {
	src := example(t, "node.example.yaml")
	made := 0
	for _, m := range mistakes {
		switch m.name {
		case "a key of another place", "a key twice", "a boolean that is a word", "an anchor", "a list for a mapping":
			continue // these share a line or move others
		}
		if strings.Count(src, m.old) >= 1 && !strings.Contains(m.old, "\n") {
			src = strings.Replace(src, m.old, m.new, 1)
			made++
		}
	}
	f := config.Read("node.yaml", []byte(src), nil)
	if made < 30 || len(f.Mistakes) < 30 {
		t.Fatalf("%d mistakes were made and %d found in one run, want at least 30:\n%s", made, len(f.Mistakes), f.Mistakes.Text("node.yaml"))
	}
	for i := 1; i < len(f.Mistakes); i++ {
		a, b := f.Mistakes[i-1], f.Mistakes[i]
		if a.Line > b.Line || a.Line == b.Line && a.Column > b.Column {
			t.Fatalf("mistake at %d:%d is listed before %d:%d", a.Line, a.Column, b.Line, b.Column)
		}
	}
}

func TestFilesThatAreNoConfiguration(t *testing.T) {
	for name, c := range map[string]struct{ src, want string }{
		"empty":              {"", "the file is empty"},
		"a list":             {"- a\n- b\n", "want a mapping"},
		"neither kind":       {"x: 1\n", `neither "node" nor "venue"`},
		"two documents":      {"node: {}\n---\nnode: {}\n", "found 2 documents"},
		"a syntax error":     {"node:\n  id: [\n", "syntax: "},
		"not UTF-8":          {"node: \xff\n", "not UTF-8"},
		"more than a MiB":    {strings.Repeat("# x\n", 1<<19), "want at most 1048576"},
		"a tab for a blank":  {"node:\n\tid: n1\n", "syntax: "},
		"an unclosed string": {"node: {id: \"n1}\n", "syntax: "},
	} {
		t.Run(name, func(t *testing.T) {
			f := config.Read("x.yaml", []byte(c.src), nil)
			if len(f.Mistakes) == 0 || !strings.Contains(f.Mistakes.Text("x.yaml"), c.want) {
				t.Fatalf("mistakes %q, want one that says %q", f.Mistakes.Text("x.yaml"), c.want)
			}
		})
	}
}

func TestTextStopsAtAHundred(t *testing.T) {
	var b strings.Builder
	b.WriteString("node:\n")
	for i := range 150 {
		fmt.Fprintf(&b, "  key%d: 1\n", i)
	}
	f := config.Read("x.yaml", []byte(b.String()), nil)
	if text := f.Mistakes.Text("x.yaml"); !strings.HasSuffix(text, fmt.Sprintf("and %d more", len(f.Mistakes)-100)) {
		t.Fatalf("%d mistakes end with %q", len(f.Mistakes), text[len(text)-40:])
	}
}

func TestSecretsNeverPrint(t *testing.T) {
	src := strings.Replace(example(t, "node.example.yaml"), "      heartbeat: 1s\n      logon", "      password: env:CANARY\n      heartbeat: 1s\n      logon", 1)
	f := config.Read("x.yaml", []byte(src), nil)
	if len(f.Mistakes) != 0 {
		t.Fatal(f.Mistakes.Text("x.yaml"))
	}
	s := f.Node.Venues[0].Session
	if !s.Password.Set() {
		t.Fatal("the password is not set")
	}
	for _, printed := range []string{fmt.Sprint(s), fmt.Sprintf("%+v", s), fmt.Sprintf("%#v", s.Password), fmt.Sprintf("%v", s.Password)} {
		if strings.Contains(printed, "CANARY") {
			t.Fatalf("printed %q", printed)
		}
	}
}

// required are the measures without which an order is refused with NO_LIMIT. Each is taken out of the example in turn.
var required = []string{
	"max_long_notional", "max_short_notional", "max_gross", "max_open_orders", "max_live_notional", "credit",
	"submit_rate", "submit_burst", "modify_rate", "modify_burst", "max_order_to_trade", "max_repeat_executions",
	"max_repeat_rejects", "daily_loss_reduce", "daily_loss_close", "drawdown_reduce", "drawdown_close", "max_long_qty",
	"max_short_qty", "max_order_qty", "max_order_notional", "collar_bps", "collar_ticks", "max_duplicates", "max_concentration_bps",
}

func TestEachRequiredMeasureTakenOut(t *testing.T) {
	for _, measure := range required {
		t.Run(measure, func(t *testing.T) {
			out := regexp.MustCompile("(?m)^      "+measure+":.*\n").ReplaceAllString(example(t, "node.example.yaml"), "")
			f := config.Read("x.yaml", []byte(out), nil)
			if !strings.Contains(f.Mistakes.Text("x.yaml"), measure+" is set in no row") || len(f.Missing) == 0 {
				t.Fatalf("mistakes %q, want %s missed", f.Mistakes.Text("x.yaml"), measure)
			}
		})
	}
}

type crossing struct {
	Fast, Slow int
	Weight     float64
	Qty        market.Qty
	Every      time.Duration `yaml:"refresh"`
}

func (c *crossing) Validate() error {
	var errs []error
	if c.Fast >= c.Slow {
		errs = append(errs, fmt.Errorf("fast = %d, want less than slow = %d", c.Fast, c.Slow))
	}
	if c.Qty <= 0 {
		errs = append(errs, fmt.Errorf("qty = %v, want more than 0", c.Qty))
	}
	return errors.Join(errs...)
}

type shelf struct{}

func (shelf) Names() []string { return []string{"cross", "quoter"} }
func (shelf) Params(use string) any {
	if use == "cross" {
		return &crossing{Fast: 20, Slow: 100, Qty: market.Unit}
	}
	return nil
}

func TestParams(t *testing.T) {
	const at = "params: {fast: 5, slow: 20, qty: \"1\"}"
	for name, c := range map[string]struct{ params, want string }{
		"as in the example":         {`params: {fast: 5, slow: 20, qty: "1"}`, ""},
		"defaults alone":            {`params: {}`, ""},
		"another name":              {`params: {refresh: 5s}`, ""},
		"unknown":                   {`params: {fsat: 5}`, `unknown key "fsat" in strategies[0].params; did you mean "fast"?`},
		"by its Go name":            {`params: {every: 5s}`, `unknown key "every"`},
		"twice":                     {`params: {fast: 5, fast: 6}`, `key "fast" is repeated`},
		"a fraction":                {`params: {fast: 5.5}`, "want a whole number"},
		"an overflow":               {`params: {fast: 99999999999999999999}`, "strategies[0].params.fast"},
		"not a number":              {`params: {weight: .nan}`, "want a finite number"},
		"infinite":                  {`params: {weight: .inf}`, "want a finite number"},
		"too large":                 {`params: {weight: 1e999}`, "want a finite number"},
		"minus zero":                {`params: {weight: -0.0}`, "want a finite number"},
		"a quantity with no quotes": {`params: {qty: 1}`, `want a quoted decimal; write "1"`},
		"ten decimals":              {`params: {qty: "0.0000000001"}`, "strategies[0].params.qty"},
		"a comma":                   {`params: {qty: "1,5"}`, `is "1,5"`},
		"both that Validate lists":  {`params: {fast: 30, slow: 20, qty: "-1"}`, "qty = -1, want more than 0"},
		"the other of the two":      {`params: {fast: 30, slow: 20, qty: "-1"}`, "fast = 30, want less than slow = 20"},
		"a list":                    {`params: []`, "want a mapping"},
	} {
		t.Run(name, func(t *testing.T) {
			src := strings.Replace(example(t, "node.example.yaml"), at, c.params, 1)
			f := config.Read("x.yaml", []byte(src), shelf{})
			text := f.Mistakes.Text("x.yaml")
			if c.want == "" && text != "" || !strings.Contains(text, c.want) {
				t.Fatalf("mistakes %q, want one that says %q", text, c.want)
			}
			if c.want != "" && !strings.Contains(text, "x.yaml:194:") {
				t.Fatalf("mistakes %q, want them in line 194", text)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	for _, m := range mistakes {
		f.Add(m.new)
	}
	f.Add("node: {id: n1, data: d}\ncluster: {name: c, peers: [{id: n1, role: voter}]}\nrisk: {limits: [{scope: \"*/*/*\", credit: \"1\"}]}")
	f.Add("venue: {name: SIM, seed: 1}\nfaults: [{id: x, kind: late_ack, when: {p: \"0.1\"}}]\nphases: [{after: 0s}]")
	f.Add("node: {id: !!str x, data: &a y, x: *a, <<: {}}")
	f.Fuzz(func(t *testing.T, src string) {
		file := config.Read("x.yaml", []byte(src), nil)
		for _, m := range file.Mistakes {
			if m.Line < 1 || m.Column < 1 || m.Message == "" {
				t.Fatalf("mistake without a place or a word: %+v", m)
			}
		}
	})
}

// Each text would hold the parser for minutes, or in gigabytes, were it let in.
func TestNoTextIsDeeperThanAFileNeeds(t *testing.T) {
	many := func(s string, n int) string { return strings.Repeat(s, n) }
	for name, tt := range map[string]struct{ text, want string }{
		"sequences":          {many("[\n", 100_000), "33:1: found 33 brackets"},
		"mappings":           {many("{a: ", 1000), "1:129: found 33 brackets"},
		"entries":            {many("- ", 2000), "1:129: found 65 of"},
		"keys":               {many("? ", 2000), "1:129: found 65 of"},
		"values":             {many("a: ", 1000), "1:194: found 65 of"},
		"anchors":            {many("&a ", 1000), "1:193: found 65 of"},
		"tags":               {many("!a ", 1000), "found 65 of"},
		"aliases":            {many("*a ", 1000), "1:193: found 65 of"},
		"a long line":        {"a:\n" + many("%", 100_000), "2:4097: found a line of 100000 bytes"},
		"indented below all": {"a:\n" + many(" ", 300) + "b: 1", "2:301: found a line indented by 300 columns"},
	} {
		t.Run(name, func(t *testing.T) {
			f := config.Read("x.yaml", []byte(tt.text), nil)
			if err := f.Err(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("mistakes are %.300v, want %q", err, tt.want)
			}
		})
	}
}
