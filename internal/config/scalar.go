package config

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/failshut/failshut/market"
)

// Size is a number of bytes, written with a unit: 64MiB.
type Size int64

// The units a Size may carry.
const (
	KiB Size = 1 << 10
	MiB Size = 1 << 20
	GiB Size = 1 << 30
)

// String prints the size in the largest unit that divides it.
func (s Size) String() string {
	for _, u := range sizeUnits {
		if s != 0 && s%u.size == 0 {
			return strconv.FormatInt(int64(s/u.size), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10) + "B"
}

var sizeUnits = []struct {
	name string
	size Size
}{{"GiB", GiB}, {"MiB", MiB}, {"KiB", KiB}, {"B", 1}}

// ParseSize reads a whole number and a unit: B, KiB, MiB or GiB.
func ParseSize(s string) (Size, error) {
	for _, u := range sizeUnits {
		digits, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n < 0 || n > int64(1<<62)/int64(u.size) || digits[0] == '+' {
			break
		}
		return Size(n) * u.size, nil
	}
	return 0, fmt.Errorf("size is %q, want a whole number with B, KiB, MiB or GiB", s)
}

// scalar decodes v when its type is a single word or number, and says whether it was.
func (d *decoder) scalar(n ast.Node, v reflect.Value, tag reflect.StructTag, path string) bool {
	switch v.Interface().(type) {
	case time.Duration:
		d.parsed(n, v, tag, path, "a duration such as 500ms", func(s string) (any, error) {
			x, err := time.ParseDuration(s)
			if err != nil {
				return nil, fmt.Errorf("found %q, want a duration such as 500ms", s)
			}
			return x, nil
		})
	case Size:
		d.parsed(n, v, tag, path, "a size such as 64MiB", func(s string) (any, error) { return anyOf(ParseSize(s)) })
	case market.Price:
		d.decimal(n, v, tag, path, func(s string) (any, error) { return anyOf(market.ParsePrice(s)) })
	case market.Qty:
		d.decimal(n, v, tag, path, func(s string) (any, error) { return anyOf(market.ParseQty(s)) })
	case market.Factor:
		d.decimal(n, v, tag, path, func(s string) (any, error) {
			q, err := market.ParseQty(s)
			return market.Factor(q), err
		})
	case market.Notional:
		d.decimal(n, v, tag, path, func(s string) (any, error) { return anyOf(market.ParseNotional(s)) })
	default:
		return d.basic(n, v, tag, path)
	}
	return true
}

func anyOf[T any](x T, err error) (any, error) { return x, err }

func (d *decoder) basic(n ast.Node, v reflect.Value, tag reflect.StructTag, path string) bool {
	if word, ok := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr()); ok && v.Kind() != reflect.String {
		d.word(n, word, path)
		return true
	}
	switch v.Kind() {
	case reflect.String:
		d.text(n, v, tag, path)
	case reflect.Bool:
		b, ok := n.(*ast.BoolNode)
		if !ok {
			d.wrong(n, path, "true or false", "")
			return true
		}
		v.SetBool(b.Value)
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Int16, reflect.Int8:
		d.integer(n, v, tag, path)
	case reflect.Uint, reflect.Uint64, reflect.Uint32, reflect.Uint16, reflect.Uint8:
		d.natural(n, v, tag, path)
	case reflect.Float64, reflect.Float32:
		d.float(n, v, tag, path)
	default:
		return false
	}
	return true
}

func (d *decoder) wrong(n ast.Node, path, want, suggestion string) {
	d.add(placeOf(n), path, fmt.Sprintf("%s is %s, want %s", path, kindOf(n), want), suggestion)
}

// wordOf gives the text of a scalar written as a string, quoted or plain.
func wordOf(n ast.Node) (string, bool) {
	s, ok := n.(*ast.StringNode)
	if !ok {
		return "", false
	}
	return s.Value, true
}

func quoted(n ast.Node) bool {
	t := n.GetToken()
	return t.Type == token.DoubleQuoteType || t.Type == token.SingleQuoteType
}

func (d *decoder) text(n ast.Node, v reflect.Value, tag reflect.StructTag, path string) {
	s, ok := wordOf(n)
	if !ok {
		d.wrong(n, path, "text", fmt.Sprintf("write %q", kindOf(n)))
		return
	}
	if words := tag.Get("one"); words != "" {
		allowed := strings.Split(words, "|")
		if !slices.Contains(allowed, s) {
			suggestion := ""
			if near := nearest(s, allowed); near != "" {
				suggestion = fmt.Sprintf("did you mean %q?", near)
			}
			d.add(placeOf(n), path, fmt.Sprintf("%s is %q, want %s", path, s, strings.Join(allowed, ", ")), suggestion)
			return
		}
	}
	if s == "" && tag.Get("empty") == "" {
		d.add(placeOf(n), path, fmt.Sprintf("%s is empty, want a value", path), "")
		return
	}
	v.SetString(s)
	if named, ok := reflect.TypeAssert[interface{ Valid() bool }](v); ok && s != "" && !named.Valid() {
		d.add(placeOf(n), path, fmt.Sprintf("%s is %q, which is no %s", path, s, strings.ToLower(v.Type().Name())), "")
	}
}

func (d *decoder) integer(n ast.Node, v reflect.Value, tag reflect.StructTag, path string) {
	i, ok := n.(*ast.IntegerNode)
	if !ok {
		d.wrong(n, path, "a whole number", "")
		return
	}
	x, err := strconv.ParseInt(i.GetToken().Value, 10, 64)
	if err != nil || v.OverflowInt(x) {
		d.wrong(n, path, "a whole decimal number that fits", "")
		return
	}
	if why := outside(tag, float64(x), func(s string) (float64, error) { return strconv.ParseFloat(s, 64) }); why != "" {
		d.wrong(n, path, why, "")
		return
	}
	v.SetInt(x)
}

// natural is integer for a type that has nothing below zero.
func (d *decoder) natural(n ast.Node, v reflect.Value, tag reflect.StructTag, path string) {
	i, ok := n.(*ast.IntegerNode)
	if !ok {
		d.wrong(n, path, "a whole number", "")
		return
	}
	x, err := strconv.ParseUint(i.GetToken().Value, 10, 64)
	if err != nil || v.OverflowUint(x) {
		d.wrong(n, path, "a whole decimal number of at least 0 that fits", "")
		return
	}
	if why := outside(tag, float64(x), func(s string) (float64, error) { return strconv.ParseFloat(s, 64) }); why != "" {
		d.wrong(n, path, why, "")
		return
	}
	v.SetUint(x)
}

// word reads what its type reads from a text.
func (d *decoder) word(n ast.Node, into encoding.TextUnmarshaler, path string) {
	s, ok := wordOf(n)
	if !ok {
		d.wrong(n, path, "text", "")
		return
	}
	if err := into.UnmarshalText([]byte(s)); err != nil {
		d.add(placeOf(n), path, fmt.Sprintf("%s is %q: %v", path, s, err), "")
	}
}

// float reads a parameter of a strategy: no infinity, no NaN and no negative zero ever gets in.
func (d *decoder) float(n ast.Node, v reflect.Value, tag reflect.StructTag, path string) {
	switch n.(type) {
	case *ast.FloatNode, *ast.IntegerNode:
	default:
		d.wrong(n, path, "a finite number", "")
		return
	}
	raw := n.GetToken().Value
	x, err := strconv.ParseFloat(raw, v.Type().Bits())
	mantissa, _, _ := strings.Cut(strings.ToLower(raw), "e")
	nothing := x == 0 && (strings.HasPrefix(raw, "-") || strings.ContainsAny(mantissa, "123456789")) // a zero below zero, or one that was not one
	if err != nil || nothing {
		d.wrong(n, path, "a finite number", "")
		return
	}
	if why := outside(tag, x, func(s string) (float64, error) { return strconv.ParseFloat(s, 64) }); why != "" {
		d.wrong(n, path, why, "")
		return
	}
	v.SetFloat(x)
}

// parsed reads a word that is neither text nor a number of its own, such as a duration.
func (d *decoder) parsed(n ast.Node, v reflect.Value, tag reflect.StructTag, path, want string, parse func(string) (any, error)) {
	s, ok := wordOf(n)
	if !ok {
		d.wrong(n, path, want, "")
		return
	}
	x, err := parse(s)
	if err != nil {
		d.add(placeOf(n), path, fmt.Sprintf("%s: %v", path, err), "")
		return
	}
	d.bounded(n, v, tag, path, reflect.ValueOf(x), func(s string) (float64, error) {
		b, err := parse(s)
		if err != nil {
			return 0, err
		}
		return float64(reflect.ValueOf(b).Int()), nil
	})
}

// decimal reads money and quantity: always a quoted string, so that no YAML reader can make a float of it.
func (d *decoder) decimal(n ast.Node, v reflect.Value, tag reflect.StructTag, path string, parse func(string) (any, error)) {
	s, ok := wordOf(n)
	if !ok || !quoted(n) {
		raw := kindOf(n)
		suggestion := ""
		if _, err := parse(raw); err == nil {
			suggestion = fmt.Sprintf("write %q", raw)
		}
		d.add(placeOf(n), path, fmt.Sprintf("%s is %s, want a quoted decimal", path, raw), suggestion)
		return
	}
	x, err := parse(s)
	if err != nil {
		d.add(placeOf(n), path, fmt.Sprintf("%s is %q: %v", path, s, err), "")
		return
	}
	xv := reflect.ValueOf(x)
	if notional, ok := x.(market.Notional); ok {
		if tag.Get("above") == "0" && notional.Sign() <= 0 || tag.Get("min") == "0" && notional.Sign() < 0 {
			d.add(placeOf(n), path, fmt.Sprintf("%s is %q, want more than 0", path, s), "")
			return
		}
		v.Set(xv)
		return
	}
	d.bounded(n, v, tag, path, xv, func(s string) (float64, error) {
		b, err := parse(s)
		if err != nil {
			return 0, err
		}
		return float64(reflect.ValueOf(b).Int()), nil
	})
}

func (d *decoder) bounded(n ast.Node, v reflect.Value, tag reflect.StructTag, path string, x reflect.Value, parse func(string) (float64, error)) {
	if why := outside(tag, float64(x.Int()), parse); why != "" {
		d.add(placeOf(n), path, fmt.Sprintf("%s is %s, want %s", path, kindOf(n), why), "")
		return
	}
	v.Set(x)
}

// outside says which bound of the tag x breaks, in the tag's own words.
func outside(tag reflect.StructTag, x float64, parse func(string) (float64, error)) string {
	for _, bound := range []struct {
		key   string
		text  string
		holds func(x, b float64) bool
	}{
		{"min", "at least %s", func(x, b float64) bool { return x >= b }},
		{"above", "more than %s", func(x, b float64) bool { return x > b }},
		{"max", "at most %s", func(x, b float64) bool { return x <= b }},
	} {
		raw := tag.Get(bound.key)
		if raw == "" {
			continue
		}
		b, err := parse(raw)
		if err != nil {
			panic(fmt.Sprintf("config: tag %s:%q does not parse: %v", bound.key, raw, err))
		}
		if !bound.holds(x, b) {
			return fmt.Sprintf(bound.text, raw)
		}
	}
	return ""
}
