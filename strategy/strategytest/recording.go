package strategytest

import (
	"errors"
	"fmt"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/strategy"
)

// Recording is a market that was recorded: a format as `failshut replay --format` takes it, and its files in order. It is told at the times
// at which it was received, through the feed code and the books of a node, and a recording that does not verify ends the test.
//
// It is the whole feed of its test. The strategy trades all instruments that are in it, at the finest tick and lot, or those that Setup
// lists in Symbols, or the Contracts. A strategy crashes in it as in any market, and its process does not die: no recording can be read on
// by a process that has not seen its beginning.
func Recording(format string, files ...string) Feed { return recorded{format, files} }

type recorded struct {
	format string
	files  []string
}

// errRecorded says that a recording is no script.
var errRecorded = errors.New("a recording is the whole feed of its test, want nothing fed besides it")

func (r recorded) steps([]market.Contract) ([]strategy.Step, error) { return nil, errRecorded }

// record makes the recording what the trial is told.
func (w *W) record(r recorded) error {
	switch {
	case len(w.trial.Script) > 0 || w.trial.Recording != nil:
		return errRecorded
	case len(r.files) == 0:
		return fmt.Errorf("a recording of %s without a file, want at least one", r.format)
	}
	w.trial.Recording = &strategy.Recording{Format: r.format, Files: r.files, Symbols: w.setup.Symbols}
	w.trial.Contracts = w.setup.Contracts
	return nil
}
