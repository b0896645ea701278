package supervision

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
)

// outcome is how a fake start or phase ends.
type outcome struct {
	kind  string // ok, ignore, error, panic, hang
	word  string // of error
	delay time.Duration
}

// reason is what a failed start or phase says; "" when it did not fail.
func (o outcome) reason() Reason {
	switch o.kind {
	case "error":
		if o.word != "" {
			return Reason(o.word)
		}
		return "error"
	case "panic":
		return Panicked
	}
	return ""
}

// behaviour is what a fake child does: at each attempt, and when it is told to stop.
type behaviour struct {
	starts []outcome
	pos    int
	stop   string // ok, normal, panic, hang, or a delay
	delay  time.Duration
}

func (b *behaviour) next() outcome {
	o := b.starts[min(b.pos, len(b.starts)-1)]
	b.pos++
	return o
}

// askedKey is how a fake Start function hands out its behaviour.
type askedKey struct{}

// plot is what a case declares.
type plot struct {
	spec   *Spec
	root   Child
	phases []Phase
	ends   []outcome // of the phases
	byName map[string]*behaviour
	child  map[*Child]*behaviour
	sups   map[string]string // name to path
}

// declared is one declaration on its way to a spec.
type declared struct {
	child Child
	b     *behaviour
	kids  []*declared
}

var (
	childKeys = []string{"in", "restart", "shutdown", "significant", "start", "stop", "start_timeout", "class", "ready", "backoff", "watchdog"}
	supKeys   = []string{"in", "strategy", "intensity", "period", "auto_shutdown", "budget", "restart", "significant", "backoff", "start", "shutdown", "start_timeout"}
)

// declare makes the tree of a case.
func declare(c *scriptCase) (*plot, error) {
	p := &plot{byName: map[string]*behaviour{}, child: map[*Child]*behaviour{}, sups: map[string]string{}}
	sups := map[string]*declared{}
	var root *declared
	for _, st := range c.decls {
		if len(st.words) < 2 || !nameForm.MatchString(st.words[1]) {
			return nil, errorAt(st.line, "malformed: %s", strings.Join(st.words, " "))
		}
		if st.words[0] == "phase" {
			if err := p.phase(st); err != nil {
				return nil, err
			}
			continue
		}
		d, in, err := readDeclared(st)
		if err != nil {
			return nil, err
		}
		switch {
		case in == "" && (d.child.Sub == nil || root != nil):
			return nil, errorAt(st.line, "exactly one sup, the root, has no in=")
		case in == "":
			root = d
		case sups[in] == nil:
			return nil, errorAt(st.line, "unknown supervisor: %s", in)
		default:
			sups[in].kids = append(sups[in].kids, d)
		}
		if d.child.Sub != nil && sups[d.child.Name] == nil {
			sups[d.child.Name] = d
		}
	}
	if root == nil {
		return nil, errorAt(c.line, "no root")
	}
	p.spec = p.build(root, "")
	p.root = root.child
	p.byName[root.child.Name] = root.b
	return p, nil
}

func (p *plot) build(d *declared, path string) *Spec {
	s := d.child.Sub
	if _, twice := p.sups[d.child.Name]; !twice {
		p.sups[d.child.Name] = path
	}
	s.Name = d.child.Name
	s.Children = make([]Child, len(d.kids))
	for i, k := range d.kids {
		c := &s.Children[i]
		*c = k.child
		if c.Sub != nil {
			c.Sub = p.build(k, join(path, c.Name))
		}
		p.byName[c.Name] = k.b
		if s.Strategy == SimpleOneForOne {
			c.Start = k.b.start
			continue
		}
		p.child[c] = k.b
	}
	return s
}

// start is a Start function that hands out what the child does instead of doing it.
func (b *behaviour) start(ctx context.Context, _ *Birth) error {
	*ctx.Value(askedKey{}).(**behaviour) = b
	return nil
}

func (p *plot) phase(st statement) error {
	if len(st.words) < 3 {
		return errorAt(st.line, "malformed: %s", strings.Join(st.words, " "))
	}
	o, ok := readOutcome(st.words[2])
	f, err := flags(st.line, st.words[3:], "timeout")
	if err != nil {
		return err
	}
	ph := Phase{Name: st.words[1], Timeout: 5 * time.Second}
	if v := f["timeout"]; v != "" {
		if ph.Timeout, err = time.ParseDuration(v); err != nil || ph.Timeout < 0 {
			ok = false
		}
	}
	if !ok {
		return errorAt(st.line, "malformed: %s", strings.Join(st.words, " "))
	}
	p.phases = append(p.phases, ph)
	p.ends = append(p.ends, o)
	return nil
}

func readDeclared(st statement) (*declared, string, error) {
	keys := childKeys
	if st.words[0] == "sup" {
		keys = supKeys
	}
	f, err := flags(st.line, st.words[2:], keys...)
	if err != nil {
		return nil, "", err
	}
	d := &declared{}
	if d.b, err = readBehaviour(st.line, f); err != nil {
		return nil, "", err
	}
	d.child = readChild(st.words[1], f, st.words[0] == "sup")
	if st.words[0] == "sup" {
		d.child.Sub = readSup(f)
	}
	return d, f["in"], nil
}

func readBehaviour(line int, f map[string]string) (*behaviour, error) {
	b := &behaviour{starts: []outcome{{kind: "ok"}}, stop: "ok"}
	if v := f["start"]; v != "" {
		b.starts = nil
		for w := range strings.SplitSeq(v, ",") {
			o, ok := readOutcome(w)
			if !ok {
				return nil, errorAt(line, "malformed outcome: %s", w)
			}
			b.starts = append(b.starts, o)
		}
	}
	if v := f["stop"]; v != "" {
		b.stop = v
		if !slices.Contains([]string{"ok", "normal", "panic", "hang"}, v) {
			d, err := time.ParseDuration(v)
			if err != nil || d < 0 {
				return nil, errorAt(line, "malformed stop: %s", v)
			}
			b.stop, b.delay = "ok", d
		}
	}
	return b, nil
}

func readOutcome(s string) (o outcome, ok bool) {
	head, delay, timed := strings.Cut(s, "@")
	if timed {
		d, err := time.ParseDuration(delay)
		if err != nil || d < 0 {
			return o, false
		}
		o.delay = d
	}
	kind, word, worded := strings.Cut(head, ":")
	o.kind, o.word = kind, word
	if worded && (kind != "error" || !nameForm.MatchString(word)) {
		return o, false
	}
	return o, slices.Contains([]string{"ok", "ignore", "error", "panic", "hang"}, kind)
}

// readChild makes a child of its flags. A value that is none is noted as unread: it is a bad spec, not a script error.
func readChild(name string, f map[string]string, sup bool) Child {
	c := DefaultChild(name, nil)
	if sup {
		c = SubTree(name, Spec{})
	}
	c.unread = fields{}
	r := reader{f, c.unread}
	c.Restart = Restart(r.word("restart", restartNames[:], int(c.Restart)))
	c.Significant = r.word("significant", []string{"false", "true"}, 0) == 1
	c.Shutdown = r.deadline("shutdown", c.Shutdown, true)
	c.StartTimeout = r.deadline("start_timeout", c.StartTimeout, false)
	c.Class = Class(r.word("class", classNames[:], int(c.Class)))
	c.Watchdog = r.deadline("watchdog", 0, false)
	if f["watchdog"] == "infinity" {
		c.unread["watchdog"] = true
	}
	auto := 0
	if c.Class != Plain {
		auto = 1
	}
	c.Manual = r.word("ready", []string{"auto", "manual"}, auto) == 1
	if !c.Manual && c.Class != Plain {
		c.unread["ready"] = true
	}
	c.Backoff = r.backoff()
	return c
}

func readSup(f map[string]string) *Spec {
	s := DefaultSpec("")
	s.unread = fields{}
	r := reader{f, s.unread}
	s.Strategy = Strategy(r.word("strategy", strategyNames[:], int(s.Strategy)))
	if v, given := f["intensity"]; given {
		n, err := strconv.Atoi(v)
		s.Intensity = n
		if err != nil {
			s.unread["intensity"] = true
		}
	}
	s.Period = r.deadline("period", s.Period, false)
	if f["period"] == "infinity" {
		s.unread["period"] = true
	}
	s.AutoShutdown = AutoShutdown(r.word("auto_shutdown", autoShutdownNames[:], 0))
	if v, given := f["budget"]; given {
		n, d, _ := strings.Cut(v, "/")
		starts, err := strconv.Atoi(n)
		within, err2 := time.ParseDuration(d)
		s.Budget = Budget{starts, within}
		if err != nil || err2 != nil || starts <= 0 || within <= 0 {
			s.unread["budget"] = true
		}
	}
	return &s
}

// reader reads values of flags, and notes those that cannot be read.
type reader struct {
	f      map[string]string
	unread fields
}

func (r reader) word(key string, names []string, otherwise int) int {
	v, given := r.f[key]
	if !given {
		return otherwise
	}
	for i, n := range names {
		if n == v {
			return i
		}
	}
	r.unread[key] = true
	return 0
}

func (r reader) deadline(key string, otherwise time.Duration, brutal bool) time.Duration {
	v, given := r.f[key]
	switch {
	case !given:
		return otherwise
	case v == "infinity":
		return Infinity
	case v == "brutal" && brutal:
		return Brutal
	}
	d, err := time.ParseDuration(v)
	if err != nil || d < 0 {
		r.unread[key] = true
	}
	return d
}

func (r reader) backoff() Backoff {
	v, given := r.f["backoff"]
	if !given || v == "none" {
		return Backoff{}
	}
	span, reset, ok1 := strings.Cut(v, "/")
	base, bound, ok2 := strings.Cut(span, "..")
	var b Backoff
	var err1, err2, err3 error
	b.Base, err1 = time.ParseDuration(base)
	b.Cap, err2 = time.ParseDuration(bound)
	b.Reset, err3 = time.ParseDuration(reset)
	if !ok1 || !ok2 || err1 != nil || err2 != nil || err3 != nil || b == (Backoff{}) {
		r.unread["backoff"] = true
	}
	return b
}
