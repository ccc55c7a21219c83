package page_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// Fractions come out otherwise where a processor multiplies and adds in one step (arm64),
// so nothing that draws has any.
func TestNothingThatDrawsHasFractions(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	files := token.NewFileSet()
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(files, e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				if n.Kind == token.FLOAT {
					t.Errorf("%v: %s", files.Position(n.Pos()), n.Value)
				}
			case *ast.Ident:
				if strings.HasPrefix(n.Name, "float") || n.Name == "math" || strings.HasPrefix(n.Name, "complex") {
					t.Errorf("%v: %s", files.Position(n.Pos()), n.Name)
				}
			case *ast.SelectorExpr:
				switch n.Sel.Name { // of durations
				case "Seconds", "Minutes", "Hours":
					t.Errorf("%v: .%s", files.Position(n.Pos()), n.Sel.Name)
				}
			}
			return true
		})
	}
}
