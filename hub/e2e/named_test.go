package e2e

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// testFiles calls look with each file of tests in the repository.
func testFiles(t *testing.T, look func(path string, text []byte)) {
	t.Helper()
	top := filepath.Join("..", "..")
	must(t, filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && path != top) {
			return filepath.SkipDir
		}
		if err == nil && strings.HasSuffix(path, "_test.go") {
			look(path, readAll(t, path))
		}
		return err
	}))
}

// Each fuzz target holds the memory of what it reads (protocoltest.HoldMemory, or a
// helper in front of it).
func TestEveryFuzzTargetHoldsItsMemory(t *testing.T) {
	target := regexp.MustCompile(`(?ms)^func (Fuzz\w+)\(f \*testing\.F\) *\{(.*?)(?:^| )\}$`)
	holds := regexp.MustCompile(`HoldMemory(Beside)?\(t, |\bheld\(t, |\bhold\(t, | fuzz\(f, "`)
	n := 0
	testFiles(t, func(path string, text []byte) {
		for _, m := range target.FindAllSubmatch(text, -1) {
			if n++; !holds.Match(m[2]) {
				t.Errorf("%s: %s does not hold its memory", path, m[1])
			}
		}
	})
	if n < 75 {
		t.Errorf("only %d fuzz targets", n)
	}
}

// Every test that SECURITY.md names is there: a promise whose test was renamed or
// dropped is nobody's.
func TestSecurityNamesTestsThatAreThere(t *testing.T) {
	top := filepath.Join("..", "..")
	there := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	testFiles(t, func(_ string, text []byte) {
		for _, m := range declared.FindAllSubmatch(text, -1) {
			there[string(m[1])] = true
		}
	})
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
	// Each provision of the standard has its row, in order; who claims one names a test.
	rows := regexp.MustCompile(`(?m)^\| ([56][.0-9-]+) \| ([^|]+) \| (yes|partly|no|n/a) \| ([^|]{6,}) \| ([^|]+) \|$`).FindAllStringSubmatch(doc, -1)
	var want []string
	for clause, provisions := range []int{5, 3, 16, 4, 8, 9, 2, 3, 3, 1, 4, 3, 1} { // EN 303 645 V2.1.1, 5.1 to 5.13
		for n := range provisions {
			want = append(want, fmt.Sprintf("5.%d-%d", clause+1, n+1))
		}
	}
	want = append(want, "6.1", "6.2", "6.3", "6.4", "6.5")
	var got []string
	for _, r := range rows {
		got = append(got, r[1])
		if clause, _, _ := strings.Cut(strings.TrimPrefix(r[1], "5."), "-"); strings.HasPrefix(r[1], "5.") && strings.TrimSpace(r[2]) != clause {
			t.Errorf("%s is given as item %s of the decision", r[1], r[2])
		}
		if r[3] == "yes" && !strings.Contains(r[5], "`") {
			t.Errorf("%s is claimed without a test", r[1])
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("provisions (-the standard's +SECURITY.md's):\n%s", diff)
	}
}
