package strategy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/strategy"
)

type good struct{ N int }

func (*good) OnTrade(*strategy.Context, feeds.Trade) error { return nil }

type mute struct{ N int }

type wrong struct{ N int }

func (*wrong) OnTrade(*strategy.Context, feeds.Trade) (int, error) { return 0, nil }

type forgetful struct{ good }

func (*forgetful) Snapshot() ([]byte, error) { return nil, nil }

type muddled struct{ good }

func (*muddled) Snapshot() []byte     { return nil }
func (*muddled) Restore([]byte) error { return nil }

type unwritable struct {
	C chan int
	F func()
	I any
}

func (*unwritable) OnTrade(*strategy.Context, feeds.Trade) error { return nil }

// hoarding writes into maps that its value holds.
type hoarding struct {
	good
	part struct{ seen [2]map[string]int }
}

type odd struct {
	good
	M    map[string]int
	A    [2]int
	Z    complex128
	U    uintptr
	In   struct{ Deep func() }
	List []chan int
	Ptr  *any
	Self *odd
}

type named struct {
	good
	Fast  int
	Other int                `yaml:"fast"`
	Part  struct{ X, Y int } `yaml:"p"`
	PX    int                `yaml:"p.x"`
}

type pointed struct{ *good }

// wide has a parameter of every type that a file can hold.
type wide struct {
	good
	B   bool
	I   int8
	U   uint64
	F   float32
	S   string
	T   time.Time
	D   time.Duration
	Q   market.Qty
	M   market.Notional
	On  market.Side
	Of  []market.Instrument
	P   *int
	In  struct{ X, Y int }
	own map[string]chan int
}

func TestWhatIsWrongWithADefIsSaid(t *testing.T) {
	kept, seen := &good{}, map[string]int{}
	for name, c := range map[string]struct {
		def  strategy.Def
		want []string
	}{
		"nothing":        {strategy.Def{}, []string{"without a name"}},
		"no name":        {strategy.Define("", func() *good { return &good{} }), []string{"without a name"}},
		"no pointer":     {strategy.Define("x", func() good { return good{} }), []string{`"x"`, "strategy_test.good", "pointer to a struct"}},
		"nil":            {strategy.Define("x", func() *good { return nil }), []string{"pointer to a struct"}},
		"nil of no type": {strategy.Define("x", func() any { return nil }), []string{"nil, want a pointer"}},
		"the same value": {strategy.Define("x", func() *good { return kept }), []string{"the same value twice"}},
		"a map of all its values": {strategy.Define("x", func() *hoarding {
			r := &hoarding{}
			r.part.seen[1] = seen
			return r
		}), []string{"share the map in part.seen"}},
		"what no rule reads": {strategy.Define("x", func() *odd { return &odd{} }), []string{
			"M is a map", "A is a array", "Z is a complex128", "U is a uintptr", "In.Deep is a func", "List is a chan", "Ptr is a interface",
			"Self is a strategy_test.odd within itself",
		}},
		"two of one name":       {strategy.Define("x", func() *named { return &named{} }), []string{`Fast and Other are both called "fast"`, `Part.X and PX are both called "p.x"`}},
		"an embedded pointer":   {strategy.Define("x", func() *pointed { return &pointed{&good{}} }), []string{"good is embedded and no struct"}},
		"no handler":            {strategy.Define("x", func() *mute { return &mute{} }), []string{"has no handler"}},
		"another signature":     {strategy.Define("x", func() *wrong { return &wrong{} }), []string{"OnTrade is func(*strategy.Context, feeds.Trade) (int, error)", "want func(*strategy.Context, feeds.Trade) error"}},
		"half a memory":         {strategy.Define("x", func() *forgetful { return &forgetful{} }), []string{"one of Snapshot and Restore, want both or none"}},
		"another Snapshot":      {strategy.Define("x", func() *muddled { return &muddled{} }), []string{"Snapshot is func() []uint8, want func() ([]uint8, error)"}},
		"what no file can hold": {strategy.Define("x", func() *unwritable { return &unwritable{} }), []string{"C is a chan", "F is a func", "I is a interface"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.def.Check()
			if err == nil {
				t.Fatal("Check() error = nil")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("Check() error = %q, want it to say %q", err, want)
				}
			}
		})
	}
}

func TestADefThatIsGoodIsNotRefused(t *testing.T) {
	for name, def := range map[string]strategy.Def{
		"every type of parameter": strategy.Define("x", func() *wide { return &wide{own: map[string]chan int{}} }),
		"a map of its own": strategy.Define("x", func() *hoarding {
			r := &hoarding{}
			r.part.seen[1] = map[string]int{}
			return r
		}),
	} {
		if err := def.Check(); err != nil {
			t.Errorf("%s: Check() error = %v, want nil", name, err)
		}
	}
}

func TestCollectGivesEachNameOnce(t *testing.T) {
	fresh := func() *good { return &good{N: 3} }
	defs, err := strategy.Collect(strategy.Define("b", fresh), strategy.Define("a", fresh))
	if err != nil || defs.String() != "a, b" {
		t.Fatalf("Collect() = %s, %v, want a, b", defs, err)
	}
	if p, ok := defs.Params("a").(*good); !ok || p.N != 3 || defs.Params("c") != nil {
		t.Errorf("parameters %+v and %+v, want the defaults, and none of what is not there", defs.Params("a"), defs.Params("c"))
	}
	if a, b := defs["a"].Fresh(), defs["a"].Fresh(); a == b {
		t.Error("two incarnations would share a value")
	}
	_, err = strategy.Collect(strategy.Define("a", fresh), strategy.Define("a", fresh), strategy.Define("m", func() *mute { return &mute{} }))
	if err == nil || !strings.Contains(err.Error(), `"a" is there twice`) || !strings.Contains(err.Error(), `"m" has no handler`) {
		t.Errorf("Collect() error = %v, want both mistakes", err)
	}
}
