package e2e

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every test that SECURITY.md names is there: a promise whose test was renamed or
// dropped is nobody's.
func TestSecurityNamesTestsThatAreThere(t *testing.T) {
	top := filepath.Join("..", "..")
	there := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	must(t, filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && path != top) {
			return filepath.SkipDir
		}
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		for _, m := range declared.FindAllSubmatch(readAll(t, path), -1) {
			there[string(m[1])] = true
		}
		return nil
	}))
	doc := string(readAll(t, filepath.Join(top, "SECURITY.md")))
	named := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`").FindAllStringSubmatch(doc, -1)
	for _, m := range named {
		if !there[m[1]] {
			t.Errorf("SECURITY.md names %s, which is not there", m[1])
		}
	}
	if len(named) < 60 {
		t.Errorf("SECURITY.md names only %d tests", len(named))
	}
	// Each of the standard's thirteen clauses has a row, and says by what it is shown.
	for clause := 1; clause <= 13; clause++ {
		if !regexp.MustCompile(fmt.Sprintf(`(?m)^\| 5\.%d-`, clause)).MatchString(doc) {
			t.Errorf("no provision of clause 5.%d", clause)
		}
	}
}
