package archtest

import (
	"fmt"
	"go/ast"
	"strings"
)

// shown are the rooms that users build with, whose constructors have an example each.
var shown = map[string]bool{"mailbox": true, "actors": true, "actors/actorstest": true}

// Examples reports every exported constructor of these rooms, a function that makes a type of its own room or is called
// New, that no example shows.
func Examples(h *House) []Violation {
	var out []Violation
	for room := range shown {
		examples, types := map[string]bool{}, map[string]bool{}
		for _, f := range h.Rooms[room] {
			for _, decl := range f.AST.Decls {
				switch d := decl.(type) {
				case *ast.FuncDecl:
					if f.Test && d.Recv == nil {
						examples[d.Name.Name] = true
					}
				case *ast.GenDecl:
					for _, spec := range d.Specs {
						if t, ok := spec.(*ast.TypeSpec); ok && !f.Test {
							types[t.Name.Name] = true
						}
					}
				}
			}
		}
		for _, f := range h.Rooms[room] {
			if f.Test {
				continue
			}
			for _, decl := range f.AST.Decls {
				d, ok := decl.(*ast.FuncDecl)
				if !ok || !d.Name.IsExported() || !constructs(d, types) {
					continue
				}
				if want := exampleOf(d); !examples[want] {
					out = append(out, Violation{h.at(d), fmt.Sprintf("%s has no example, want func %s", d.Name.Name, want)})
				}
			}
		}
	}
	return out
}

// constructs says whether a function makes something: by its name, or because its first result is a type of its room. Of
// methods only those that are called New do, for others give what is there.
func constructs(d *ast.FuncDecl, types map[string]bool) bool {
	if d.Recv != nil {
		return strings.HasPrefix(d.Name.Name, "New") && receiverExported(d)
	}
	if strings.HasPrefix(d.Name.Name, "New") {
		return true
	}
	if d.Type.Results == nil {
		return false
	}
	return types[typeName(d.Type.Results.List[0].Type)]
}

// exampleOf is the name under which a function's example is found.
func exampleOf(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return "Example" + d.Name.Name
	}
	return "Example" + typeName(d.Recv.List[0].Type) + "_" + d.Name.Name
}

// typeName is the name of a type without its pointer and its parameters.
func typeName(e ast.Expr) string {
	switch t := e.(type) {
	case *ast.Ident:
		return t.Name
	case *ast.StarExpr:
		return typeName(t.X)
	case *ast.IndexExpr:
		return typeName(t.X)
	case *ast.IndexListExpr:
		return typeName(t.X)
	}
	return ""
}
