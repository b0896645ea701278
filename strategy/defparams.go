package strategy

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
)

// checkParams lists the parameters that no file can hold, and names that two of them share: what configuration would otherwise find
// out with the first file that names them.
func (d Def) checkParams(t reflect.Type) []error {
	c := paramCheck{def: d.name, names: map[string]string{}, within: map[reflect.Type]bool{}}
	c.fields(t, "", "")
	return c.errs
}

type paramCheck struct {
	def    string
	names  map[string]string // the field of each name
	within map[reflect.Type]bool
	errs   []error
}

var readsText = reflect.TypeFor[encoding.TextUnmarshaler]()

// fields looks at a struct. Name is how a file names it, field how Go does.
func (c *paramCheck) fields(t reflect.Type, name, field string) {
	if c.within[t] {
		c.refuse(field, "a "+t.String()+" within itself")
		return
	}
	c.within[t] = true
	defer delete(c.within, t)
	for f := range t.Fields() {
		at := join(field, f.Name)
		switch {
		case f.Anonymous && f.Type.Kind() == reflect.Struct:
			c.fields(f.Type, name, at)
		case f.Anonymous:
			c.refuse(at, "embedded and no struct")
		case f.IsExported():
			c.field(f, name, at)
		}
	}
}

func (c *paramCheck) field(f reflect.StructField, name, at string) {
	key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	if key == "" {
		key = strings.ToLower(f.Name)
	}
	if key != "-" {
		key = join(name, key)
		if other, taken := c.names[key]; taken {
			c.errs = append(c.errs, fmt.Errorf("strategy %q: parameters %s and %s are both called %q", c.def, other, at, key))
		}
		c.names[key] = at
	}
	c.value(f.Type, key, at)
}

func (c *paramCheck) value(t reflect.Type, name, at string) {
	if reflect.PointerTo(t).Implements(readsText) {
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		c.fields(t, name, at)
	case reflect.Slice:
		c.element(t, name+"[]", at)
	case reflect.Pointer:
		c.element(t, name, at)
	case reflect.Array, reflect.Chan, reflect.Func, reflect.Interface, reflect.Map, reflect.Complex64, reflect.Complex128, reflect.Uintptr,
		reflect.UnsafePointer, reflect.Invalid:
		c.refuse(at, "a "+t.Kind().String())
	default:
	}
}

func (c *paramCheck) element(t reflect.Type, name, at string) { c.value(t.Elem(), name, at) }

func (c *paramCheck) refuse(at, what string) {
	c.errs = append(c.errs, fmt.Errorf("strategy %q: parameter %s is %s, want a value that a file can hold", c.def, at, what))
}

func join(parent, name string) string {
	if parent == "" {
		return name
	}
	return parent + "." + name
}
