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
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/config"
	"github.com/loa-vn/loa/hub/registry"
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
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		return res.StatusCode, ""
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
	var made struct{ ID, Registration string }
	_ = json.Unmarshal([]byte(text), &made) // lists have none
	return made.ID + made.Registration
}

// described is the API's own description of its operations.
type described struct {
	Paths      map[string]map[string]operation
	Components struct{ Schemas map[string]schema }
}

type operation struct {
	OperationID string
	Parameters  []struct {
		Name, In string
		Required bool
		Schema   schema
	}
	RequestBody struct {
		Content map[string]struct{ Schema schema }
	}
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

// roles is the test's world: what belongs to the commune, by operation.
type roles struct {
	*world
	top       *caller // every role in the commune
	doc       described
	bulletin  string
	approved  string
	submitted string
	airing    string
	tomorrow  string
}

// object makes what an operation acts on, anew where the operation uses it up.
func (r *roles) object(op string) string {
	const at = `"unit":"xa-binh-an"`
	switch op {
	case "list-sessions", "end-sessions", "end-session", "set-grants", "disable-user", "set-password", "reset-second-factor", "get-identity", "set-identity":
		return "subject"
	case "get-device", "place-device", "revoke-device", "get-photo", "put-photo":
		return "loa-dong"
	case "get-approval", "approve", "return", "ask-passkey":
		return r.submitted
	case "see-alert":
		return "1"
	case "get-airing", "withdraw-airing":
		return r.airing
	case "edit-bulletin":
		return r.top.ok("POST", "/bulletins", r.bodies()[op])
	case "submit-bulletin":
		return r.board()
	case "put-template", "delete-template":
		return r.top.ok("POST", "/templates", `{`+at+`,"name":"Cháy","title":"Cháy","text":"Cháy ở chợ.","board":"","clear_title":"","clear_text":"Hết cháy.","clear_board":""}`)
	}
	switch {
	case strings.HasSuffix(op, "-programme") && op != "create-programme" && op != "preview-programme" || op == "list-answers":
		return r.top.ok("POST", "/programmes", r.bodies()["create-programme"])
	case strings.Contains(op, "bulletin") || strings.Contains(op, "sound") || slices.Contains([]string{"get-pages", "preview-airing", "get-reach", "get-reach-sheet", "get-all-clear", "set-all-clear"}, op):
		return r.bulletin
	}
	return string(commune)
}

// board makes a bulletin for boards alone, which is ready at once.
func (r *roles) board() string {
	r.t.Helper()
	id := r.top.ok("POST", "/bulletins", `{"unit":"xa-binh-an","class":"normal","title":"Họp thôn","board":"MỜI BÀ CON"}`)
	r.until("it is ready", 10*time.Second, func() bool {
		b, err := r.Bulletins.Get(r.t.Context(), r.actor("top"), protocol.BulletinID(id))
		must(r.t, err)
		return b.State == bulletin.Ready
	})
	return id
}

// bodies are those that a schema alone can't make.
func (r *roles) bodies() map[string]string {
	const bulletin = `{"unit":"xa-binh-an","class":"normal","title":"Họp thôn","text":"Mời bà con.","board":"MỜI BÀ CON"}`
	programme := `{"unit":"xa-binh-an","name":"Sáng","units":["xa-binh-an"],"slot":{"start":"` + r.tomorrow + `T05:00:00","minutes":30},"items":[{"kind":"bulletin","bulletin":"` + r.bulletin + `"}]}`
	return map[string]string{
		"create-programme": programme, "preview-programme": `{"village":"thon-doai","programme":` + programme + `}`, "edit-programme": programme,
		"create-airing":   `{"approval":"` + r.approved + `","wish":{"when":"now","units":["xa-binh-an"]}}`,
		"submit-bulletin": `{"when":"now","units":["xa-binh-an"]}`, "preview-airing": `{"when":"now","units":["xa-binh-an"]}`,
		"create-relay": `{"unit":"xa-binh-an","station":"x","class":"normal","minutes":1,"from":"05:00","to":"06:00"}`,
		"import-units": `{"file":"aWQsY29kZSxuYW1lLGtpbmQscGFyZW50LHZhbGlkX2Zyb20KdGhvbi1tb2ksLFgsdmlsbGFnZSx4YS1iaW5oLWFuLDIwMjYtMDEtMDEK","dry":true}`,
		"copy-week":    `{"unit":"xa-binh-an","from":"2026-01-05","to":"2026-01-12"}`,

		"add-user":                 `{"id":"moi","name":"Mới","password":"x","grants":[{"unit":"xa-binh-an","role":"editor"}]}`,
		"set-grants":               `{"grants":[{"unit":"xa-binh-an","role":"editor"}]}`,
		"set-quiet-hours":          `[{"start":"21:30","end":"05:00"}]`,
		"create-bulletin":          bulletin,
		"edit-bulletin":            bulletin,
		"stop":                     `{"unit":"xa-binh-an"}`,
		"set-second-factor-demand": `{"roles":[]}`,
	}
}

func (r *roles) request(method, path string, op operation) (string, string, string) {
	path = strings.Replace(strings.TrimPrefix(path, "/api/v1"), "{id}", r.object(op.OperationID), 1)
	path = strings.NewReplacer("{unit}", string(commune), "{session}", "x", "{digest}", r.submitted).Replace(path)
	query := []string{}
	for _, p := range op.Parameters {
		if p.In == "query" && (p.Required || p.Name == "unit") {
			query = append(query, fmt.Sprintf("%s=%v", p.Name, r.doc.sample(p.Name, p.Schema)))
		}
	}
	if len(query) > 0 {
		path += "?" + strings.Join(query, "&")
	}
	if body := r.bodies()[op.OperationID]; body != "" {
		return path, body, "application/json"
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

// Every registered operation is called by everybody on what belongs to a commune,
// and who is admitted is what the table says. The table is read by people.
func TestEveryRouteAdmitsTheRolesOfItsTable(t *testing.T) {
	w := newWorld(t, func(c *config.Config) { c.Relay.Stations = map[string]string{"x": "http://127.0.0.1:1/x Đài mẫu"} })
	r := &roles{world: w, tomorrow: time.Now().AddDate(0, 0, 1).In(w.Zone).Format(time.DateOnly)}
	var all []account.Grant
	for _, role := range account.Roles() {
		all = append(all, account.Grant{Unit: commune, Role: role})
		r.person(string(role), account.Grant{Unit: commune, Role: role})
	}
	r.person("top", all...)
	r.person("subject", account.Grant{Unit: commune, Role: account.Editor})
	for i := range all {
		all[i].Unit = "thon-dong"
	}
	r.person("elsewhere", all...)
	w.enrolled(registry.NewDevice{ID: "loa-dong", Name: "Loa", Unit: commune, Sound: true, Serves: map[protocol.UnitID]uint64{"thon-dong": 1000}})
	r.top = w.caller("top")

	made := w.ready(spokenText(1))
	r.bulletin = string(w.ready(spokenText(2)).ID)
	r.approved = w.air(made, bulletin.Wish{When: bulletin.Now}, "duyet1").Digest.String()
	r.submitted = w.air(w.ready(spokenText(3)), bulletin.Wish{When: bulletin.Now}).Digest.String()
	w.until("there is an airing", 10*time.Second, func() bool {
		airings, err := w.Programme.List(t.Context(), w.actor("soan"), time.Now().Add(-time.Hour))
		must(t, err)
		if len(airings) > 0 {
			r.airing = string(airings[0].Wire.ID)
		}
		return len(airings) > 0
	})

	res, err := http.Get("http://" + w.WebAddr().String() + "/api/openapi.json")
	must(t, err)
	must(t, json.NewDecoder(res.Body).Decode(&r.doc))
	must(t, res.Body.Close())
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
}

func (r *roles) person(id string, grants ...account.Grant) {
	r.t.Helper()
	must(r.t, r.Account.Add(r.t.Context(), account.NewPerson{ID: protocol.PersonID(id), Name: id, Password: password, Grants: grants}, registrar, "quantri"))
}

func (r *roles) matrix() string {
	clients := map[string]*caller{}
	for _, who := range callers() {
		user := who
		if who == "stranger" {
			user = ""
		}
		clients[who] = r.caller(user)
	}
	var lines []string
	for _, path := range slices.Sorted(maps.Keys(r.doc.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(r.doc.Paths[path])) {
			op := r.doc.Paths[path][method]
			if op.OperationID == "log-in" { // refuses by the password, not by the role
				continue
			}
			marks := ""
			for _, who := range callers() {
				at, body, kind := r.request(method, path, op)
				c := clients[who]
				if op.OperationID == "log-out" {
					c = r.caller(map[bool]string{false: who}[who == "stranger"])
				}
				status, text := c.do(strings.ToUpper(method), at, body, kind)
				if status >= 500 {
					r.t.Errorf("%s %s by %s: %d %s", method, at, who, status, text)
				}
				if status == http.StatusUnprocessableEntity && testing.Verbose() {
					r.t.Logf("%s %s by %s: %d %.500q", method, at, who, status, text)
				}
				marks += map[bool]string{true: "y", false: "-"}[admitted(status, text)]
			}
			at, body, kind := r.request(method, path, op)
			top := r.top
			if op.OperationID == "log-out" {
				top = r.caller("top")
			}
			if status, text := top.do(strings.ToUpper(method), at, body, kind); !admitted(status, text) {
				marks = strings.Repeat(".", len(callers()))
			}
			lines = append(lines, fmt.Sprintf("%s  %-6s %s", marks, strings.ToUpper(method), strings.TrimPrefix(path, "/api/v1")))
		}
	}
	head := "# Who is admitted to what belongs to a commune, one column for each of:\n# " + strings.Join(callers(), ", ") + " (every role, in one village only).\n" +
		"# A line of dots: what it acts on is not there, and everybody hears the same.\n"
	return head + strings.Join(lines, "\n") + "\n"
}
