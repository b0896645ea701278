package node

import (
	"fmt"
	"sort"
	"strings"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/feeds/binance"
	"github.com/failshut/failshut/feeds/capture"
	"github.com/failshut/failshut/feeds/iex"
	"github.com/failshut/failshut/feeds/judge"
)

// formats is the one table of recordings this binary reads: name, container family, and the feed that reads it. Verify,
// book, replay and the benchmark of a path use it alike.
var formats = []judge.Format{
	{
		Name: "iex-deep10", Family: capture.Datagrams, Venue: "IEX",
		New: func(cfg feeds.Config) (feeds.Feed, error) {
			return feeds.NewChannel(cfg, iex.Transport{Protocol: iex.ProtocolDEEP}, iex.NewDeep())
		},
	},
	{
		Name: "binance-spot", Family: capture.Lines, Venue: "BINANCE",
		New: func(cfg feeds.Config) (feeds.Feed, error) { return binance.NewSpot(cfg) },
	},
}

// FormatOf finds a recording's format by name. The error lists the names there are.
func FormatOf(name string) (judge.Format, error) {
	names := make([]string, 0, len(formats))
	for _, f := range formats {
		if f.Name == name {
			return f, nil
		}
		names = append(names, f.Name)
	}
	sort.Strings(names)
	return judge.Format{}, fmt.Errorf("format is %q, want one of %s", name, strings.Join(names, ", "))
}
