package config

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/failshut/failshut/risk"
)

// Kind tells the two files apart by their top key.
type Kind string

// The kinds of configuration file.
const (
	KindNode  Kind = "node"
	KindVenue Kind = "venue"
)

// File is one file as read. Node or Venue is set by Kind, and may be used only when Mistakes is empty.
type File struct {
	Name     string
	Kind     Kind
	Node     *Node
	Exchange *Exchange
	Mistakes Mistakes
	Warnings Mistakes
	Missing  []risk.Missing // measures that an entitled order would be refused for
}

// Err is nil for a file without mistakes, else all of them behind the file's name.
func (f *File) Err() error {
	if len(f.Mistakes) == 0 {
		return nil
	}
	return fmt.Errorf("%s", f.Mistakes.Text(f.Name))
}

// Strategies is what the file's strategies are checked against: the strategies this binary holds.
type Strategies interface {
	// Names lists what `use` may say.
	Names() []string
	// Params gives a fresh pointer to the strategy's parameters with their defaults, or nil for an unknown name.
	Params(use string) any
}

// Read decodes and checks one file's text. It never fails: what is wrong stands in Mistakes, sorted by place.
func Read(name string, src []byte, strategies Strategies) *File {
	f := &File{Name: name}
	d := &decoder{lines: strings.Split(string(src), "\n"), places: map[string]place{}}
	f.read(d, src, strategies)
	f.Mistakes = d.mistakes
	f.Mistakes.sort()
	f.Warnings.sort()
	return f
}

func (f *File) read(d *decoder, src []byte, strategies Strategies) {
	root := d.document(src)
	if root == nil {
		return
	}
	for _, pair := range root.Values {
		switch key, _ := keyOf(pair); key {
		case "node", "venue":
			if f.Kind == "" {
				f.Kind = Kind(key)
			}
		}
	}
	switch f.Kind {
	case KindNode:
		n := DefaultNode()
		f.Node = &n
		d.schema = schemaOf(reflect.TypeFor[Node]())
		d.fields(root, reflect.ValueOf(f.Node).Elem(), "")
		d.checkNode(f, strategies)
	case KindVenue:
		f.Exchange = &Exchange{}
		d.schema = schemaOf(reflect.TypeFor[Exchange]())
		d.fields(root, reflect.ValueOf(f.Exchange).Elem(), "")
		d.checkExchange(f.Exchange)
	default:
		d.add(place{1, 1, 1}, "", `the file has neither "node" nor "venue" at its top, want one of them`, "")
	}
}

// params reads a kept part strictly over the value that into points to, and then asks its Validate, if it has one.
// Fields are named by their yaml tag, else by their name in lower case; each may be absent.
func (d *decoder) params(r Raw, into any, path string) {
	v := reflect.ValueOf(into).Elem()
	if m := mappingOf(r.node); m != nil {
		d.over = true
		d.fields(m, v, path)
		d.over = false
	}
	if checker, ok := into.(interface{ Validate() error }); ok {
		if err := checker.Validate(); err != nil {
			for line := range strings.Lines(err.Error()) {
				d.add(d.at(path), path, fmt.Sprintf("%s: %s", path, strings.TrimSpace(line)), "")
			}
		}
	}
}

// Params decodes a strategy's parameters over the value that into points to, as Read did when it checked them. It
// returns the mistakes, which are none where Read found none.
func (f *File) Params(r Raw, into any) error {
	if !r.Set() {
		return nil
	}
	d := &decoder{places: map[string]place{}}
	d.params(r, into, r.path)
	if len(d.mistakes) > 0 {
		return d.mistakes
	}
	return nil
}

// ReadParams decodes a strategy's parameters that stand alone, such as `{fast: 2, slow: 4}`, over the value that into points to, by
// the rules of a file. It returns every mistake; an empty text leaves the defaults, which are checked too.
func ReadParams(text string, into any) error {
	d, r := rawParams(text)
	if len(d.mistakes) == 0 {
		d.params(r, into, r.path)
	}
	if len(d.mistakes) > 0 {
		d.mistakes.sort()
		return d.mistakes
	}
	return nil
}

// RawParams is what ReadParams reads: none where it is no mapping.
func RawParams(text string) Raw {
	_, r := rawParams(text)
	return r
}

func rawParams(text string) (*decoder, Raw) {
	d := &decoder{lines: strings.Split(text, "\n"), places: map[string]place{}, bare: true}
	r := Raw{path: "params"}
	if strings.TrimSpace(text) != "" {
		if root := d.document([]byte(text)); root != nil {
			r.node = root
		}
	}
	return d, r
}
