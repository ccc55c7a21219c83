package config

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const profiles = "../../firmware-config/boards"

func noEnv(string) (string, bool) { return "", false }

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEveryProfileOfTheRepositoryLoads(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(profiles, "*.yaml"))
	if err != nil || len(files) < 6 {
		t.Fatalf("profiles: %v %v", files, err)
	}
	for _, f := range files {
		p, err := LoadProfile(f)
		if err != nil {
			t.Error(err)
			continue
		}
		if want := strings.TrimSuffix(filepath.Base(f), ".yaml"); p.Name != want {
			t.Errorf("%s is named %s", f, p.Name)
		}
		if p.About == "" {
			t.Errorf("%s says nothing about itself", f)
		}
	}
}

func TestSampleFileIsTheDefaultsAndNamesEveryKey(t *testing.T) {
	b, err := os.ReadFile("../../deploy/agent.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var got, blank Settings
	got = Default()
	if err := errors.Join(strict(b, &got), strict(b, &blank)); err != nil {
		t.Fatal(err)
	}
	// Read over the defaults and over nothing it is the same: no key is missing.
	if diff := cmp.Diff(Default(), got); diff != "" {
		t.Errorf("deploy/agent.yaml differs from the defaults (-default +file):\n%s", diff)
	}
	if diff := cmp.Diff(Default(), blank); diff != "" {
		t.Errorf("deploy/agent.yaml lacks keys (-default +file):\n%s", diff)
	}
}

// TestTheSchemaNamesTheCodesKeys holds the schema for editors to the structs.
func TestTheSchemaNamesTheCodesKeys(t *testing.T) {
	b, err := os.ReadFile("../../firmware-config/schema.json")
	if err != nil {
		t.Fatal(err)
	}
	type node struct {
		Properties map[string]node `json:"properties"`
		Items      *node           `json:"items"`
	}
	var schema node
	if err := json.Unmarshal(b, &schema); err != nil {
		t.Fatal(err)
	}
	var compare func(at string, n node, typ reflect.Type)
	compare = func(at string, n node, typ reflect.Type) {
		var got, want []string
		for k := range n.Properties {
			got = append(got, k)
		}
		for i := range typ.NumField() {
			f := typ.Field(i)
			key := f.Tag.Get("yaml")
			want = append(want, key)
			sub, inner := n.Properties[key], f.Type
			if inner.Kind() == reflect.Slice && sub.Items != nil {
				sub = *sub.Items
			}
			for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice {
				inner = inner.Elem()
			}
			if inner.Kind() == reflect.Struct {
				compare(at+"."+key, sub, inner)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("schema%s: %s", at, diff)
		}
	}
	compare("", schema, reflect.TypeOf(Profile{}))
}

func TestAnUnknownKeyIsAnErrorThatNamesIt(t *testing.T) {
	for name, text := range map[string]string{
		"colour":   "data: /tmp/x\ncolour: red\n",
		"limit_gb": "cache:\n  limit_gb: 3\n",
	} {
		_, err := Load(write(t, "agent.yaml", text), noEnv)
		if !errors.Is(err, ErrSettings) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := LoadProfile(write(t, "p.yaml", "name: p\nsound: {driver: wav, rate: 48000, pitch: 3}\n"))
	if !errors.Is(err, ErrSettings) || !strings.Contains(err.Error(), "pitch") {
		t.Errorf("profile: %v", err)
	}
}

func TestEveryKeyCanBeSetFromTheEnvironment(t *testing.T) {
	env := map[string]string{
		"LOA_DATA": "/data", "LOA_BOARD": "demo", "LOA_PROFILES": profiles, "LOA_MQTT": "tls://hub:8883",
		"LOA_CACHE_LIMIT_MB": "77", "LOA_CACHE_WINDOW_KB": "64", "LOA_LOG_LEVEL": "debug", "LOA_LOG_JSON": "true",
	}
	asked := map[string]bool{}
	c, err := Load(write(t, "agent.yaml", "data: /elsewhere\n"), func(key string) (string, bool) {
		asked[key] = true
		v, ok := env[key]
		return v, ok
	})
	if err != nil {
		t.Fatal(err)
	}
	want := Settings{
		Data: "/data", Board: "demo", Profiles: profiles, MQTT: "tls://hub:8883",
		Cache: Cache{LimitMB: 77, WindowKB: 64}, Log: Log{Level: "debug", JSON: true},
	}
	if diff := cmp.Diff(want, c.Settings); diff != "" {
		t.Error(diff)
	}
	for key := range asked {
		if _, ok := env[key]; !ok {
			t.Errorf("%s is a key without a test", key)
		}
	}
	_, err = Load(write(t, "agent.yaml", ""), func(key string) (string, bool) { return "many", key == "LOA_CACHE_LIMIT_MB" })
	if !errors.Is(err, ErrSettings) || !strings.Contains(err.Error(), "LOA_CACHE_LIMIT_MB") {
		t.Errorf("a word for a number: %v", err)
	}
}

func TestARuleBrokenIsAnErrorThatNamesTheKey(t *testing.T) {
	for key, text := range map[string]string{
		"sound.driver":      "name: p\nsound: {driver: horn, rate: 48000}\n",
		"sound.rate":        "name: p\nsound: {driver: wav, rate: 8000}\n",
		"volume.ceiling":    "name: p\nsound: {driver: wav, rate: 48000}\nvolume: {ceiling: 101}\n",
		"volume.by_hour":    "name: p\nsound: {driver: wav, rate: 48000}\nvolume: {by_hour: [{from: 25, to: 3, ceiling: 1}]}\n",
		"amplifier":         "name: p\nsound: {driver: wav, rate: 48000}\namplifier: {line: 3}\n",
		"board":             "name: p\nboard: {width: 3, height: 32, row: 16, output: png}\n",
		"unsupported board": "name: p\nboard: {width: 64, height: 32, row: 16, output: png}\n",
		"board with":        "name: p\nboard: {width: 384, height: 192, row: 16, output: png, zones: [{shows: clock, x: 256, y: 0, width: 128, height: 192, row: 16}]}\n",
		"board zone":        "name: p\nboard: {width: 384, height: 192, row: 16, output: png, main: {x: 0, y: 0, width: 256, height: 192}, zones: [{shows: snow, x: 256, y: 0, width: 128, height: 192, row: 16}]}\n",
		"board clock":       "name: p\nboard: {width: 384, height: 192, row: 16, output: png, main: {x: 0, y: 0, width: 256, height: 192}, zones: [{shows: clock, x: 257, y: 0, width: 128, height: 192, row: 16}]}\n",
		"board main":        "name: p\nboard: {width: 384, height: 192, row: 16, output: png, main: {x: 0, y: 0, width: 256, height: 192}, zones: [{shows: clock, x: 255, y: 0, width: 128, height: 192, row: 16}]}\n",
		"board.brightness":  "name: p\nboard: {width: 192, height: 32, row: 16, output: png, brightness: {percent: 101}}\n",
		"brightness needs":  "name: p\nboard: {width: 192, height: 32, row: 16, output: png, brightness: {by_hour: [{from: 19, to: 6, percent: 0}]}}\n",
		"board.output":      "name: p\nboard: {width: 192, height: 32, row: 16, output: smoke}\n",
		"sound and board":   "name: p\n",
		"arch":              "name: p\narch: z80\nsound: {driver: wav, rate: 48000}\n",
		"name":              "name: Ô\nsound: {driver: wav, rate: 48000}\n",
		"warm":              "name: p\nsound: {driver: wav, rate: 48000}\namplifier: {chip: c, line: 1, warm_up: warm}\n",
	} {
		_, err := LoadProfile(write(t, "p.yaml", text))
		if !errors.Is(err, ErrSettings) || !strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestTheLowestCeilingOfAnHourCounts(t *testing.T) {
	v := Volume{Ceiling: 90, ByHour: []Hour{{From: 21, To: 6, Ceiling: 40}, {From: 5, To: 7, Ceiling: 30}}}
	for hour, want := range map[int]int{20: 90, 21: 40, 0: 40, 5: 30, 6: 30, 7: 90} {
		if got := v.CeilingAt(hour); got != want {
			t.Errorf("hour %d: %d, want %d", hour, got, want)
		}
	}
}

func TestTheFirstEntryOfAnHourIsTheBrightness(t *testing.T) {
	b := Brightness{Percent: 100, ByHour: []LightHour{{From: 22, To: 5, Percent: 20}, {From: 18, To: 6, Percent: 50}}}
	for hour, want := range map[int]int{12: 100, 17: 100, 18: 50, 21: 50, 22: 20, 0: 20, 4: 20, 5: 50, 6: 100} {
		if got := b.At(hour); got != want {
			t.Errorf("hour %d: %d, want %d", hour, got, want)
		}
	}
}

func TestTheDigestIsThatOfTheEffectiveConfiguration(t *testing.T) {
	env := func(extra string) func(string) (string, bool) {
		return func(k string) (string, bool) {
			switch k {
			case "LOA_PROFILES":
				return profiles, true
			case "LOA_CACHE_LIMIT_MB":
				return extra, extra != ""
			}
			return "", false
		}
	}
	digest := func(text, extra string) string {
		c, err := Load(write(t, "agent.yaml", text), env(extra))
		if err != nil {
			t.Fatal(err)
		}
		d, err := c.Digest()
		if err != nil {
			t.Fatal(err)
		}
		return d.String()
	}
	if digest("cache: {limit_mb: 5}\n", "") != digest("# five\ncache:\n  limit_mb: 9\n", "5") {
		t.Error("the same settings have different digests")
	}
	if digest("", "") == digest("", "5") {
		t.Error("different settings have the same digest")
	}
}
