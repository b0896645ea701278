package strategy

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Def is a strategy that a binary holds: its name and how a fresh value of it is made. The zero Def is refused by Check.
type Def struct {
	name  string
	fresh func() any
}

// Define makes a Def of a function that returns a fresh value with default parameters. It is called once for each
// incarnation, and no value is used twice.
func Define[T any](name string, fresh func() T) Def {
	return Def{name: name, fresh: func() any { return fresh() }}
}

// Name returns the name under which configuration uses the strategy.
func (d Def) Name() string { return d.name }

// Fresh returns a new value of the strategy with its default parameters: a pointer to a struct.
func (d Def) Fresh() any { return d.fresh() }

// method pairs the name of a method with the interface that makes it one of ours.
type method struct {
	method string
	is     reflect.Type
}

// optional are the methods that are no handlers.
var optional = []method{
	{"Policy", reflect.TypeFor[PolicyHandler]()},
	{"Snapshot", reflect.TypeFor[SnapshotHandler]()},
	{"Restore", reflect.TypeFor[RestoreHandler]()},
}

// handlers are those that are called with what happens.
var handlers = []method{
	{"OnStart", reflect.TypeFor[StartHandler]()},
	{"OnQuote", reflect.TypeFor[QuoteHandler]()},
	{"OnBook", reflect.TypeFor[BookHandler]()},
	{"OnTrade", reflect.TypeFor[TradeHandler]()},
	{"OnFeedState", reflect.TypeFor[FeedStateHandler]()},
	{"OnFill", reflect.TypeFor[FillHandler]()},
	{"OnOrder", reflect.TypeFor[OrderHandler]()},
	{"OnTimer", reflect.TypeFor[TimerHandler]()},
	{"OnGate", reflect.TypeFor[GateHandler]()},
	{"OnStop", reflect.TypeFor[StopHandler]()},
}

// Check lists everything that makes the Def unusable: no name, no handler, a handler's name with another signature, a
// fresh that gives the same value twice, parameters that no file can hold.
func (d Def) Check() error {
	if d.name == "" || d.fresh == nil {
		return errors.New("strategy without a name or without a function that makes it")
	}
	value := reflect.ValueOf(d.fresh())
	if value.Kind() != reflect.Pointer || value.IsNil() || value.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("strategy %q: fresh returns %s, want a pointer to a struct", d.name, kindName(value))
	}
	var errs []error
	again := reflect.ValueOf(d.fresh())
	if again.Pointer() == value.Pointer() && value.Elem().Type().Size() > 0 {
		errs = append(errs, fmt.Errorf("strategy %q: fresh returns the same value twice, want a new one for each incarnation", d.name))
	} else if at := sharedMap(value.Elem(), again.Elem(), ""); at != "" {
		errs = append(errs, fmt.Errorf("strategy %q: two values of fresh share the map in %s, want one for each incarnation", d.name, at))
	}
	errs = append(errs, d.checkHandlers(value.Type())...)
	errs = append(errs, d.checkParams(value.Elem().Type())...)
	return errors.Join(errs...)
}

func kindName(v reflect.Value) string {
	if !v.IsValid() {
		return "nil"
	}
	return v.Type().String()
}

func (d Def) checkHandlers(t reflect.Type) []error {
	var errs []error
	found := 0
	for _, h := range handlers {
		if t.Implements(h.is) {
			found++
			continue
		}
		if m, ok := t.MethodByName(h.method); ok {
			errs = append(errs, fmt.Errorf("strategy %q: %s is %s, want %s", d.name, h.method, signature(m.Type), h.is.Method(0).Type))
		}
	}
	for _, h := range optional {
		if m, ok := t.MethodByName(h.method); ok && !t.Implements(h.is) {
			errs = append(errs, fmt.Errorf("strategy %q: %s is %s, want %s", d.name, h.method, signature(m.Type), h.is.Method(0).Type))
		}
	}
	_, takes := t.MethodByName("Snapshot")
	if _, gives := t.MethodByName("Restore"); takes != gives {
		errs = append(errs, fmt.Errorf("strategy %q has one of Snapshot and Restore, want both or none", d.name))
	}
	if p := PolicyOf(d.fresh()); (p.OnCrash == Keep || p.OnStop == Keep) && !t.Implements(reflect.TypeFor[OrderHandler]()) {
		errs = append(errs, fmt.Errorf("strategy %q keeps orders and has no OnOrder, want it: it is told of orders that it did not place itself", d.name))
	}
	if found == 0 {
		errs = append(errs, fmt.Errorf("strategy %q has no handler, want at least one of OnStart, OnQuote, OnTrade …", d.name))
	}
	return errs
}

// signature prints a method's type without its receiver.
func signature(t reflect.Type) string {
	in := make([]reflect.Type, 0, t.NumIn())
	for i := 1; i < t.NumIn(); i++ {
		in = append(in, t.In(i))
	}
	out := make([]reflect.Type, 0, t.NumOut())
	for out0 := range t.Outs() {
		out = append(out, out0)
	}
	return reflect.FuncOf(in, out, t.IsVariadic()).String()
}

// Defs are the strategies of a binary, by name.
type Defs map[string]Def

// Collect checks every Def and gives them by name; each name once.
func Collect(defs ...Def) (Defs, error) {
	out := Defs{}
	var errs []error
	for _, d := range defs {
		if err := d.Check(); err != nil {
			errs = append(errs, err)
			continue
		}
		if _, twice := out[d.name]; twice {
			errs = append(errs, fmt.Errorf("strategy %q is there twice", d.name))
			continue
		}
		out[d.name] = d
	}
	return out, errors.Join(errs...)
}

// Names lists the strategies, sorted.
func (d Defs) Names() []string {
	return slices.Sorted(maps.Keys(d))
}

// Params returns a fresh value of the strategy named use, whose exported fields are its parameters, or nil.
func (d Defs) Params(use string) any {
	def, ok := d[use]
	if !ok {
		return nil
	}
	return def.Fresh()
}

// String lists the names for a person.
func (d Defs) String() string { return strings.Join(d.Names(), ", ") }
