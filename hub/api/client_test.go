package api_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/loa-vn/loa/hub/api"
)

// schema is what matters of a JSON schema.
type schema struct {
	Type       any               `json:"type"` // a word or a list of words
	Ref        string            `json:"$ref"`
	Required   []string          `json:"required"`
	Properties map[string]schema `json:"properties"`
	Items      *schema           `json:"items"`
}

// script returns the TypeScript type of a value that fits the schema.
func (s schema) script() string {
	if s.Ref != "" {
		return s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
	}
	kind, _ := s.Type.(string)
	if list, ok := s.Type.([]any); ok {
		for _, k := range list {
			if k != "null" {
				kind, _ = k.(string)
			}
		}
	}
	switch kind {
	case "integer":
		return "number"
	case "array":
		return s.Items.script() + "[]"
	}
	return kind
}

var (
	interfaces = regexp.MustCompile(`(?s)export interface (\w+) \{\n(.*?)\n\}`)
	fields     = regexp.MustCompile(`(?m)^  (\w+)(\??): (.+);$`)
)

// The console's types are written by hand; they must be those of the document.
func TestConsoleKnowsTheDocumentedFields(t *testing.T) {
	server, err := api.New(api.Services{
		Account: struct{ api.Accounts }{}, Registry: struct{ api.Registry }{}, Enrol: struct{ api.Claims }{},
		Bulletins: struct{ api.Bulletins }{}, Jobs: struct{ api.Jobs }{}, Sounds: struct{ api.Sounds }{}, Uploads: struct{ api.Uploads }{},
		Approvals: struct{ api.Approvals }{}, Programme: struct{ api.Programme }{}, Reach: struct{ api.Reach }{}, Changes: struct{ api.Changes }{},
	}, api.Options{Version: "test"})
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
		Paths map[string]map[string]struct {
			Responses map[string]struct {
				Content map[string]struct {
					Schema schema `json:"schema"`
				} `json:"content"`
			} `json:"responses"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	doc.Components.Schemas["Problem"] = doc.Paths["/api/v1/units"]["get"].Responses["default"].Content["application/problem+json"].Schema
	source, err := os.ReadFile("../console/src/api.ts")
	if err != nil {
		t.Fatal(err)
	}
	compared, _, found := strings.Cut(string(source), "// end of what the test compares")
	if !found {
		t.Fatal("api.ts has lost the line that ends what is compared")
	}
	blocks := interfaces.FindAllStringSubmatch(compared, -1)
	if len(blocks) < 20 {
		t.Fatalf("only %d interfaces read from api.ts", len(blocks))
	}
	for _, b := range blocks {
		name := b[1]
		s, ok := doc.Components.Schemas[name]
		if !ok {
			t.Errorf("%s: no such schema", name)
			continue
		}
		seen := map[string]bool{}
		for _, f := range fields.FindAllStringSubmatch(b[2], -1) {
			field, optional, kind := f[1], f[2] == "?", f[3]
			seen[field] = true
			p, ok := s.Properties[field]
			if !ok {
				t.Errorf("%s.%s: not in the schema", name, field)
				continue
			}
			if optional == slices.Contains(s.Required, field) {
				t.Errorf("%s.%s: optional is %v in api.ts, not in the schema", name, field, optional)
			}
			// Lists of words and names of such lists are strings.
			if want := p.script(); kind != want && (want != "string" || !strings.Contains(kind, `"`) && kind != "Class" && kind != "Role") {
				t.Errorf("%s.%s: %s in api.ts, %s in the schema", name, field, kind, want)
			}
		}
		for field := range s.Properties {
			if !seen[field] {
				t.Errorf("%s.%s: missing in api.ts", name, field)
			}
		}
	}
}
