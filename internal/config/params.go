package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Param is one parameter in force: its name as a file names it, PARENT.NAME within another, and its value as a file writes it, but
// without quotes.
type Param struct {
	Name, Text string
	Set        bool // the text that was read names it; else it is a default
}

// ParamsInForce lists the parameters of the value that into points to, in the order of its fields. R is the text that was read over
// its defaults.
func ParamsInForce(r Raw, into any) []Param {
	return inForce(nil, reflect.ValueOf(into).Elem(), r.node, "")
}

func inForce(out []Param, v reflect.Value, n ast.Node, path string) []Param {
	given := map[string]ast.Node{}
	if m := mappingOf(n); m != nil {
		for _, pair := range m.Values {
			key, _ := keyOf(pair)
			given[key] = pair.Value
		}
	}
	for _, f := range fieldsOf(v.Type()) {
		node, set := given[f.key]
		value, name := v.FieldByIndex(f.index), join(path, f.key)
		if value.Kind() == reflect.Struct && !isScalar(value) {
			out = inForce(out, value, node, name)
			continue
		}
		out = append(out, Param{Name: name, Text: textOf(value), Set: set})
	}
	return out
}

func isScalar(v reflect.Value) bool {
	_, ok := reflect.TypeAssert[fmt.Stringer](v)
	return ok
}

// textOf writes a value as a file has it.
func textOf(v reflect.Value) string {
	if s, ok := reflect.TypeAssert[fmt.Stringer](v); ok {
		return s.String()
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return ""
		}
		return textOf(v.Elem())
	case reflect.Slice:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = textOf(v.Index(i))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case reflect.Float32, reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'g', -1, v.Type().Bits())
	default:
		return fmt.Sprint(v.Interface())
	}
}
