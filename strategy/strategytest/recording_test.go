package strategytest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/failshut/failshut"
	"github.com/failshut/failshut/internal/recordings"
	"github.com/failshut/failshut/strategy/strategytest"
)

// ethereum is a market of ETHUSDT that lasted six minutes.
func ethereum(t *testing.T) strategytest.Feed {
	t.Helper()
	return strategytest.Recording("binance-spot", recordings.Open(t, "binance_spot_ethusdt_20240808.gz"))
}

// slow is a cross that trades now and then in it.
const slow = `{fast: 200, slow: 1000, qty: "0.1"}`

func TestARecordingDrivesAStrategyTheSameTwice(t *testing.T) {
	w := strategytest.New(t, failshut.World(), plain, strategytest.Setup{Params: slow, Symbols: []string{"ETHUSDT"}})
	w.Feed(ethereum(t))
	o := w.Outcome()
	if len(o.Applied) == 0 || o.Lives != 1 {
		t.Errorf("%d orders in %d lives, want some in one", len(o.Applied), o.Lives)
	}
	for _, a := range o.Applied {
		if a.Instrument.String() != "ETHUSDT@BINANCE" {
			t.Errorf("an order in %s, want ETHUSDT alone", a.Instrument)
		}
	}
	w.ExpectNoOrderWhile(strategytest.NotLive)
	w.Twice()
}

func TestAStrategySurvivesCrashesInARecording(t *testing.T) {
	w := strategytest.New(t, failshut.World(), plain, strategytest.Setup{Params: slow})
	w.Feed(ethereum(t))
	w.CrashEach(strategytest.Crashes{Stride: 3000})
}

// TestWhatIsWrongWithARecordingIsSaid needs no file of data.
func TestWhatIsWrongWithARecordingIsSaid(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.gz")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		feeds []strategytest.Feed
		want  string
	}{
		"no file":            {[]strategytest.Feed{strategytest.Recording("binance-spot")}, "without a file"},
		"no such format":     {[]strategytest.Feed{strategytest.Recording("morse", empty)}, `format is "morse", want one of binance-spot, iex-deep10`},
		"no such file":       {[]strategytest.Feed{strategytest.Recording("binance-spot", empty+"x")}, "no such file"},
		"nothing in it":      {[]strategytest.Feed{strategytest.Recording("binance-spot", empty)}, "strategytest: "},
		"a script besides":   {[]strategytest.Feed{strategytest.Recording("binance-spot", empty), strategytest.Lines("trip")}, "the whole feed of its test"},
		"behind a script":    {[]strategytest.Feed{strategytest.Lines("trip"), strategytest.Recording("binance-spot", empty)}, "the whole feed of its test"},
		"another recording ": {[]strategytest.Feed{strategytest.Recording("binance-spot", empty), strategytest.Recording("binance-spot", empty)}, "the whole feed of its test"},
	} {
		t.Run(name, func(t *testing.T) {
			said := failed(t, func(tb testing.TB) {
				w := strategytest.New(tb, failshut.World(), plain, strategytest.Setup{})
				for _, f := range c.feeds {
					w.Feed(f)
				}
				w.Outcome()
			})
			if !strings.Contains(said, c.want) {
				t.Errorf("it said %q, want it to say %q", said, c.want)
			}
		})
	}
}

func TestASymbolThatIsNotRecordedIsSaid(t *testing.T) {
	feed := ethereum(t)
	said := failed(t, func(tb testing.TB) {
		w := strategytest.New(tb, failshut.World(), plain, strategytest.Setup{Symbols: []string{"ACME"}})
		w.Feed(feed)
		w.Outcome()
	})
	if want := fmt.Sprintf("symbol %q is not in the recording", "ACME"); !strings.Contains(said, want) {
		t.Errorf("it said %q, want it to say %q", said, want)
	}
}
