package strategy

// Param is one parameter of a strategy: the text of its value in force, and where that came from. The zero Param is no parameter.
type Param struct {
	Name string // as a file names it; of one within another PARENT.NAME
	Text string // as a file writes it, without quotes
	From Origin
}

// Origin is where the value of a parameter came from.
type Origin string

// The origins of a value.
const (
	FromDefault Origin = "default" // what fresh has set
	FromFile    Origin = "file"    // the node file's
	FromFlag    Origin = "flag"    // the command line's
)

// Param returns the parameter of that name, or the zero Param when the strategy has none.
func (c *Context) Param(name string) Param {
	if !c.may() {
		return Param{}
	}
	for _, p := range c.s.cfg.Params {
		if p.Name == name {
			return p
		}
	}
	return Param{}
}
