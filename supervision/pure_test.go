package supervision

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

// TestDecisionsKnowNoClockNoLockAndNoChance: what decides imports nothing that could make two runs differ.
func TestDecisionsKnowNoClockNoLockAndNoChance(t *testing.T) {
	pure := []string{
		"answer", "boot", "budget", "calls", "check", "codec", "decide", "input", "inputcodec", "judge", "line", "muster", "phases", "restart", "root", "snapshot", "spec",
		"speccodec", "state", "statecodec", "stop", "trunk",
	}
	allowed := map[string]bool{
		"encoding/binary": true, "hash/crc64": true, "maps": true,
		"cmp": true, "context": true, "errors": true, "fmt": true, "math": true, "slices": true, "strconv": true, "strings": true, "time": true,
	}
	readers := map[string]bool{"Now": true, "Since": true, "Until": true, "After": true, "AfterFunc": true, "NewTimer": true, "NewTicker": true, "Tick": true, "Sleep": true}
	for _, name := range pure {
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, name+".go", nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, im := range f.Imports {
			if path := strings.Trim(im.Path.Value, `"`); !allowed[path] {
				t.Errorf("%s imports %s", fset.Position(im.Pos()), path)
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt, *ast.SelectStmt, *ast.SendStmt:
				t.Errorf("%s starts or waits for something", fset.Position(n.Pos()))
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && readers[n.Sel.Name] {
					t.Errorf("%s reads the clock: time.%s", fset.Position(n.Pos()), n.Sel.Name)
				}
			}
			return true
		})
	}
}
