package telemetry

import (
	"strings"

	"github.com/failshut/failshut/supervision"
)

// Places are the names that metrics give to the children of a tree: as many as its static specs have, whatever is started and
// however it is called. A child of a spec has its path; instances of a simple supervisor share their template's; what a roster
// starts is the group's "*", and what is below it is told apart by the spec's names alone: venues/*/orders.
type Places struct{ root *place }

type place struct {
	label string
	kids  map[string]*place
	rest  *place // whoever the spec does not name
}

// NewPlaces names the children of spec. rosters are what rosters start, by the path of the supervisor that they add it to.
func NewPlaces(spec *supervision.Spec, rosters map[string][]supervision.Child) *Places {
	p := &Places{newPlace("")}
	p.root.label = spec.Name
	p.root.add("", spec)
	for path, children := range rosters {
		at := p.at(path)
		for i := range children {
			if sub := children[i].Sub; sub != nil {
				at.rest.add(at.rest.label, sub)
			}
		}
	}
	return p
}

// newPlace is a place with one more behind it, for all that it does not know.
func newPlace(label string) *place {
	return &place{label: label, kids: map[string]*place{}, rest: &place{label: below(label, "*")}}
}

func below(label, name string) string {
	if label == "" {
		return name
	}
	return label + "/" + name
}

// add names what sub lists, below the path that p has.
func (p *place) add(path string, sub *supervision.Spec) {
	if p.kids == nil {
		p.kids, p.rest = map[string]*place{}, &place{label: below(path, "*")}
	}
	for i := range sub.Children {
		c := &sub.Children[i]
		kid := p.kids[c.Name]
		if kid == nil {
			kid = newPlace(below(path, c.Name))
			p.kids[c.Name] = kid
		}
		if c.Sub != nil {
			kid.add(kid.label, c.Sub)
		}
		if sub.Strategy == supervision.SimpleOneForOne {
			p.rest = kid
		}
	}
}

// Of is the label of the child at path, "" and the root's own name being the root. It allocates nothing.
func (p *Places) Of(path string) string { return p.at(path).label }

func (p *Places) at(path string) *place {
	at := p.root
	if path == "" || path == at.label {
		return at
	}
	for path != "" {
		name, rest, _ := strings.Cut(path, "/")
		next := at.kids[name]
		if next == nil {
			next = at.rest
		}
		if next == nil {
			return at // further down than any spec goes
		}
		at, path = next, rest
	}
	return at
}
