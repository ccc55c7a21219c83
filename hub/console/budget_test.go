package console_test

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/loa-vn/loa/protocol/protocoltest"
)

var (
	asked    = regexp.MustCompile(`(?:href|src)="/(assets/[^"]+\.(?:js|css))"`)
	imported = regexp.MustCompile(`(?:from|import)\s*"\./([^"]+\.js)"`)
)

// closure adds a script and all that it imports at once.
func closure(t *testing.T, dist fs.FS, name string, all map[string]bool) {
	t.Helper()
	if all[name] {
		return
	}
	all[name] = true
	text, err := fs.ReadFile(dist, name)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range imported.FindAllStringSubmatch(string(text), -1) {
		closure(t, dist, "assets/"+m[1], all)
	}
}

// packed sums the packed sizes of files that are not in without.
func packed(t *testing.T, dist fs.FS, files, without map[string]bool) int64 {
	t.Helper()
	var sum int64
	for name := range files {
		if without[name] {
			continue
		}
		info, err := fs.Stat(dist, name+".gz")
		if err != nil {
			t.Fatal(err)
		}
		sum += info.Size()
	}
	return sum
}

// What comes before anything shows is at most 40 KB of script and CSS; recorder
// and map come on demand, at most 60 and 70 KB more.
func TestTheBundleKeepsItsBudget(t *testing.T) {
	dist := os.DirFS("dist")
	page, err := fs.ReadFile(dist, "app.html")
	if err != nil {
		protocoltest.Missing(t, "the built console")
	}
	first := map[string]bool{}
	for _, m := range asked.FindAllStringSubmatch(string(page), -1) {
		if strings.HasSuffix(m[1], ".css") {
			first[m[1]] = true
			continue
		}
		closure(t, dist, m[1], first)
	}
	for name := range first {
		if !strings.Contains(string(page), name) {
			t.Errorf("%s is needed at first and not named in the page: it comes late", name)
		}
	}
	if sum := packed(t, dist, first, nil); sum == 0 || sum > 40_000 {
		t.Errorf("first load: %d bytes packed, at most 40,000", sum)
	} else {
		t.Logf("first load: %d bytes packed", sum)
	}
	for part, limit := range map[string]int64{"record-": 60_000, "draw-": 70_000} {
		more := map[string]bool{}
		names, err := fs.Glob(dist, "assets/"+part+"*.js")
		if err != nil || len(names) != 1 {
			t.Fatalf("%s: %v %v", part, names, err)
		}
		closure(t, dist, names[0], more)
		if sum := packed(t, dist, more, first); sum > limit {
			t.Errorf("%s: %d bytes packed more, at most %d", part, sum, limit)
		} else {
			t.Logf("%s %d bytes packed more", part, sum)
		}
	}
}
