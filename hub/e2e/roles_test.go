package e2e

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/protocol"
)

var updateRoles = flag.Bool("update-roles", false, "write testdata/roles.txt anew, to be read line by line")

// rolesFile says, for each operation of the API, who is admitted to what belongs
// to a commune: one column for each of callers.
const rolesFile = "testdata/roles.txt"

// callers are a stranger, one person for each role in the commune, and somebody who
// holds every role in one of its villages.
func callers() []string {
	out := []string{"stranger"}
	for _, r := range account.Roles() {
		out = append(out, string(r))
	}
	return append(out, "elsewhere")
}

// caller is somebody's browser.
type caller struct {
	t   *testing.T
	url string
	jar http.Client
}

func (w *world) caller(user string) *caller {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	must(w.t, err)
	c := &caller{t: w.t, url: "http://" + w.WebAddr().String(), jar: http.Client{Jar: jar, Timeout: 20 * time.Second}}
	if user != "" {
		c.ok("POST", "/sessions", fmt.Sprintf(`{"user":%q,"password":%q}`, user, password))
	}
	return c
}

func (c *caller) do(method, path, body, kind string) (int, string) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.url+"/api/v1"+path, strings.NewReader(body))
	must(c.t, err)
	if body != "" {
		req.Header.Set("Content-Type", kind)
	}
	res, err := c.jar.Do(req)
	must(c.t, err)
	defer res.Body.Close()
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") || res.StatusCode == http.StatusOK && strings.HasSuffix(path, "/growing") {
		return res.StatusCode, "" // without end
	}
	text, err := io.ReadAll(res.Body)
	must(c.t, err)
	return res.StatusCode, string(text)
}

// ok calls what has to succeed, and returns the answer's id.
func (c *caller) ok(method, path, body string) string {
	c.t.Helper()
	status, text := c.do(method, path, body, "application/json")
	if status >= 300 {
		c.t.Fatalf("%s %s: %d %s", method, path, status, text)
	}
	var made struct{ ID string }
	_ = json.Unmarshal([]byte(text), &made) // lists have none
	return made.ID
}

// described is the API's own description of its operations.
type described struct {
	Paths      map[string]map[string]operation
	Components struct{ Schemas map[string]schema }
}

type operation struct {
	OperationID string
	Parameters  []parameter
	RequestBody struct {
		Content map[string]struct{ Schema schema }
	}
}

type parameter struct {
	Name, In string
	Required bool
	Schema   schema
}

type schema struct {
	Ref        string `json:"$ref"`
	Type       any
	Properties map[string]schema
	Required   []string
	Items      *schema
	Enum       []any
	Format     string
	MinItems   int
	MinLength  int
	Minimum    float64
}

// sample makes the smallest value that a schema allows; names say what ids mean.
func (d described) sample(name string, s schema) any {
	if s.Ref != "" {
		s = d.Components.Schemas[s.Ref[strings.LastIndex(s.Ref, "/")+1:]]
	}
	if len(s.Enum) > 0 {
		return s.Enum[0]
	}
	kind, _ := s.Type.(string)
	if all, ok := s.Type.([]any); ok {
		kind, _ = all[0].(string)
	}
	switch kind {
	case "object":
		out := map[string]any{}
		for _, r := range s.Required {
			out[r] = d.sample(r, s.Properties[r])
		}
		return out
	case "array":
		out := []any{}
		for range max(s.MinItems, map[string]int{"units": 1, "members": 1}[name]) {
			out = append(out, d.sample(strings.TrimSuffix(name, "s"), *s.Items))
		}
		return out
	case "integer", "number":
		return max(1, s.Minimum)
	case "boolean":
		return false
	}
	switch {
	case s.Format == "date-time":
		return "2030-01-01T00:00:00Z"
	case s.Format == "date" || slices.Contains([]string{"day", "from", "until", "first", "last", "monday"}, name):
		return "2030-01-07"
	case name == "unit" || name == "member":
		return string(commune)
	case name == "village":
		return "thon-dong"
	case name == "device":
		return "loa-dong"
	case name == "person" || name == "user" || name == "for":
		return "editor"
	case strings.Contains(name, "password"):
		return "sai mat khau hoan toan"
	}
	return strings.Repeat("x", max(1, s.MinLength))
}

// request is what an operation is called with by one of the callers.
func (r *roles) request(method, path string, op operation, who string) (at, body, kind string) {
	t := r.target(op.OperationID, who)
	path = strings.NewReplacer("{id}", t.id, "{unit}", t.more, "{session}", t.more, "{of}", t.more, "{airing}", t.more).Replace(strings.TrimPrefix(path, "/api/v1"))
	query := []string{}
	for _, p := range op.Parameters {
		if p.In == "query" && (p.Required || p.Name == "unit") {
			query = append(query, fmt.Sprintf("%s=%v", p.Name, r.doc.sample(p.Name, p.Schema)))
		}
	}
	if len(query) > 0 {
		path += "?" + strings.Join(query, "&")
	}
	if t.body != "" {
		return path, t.body, "application/json"
	}
	for kind, c := range op.RequestBody.Content {
		if kind != "application/json" {
			return path, "x", kind
		}
		b, err := json.Marshal(r.doc.sample("", c.Schema))
		must(r.t, err)
		return path, string(b), kind
	}
	return path, "", ""
}

// admitted says whether an answer means that the caller may: what is said then
// about the request itself does not matter, but for units that are not theirs.
func admitted(status int, text string) bool {
	notTheirs := status == http.StatusUnprocessableEntity && (strings.Contains(text, `"code":"unit"`) || strings.Contains(text, `"code":"unknown-unit"`))
	return !notTheirs && !slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound}, status)
}

// Every registered operation is called by everybody on what belongs to a commune, or
// to the caller where that is nobody else's, and who is admitted is what the table
// says. The table is read by people.
func TestEveryRouteAdmitsTheRolesOfItsTable(t *testing.T) {
	r := newRoles(t)
	got := r.matrix()
	if *updateRoles {
		must(t, os.MkdirAll(filepath.Dir(rolesFile), 0o750))
		must(t, os.WriteFile(rolesFile, []byte(got), 0o600))
	}
	held, err := os.ReadFile(rolesFile)
	must(t, err)
	if diff := cmp.Diff(strings.Split(string(held), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s differs (-held +now):\n%s", rolesFile, diff)
	}
	// Nothing that needs a role is open to who has it in another unit alone, and
	// strangers get in by logging in.
	for line := range strings.SplitSeq(got, "\n") {
		if open := regexp.MustCompile(`^y`).MatchString(line); open && !strings.Contains(line, "/log-in") && !strings.Contains(line, "/sessions") {
			t.Errorf("open to strangers: %s", line)
		}
	}
	r.othersOwn()
}

func (r *roles) person(id string, grants ...account.Grant) {
	r.t.Helper()
	must(r.t, r.Account.Add(r.t.Context(), account.NewPerson{ID: protocol.PersonID(id), Name: id, Password: password, Grants: grants}, registrar, "quantri"))
}

// proofs are operations that refuse by what proves who somebody is, not by a role.
func proofs() []string { return []string{"log-in", "log-in-passkey"} }

// matrix calls every operation as everybody, and as somebody who holds every role of
// the commune: what not even they are admitted to is not decided, for the world lacks
// what it acts on.
func (r *roles) matrix() string {
	var lines []string
	for _, path := range slices.Sorted(maps.Keys(r.doc.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(r.doc.Paths[path])) {
			op := r.doc.Paths[path][method]
			if slices.Contains(proofs(), op.OperationID) {
				continue
			}
			for _, m := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1) {
				if !slices.ContainsFunc(op.Parameters, func(p parameter) bool { return p.In == "path" && p.Name == m[1] }) {
					r.t.Errorf("%s %s never reads %s", method, path, m[0])
				}
			}
			marks := ""
			for _, who := range append(callers(), "top") {
				marks += map[bool]string{true: "y", false: "-"}[r.call(method, path, op, who)]
			}
			if !strings.HasSuffix(marks, "y") {
				r.t.Errorf("%s %s admits nobody: what it acts on is not there", method, path)
			}
			lines = append(lines, fmt.Sprintf("%s  %-6s %s", strings.TrimSuffix(marks, marks[len(marks)-1:]), strings.ToUpper(method), strings.TrimPrefix(path, "/api/v1")))
		}
	}
	head := "# Who is admitted to what belongs to a commune, or to the caller alone, one column for each of:\n# " + strings.Join(callers(), ", ") + " (every role, in one village only).\n" +
		"# Not here: " + strings.Join(proofs(), " and ") + ", which refuse by proof of who somebody is.\n"
	return head + strings.Join(lines, "\n") + "\n"
}

// call says whether an operation admits somebody.
func (r *roles) call(method, path string, op operation, who string) bool {
	r.t.Helper()
	at, body, kind := r.request(method, path, op, who)
	c := r.clients[who]
	if op.OperationID == "log-out" {
		c = r.caller(map[bool]string{false: who}[who == "stranger"])
	}
	status, text := c.do(strings.ToUpper(method), at, body, kind)
	if status >= 500 {
		r.t.Errorf("%s %s by %s: %d %s", method, at, who, status, text)
	}
	if testing.Verbose() && (status == http.StatusUnprocessableEntity || who == "top") {
		r.t.Logf("%s %s by %s: %d %.500q", method, at, who, status, text)
	}
	if !admitted(status, text) {
		return false
	}
	if o := r.objects[op.OperationID]; o.once {
		delete(r.made, r.key(op.OperationID, who))
	}
	return true
}
