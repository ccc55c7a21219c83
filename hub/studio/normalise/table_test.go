package normalise

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// tables returns the words that the tables of the package give, by where they
// stand: every string of two letters or more that a table's switch returns.
func tables(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	files := []string{"units.go", "foreign.go", "foreign_name.go", "web.go"}
	more, err := filepath.Glob("abbreviation*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(files, more...) {
		fset := gotoken.NewFileSet()
		f, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			r, ok := n.(*ast.ReturnStmt)
			if !ok {
				return true
			}
			ast.Inspect(r, func(n ast.Node) bool {
				if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == gotoken.STRING {
					if s, _ := strconv.Unquote(lit.Value); strings.TrimSpace(s) != "" {
						out[fset.Position(lit.Pos()).String()] = s
					}
				}
				return true
			})
			return false
		})
	}
	return out
}

func TestEveryWordOfTheTablesIsReadAsItself(t *testing.T) {
	words := tables(t)
	if len(words) < 700 {
		t.Errorf("only %d words found", len(words))
	}
	for at, s := range words {
		if got := Read(s, Options{}).Words; got != strings.TrimSpace(s) {
			t.Errorf("%s: %q is read as %q", at, s, got)
		}
	}
}
