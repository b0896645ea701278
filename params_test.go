package failshut_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut"
	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/strategy"
	"github.com/failshut/failshut/strategy/quoter"
)

// dialled has a parameter of each type that is read by a rule of its own.
type dialled struct {
	Fast   int
	Slow   int
	Small  int8
	Count  uint16
	Weight float64
	Ratio  float32
	Qty    market.Qty
	Band   market.Price
	Side   market.Side
	Every  time.Duration `yaml:"refresh"`
	Part   struct{ Depth int }
}

func (*dialled) OnTrade(*strategy.Context, feeds.Trade) error { return nil }

func (s *dialled) Validate() error {
	return strategy.Want(0 < s.Fast, "fast = %d, want more than 0", s.Fast)
}

func aDial() strategy.Def {
	return failshut.Strategy("cross", func() *dialled { return &dialled{Fast: 5, Qty: market.Unit, Side: market.Buy} })
}

// checkParams has `config check` look at the example with these parameters.
func checkParams(t *testing.T, params string, defs ...strategy.Def) (code int, stderr string) {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("examples", "cluster", "node.example.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(src), `{fast: 5, slow: 20, qty: "1"}`, params, 1)
	file := write(t, "node.yaml", text)
	var out, errs bytes.Buffer
	code = failshut.Run([]string{"config", "check", file}, &out, &errs, append(defs, failshut.Strategy("quoter", quoter.New))...)
	return code, errs.String()
}

// TestParametersThatAreNoneEndWith3 by the binary's own command, each with its line, a caret under it, and a suggestion where there is
// one.
func TestParametersThatAreNoneEndWith3(t *testing.T) {
	for params, want := range map[string]string{
		`{weight: .nan}`:              "weight is .nan, want a finite number",
		`{weight: .inf}`:              "weight is .inf, want a finite number",
		`{weight: -.inf}`:             "weight is -.inf, want a finite number",
		`{weight: 1e999}`:             "weight is 1e999, want a finite number",
		`{weight: 1e-999}`:            "weight is 1e-999, want a finite number",
		`{weight: -0}`:                "weight is -0, want a finite number",
		`{weight: -0.0}`:              "weight is -0.0, want a finite number",
		`{ratio: 1e39}`:               "ratio is 1e39, want a finite number",
		`{fast: 5.0}`:                 "fast is 5.0, want a whole number",
		`{fast: 5.5}`:                 "fast is 5.5, want a whole number",
		`{fast: 1e3}`:                 "fast is 1e3, want a whole number",
		`{fast: 9223372036854775808}`: "fast is 9223372036854775808, want a whole",
		`{small: 128}`:                "small is 128, want a whole decimal number that fits",
		`{small: -129}`:               "small is -129, want a whole decimal number that fits",
		`{count: 65536}`:              "count is 65536, want a whole decimal number of at least 0 that fits",
		`{count: -1}`:                 "count is -1, want a whole decimal number of at least 0 that fits",
		`{fast: "5"}`:                 `want a whole number`,
		`{fast: }`:                    "fast is empty, want a value",
		`{fast: 6, fast: 6}`:          `key "fast" is repeated`,
		`{fsat: 6}`:                   `unknown key "fsat" in strategies[0].params; did you mean "fast"?`,
		`{Fast: 6}`:                   `did you mean "fast"?`,
		`{every: 5s}`:                 `unknown key "every"`,
		`{part: {dept: 1}}`:           `unknown key "dept" in strategies[0].params.part; did you mean "depth"?`,
		`{qty: 1}`:                    `want a quoted decimal; write "1"`,
		`{qty: "1,5"}`:                `qty is "1,5"`,
		`{qty: "0.0000000001"}`:       `qty is "0.0000000001"`,
		`{qty: "1e3"}`:                `qty is "1e3"`,
		`{qty: "NaN"}`:                `qty is "NaN"`,
		`{band: "9223372037"}`:        `band is "9223372037"`,
		`{side: up}`:                  `side is "up"`,
		`{refresh: 5}`:                "refresh is 5, want a duration",
		`{fast: -1}`:                  "fast = -1, want more than 0",
		`[fast]`:                      "want a mapping",
	} {
		t.Run(params, func(t *testing.T) {
			code, stderr := checkParams(t, params, aDial())
			if code != failshut.ExitConfig || !strings.Contains(stderr, want) {
				t.Fatalf("exit %d, want %d; it says:\n%s\nwant %q", code, failshut.ExitConfig, stderr, want)
			}
			if !strings.Contains(stderr, "node.yaml:194:") || !strings.Contains(stderr, "^") {
				t.Errorf("it says:\n%s\nwant line 194 and a caret", stderr)
			}
		})
	}
	for _, params := range []string{
		`{}`, `{fast: 6, small: -128, count: 65535, weight: -1.5e-3, ratio: 0, qty: "1.000000000", side: sell, refresh: 1ms, part: {depth: 1}}`,
	} {
		if code, stderr := checkParams(t, params, aDial()); code != failshut.ExitOK {
			t.Errorf("%s: exit %d, want 0:\n%s", params, code, stderr)
		}
	}
}

type unsendable struct{ Deep struct{ C chan int } }

func (*unsendable) OnTrade(*strategy.Context, feeds.Trade) error { return nil }

type twoResults struct{}

func (*twoResults) OnTrade(*strategy.Context, feeds.Trade) (int, error) { return 0, nil }

type silent struct{}

var onlyOne = &dialled{}

// TestAStrategyThatCannotWorkEndsMainWith1 whatever the command, before anything else is looked at.
func TestAStrategyThatCannotWorkEndsMainWith1(t *testing.T) {
	for name, c := range map[string]struct {
		defs []strategy.Def
		want string
	}{
		"a parameter that is a channel":  {[]strategy.Def{failshut.Strategy("x", func() *unsendable { return &unsendable{} })}, "parameter Deep.C is a chan"},
		"a handler of another signature": {[]strategy.Def{failshut.Strategy("x", func() *twoResults { return &twoResults{} })}, "OnTrade is func"},
		"no handler":                     {[]strategy.Def{failshut.Strategy("x", func() *silent { return &silent{} })}, "has no handler"},
		"a name twice":                   {[]strategy.Def{aDial(), aDial()}, `"cross" is there twice`},
		"one value for all incarnations": {[]strategy.Def{failshut.Strategy("x", func() *dialled { return onlyOne })}, "the same value twice"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			if code := failshut.Run([]string{"version"}, &out, &errs, c.defs...); code != failshut.ExitFailure || out.Len() != 0 {
				t.Errorf("exit %d, printed %q, want %d and nothing", code, &out, failshut.ExitFailure)
			}
			if !strings.Contains(errs.String(), c.want) {
				t.Errorf("it says %q, want %q", &errs, c.want)
			}
		})
	}
}
