package supervision

import "context"

// standIn is the Start function of a child that is read: that it had one counts in a decision, what it does cannot be written.
func standIn(context.Context, *Birth) error { return nil }

func (c *codec) child(v *Child) {
	c.worker(v)
	below := v.Sub != nil
	c.flag(&below)
	if below && c.err == nil {
		c.sub(&v.Sub)
	}
}

// worker is a child without what is below it.
func (c *codec) worker(v *Child) {
	text(c, &v.Name)
	starts := v.Start != nil
	c.flag(&starts)
	if c.reading && starts {
		v.Start = standIn
	}
	count(c, &v.Restart)
	c.flag(&v.Significant)
	whole(c, &v.Shutdown)
	whole(c, &v.StartTimeout)
	count(c, &v.Class)
	c.flag(&v.Manual)
	whole(c, &v.Backoff.Base)
	whole(c, &v.Backoff.Cap)
	whole(c, &v.Backoff.Reset)
	whole(c, &v.Watchdog)
	whole(c, &v.Recorder)
	c.unread(&v.unread)
}

// sub is the spec below a child. It is always written out, so that what is read can have no circle.
func (c *codec) sub(v **Spec) {
	if c.reading {
		*v = &Spec{}
	}
	if c.depth++; c.depth > nestMax && c.reading {
		c.fail("supervisors stand more than %d deep", nestMax)
	}
	if c.err == nil {
		c.spec(*v)
	}
	c.depth--
}

func (c *codec) spec(v *Spec) {
	c.number(v)
	text(c, &v.Name)
	count(c, &v.Strategy)
	whole(c, &v.Intensity)
	whole(c, &v.Period)
	count(c, &v.AutoShutdown)
	whole(c, &v.Budget.Starts)
	whole(c, &v.Budget.Within)
	list(c, &v.Children, c.child)
	c.unread(&v.unread)
}

// number gives a spec its place in the order in which they are written, so that a supervisor can name its own.
func (c *codec) number(v *Spec) {
	if c.reading {
		c.specs = append(c.specs, v)
		return
	}
	if c.numbers == nil {
		c.numbers = map[*Spec]int{}
	}
	if _, known := c.numbers[v]; !known {
		c.numbers[v] = c.made
	}
	c.made++
}

// specOf is the spec that a supervisor runs: one that was written before, or its own.
func (c *codec) specOf(v **Spec) {
	n, known := c.numbers[*v]
	c.flag(&known)
	if !known {
		c.sub(v)
		return
	}
	whole(c, &n)
	switch {
	case !c.reading:
	case n < 0 || n >= len(c.specs):
		c.fail("spec %d is wanted, there are %d", n, len(c.specs))
	default:
		*v = c.specs[n]
	}
}

func (c *codec) unread(v *fields) {
	m := map[string]bool(*v)
	if c.reading {
		m = map[string]bool{}
	}
	table(c, &m, c.flag)
	if c.reading && len(m) > 0 {
		*v = m
	}
}
