package node

import (
	"slices"
	"testing"

	"github.com/failshut/failshut/internal/config"
	"github.com/failshut/failshut/market"
)

// TestTheExchangeRefusesWhatItsFileLeavesOut: and a file that names everything leaves nothing out.
func TestTheExchangeRefusesWhatItsFileLeavesOut(t *testing.T) {
	all := config.ExchangeOrders{
		Types: []string{"limit", "market", "stop"}, TIFs: []string{"day", "gtc", "ioc", "fok", "post_only"}, MassStatus: true, MassCancel: true,
	}
	if no := refusals(all); len(no.Types)+len(no.TIFs) != 0 || no.PostOnly || no.MassStatus || no.MassCancel {
		t.Errorf("refusals of a file that names all = %+v, want none", no)
	}
	no := refusals(config.ExchangeOrders{Types: []string{"limit"}, TIFs: []string{"day", "gtc", "fok"}})
	if !slices.Equal(no.Types, []market.OrderType{market.Market, market.Stop}) || !slices.Equal(no.TIFs, []market.TIF{market.IOC}) || !no.PostOnly || !no.MassStatus || !no.MassCancel {
		t.Errorf("refusals = %+v, want market, stop, ioc, post-only and both mass requests", no)
	}
}
