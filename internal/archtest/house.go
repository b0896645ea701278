// Package archtest holds the house to its plan: which room may import which, who owns each heavy dependency, who may
// read a clock or start a goroutine. It parses the sources in-process, so that `go test` alone fails the build when an
// arrow points up. It holds no rule that a planted violation does not show failing, and nothing imports it.
package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"sort"
	"strconv"
	"strings"
)

// Module is the import path of this module.
const Module = "github.com/failshut/failshut"

// House is every package of the module as parsed source, keyed by its folder relative to the root ("." is the root).
type House struct {
	Fset  *token.FileSet
	Rooms map[string][]File
}

// File is one parsed source file and whether it is a test.
type File struct {
	Name string // slash path relative to the root
	Test bool
	AST  *ast.File
}

// Violation is one broken rule: where, and what was found against what was wanted.
type Violation struct {
	At   string
	What string
}

func (v Violation) String() string { return v.At + ": " + v.What }

// Parse reads every Go file below the root of fsys. Nested modules, testdata and hidden folders are other houses.
func Parse(fsys fs.FS) (*House, error) {
	h := &House{Fset: token.NewFileSet(), Rooms: map[string][]File{}}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return h.enter(fsys, name, d)
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		return h.add(fsys, name)
	})
	return h, err
}

func (h *House) enter(fsys fs.FS, name string, d fs.DirEntry) error {
	if name == "." {
		return nil
	}
	if strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_") || d.Name() == "testdata" {
		return fs.SkipDir
	}
	if _, err := fs.Stat(fsys, path.Join(name, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

func (h *House) add(fsys fs.FS, name string) error {
	src, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	f, err := parser.ParseFile(h.Fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return fmt.Errorf("parsing %s: %w", name, err)
	}
	dir := path.Dir(name)
	h.Rooms[dir] = append(h.Rooms[dir], File{Name: name, Test: strings.HasSuffix(name, "_test.go"), AST: f})
	return nil
}

// Each calls visit for every file in a fixed order.
func (h *House) Each(visit func(room string, f File)) {
	rooms := make([]string, 0, len(h.Rooms))
	for room := range h.Rooms {
		rooms = append(rooms, room)
	}
	sort.Strings(rooms)
	for _, room := range rooms {
		for _, f := range h.Rooms[room] {
			visit(room, f)
		}
	}
}

// Imports lists what a file imports: the path, and the name by which the file calls it.
func (f File) Imports() map[string]string {
	out := map[string]string{}
	for _, spec := range f.AST.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		name := path.Base(p)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		out[p] = name
	}
	return out
}

func (h *House) at(n ast.Node) string {
	p := h.Fset.Position(n.Pos())
	return fmt.Sprintf("%s:%d", p.Filename, p.Line)
}

// inside says whether room is dir or lies below it.
func inside(room, dir string) bool { return room == dir || strings.HasPrefix(room, dir+"/") }
