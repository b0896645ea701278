package sim

import (
	"sync"

	"github.com/failshut/failshut/orders"
)

// Dial gives the Dial of an orders.AccountConfig: each line it makes is a Gateway like cfg that speaks for one incarnation of
// the account's owner. NextIn, Fence, Hand and Broken of cfg are that incarnation's and left empty. The number of the next
// message out goes on from line to line, so that none is used twice in the life of the process; Reset is for the first line.
// Safe for any number of goroutines.
func Dial(cfg GatewayConfig) func(orders.Ear) (orders.Line, error) {
	d := &dialer{cfg: cfg}
	return d.dial
}

type dialer struct {
	mu   sync.Mutex
	cfg  GatewayConfig
	last *Gateway
}

func (d *dialer) dial(ear orders.Ear) (orders.Line, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	cfg := d.cfg
	if d.last != nil {
		cfg.NextOut, cfg.Reset = d.last.carryOn()
	}
	cfg.NextIn = ear.NextIn(string(cfg.Session))
	cfg.Fence, cfg.Hand, cfg.Broken = ear.Fence, ear.Hand, ear.Broken
	g, err := NewGateway(cfg)
	if err != nil {
		return nil, err // and no interface around a nil pointer
	}
	d.last = g
	return g, nil
}

// carryOn gives what the next gateway of the session begins with: a reset that has not been asked for yet is still to come.
func (g *Gateway) carryOn() (out uint64, reset bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.out, g.reset
}
