package archtest

import (
	"fmt"
	"go/ast"
	"path"
	"regexp"
	"strings"
)

// FailModes is the page whose rows say what shuts when something fails.
const FailModes = "docs/fail-modes.md"

// The last two cells of a row name where the rule stands and what proves it.
var (
	ruleNamed  = regexp.MustCompile("`([\\w./]+\\.go): (\\w+)`")
	proofNamed = regexp.MustCompile("`([\\w./]+): (Test\\w+)`")
)

// Proven reports each row of the page that names no rule or no proof, and each of these that the house does not have: a rule is a
// name that a file declares, a proof a test of a room.
func Proven(h *House, page string) []Violation {
	var out []Violation
	for n, line := range strings.Split(page, "\n") {
		at := fmt.Sprintf("%s:%d", FailModes, n+1)
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if !strings.HasPrefix(line, "| ") || len(cells) != 5 || strings.HasPrefix(line, "| What fails") {
			continue
		}
		rules, proofs := ruleNamed.FindAllStringSubmatch(cells[3], -1), proofNamed.FindAllStringSubmatch(cells[4], -1)
		if len(rules) == 0 || len(proofs) == 0 {
			out = append(out, Violation{at, fmt.Sprintf("%d rules and %d proofs, want one of each at least", len(rules), len(proofs))})
		}
		for _, r := range rules {
			if !h.declares(path.Dir(r[1]), r[2], func(f File) bool { return f.Name == r[1] }) {
				out = append(out, Violation{at, fmt.Sprintf("%s declares no %s", r[1], r[2])})
			}
		}
		for _, p := range proofs {
			if !h.declares(p[1], p[2], func(f File) bool { return f.Test }) {
				out = append(out, Violation{at, fmt.Sprintf("%s has no test %s", p[1], p[2])})
			}
		}
	}
	return out
}

// declares says whether one of the files of a room that are asked for declares a name: a function, a method, or at the top of the file.
func (h *House) declares(room, name string, asked func(File) bool) bool {
	for _, f := range h.Rooms[room] {
		if !asked(f) {
			continue
		}
		for _, decl := range f.AST.Decls {
			if declared(decl, name) {
				return true
			}
		}
	}
	return false
}

func declared(decl ast.Decl, name string) bool {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		return d.Name.Name == name
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				if s.Name.Name == name {
					return true
				}
			case *ast.ValueSpec:
				for _, n := range s.Names {
					if n.Name == name {
						return true
					}
				}
			}
		}
	}
	return false
}
