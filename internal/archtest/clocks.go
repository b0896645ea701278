package archtest

import (
	"fmt"
	"go/ast"
)

// clockReaders are the rooms that may read a clock or wait on one: time is an argument everywhere else.
var clockReaders = []string{"actors", "cmd", "bench"}

// goers are the rooms that may say go: who starts it stops it, and these are the ones that know how.
var goers = []string{"actors", "supervision", "cmd", "bench"}

// goneByReason are the files beyond those rooms that say go, and why nothing else would do.
var goneByReason = map[string]string{
	"cluster/node.go": "the engine's future cannot be waited for with a context, and a proposal must be",

	"strategy/strategytest/ahead.go": "a test's runs side by side, each of which has ended before the test has",
}

var clockNames = map[string]bool{
	"Now": true, "Sleep": true, "After": true, "AfterFunc": true, "NewTimer": true, "NewTicker": true,
	"Tick": true, "Since": true, "Until": true,
}

// Clocks reports every use of the wall or monotonic clock outside the rooms that own time.
func Clocks(h *House) []Violation {
	var out []Violation
	h.Each(func(room string, f File) {
		name, ok := f.Imports()["time"]
		if f.Test || !ok || anyInside(room, clockReaders) {
			return
		}
		ast.Inspect(f.AST, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == name && clockNames[sel.Sel.Name] {
				out = append(out, Violation{h.at(sel), fmt.Sprintf("time.%s, want time as an argument (only %v read a clock)", sel.Sel.Name, clockReaders)})
			}
			return true
		})
	})
	return out
}

// Goroutines reports every go statement outside the rooms that start work.
func Goroutines(h *House) []Violation {
	var out []Violation
	h.Each(func(room string, f File) {
		if f.Test || anyInside(room, goers) || goneByReason[f.Name] != "" {
			return
		}
		ast.Inspect(f.AST, func(n ast.Node) bool {
			if g, ok := n.(*ast.GoStmt); ok {
				out = append(out, Violation{h.at(g), fmt.Sprintf("go statement, want work as Run under supervision (only %v say go)", goers)})
			}
			return true
		})
	})
	return out
}

// pureFiles may import neither a clock's chance nor a lock: the rules in them are functions of their arguments.
var pureFiles = map[string][]string{
	"supervision/decide.go": {"math/rand", "math/rand/v2", "sync", "sync/atomic", "context", "os", "net"},
}

// Pure reports every forbidden import of a file that holds rules, and a listed file that is not there.
func Pure(h *House) []Violation {
	var out []Violation
	found := map[string]bool{}
	h.Each(func(_ string, f File) {
		banned, ok := pureFiles[f.Name]
		if !ok {
			return
		}
		found[f.Name] = true
		imports := f.Imports()
		for _, b := range banned {
			if _, bad := imports[b]; bad {
				out = append(out, Violation{f.Name, fmt.Sprintf("imports %s, want a pure function of its input", b)})
			}
		}
	})
	for name := range pureFiles {
		if !found[name] {
			out = append(out, Violation{name, "is not there, want the file that holds these rules"})
		}
	}
	return out
}

// bannedCalls are names that would let a decision rest on something that is not evidence.
var bannedCalls = []struct{ room, name, why string }{
	{"risk", "LastContact", "a lease is a heartbeat timer, not permission"},
	{"risk", "VerifyLeader", "leadership is read from applied entries alone"},
	{"actors", "EnableMetrics", "the engine's metrics keep 2.9 KB of every dead actor"},
	{"actors", "WithMetricProviders", "the engine's metrics keep 2.9 KB of every dead actor"},
}

// Banned reports every mention of a name that a room must not use.
func Banned(h *House) []Violation {
	var out []Violation
	h.Each(func(room string, f File) {
		if f.Test {
			return
		}
		ast.Inspect(f.AST, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			for _, b := range bannedCalls {
				if inside(room, b.room) && sel.Sel.Name == b.name {
					out = append(out, Violation{h.at(sel), fmt.Sprintf("%s, want it nowhere in %s: %s", b.name, b.room, b.why)})
				}
			}
			return true
		})
	})
	return out
}
