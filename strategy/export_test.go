package strategy

// InProduction lets a Context that is used out of its turn do nothing, as in a binary that is no test, until the test is over.
func InProduction(t interface{ Cleanup(f func()) }) {
	panics = false
	t.Cleanup(func() { panics = true })
}

// OnOutOfTurn sets the hook of the incarnation that c is of.
func (c *Context) OnOutOfTurn(f func(name string)) { c.s.cfg.Events.OutOfTurn = f }
