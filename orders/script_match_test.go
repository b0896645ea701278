package orders_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
)

func wireText(o orders.Output) string {
	switch o.Kind {
	case orders.OutPlace:
		n := o.New()
		return fmt.Sprintf("new %s %v", n.ID, n.Qty)
	case orders.OutReplace:
		n := o.Replace()
		return fmt.Sprintf("replace %s,%s %v", n.ID, n.Orig, n.Qty)
	case orders.OutCancel:
		n := o.Cancel()
		return fmt.Sprintf("cancel %s,%s", n.ID, orID(n.Orig, n.OrderID))
	case orders.OutAsk:
		q := o.Question()
		if q.Mass {
			return "mass-status"
		}
		return "status " + orID(q.ID, q.OrderID)
	case orders.OutMassCancel:
		return "mass-cancel"
	default:
		return ""
	}
}

func orID(id market.ClOrdID, oid string) string {
	if id == "" {
		return "@" + oid
	}
	return string(id)
}

// class returns "wire", "event", "flag" or "" for what scripts do not see.
func class(o orders.Output) string {
	switch {
	case o.Kind == orders.OutEvent:
		return "event"
	case o.Kind == orders.OutFlag:
		return "flag"
	case wireText(o) != "":
		return "wire"
	default:
		return ""
	}
}

func describe(o orders.Output) string {
	switch o.Kind {
	case orders.OutEvent:
		return fmt.Sprintf("event %v %v", o.Event.Kind, words(o.Event))
	case orders.OutFlag:
		return fmt.Sprintf("flag %v %s", o.Flag, orID(o.Event.Order, o.Event.OrderID))
	default:
		return "wire " + wireText(o)
	}
}

// leftOver is rule 3: a flag or wire message that no + took fails the case,
// save the one message the action itself names.
func (r *runner) leftOver() error {
	own := r.own
	for _, o := range r.out {
		switch class(o) {
		case "flag":
			return fmt.Errorf("nobody took %s", describe(o))
		case "wire":
			w := wireText(o)
			if own != "" && (w == own || strings.HasPrefix(w, own+" ") || strings.HasPrefix(w, own+",") || own == "status " && strings.HasPrefix(w, own)) {
				own = ""
				continue
			}
			return fmt.Errorf("nobody took %s", describe(o))
		}
	}
	return nil
}

// expect is a + line: each match is used up.
func (r *runner) expect(f []string) error {
	if len(f) < 2 {
		return fmt.Errorf("want wire, event or flag and more")
	}
	kind, want := f[0], f[1:]
	if kind != "wire" && kind != "event" && kind != "flag" {
		return fmt.Errorf("output %q is unknown", kind)
	}
	if want[0] == "none" {
		for _, o := range r.out {
			if class(o) == kind {
				return fmt.Errorf("there is %s", describe(o))
			}
		}
		return nil
	}
	for i, o := range r.out {
		if class(o) == kind && r.matches(o, want) {
			r.out = slices.Delete(slices.Clone(r.out), i, i+1)
			return nil
		}
	}
	var have []string
	for _, o := range r.out {
		if class(o) != "" {
			have = append(have, describe(o))
		}
	}
	return fmt.Errorf("not among %q", have)
}

func (r *runner) matches(o orders.Output, want []string) bool {
	switch o.Kind {
	case orders.OutEvent:
		return o.Event.Kind.String() == want[0] && r.eventFits(o.Event, want[1:])
	case orders.OutFlag:
		return o.Flag.String() == want[0] && (len(want) == 1 || r.isRef(o.Event, want[1]))
	default:
		return sameWords(strings.Fields(wireText(o)), want)
	}
}

func (r *runner) eventFits(e orders.Event, want []string) bool {
	if len(want) > 0 && !strings.Contains(want[0], "=") && strings.IndexByte(want[0], '@') <= 0 {
		if r.isRef(e, want[0]) {
			want = want[1:]
		}
	}
	have := words(e)
	for _, w := range want {
		if !slices.ContainsFunc(have, func(h string) bool { return sameText(h, w) }) {
			return false
		}
	}
	return true
}

// isRef reports whether s names the event's order or request.
func (r *runner) isRef(e orders.Event, s string) bool {
	if string(e.Request) == s && s != "" || string(e.Order) == s || "@"+e.OrderID == s {
		return true
	}
	o, ok := r.m.Order(ref(s))
	return ok && (e.Order != "" || e.OrderID != "") && o.ID == e.Order && o.OrderID == e.OrderID
}

func words(e orders.Event) []string {
	w := []string{orID(e.Order, e.OrderID)}
	if e.Request != "" {
		w = append(w, string(e.Request))
	}
	if e.Reason != "" {
		w = append(w, "reason="+string(e.Reason), string(e.Reason))
	}
	if e.Exec != "" {
		w = append(w, "exec="+e.Exec, fmt.Sprintf("%v@%v", e.LastQty, e.LastPx))
	}
	return w
}

func sameWords(have, want []string) bool {
	return slices.EqualFunc(have, want, sameText)
}

// sameText compares decimals as decimals, N@P too, and all else as text.
func sameText(a, b string) bool {
	if a == b {
		return true
	}
	aq, ap, aok := strings.Cut(a, "@")
	bq, bp, bok := strings.Cut(b, "@")
	if aok != bok {
		return false
	}
	return sameDecimal(aq, bq) && (!aok || sameDecimal(ap, bp))
}

func sameDecimal(a, b string) bool {
	x, errX := market.ParsePrice(a)
	y, errY := market.ParsePrice(b)
	return errX == nil && errY == nil && x == y
}

// assert is an = line.
func (r *runner) assert(f []string) error {
	switch {
	case len(f) == 3 && f[0] == "pos":
		i, err := r.instrument(f[1])
		if err != nil {
			return err
		}
		return same("pos", r.m.Position(i).String(), f[2])
	case len(f) == 2 && f[0] == "session":
		return same("session", r.m.Session(), f[1])
	case len(f) == 2 && f[0] == "unknown":
		return same("unknown", strconv.Itoa(r.m.Unknown()), f[1])
	case len(f) < 2:
		return fmt.Errorf("want REF KV…")
	}
	o, ok := r.m.Order(ref(f[0]))
	if !ok {
		return fmt.Errorf("no order %s", f[0])
	}
	kv, err := pairs(f[1:], "status", "cum", "leaves", "avg", "held", "qty", "px", "id", "next", "pending", "closing", "reason", "day", "doubt")
	if err != nil {
		return err
	}
	have := stateWords(o)
	for _, k := range []string{"status", "cum", "leaves", "avg", "held", "qty", "px", "id", "next", "pending", "closing", "reason", "day", "doubt"} {
		if want, asked := kv[k]; asked {
			if err := same(k, have[k], want); err != nil {
				return err
			}
		}
	}
	return nil
}

func same(what, have, want string) error {
	hq, hc, day := strings.Cut(have, "/")
	wq, wc, _ := strings.Cut(want, "/")
	if sameText(have, want) || what == "day" && day && sameDecimal(hq, wq) && sameDecimal(hc, wc) {
		return nil
	}
	return fmt.Errorf("%s is %s, want %s", what, have, want)
}

func stateWords(o orders.OrderState) map[string]string {
	yes := map[bool]string{true: "yes", false: "no"}
	var pending []string
	for _, p := range o.Pending {
		pending = append(pending, fmt.Sprintf("%c:%s/%s", p.Kind, p.ID, p.Evidence))
	}
	return map[string]string{
		"status": o.Status.String(), "cum": o.Cum.String(), "leaves": o.Leaves.String(), "avg": o.Avg.String(),
		"held": o.Held.String(), "qty": o.Total.String(), "px": o.Limit.String(), "id": orID(o.InForce, o.OrderID),
		"next": orID(o.Next, o.OrderID), "pending": or(strings.Join(pending, ","), "-"), "closing": yes[o.Closing],
		"reason": or(string(o.Reason), "-"), "day": o.DayQty.String() + "/" + o.DayCum.String(),
		"doubt": or(strings.Join(o.Doubts, ","), "-"),
	}
}
