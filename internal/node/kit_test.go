package node_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/failshut/failshut/feeds"
	"github.com/failshut/failshut/internal/node"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/strategy"
)

// counting counts the trades that it subscribes to, and notes a parameter of the file and one of the defaults.
type counting struct {
	Fast, Slow int
	Qty        market.Qty
	Extra      float64
	seen       *strategy.Counter
	params     *atomic.Pointer[[2]strategy.Param]
}

func (s *counting) OnStart(c *strategy.Context, _ strategy.Start) error {
	s.params.Store(&[2]strategy.Param{c.Param("fast"), c.Param("extra")})
	s.seen = c.Metrics().Counter("trades", "trades that were seen")
	c.Subscribe(c.Instruments()[0], feeds.Trades)
	return nil
}

func (s *counting) OnTrade(*strategy.Context, feeds.Trade) error {
	s.seen.Add(1)
	return nil
}

func TestWhatAStrategyMeasuresIsAmongTheNodesMetrics(t *testing.T) {
	var params atomic.Pointer[[2]strategy.Param]
	metrics, hooks := node.Measured()
	h := open(t, strategy.Define("cross", func() *counting { return &counting{Extra: 0.5, params: &params} }), func(c *node.DemoConfig) {
		c.Metrics, c.Hooks = metrics, hooks
	})
	h.until("a trade that is counted", func() bool {
		status, body := get(t, h.Admin(), "/metrics")
		_, rest, found := strings.Cut(string(body), `failshut_user_trades_total{strategy="cross1"} `)
		return status == http.StatusOK && found && !strings.HasPrefix(rest, "0\n")
	})
	want := [2]strategy.Param{{Name: "fast", Text: "5", From: strategy.FromFile}, {Name: "extra", Text: "0.5", From: strategy.FromDefault}}
	if got := *params.Load(); got != want {
		t.Errorf("parameters %+v, want %+v", got, want)
	}
}
