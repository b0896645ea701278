package orders_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
)

// runner drives the pure machine alone: ids as the script names them, a gate
// that always says yes, a journal in memory, a clock moved by advance only.
type runner struct {
	opt     orders.Options
	m       *orders.Machine
	now     int64
	made    int // ids the machine made
	execs   int // execution ids the runner made
	journal []entry
	out     []orders.Output
	own     string // the wire message that the action itself names
	sent    map[string]bool
	syms    map[market.Instrument]bool
}

type entry struct {
	rec     journal.Record
	id      market.ClOrdID
	written bool // appended, not durable
}

func newRunner() *runner {
	r := &runner{sent: map[string]bool{}, syms: map[market.Instrument]bool{}, now: 1}
	r.opt = orders.Options{Account: "A", SessionOpen: true, NextID: func() market.ClOrdID {
		r.made++
		return market.ClOrdID("~" + strconv.Itoa(r.made))
	}}
	return r
}

func (r *runner) start() { r.m = orders.NewMachine(r.opt) }

func (r *runner) option(fields []string) error {
	kv, err := pairs(fields, "session", "replace_filled", "cancel_orig", "absent_needed", "absent_spacing", "mass_status", "block_unknown")
	for k, v := range kv {
		switch k + "=" + v {
		case "session=open":
		case "session=down":
			r.opt.SessionOpen = false
		case "replace_filled=yes", "replace_filled=no":
			r.opt.ReplaceFilled = v == "yes"
		case "cancel_orig=latest", "cancel_orig=accepted":
			r.opt.CancelAccepted = v == "accepted"
		case "mass_status=yes", "mass_status=no":
			r.opt.NoMassStatus = v == "no"
		case "block_unknown=instrument":
		case "block_unknown=account":
			r.opt.BlockUnknown = orders.BlockAccount
		case "block_unknown=none":
			r.opt.BlockUnknown = orders.BlockNone
		default:
			if err == nil {
				err = r.numberOption(k, v)
			}
		}
	}
	return err
}

func (r *runner) numberOption(k, v string) (err error) {
	switch k {
	case "absent_needed":
		r.opt.AbsentNeeded, err = strconv.Atoi(v)
	case "absent_spacing":
		if r.opt.AbsentSpacing, err = time.ParseDuration(v); err == nil && r.opt.AbsentSpacing == 0 {
			r.opt.AbsentSpacing = -1
		}
	default:
		return fmt.Errorf("option %s=%s is unknown", k, v)
	}
	return err
}

// input carries out one > or < line, then checks the invariants.
func (r *runner) input(l scriptLine) error {
	r.out, r.own = nil, ""
	if len(l.fields) == 0 {
		return fmt.Errorf("nothing after %s", l.kind)
	}
	verb, rest := l.fields[0], l.fields[1:]
	var err error
	if l.kind == ">" {
		err = r.action(verb, rest)
	} else {
		err = r.message(verb, rest)
	}
	if err != nil {
		return err
	}
	return r.invariants()
}

// step applies an input and keeps what comes out; records are appended behind.
func (r *runner) step(in orders.Input) {
	for _, o := range r.m.Step(r.now, in) {
		if o.Kind == orders.OutRecord {
			r.append(o.Record, "", false)
			continue
		}
		r.out = append(r.out, o)
	}
}

func (r *runner) append(in orders.Input, id market.ClOrdID, written bool) {
	k, body, err := orders.Encode(nil, r.opt.Account, r.now, in)
	if err != nil {
		panic(err) // a defect of the runner or the codec, not of the script
	}
	rec := journal.Record{LSN: journal.LSN(len(r.journal) + 1), Kind: k, Version: 1, Body: body}
	r.journal = append(r.journal, entry{rec: rec, id: id, written: written})
}

// rebuilt folds the journal into a fresh machine; only what is durable after a
// crash.
func (r *runner) rebuilt(durable bool) (*orders.Machine, error) {
	m := orders.NewMachine(r.opt)
	for _, e := range r.journal {
		switch {
		case e.written && durable:
		default:
			_, now, in, err := orders.Decode(e.rec)
			if err != nil {
				return nil, err
			}
			m.Fold(now, in)
		}
	}
	return m, nil
}

func (r *runner) action(verb string, f []string) error {
	switch verb {
	case "new":
		return r.placeNew(f)
	case "replace":
		return r.replace(f)
	case "cancel":
		return r.cancel(f)
	case "go":
		return r.resume(f)
	case "status", "quiet":
		return r.about(verb, f)
	case "timeout":
		if len(f) != 1 {
			return fmt.Errorf("want one id")
		}
		r.step(orders.Timeout{ID: market.ClOrdID(f[0])})
	case "mass-status":
		r.own = "mass-status"
		r.step(orders.AskAll{})
	case "mass-cancel":
		r.own = "mass-cancel"
		r.step(orders.WithdrawAll{})
	case "advance":
		return r.advance(f)
	case "newday":
		r.step(orders.NewDay{})
	case "crash":
		return r.crash()
	case "resolve":
		return r.resolve(f)
	default:
		return fmt.Errorf("action %q is unknown", verb)
	}
	return nil
}

func (r *runner) advance(f []string) error {
	if len(f) != 1 {
		return fmt.Errorf("want one duration")
	}
	d, err := time.ParseDuration(f[0])
	r.now += int64(d)
	return err
}

func (r *runner) placeNew(f []string) error {
	if len(f) == 0 {
		return fmt.Errorf("want an id")
	}
	kv, err := pairs(f[1:], "qty", "side", "px", "tif", "sym", "ttl", "until")
	if err != nil {
		return err
	}
	c := orders.Create{New: orders.New{
		ID: market.ClOrdID(f[0]), Account: r.opt.Account, Strategy: "s", Side: market.Buy, Type: market.Limit,
		TIF: market.Day, Decided: r.now,
	}}
	if err := r.terms(&c, kv); err != nil {
		return err
	}
	until := kv["until"]
	c.Held = until == "durable"
	r.own = "new " + f[0]
	r.step(c)
	if len(r.out) > 0 && r.out[0].Event.Kind == orders.EventRefused {
		return nil
	}
	r.append(c, c.ID, until == "written")
	return r.leave(c.ID, until)
}

func (r *runner) terms(c *orders.Create, kv map[string]string) (err error) {
	if c.Qty, err = market.ParseQty(kv["qty"]); err != nil {
		return err
	}
	px := or(kv["px"], "50")
	if px == "market" {
		c.Type = market.Market
	} else if c.Price, err = market.ParsePrice(px); err != nil {
		return err
	}
	if err = c.Side.UnmarshalText([]byte(or(kv["side"], "buy"))); err != nil {
		return err
	}
	if err = c.TIF.UnmarshalText([]byte(or(kv["tif"], "day"))); err != nil {
		return err
	}
	if c.Instrument, err = r.instrument(or(kv["sym"], "ABC")); err != nil {
		return err
	}
	if kv["ttl"] != "" {
		c.TTL, err = time.ParseDuration(kv["ttl"])
	}
	return err
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func (r *runner) instrument(sym string) (market.Instrument, error) {
	i, err := market.Listed("SIM", market.Symbol(sym))
	r.syms[i] = true
	return i, err
}

// leave hands a request over unless the script stops before.
func (r *runner) leave(id market.ClOrdID, until string) error {
	switch until {
	case "written", "durable", "armed":
	case "", "sent":
		r.step(orders.HandOver{ID: id})
	default:
		return fmt.Errorf("until=%s is unknown", until)
	}
	return nil
}

func (r *runner) resume(f []string) error {
	if len(f) != 1 {
		return fmt.Errorf("want one id")
	}
	id := market.ClOrdID(f[0])
	i := slices.IndexFunc(r.journal, func(e entry) bool { return e.id == id })
	if i < 0 {
		return fmt.Errorf("nothing waits under %s", id)
	}
	r.journal[i].written = false
	for _, kind := range []string{"new", "replace"} {
		if _, in, _ := r.decodeAt(i); in != nil {
			if _, ok := in.(orders.Change); ok == (kind == "replace") {
				r.own = kind + " " + f[0]
			}
		}
	}
	r.append(orders.Arm{ID: id}, "", false)
	r.step(orders.Arm{ID: id})
	r.step(orders.HandOver{ID: id})
	return nil
}

func (r *runner) decodeAt(i int) (int64, orders.Input, error) {
	_, now, in, err := orders.Decode(r.journal[i].rec)
	return now, in, err
}

func (r *runner) replace(f []string) error {
	if len(f) == 0 {
		return fmt.Errorf("want an id")
	}
	kv, err := pairs(f[1:], "of", "qty", "px", "until")
	if err != nil {
		return err
	}
	c := orders.Change{ID: market.ClOrdID(f[0]), Of: ref(kv["of"]), Held: kv["until"] == "durable"}
	if kv["qty"] != "" {
		if c.Qty, err = market.ParseQty(kv["qty"]); err != nil {
			return err
		}
	}
	if kv["px"] != "" {
		if c.Price, err = market.ParsePrice(kv["px"]); err != nil {
			return err
		}
	}
	r.own = "replace " + f[0]
	r.step(c)
	if slices.ContainsFunc(r.out, func(o orders.Output) bool { return o.Event.Kind == orders.EventRefused }) {
		return nil
	}
	r.append(c, c.ID, kv["until"] == "written")
	return r.leave(c.ID, kv["until"])
}

func (r *runner) cancel(f []string) error {
	if len(f) == 0 {
		return fmt.Errorf("want an id")
	}
	kv, err := pairs(f[1:], "of")
	if err != nil {
		return err
	}
	r.own = "cancel " + f[0]
	r.step(orders.Withdraw{ID: market.ClOrdID(f[0]), Of: ref(kv["of"])})
	return nil
}

func (r *runner) about(verb string, f []string) error {
	kv, err := pairs(f, "of")
	if err != nil {
		return err
	}
	if verb == "quiet" {
		r.step(orders.Quiet{Of: ref(kv["of"])})
		return nil
	}
	r.own = "status "
	r.step(orders.Ask{Of: ref(kv["of"])})
	return nil
}

// resolve says an operator's word, which is in the journal ahead unless the machine would refuse it.
func (r *runner) resolve(f []string) error {
	if len(f) == 0 {
		return fmt.Errorf("want an id")
	}
	kv, err := pairs(f[1:], "as")
	if err != nil {
		return err
	}
	as, terms, _ := strings.Cut(kv["as"], "=")
	v := orders.Resolve{Of: ref(f[0]), By: "operator", Why: "script"}
	if v.As, err = orders.ParseEnding(as); err != nil {
		return err
	}
	qty, px, priced := strings.Cut(terms, "@")
	if terms != "" {
		if v.Qty, err = market.ParseQty(qty); err != nil {
			return err
		}
	}
	if priced {
		if v.Price, err = market.ParsePrice(px); err != nil {
			return err
		}
	}
	if r.m.RefusesResolve(&v) == "" {
		r.append(v, "", false)
	}
	r.step(v)
	return nil
}

// crash forgets all but what is durable.
func (r *runner) crash() error {
	r.journal = slices.DeleteFunc(r.journal, func(e entry) bool { return e.written })
	m, err := r.rebuilt(true)
	if err != nil {
		return err
	}
	r.m = m
	r.append(orders.Crash{}, "", false)
	r.step(orders.Crash{})
	return nil
}

func ref(s string) orders.Ref {
	if oid, ok := strings.CutPrefix(s, "@"); ok {
		return orders.Ref{OrderID: oid}
	}
	return orders.Ref{ID: market.ClOrdID(s)}
}

// invariants is rule 7, after every input line.
func (r *runner) invariants() error {
	pos := map[market.Instrument]market.Qty{}
	for o := range r.m.Orders() {
		var sum market.Qty
		for _, e := range o.Executed {
			sum += e.Qty
		}
		if sum != o.Cum {
			return fmt.Errorf("order %s: cum %v, executions %v", o.ID, o.Cum, sum)
		}
		if o.Leaves < 0 || o.Held < o.Leaves {
			return fmt.Errorf("order %s: held %v, leaves %v", o.ID, o.Held, o.Leaves)
		}
		pos[o.Instrument] += o.Cum * market.Qty(o.Side.Sign())
	}
	for i := range r.syms {
		if r.m.Position(i) != pos[i] {
			return fmt.Errorf("position %v is %v, executions say %v", i, r.m.Position(i), pos[i])
		}
	}
	if err := r.onceOnWire(); err != nil {
		return err
	}
	m, err := r.rebuilt(false)
	if err != nil {
		return err
	}
	if m.Digest() != r.m.Digest() {
		return fmt.Errorf("state rebuilt from the journal differs:\n%s\nwant\n%s", dump(m), dump(r.m))
	}
	return nil
}

func (r *runner) onceOnWire() error {
	for _, o := range r.out {
		if o.Kind != orders.OutPlace && o.Kind != orders.OutReplace {
			continue
		}
		id := string(o.New().ID)
		if r.sent[id] {
			return fmt.Errorf("%s leaves twice", id)
		}
		r.sent[id] = true
		if i := slices.IndexFunc(r.journal, func(e entry) bool { return string(e.id) == id && !e.written }); i < 0 {
			return fmt.Errorf("%s leaves before its intent is durable", id)
		}
	}
	return nil
}

func dump(m *orders.Machine) string {
	var b strings.Builder
	for o := range m.Orders() {
		fmt.Fprintf(&b, "  %+v\n", o)
	}
	return b.String()
}
