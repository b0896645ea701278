package archtest

import (
	"fmt"
	"go/ast"
	"strings"
)

// owners names, for each heavy dependency, the only rooms that may import it. Tests follow the same rule.
var owners = []struct {
	prefix string
	rooms  []string
	why    string
}{
	{"github.com/asynkron/protoactor-go", []string{"actors"}, "the engine is wrapped, not exposed"},
	{"github.com/hashicorp/raft", []string{"cluster"}, "only cluster speaks Raft"},
	{"github.com/quickfixgo", []string{"orders/fix", "venues/fix"}, "FIX stays behind Gateway and Port"},
	{"github.com/prometheus/client_golang", []string{"internal/telemetry"}, "the core is observed through hooks"},
	{"go.opentelemetry.io", []string{"internal/telemetry"}, "the core is observed through hooks"},
	{"github.com/spf13/cobra", []string{"."}, "commands live in the root package"},
	{"github.com/goccy/go-yaml", []string{"internal/config"}, "configuration is read in one place"},
	{"github.com/gopacket/gopacket", []string{"feeds/capture"}, "captures are opened in one place"},
	{"github.com/klauspost/compress", []string{"feeds/capture"}, "captures are opened in one place"},
}

// standardOnly are the rooms that import nothing but the standard library.
var standardOnly = []string{"market", "mailbox", "resilience"}

// Owners reports every import of a heavy dependency outside its owner, and every import beyond the standard library in
// the rooms that do without.
func Owners(h *House) []Violation {
	var out []Violation
	h.Each(func(room string, f File) {
		for imported := range f.Imports() {
			for _, o := range owners {
				if (imported == o.prefix || strings.HasPrefix(imported, o.prefix+"/") || strings.HasPrefix(imported, o.prefix+"-")) && !anyInside(room, o.rooms) {
					out = append(out, Violation{f.Name, fmt.Sprintf("imports %s, want it only in %v: %s", imported, o.rooms, o.why)})
				}
			}
			if !f.Test && anyInside(room, standardOnly) && strings.Contains(strings.Split(imported, "/")[0], ".") {
				out = append(out, Violation{f.Name, fmt.Sprintf("imports %s, want the standard library only", imported)})
			}
		}
	})
	return out
}

func anyInside(room string, dirs []string) bool {
	for _, d := range dirs {
		if room == d || d != "." && inside(room, d) {
			return true
		}
	}
	return false
}

// Signatures reports every exported declaration that names a type of a heavy dependency: protoactor, raft, Prometheus
// and OpenTelemetry types appear in no exported signature.
func Signatures(h *House) []Violation {
	var out []Violation
	h.Each(func(_ string, f File) {
		if f.Test {
			return
		}
		heavy := map[string]string{}
		for imported, name := range f.Imports() {
			for _, o := range owners {
				if strings.HasPrefix(imported, o.prefix) {
					heavy[name] = imported
				}
			}
		}
		if len(heavy) == 0 {
			return
		}
		for _, decl := range f.AST.Decls {
			for _, n := range exportedTypes(decl) {
				ast.Inspect(n, func(n ast.Node) bool {
					sel, ok := n.(*ast.SelectorExpr)
					if !ok {
						return true
					}
					if x, ok := sel.X.(*ast.Ident); ok && heavy[x.Name] != "" {
						out = append(out, Violation{h.at(sel), fmt.Sprintf("%s.%s stands in an exported signature, want none of %s", x.Name, sel.Sel.Name, heavy[x.Name])})
					}
					return true
				})
			}
		}
	})
	return out
}

// exportedTypes gives the type expressions a caller can see in one declaration. cobra commands of the root are built
// by unexported functions, so the rule needs no exception.
func exportedTypes(decl ast.Decl) []ast.Node {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && receiverExported(d) {
			return []ast.Node{d.Type}
		}
	case *ast.GenDecl:
		var out []ast.Node
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() {
					out = append(out, visible(s.Type)...)
				}
			case *ast.ValueSpec:
				if s.Type != nil && s.Names[0].IsExported() {
					out = append(out, s.Type)
				}
			}
		}
		return out
	}
	return nil
}

func receiverExported(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return false
		}
	}
}

// visible drops the unexported fields of a struct: they are nobody's signature.
func visible(t ast.Expr) []ast.Node {
	s, ok := t.(*ast.StructType)
	if !ok {
		return []ast.Node{t}
	}
	var out []ast.Node
	for _, field := range s.Fields.List {
		if len(field.Names) == 0 || field.Names[0].IsExported() {
			out = append(out, field.Type)
		}
	}
	return out
}
