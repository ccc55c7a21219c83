package e2e

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/loa-vn/loa/"

// source is one Go file that is built into something: no test.
type source struct {
	dir     string // from the top, with slashes
	name    string
	file    *ast.File
	imports []string // of Loa, from the top; of others, whole
}

func sources(t *testing.T) []source {
	t.Helper()
	top := filepath.Join("..", "..")
	var all []source
	err := filepath.WalkDir(top, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(top, p)
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && rel != "." || d.Name() == "testdata" || d.Name() == "node_modules" || d.Name() == "bin") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		s := source{dir: path.Dir(filepath.ToSlash(rel)), name: filepath.Base(p), file: f}
		for _, i := range f.Imports {
			name, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			s.imports = append(s.imports, strings.TrimPrefix(name, module))
		}
		all = append(all, s)
		return nil
	})
	must(t, err)
	if len(all) < 100 {
		t.Fatalf("only %d files were found: the walk is wrong", len(all))
	}
	return all
}

func under(dir, top string) bool { return dir == top || strings.HasPrefix(dir, top+"/") }

// rule says what packages in from may not import, and why.
type rule struct {
	from, not string
	except    []string // of from
	why       string
}

func rules() []rule {
	r := []rule{
		{from: "protocol", not: "hub", why: "protocol knows neither side"},
		{from: "protocol", not: "agent", why: "protocol knows neither side"},
		{from: "hub", not: "agent", why: "hub and agent meet on the wire only"},
		{from: "agent", not: "hub", why: "hub and agent meet on the wire only"},
		{from: "deploy", not: "hub", why: "the demo drives programs, as a person would"},
		{from: "deploy", not: "agent", why: "the demo drives programs, as a person would"},
		{from: "deploy", not: "protocol", why: "the demo drives programs, as a person would"},
		{from: "protocol/schedule", not: "protocol/envelope", why: "what sounds when does not depend on who signed"},
		{from: "protocol/envelope", not: "protocol/schedule", why: "what sounds when does not depend on who signed"},
	}
	// The domain's order: a package may import those before it.
	order := []string{"registry", "bulletin", "approval", "programme", "plan", "dispatch", "ledger", "reach", "verify"}
	for i, from := range order {
		for _, not := range order[i+1:] {
			if from == "registry" && not == "bulletin" {
				continue
			}
			r = append(r, rule{from: "hub/" + from, not: "hub/" + not, why: "the way back is data, not a call"})
		}
	}
	domain := append([]string{"account", "alert", "audit", "enrol", "notebook", "problem", "relay"}, order...)
	adapters := []string{"api", "backup", "blob", "broker", "bundle", "console", "inbox", "jobs", "oidc", "passkey", "resume", "sheet", "signing", "stepca", "store", "studio", "totp"}
	for _, d := range domain {
		for _, a := range adapters {
			r = append(r, rule{from: "hub/" + d, not: "hub/" + a, why: "the domain declares what it needs; adapters implement it"})
		}
	}
	for _, a := range adapters {
		for _, b := range adapters {
			if a != b {
				r = append(r, rule{from: "hub/" + a, not: "hub/" + b, why: "no adapter knows another"})
			}
		}
	}
	// One package for each risky library.
	for lib, home := range map[string]string{
		"github.com/mochi-mqtt/server/v2": "hub/broker", "github.com/riverqueue/river": "hub/jobs", "go.etcd.io/bbolt": "agent/store",
		"github.com/ebitengine/oto/v3": "agent/player/speaker", "github.com/pion/opus": "agent/player/opus",
		"github.com/go-webauthn/webauthn": "hub/passkey", "rsc.io/qr": "hub/enrol", "github.com/pquerna/otp": "hub/totp", "golang.org/x/crypto/acme": "hub",
		"github.com/coreos/go-oidc/v3": "hub/oidc", "golang.org/x/oauth2": "hub/oidc", "github.com/go-jose/go-jose/v4": "hub/stepca",
		"github.com/tus/tusd/v2": "hub/resume", "github.com/xuri/excelize/v2": "hub/sheet",
		"modernc.org/sqlite": "hub/store", "filippo.io/age": "hub/backup", "github.com/pressly/goose/v3": "hub/store",
	} {
		for _, side := range []string{"hub", "agent", "protocol"} {
			r = append(r, rule{from: side, not: lib, except: []string{home}, why: "one package holds it: " + home})
		}
	}
	return r
}

// allowed are the edges that break one of the rules, each with its reason.
func allowed() map[string]string {
	return map[string]string{
		"hub/api -> hub/jobs":     "the routes of jobs show the queue's own records",
		"hub/store -> hub/verify": "the material of verify is read here",
	}
}

func TestNothingImportsAgainstTheFlow(t *testing.T) {
	checked := 0
	for _, s := range sources(t) {
		for _, r := range rules() {
			if !under(s.dir, r.from) || slices.ContainsFunc(r.except, func(e string) bool { return under(s.dir, e) }) {
				continue
			}
			checked++
			for _, i := range s.imports {
				if under(i, r.not) && !(under(i, r.from) && r.from != r.not) {
					if why := allowed()[s.dir+" -> "+r.not]; why == "" {
						t.Errorf("%s/%s imports %s: %s", s.dir, s.name, i, r.why)
					}
				}
			}
		}
	}
	if checked < 1000 {
		t.Fatalf("only %d checks were made", checked)
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	said, there := map[string]int{}, map[string]bool{}
	for _, s := range sources(t) {
		there[s.dir] = true
		if s.file.Doc != nil && len(s.file.Doc.Text()) > 60 {
			said[s.dir]++
		}
	}
	for dir := range there {
		if said[dir] != 1 {
			t.Errorf("%s has %d package comments, want one that says what it decides or does and what it never does", dir, said[dir])
		}
	}
}

// pure are the packages, or single files, that decide: no clock, no I/O in them.
func pure() []string {
	return []string{
		"protocol", "protocol/envelope", "protocol/schedule", "protocol/page", "hub/studio/normalise", "hub/verify", "hub/audit",
		"hub/approval/derive.go", "hub/bulletin/freeze.go", "hub/bulletin/bulletin.go", "hub/programme/airing.go", "hub/plan/plan.go",
		"hub/reach/reach.go", "hub/reach/expect.go", "hub/registry/registry.go", "hub/account/actor.go", "agent/playout/receipt.go",
	}
}

func TestWhatDecidesReadsNoClockAndDoesNoIO(t *testing.T) {
	forbidden := []string{"os", "net", "net/http", "os/exec", "log/slog", "database/sql", "math/rand", "math/rand/v2"}
	matched := map[string]bool{}
	for _, s := range sources(t) {
		at := slices.IndexFunc(pure(), func(p string) bool { return s.dir == p || s.dir+"/"+s.name == p })
		if at < 0 {
			continue
		}
		matched[pure()[at]] = true
		for _, i := range s.imports {
			if slices.Contains(forbidden, i) {
				t.Errorf("%s/%s imports %s", s.dir, s.name, i)
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" &&
				slices.Contains([]string{"Now", "Since", "Until", "Sleep", "After", "NewTimer", "NewTicker", "AfterFunc", "Tick"}, sel.Sel.Name) {
				t.Errorf("%s/%s calls time.%s", s.dir, s.name, sel.Sel.Name)
			}
			return true
		})
	}
	for _, p := range pure() {
		if !matched[p] {
			t.Errorf("%s is not there any more: mend the list", p)
		}
	}
}

func TestTheTopLevelIsTheOwners(t *testing.T) {
	want := []string{
		"hub", "agent", "protocol", "firmware-config", "deploy", "testdata", "go.mod", "go.sum", "Makefile", "README.md", "ARCHITECTURE.md", "LICENSE",
		"CHANGELOG.md", "SECURITY.md", "CONTRIBUTING.md", "bin", "demo-data",
	}
	entries, err := os.ReadDir(filepath.Join("..", ".."))
	must(t, err)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(want, e.Name()) {
			t.Errorf("%s stands at the top level", e.Name())
		}
	}
}

// Every path that ARCHITECTURE.md names in backquotes is there.
func TestArchitectureNamesWhatIsThere(t *testing.T) {
	doc := string(readAll(t, filepath.Join("..", "..", "ARCHITECTURE.md")))
	named := 0
	for i, part := range strings.Split(doc, "`") {
		if i%2 == 0 || !(strings.HasPrefix(part, "hub/") || strings.HasPrefix(part, "agent/") || strings.HasPrefix(part, "protocol/") || strings.HasPrefix(part, "testdata/") || strings.HasPrefix(part, "deploy/")) {
			continue
		}
		named++
		if _, err := os.Stat(filepath.Join("..", "..", filepath.FromSlash(part))); err != nil {
			t.Errorf("ARCHITECTURE.md names %s: %v", part, err)
		}
	}
	if named < 20 {
		t.Errorf("ARCHITECTURE.md names only %d places", named)
	}
}
