package config

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Secret is a reference to a secret, never the secret: file:PATH or env:NAME. It prints as [redacted] in every format.
type Secret struct{ ref string }

// String hides even the reference, so that no format verb can leak one.
func (Secret) String() string { return "[redacted]" }

// GoString hides the reference from %#v.
func (Secret) GoString() string { return "[redacted]" }

// LogValue hides the reference from slog.
func (Secret) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// MarshalText hides the reference from JSON and every other encoder.
func (Secret) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }

// Set says whether a secret is configured at all.
func (s Secret) Set() bool { return s.ref != "" }

func (s *Secret) decodeNode(d *decoder, n ast.Node, path string) {
	ref, ok := wordOf(n)
	kind, name, cut := strings.Cut(ref, ":")
	if !ok || !cut || name == "" || (kind != "file" && kind != "env") {
		d.add(placeOf(n), path, fmt.Sprintf("%s is no reference, want file:PATH or env:NAME", path), "")
		return
	}
	s.ref = ref
}

// Raw keeps a part of the file undecoded until the one who knows its shape asks.
type Raw struct {
	node ast.Node
	path string
}

// Set says whether the key was there at all.
func (r Raw) Set() bool { return r.node != nil }

func (r *Raw) decodeNode(d *decoder, n ast.Node, path string) {
	if mappingOf(n) == nil {
		d.add(placeOf(n), path, fmt.Sprintf("%s is %s, want a mapping", path, kindOf(n)), "")
		return
	}
	r.node, r.path = n, path
}
