package schedule

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEverySentenceIsShown: each numbered sentence of SCHEDULE.md is cited, those of
// chapters 1 to 10 by scenarios, the rest by tests; and nobody cites one that is not
// there.
func TestEverySentenceIsShown(t *testing.T) {
	text, err := os.ReadFile("SCHEDULE.md")
	if err != nil {
		t.Fatal(err)
	}
	sentences := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^- \*\*(\d+\.\d+)\*\* `).FindAllStringSubmatch(string(text), -1) {
		if sentences[m[1]] {
			t.Errorf("two sentences are %s", m[1])
		}
		sentences[m[1]] = true
	}
	if len(sentences) < 90 {
		t.Fatalf("only %d sentences were found", len(sentences))
	}
	shown := cited(t, sentences)
	for n := range sentences {
		chapter, _, _ := strings.Cut(n, ".")
		by, what := shown["scenario"], "scenario"
		if chapter == "11" || chapter == "12" {
			by, what = shown["test"], "test"
		}
		if by[n] == 0 {
			t.Errorf("no %s shows %s", what, n)
		}
	}
}

// TestEveryRuleIsShown: each rule that the package's doc numbers is named by a scenario or a
// test, as "rule N".
func TestEveryRuleIsShown(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	rules := regexp.MustCompile(`(?m)^// +(\d+)\. `).FindAllStringSubmatch(string(doc), -1)
	if len(rules) != 9 {
		t.Fatalf("the doc numbers %d rules", len(rules))
	}
	mark, number := regexp.MustCompile(`[Rr]ules? \d+((, | and )\d+)*`), regexp.MustCompile(`\d+`)
	shown := map[string]bool{}
	for _, name := range append(glob(t, "testdata/*.txt"), glob(t, "*_test.go")...) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range mark.FindAllString(string(text), -1) {
			for _, n := range number.FindAllString(m, -1) {
				shown[n] = true
			}
		}
	}
	for _, r := range rules {
		if !shown[r[1]] {
			t.Errorf("nothing shows rule %s", r[1])
		}
	}
}

// cited counts what scenarios and tests cite.
func cited(t *testing.T, sentences map[string]bool) map[string]map[string]int {
	t.Helper()
	shown := map[string]map[string]int{"scenario": {}, "test": {}}
	note := func(kind, where, numbers string) {
		for _, n := range strings.FieldsFunc(numbers, func(r rune) bool { return r == ' ' || r == ',' }) {
			if shown[kind][n]++; !sentences[n] {
				t.Errorf("%s cites %s, which is not there", where, n)
			}
		}
	}
	for _, name := range glob(t, "testdata/*.txt") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		_, scenarios := splitScenarios(string(text))
		for _, s := range scenarios {
			numbers, ok := strings.CutPrefix(s.text[0], "cites ")
			if !ok {
				t.Errorf("%s: %q cites nothing", name, s.title)
			}
			note("scenario", name+": "+s.title, numbers)
		}
	}
	mark := regexp.MustCompile(`(?m)^// SCHEDULE\.md ([0-9., ]+)$`)
	for _, name := range glob(t, "*_test.go") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range mark.FindAllStringSubmatch(string(text), -1) {
			note("test", name, m[1])
		}
	}
	return shown
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatal(pattern, err)
	}
	return names
}
