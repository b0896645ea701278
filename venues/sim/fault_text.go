package sim

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/failshut/failshut/market"
)

// ErrFaultText says that a text is not a fault.
var ErrFaultText = errors.New("not a fault")

// faultKeys are the keys of a fault's text, in the order in which String writes them.
var faultKeys = []struct {
	name string
	want string
	set  func(f *Fault, v string) error
	text func(f *Fault) string // "": the key is left out
}{
	{"id", "a name", func(f *Fault, v string) error { f.ID = v; return nil }, nil},
	{"session", "the id of a session", func(f *Fault, v string) error { f.On.Session = SessionID(v); return nil }, func(f *Fault) string { return string(f.On.Session) }},
	{"msg", "D F G H AF q 8 9 r j 3 or A", func(f *Fault, v string) error { f.On.Msg = v; return nil }, func(f *Fault) string { return f.On.Msg }},
	{"symbol", "a symbol", setSymbol, func(f *Fault) string { return string(f.On.Symbol) }},
	{"nth", "a whole number of 1 or more", func(f *Fault, v string) error { return setCount(&f.When.Nth, v) }, func(f *Fault) string { return unlessZero(f.When.Nth) }},
	{"every", "a whole number of 1 or more", func(f *Fault, v string) error { return setCount(&f.When.Every, v) }, func(f *Fault) string { return unlessZero(f.When.Every) }},
	{"p", "a decimal above 0 and up to 1", setChance, func(f *Fault) string { return unlessZero(market.Qty(f.When.P)) }},
	{"while", "true", setWhile, func(f *Fault) string { return unlessZero(f.When.While) }},
	{"at", "a duration above 0", func(f *Fault, v string) error { return setSpan(&f.When.At, v) }, func(f *Fault) string { return unlessZero(f.When.At) }},
	{"for", "a duration above 0", func(f *Fault, v string) error { return setSpan(&f.When.For, v) }, func(f *Fault) string { return unlessZero(f.When.For) }},
	{"delay", "a duration above 0", func(f *Fault, v string) error { return setSpan(&f.With.Delay, v) }, func(f *Fault) string { return unlessZero(f.With.Delay) }},
	{"byte", "a whole number of 1 or more", setByte, func(f *Fault) string { return unlessZero(f.With.Byte) }},
	{"qty", "a decimal above 0", setQty, func(f *Fault) string { return unlessZero(f.With.Qty) }},
}

// ParseFault reads one fault as text: its kind, then key=value in any order, each key once, parted by white space. Keys are
// nth, every, p and while=true (exactly one of them, or at alone); session, msg and symbol; at, for and delay in the form of
// time.ParseDuration; qty and id; byte, which is refused. Without id the fault is named by its own text; without delay it has that
// of its kind.
//
//	late_ack nth=3
//	fill_while_pending_cancel p=0.1 session=A1 qty=2
//
// An error is an ErrFaultText and says what was found and what was wanted; of an unknown kind it is an ErrUnknownFault too.
func ParseFault(text string) (Fault, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return Fault{}, fmt.Errorf("%w: %q is empty, want KIND key=value, KIND one of %v", ErrFaultText, text, FaultKinds())
	}
	f := Fault{Kind: FaultKind(words[0])}
	if _, ok := f.Kind.rule(); !ok {
		return Fault{}, fmt.Errorf("%w: %q: %w", ErrFaultText, text, unknownKind(f.Kind))
	}
	seen := map[string]bool{}
	for _, w := range words[1:] {
		if err := f.setWord(w, seen); err != nil {
			return Fault{}, fmt.Errorf("%w: %q: %w", ErrFaultText, text, err)
		}
	}
	f = f.WithDefaults()
	if f.ID == "" {
		f.ID = f.body()
	}
	if err := f.Validate(); err != nil {
		return Fault{}, fmt.Errorf("%w: %q: %w", ErrFaultText, text, err)
	}
	return f, nil
}

// ParseFaults reads a plan, one fault a text, for Config.Faults or an Arm. Every mistake is in the error.
func ParseFaults(texts ...string) ([]Fault, error) {
	var faults []Fault
	var errs []error
	for _, t := range texts {
		f, err := ParseFault(t)
		faults, errs = append(faults, f), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return faults, nil
}

// String gives the fault as ParseFault reads it. Only ids and sessions with white space do not come back.
func (f Fault) String() string {
	body := f.body()
	if f.ID == "" || f.ID == body {
		return body
	}
	return body + " id=" + f.ID
}

// body is the text without the id.
func (f Fault) body() string {
	words := []string{string(f.Kind)}
	for _, k := range faultKeys {
		if k.text == nil {
			continue
		}
		if v := k.text(&f); v != "" {
			words = append(words, k.name+"="+v)
		}
	}
	return strings.Join(words, " ")
}

func (f *Fault) setWord(word string, seen map[string]bool) error {
	key, value, _ := strings.Cut(word, "=")
	if value == "" {
		return fmt.Errorf("found %q, want key=value", word)
	}
	if seen[key] {
		return fmt.Errorf("found %s twice, want it once", key)
	}
	seen[key] = true
	names := make([]string, 0, len(faultKeys))
	for _, k := range faultKeys {
		if k.name != key {
			names = append(names, k.name)
			continue
		}
		if err := k.set(f, value); err != nil {
			return fmt.Errorf("%s = %q, want %s: %w", key, value, k.want, err)
		}
		return nil
	}
	return fmt.Errorf("found key %q, want one of %v", key, names)
}

var errOutOfRange = errors.New("out of range")

func setSymbol(f *Fault, v string) error {
	if f.On.Symbol = market.Symbol(v); !f.On.Symbol.Valid() {
		return errOutOfRange
	}
	return nil
}

func setCount(to *uint64, v string) (err error) {
	if *to, err = strconv.ParseUint(v, 10, 64); err == nil && *to == 0 {
		return errOutOfRange
	}
	return err
}

func setByte(f *Fault, v string) (err error) {
	if f.With.Byte, err = strconv.Atoi(v); err == nil && f.With.Byte < 1 {
		return errOutOfRange
	}
	return err
}

func setWhile(f *Fault, v string) error {
	if f.When.While = v == "true"; !f.When.While {
		return errOutOfRange
	}
	return nil
}

func setChance(f *Fault, v string) error {
	p, err := market.ParseQty(v)
	if f.When.P = int64(p); err == nil && (p <= 0 || p > Certain) {
		return errOutOfRange
	}
	return err
}

func setQty(f *Fault, v string) (err error) {
	if f.With.Qty, err = market.ParseQty(v); err == nil && f.With.Qty <= 0 {
		return errOutOfRange
	}
	return err
}

func setSpan(to *time.Duration, v string) (err error) {
	if *to, err = time.ParseDuration(v); err == nil && *to <= 0 {
		return errOutOfRange
	}
	return err
}

// unlessZero is the text of a value, and "" of its zero.
func unlessZero[T comparable](v T) string {
	var zero T
	if v == zero {
		return ""
	}
	return fmt.Sprint(v)
}
