package config

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// MaxBytes bounds a configuration file: a larger one is somebody's mistake, not a configuration.
const MaxBytes = 1 << 20

// decoder reads one document into a struct and goes on after every mistake, so that one run names them all.
//
// Fields are told apart by struct tags: `yaml` names the key (else the field's name in lower case), `opt` marks a key
// that may be absent (the value already in the struct stays), `one` lists the words allowed ("a|b"), `min`, `above` and
// `max` bound numbers and durations.
type decoder struct {
	lines    []string
	mistakes Mistakes
	schema   schema
	places   map[string]place
	over     bool // what is read goes over defaults: every key may be absent
	bare     bool // what is read is no file: a mapping that has no top key
}

type place struct{ line, column, width int }

// fromNode is what a type implements that reads its own shape.
type fromNode interface {
	decodeNode(d *decoder, n ast.Node, path string)
}

// document parses src to its root mapping. A syntax error ends the search at its line: what stands behind it means nothing.
func (d *decoder) document(src []byte) *ast.MappingNode {
	if len(src) > MaxBytes {
		d.add(place{1, 1, 1}, "", fmt.Sprintf("the file is too long, want at most %d bytes", MaxBytes), "")
		return nil
	}
	if !utf8.Valid(src) {
		d.add(place{1, 1, 1}, "", "the file is not UTF-8", "")
		return nil
	}
	for i, line := range d.lines {
		if len(line) > longest {
			d.add(place{i + 1, longest + 1, 1}, "", fmt.Sprintf("found a line of %d bytes, want at most %d", len(line), longest), "")
			return nil
		}
	}
	tokens := lexer.Tokenize(string(src))
	if at, why := tooDeep(tokens); why != "" {
		d.add(at, "", why, "")
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		d.syntax(err)
		return nil
	}
	var docs []ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil {
			docs = append(docs, doc.Body)
		}
	}
	switch {
	case len(docs) == 0:
		d.add(place{1, 1, 1}, "", d.orBare(`the file is empty, want the top key "node" or "venue"`, "nothing stands there, want a mapping such as {key: value}"), "")
		return nil
	case len(docs) > 1:
		d.add(placeOf(docs[1]), "", fmt.Sprintf("found %d documents, want one", len(docs)), "")
		return nil
	}
	root := mappingOf(docs[0])
	if root == nil {
		want := d.orBare(`a mapping with the top key "node" or "venue"`, "a mapping such as {key: value}")
		d.add(placeOf(docs[0]), "", fmt.Sprintf("found %s, want %s", kindOf(docs[0]), want), "")
	}
	return root
}

// orBare chooses between what is said of a file and of a mapping by itself.
func (d *decoder) orBare(file, bare string) string {
	if d.bare {
		return bare
	}
	return file
}

func (d *decoder) syntax(err error) {
	at := place{1, 1, 1}
	message := err.Error()
	if se, ok := errors.AsType[*yaml.SyntaxError](err); ok {
		message = se.Message
		if se.Token != nil && se.Token.Position != nil {
			at = place{se.Token.Position.Line, se.Token.Position.Column, max(1, utf8.RuneCountInString(se.Token.Value))}
		}
	}
	d.add(at, "", "syntax: "+firstLine(message), "")
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

func (d *decoder) add(at place, key, message, suggestion string) {
	d.mistakes = append(d.mistakes, Mistake{
		Line: at.line, Column: at.column, Key: key, Message: message, Suggestion: suggestion,
		Excerpt: excerpt(d.lines, at),
	})
}

// at says where the value of a path stands, or its nearest ancestor that does.
func (d *decoder) at(path string) place {
	for path != "" {
		if p, ok := d.places[path]; ok {
			return p
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut < 0 {
			break
		}
		path = path[:cut]
	}
	return place{1, 1, 1}
}

// value decodes one node into v, whose field carries tag.
func (d *decoder) value(n ast.Node, v reflect.Value, tag reflect.StructTag, path string) {
	if _, seen := d.places[path]; !seen {
		d.places[path] = placeOf(n)
	}
	if why := outlawed(n); why != "" {
		d.add(placeOf(n), path, why, "")
		return
	}
	if v.CanAddr() {
		if own, ok := reflect.TypeAssert[fromNode](v.Addr()); ok {
			own.decodeNode(d, n, path)
			return
		}
	}
	if n == nil || n.Type() == ast.NullType {
		d.add(placeOf(n), path, fmt.Sprintf("%s is empty, want a value", path), "")
		return
	}
	if d.scalar(n, v, tag, path) {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		m := mappingOf(n)
		if m == nil {
			d.add(placeOf(n), path, fmt.Sprintf("%s is %s, want a mapping", path, kindOf(n)), "")
			return
		}
		d.fields(m, v, path)
	case reflect.Slice:
		d.list(n, v, tag, path)
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		d.value(n, v.Elem(), tag, path)
	default:
		panic(fmt.Sprintf("config: field %s has the type %s, which no rule reads", path, v.Type()))
	}
}

// outlawed names what YAML allows and a configuration that must mean one thing does not.
func outlawed(n ast.Node) string {
	switch n.(type) {
	case *ast.AnchorNode:
		return "anchors are not allowed, write the value out"
	case *ast.AliasNode:
		return "aliases are not allowed, write the value out"
	case *ast.TagNode:
		return "tags are not allowed"
	case *ast.MergeKeyNode:
		return "merge keys are not allowed, write the keys out"
	}
	return ""
}

func (d *decoder) list(n ast.Node, v reflect.Value, tag reflect.StructTag, path string) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.add(placeOf(n), path, fmt.Sprintf("%s is %s, want a list", path, kindOf(n)), "")
		return
	}
	out := reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values))
	for i, item := range seq.Values {
		if starter, ok := reflect.TypeAssert[interface{ defaults() }](reflect.New(v.Type().Elem())); ok {
			starter.defaults()
			out.Index(i).Set(reflect.ValueOf(starter).Elem())
		}
		d.value(item, out.Index(i), tag, fmt.Sprintf("%s[%d]", path, i))
	}
	v.Set(out)
}

// fields decodes a mapping into a struct: unknown, repeated and missing keys are mistakes like any other.
func (d *decoder) fields(m *ast.MappingNode, v reflect.Value, path string) {
	d.pairs(m, v, path, fieldsOf(v.Type()))
}

func (d *decoder) pairs(m *ast.MappingNode, v reflect.Value, path string, want fieldList) {
	seen := map[string]bool{}
	for _, pair := range m.Values {
		key, at := keyOf(pair)
		if pair.Key.Type() == ast.MergeKeyType {
			d.add(at, path, "merge keys are not allowed, write the keys out", "")
			continue
		}
		f, known := want.find(key)
		if !known {
			d.unknown(key, at, path, want)
			continue
		}
		if seen[key] {
			d.add(at, join(path, key), fmt.Sprintf("key %q is repeated in %s", key, orTop(path)), "")
			continue
		}
		seen[key] = true
		d.places[join(path, key)+"#key"] = at
		d.value(pair.Value, v.FieldByIndex(f.index), f.tag, join(path, key))
	}
	for _, f := range want {
		if !seen[f.key] && !f.optional && !d.over {
			d.add(d.placeOfMapping(m, path), join(path, f.key), fmt.Sprintf("key %q is missing in %s", f.key, orTop(path)), "")
		}
	}
}

// placeOfMapping is where a reader would look for a key that is not there: the mapping's own place.
func (d *decoder) placeOfMapping(m *ast.MappingNode, path string) place {
	if path == "" {
		return place{1, 1, 1}
	}
	if p, ok := d.places[path+"#key"]; ok {
		return p
	}
	return placeOf(m)
}

func (d *decoder) unknown(key string, at place, path string, want fieldList) {
	suggestion := ""
	if near := nearest(key, want.keys()); near != "" {
		suggestion = fmt.Sprintf("did you mean %q?", near)
	} else if homes := d.schema.homes(key); len(homes) > 0 {
		suggestion = fmt.Sprintf("belongs under %s", homes[0])
	}
	d.add(at, join(path, key), fmt.Sprintf("unknown key %q in %s", key, orTop(path)), suggestion)
}

func orTop(path string) string {
	if path == "" {
		return "the top of the file"
	}
	return path
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// mappingOf gives the pairs of a mapping node, or nil for anything else.
func mappingOf(n ast.Node) *ast.MappingNode {
	switch m := n.(type) {
	case *ast.MappingNode:
		return m
	case *ast.MappingValueNode:
		return &ast.MappingNode{BaseNode: m.BaseNode, Start: m.Start, Values: []*ast.MappingValueNode{m}}
	}
	return nil
}

func keyOf(pair *ast.MappingValueNode) (string, place) {
	t := pair.Key.GetToken()
	return t.Value, place{t.Position.Line, t.Position.Column, max(1, utf8.RuneCountInString(t.Value))}
}

// placeOf finds the first token of a node: a mapping's own token is its colon, so its first key stands for it.
func placeOf(n ast.Node) place {
	switch x := n.(type) {
	case nil:
		return place{1, 1, 1}
	case *ast.MappingNode:
		if !x.IsFlowStyle && len(x.Values) > 0 {
			_, p := keyOf(x.Values[0])
			return p
		}
	case *ast.MappingValueNode:
		_, p := keyOf(x)
		return p
	case *ast.SequenceNode:
		if !x.IsFlowStyle && len(x.Values) > 0 {
			return placeOf(x.Values[0])
		}
	}
	return tokenPlace(n.GetToken())
}

func tokenPlace(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{1, 1, 1}
	}
	width := utf8.RuneCountInString(t.Value)
	if t.Type == token.DoubleQuoteType || t.Type == token.SingleQuoteType {
		width += 2
	}
	return place{t.Position.Line, t.Position.Column, max(1, width)}
}

func kindOf(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode, nil:
		return "empty"
	}
	return strings.TrimSpace(n.String())
}
