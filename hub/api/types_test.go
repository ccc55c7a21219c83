package api_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/hub/api"
)

var update = flag.Bool("update", false, "rewrite the console's types from the document")

// consoleTypes is the file of the console's types.
const consoleTypes = "../console/src/types.ts"

// schema is what matters of a JSON schema.
type schema struct {
	Type       any               `json:"type"` // a word or a list of words
	Ref        string            `json:"$ref"`
	RawEnum    []any             `json:"enum"`
	Required   []string          `json:"required"`
	Properties map[string]schema `json:"properties"`
	Items      *schema           `json:"items"`
	Values     any               `json:"additionalProperties"` // a schema or a truth
}

// narrowed are the words of fields whose schema names none.
func narrowed() map[string]string {
	class := `"normal" | "priority" | "emergency"`
	return map[string]string{
		"BulletinBody.class": class, "AiringBody.class": class, "Wish.when": `"now" | "at" | "rule" | "programmes"`,
		"Wish.after_cut": `"restart" | "resume" | "drop"`,
	}
}

// script returns the TypeScript type of a value that fits the schema.
func (s schema) script() string {
	if s.Ref != "" {
		return typeName(s.Ref[strings.LastIndexByte(s.Ref, '/')+1:])
	}
	if len(s.RawEnum) > 0 {
		var words []string
		for _, w := range s.RawEnum {
			words = append(words, fmt.Sprintf("%q", w))
		}
		return strings.Join(words, " | ")
	}
	kind, _ := s.Type.(string)
	if list, ok := s.Type.([]any); ok {
		for _, k := range list {
			if k != "null" {
				kind, _ = k.(string)
			}
		}
	}
	switch {
	case kind == "integer":
		return "number"
	case kind == "array" && s.Items != nil:
		if item := s.Items.script(); strings.ContainsAny(item, "| {") {
			return "(" + item + ")[]"
		}
		return s.Items.script() + "[]"
	case kind == "object" && len(s.Properties) > 0:
		return "{ " + strings.Join(s.fields(""), " ") + " }"
	case kind == "object":
		return "Record<string, unknown>"
	case kind == "":
		return "unknown"
	}
	return kind
}

// fields lists the fields of an object.
func (s schema) fields(of string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		kind := s.Properties[name].script()
		if words := narrowed()[of+"."+name]; words != "" {
			kind = words
		}
		mark := "?"
		if slices.Contains(s.Required, name) {
			mark = ""
		}
		out = append(out, fmt.Sprintf("%s%s: %s;", name, mark, kind))
	}
	return out
}

// typeName makes a name of TypeScript of a schema's: "Add-userRequest" becomes
// "AddUserRequest".
func typeName(name string) string {
	var b strings.Builder
	upper := true
	for _, r := range name {
		if r == '-' || r == '.' {
			upper = true
			continue
		}
		if upper {
			b.WriteString(strings.ToUpper(string(r)))
		} else {
			b.WriteRune(r)
		}
		upper = false
	}
	return b.String()
}

// The console's types are those of the document. `go test ./hub/api -run
// TestConsoleTypes -update` writes them anew.
func TestConsoleTypesAreThoseOfTheDocument(t *testing.T) {
	server, err := api.New(everyService(), api.Options{Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := server.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Components struct {
			Schemas map[string]schema `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("// The bodies of the hub's API, written from its document by\n// `go test ./hub/api -run TestConsoleTypes -update`; not by hand.\n")
	for _, name := range slices.Sorted(maps.Keys(doc.Components.Schemas)) {
		s := doc.Components.Schemas[name]
		fmt.Fprintf(&b, "\nexport interface %s {\n", typeName(name))
		for _, f := range s.fields(name) {
			b.WriteString("  " + f + "\n")
		}
		b.WriteString("}\n")
	}
	if *update {
		if err := os.WriteFile(consoleTypes, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	held, err := os.ReadFile(consoleTypes)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(held), b.String()); diff != "" {
		t.Errorf("%s is not what the document says; run with -update (-held +document):\n%s", consoleTypes, diff)
	}
}

// The same under names that none of their methods has.
type (
	passkeys  = api.Passkeys
	approvers = api.Approvers
	readings  = api.Readings
	growing   = api.Growing
	mutes     = api.Mutes
)

// everyService has every service, so that every route is described; none is called.
func everyService() api.Services {
	return api.Services{
		Account: struct{ api.Accounts }{}, Registry: struct{ api.Registry }{}, Enrol: struct{ api.Claims }{},
		Bulletins: struct{ api.Bulletins }{}, Jobs: struct{ api.Jobs }{}, Sounds: struct{ api.Sounds }{}, Uploads: struct{ api.Uploads }{},
		Approvals: struct{ api.Approvals }{}, Programme: struct{ api.Programme }{}, Reach: struct{ api.Reach }{}, Changes: struct{ api.Changes }{},
		Desk: struct{ api.Desk }{}, Passkeys: struct{ passkeys }{}, Approvers: struct{ approvers }{}, Relays: struct{ api.Relays }{}, Library: struct{ api.Library }{}, Alerts: struct{ api.Alerts }{}, Journal: struct{ api.Journal }{}, Notebook: struct{ api.Notebook }{}, Joiner: struct{ api.Joiner }{}, Sheets: struct{ api.Sheets }{},
		Readings: struct{ readings }{}, Growing: struct{ growing }{}, Orders: struct{ api.Orders }{}, Mutes: struct{ mutes }{},
	}
}
