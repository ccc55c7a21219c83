package schedule

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// expandVector is one question to `schedule expand`, and its answer: starts, or
// the part of the rule that is refused.
type expandVector struct {
	Zone    string   `json:"zone"`
	Start   string   `json:"start"`
	Rule    string   `json:"rule"`
	ExDates []string `json:"exdates,omitempty"`
	RDates  []string `json:"rdates,omitempty"`
	Count   int      `json:"count,omitempty"`
	Starts  []string `json:"starts,omitempty"`
	Refused string   `json:"refused,omitempty"`
}

// randomVectors is how many random plans are kept as vectors.
const randomVectors = 60

func readVectors[T any](t *testing.T, name string) []T {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(vectorFolder, name))
	if err != nil {
		t.Fatal(err)
	}
	var v []T
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil || len(v) == 0 {
		t.Fatalf("%s: %d vectors, %v", name, len(v), err)
	}
	return v
}

func storeVectors(t *testing.T, name string, v any) {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(vectorFolder, name), b.Bytes())
}

// TestTimelineVectors: each input gives these lines, byte by byte.
// SCHEDULE.md 11.4
func TestTimelineVectors(t *testing.T) {
	if *update {
		var random []vector
		for i := range randomVectors {
			g := &generator{rng: rand.New(rand.NewPCG(uint64(i), 2026))}
			v := vector{Title: "random plan", Input: g.plan(), Lines: []json.RawMessage{}}
			lines, err := Timeline(v.Input)
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range lines {
				v.Lines = append(v.Lines, l)
			}
			random = append(random, v)
		}
		storeVectors(t, "timeline-random.json", random)
	}
	files, err := filepath.Glob(filepath.Join(vectorFolder, "timeline-*.json"))
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		for _, v := range readVectors[vector](t, filepath.Base(name)) {
			lines, err := Timeline(v.Input)
			if err != nil {
				t.Errorf("%s: %s: %v", name, v.Title, err)
			}
			var want, got []string
			for _, l := range v.Lines {
				var b bytes.Buffer
				if err := json.Compact(&b, l); err != nil {
					t.Fatal(err)
				}
				want = append(want, b.String())
			}
			for _, l := range lines {
				got = append(got, string(l))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s\n%s", name, v.Title, diff)
			}
		}
	}
}

// TestRefusedVectors: each input is refused by this field.
func TestRefusedVectors(t *testing.T) {
	if *update {
		var kept []refusedFile
		for _, r := range refusedFiles() {
			if utf8.ValidString(r.Input) {
				kept = append(kept, r)
			}
		}
		storeVectors(t, "refused.json", kept)
	}
	for _, v := range readVectors[refusedFile](t, "refused.json") {
		_, err := Timeline([]byte(v.Input))
		var refused *FieldError
		if !errors.As(err, &refused) || refused.Field != v.Field {
			t.Errorf("%s: got %v", v.Title, err)
		}
	}
}

// TestExpandVectors: each rule gives these starts, or is refused by this part.
func TestExpandVectors(t *testing.T) {
	if *update {
		storeVectors(t, "expand.json", expandVectors(t))
	}
	for _, v := range readVectors[expandVector](t, "expand.json") {
		got, err := ExpandText(v.Zone, v.Start, v.Rule, v.ExDates, v.RDates, v.Count)
		if v.Refused != "" {
			var refused *RuleError
			if !errors.As(err, &refused) || refused.Part != v.Refused {
				t.Errorf("%q: got %v, want a refusal of %s", v.Rule, err, v.Refused)
			}
			continue
		}
		if diff := cmp.Diff(v.Starts, got); diff != "" || err != nil {
			t.Errorf("%s %s %q: %v\n%s", v.Zone, v.Start, v.Rule, err, diff)
		}
	}
}

// expandVectors asks about every part of a rule; the answers are compared with
// the walk over days before they are kept.
func expandVectors(t *testing.T) []expandVector {
	t.Helper()
	hcm, berlin, lordHowe := "Asia/Ho_Chi_Minh", "Europe/Berlin", "Australia/Lord_Howe"
	ask := []expandVector{
		{Zone: hcm, Start: "2026-12-01T05:00:00", Count: 3},
		{Zone: hcm, Start: "2026-12-01T05:00:00", RDates: []string{"2026-11-30T05:00:00", "2026-12-01T05:00:00"}, Count: 9},
		{Zone: hcm, Start: "2026-12-01T05:00:00", ExDates: []string{"2026-12-01T05:00:00"}, Count: 9},
		{Zone: hcm, Start: "2026-12-01T05:00:00", Rule: "FREQ=DAILY", ExDates: []string{"2026-12-02T05:00:00"}, RDates: []string{"2026-12-01T17:00:00"}, Count: 5},
		{Zone: hcm, Start: "2026-12-01T05:00:00", Rule: "FREQ=DAILY;INTERVAL=10;COUNT=5", Count: 9},
		{Zone: hcm, Start: "2026-12-01T05:00:00", Rule: "FREQ=DAILY;BYMONTH=1,2;BYMONTHDAY=-1,1;BYDAY=FR,SU", Count: 6},
		{Zone: hcm, Start: "2026-12-01T05:00:00", Rule: "FREQ=WEEKLY", Count: 4},
		{Zone: hcm, Start: "2026-12-01T05:00:00", Rule: "FREQ=WEEKLY;BYDAY=MO,WE,SU", Count: 7},
		{Zone: hcm, Start: "2026-12-01T05:00:00", Rule: "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=MO", Count: 6},
		{Zone: hcm, Start: "2026-12-01T05:00:00", Rule: "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU", Count: 6},
		{Zone: hcm, Start: "2026-12-01T05:00:00", Rule: "FREQ=WEEKLY;BYMONTH=1,3;BYDAY=FR", Count: 7},
		{Zone: hcm, Start: "2026-01-31T05:00:00", Rule: "FREQ=MONTHLY", Count: 6},
		{Zone: hcm, Start: "2026-12-01T05:00:00", Rule: "FREQ=MONTHLY;BYMONTHDAY=29,30,31,-31", Count: 9},
		{Zone: hcm, Start: "2026-12-01T05:00:00", Rule: "FREQ=MONTHLY;BYDAY=1MO,-1FR,5SU", Count: 9},
		{Zone: hcm, Start: "2026-12-01T05:00:00", Rule: "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", Count: 4},
		{Zone: hcm, Start: "2026-12-01T05:00:00", Rule: "FREQ=MONTHLY;BYDAY=2TU;BYMONTHDAY=8,9,10", Count: 4},
		{Zone: hcm, Start: "2026-12-01T05:00:00", Rule: "FREQ=MONTHLY;INTERVAL=5;BYDAY=MO,TU,-1SU;COUNT=12", Count: 20},
		{Zone: hcm, Start: "2024-02-29T05:00:00", Rule: "FREQ=YEARLY", Count: 4},
		{Zone: hcm, Start: "2026-12-31T05:00:00", Rule: "FREQ=YEARLY;BYMONTH=2,3,12", Count: 5},
		{Zone: hcm, Start: "2026-12-01T05:00:00", Rule: "FREQ=YEARLY;BYDAY=MO", Count: 5},
		{Zone: hcm, Start: "2026-12-01T05:00:00", Rule: "FREQ=YEARLY;INTERVAL=2;BYMONTH=5,12;BYDAY=-1SU,2MO", Count: 6},
		{Zone: hcm, Start: "2026-12-01T05:00:00", Rule: "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", Count: 3},
		{Zone: hcm, Start: "2026-12-01T05:00:00", Rule: "FREQ=DAILY;UNTIL=20261203", Count: 9},
		{Zone: hcm, Start: "2026-12-01T05:00:00", Rule: "FREQ=DAILY;UNTIL=20261203T050000", Count: 9},
		{Zone: hcm, Start: "2026-12-01T05:00:00", Rule: "FREQ=DAILY;UNTIL=20261203T045959", Count: 9},
		{Zone: hcm, Start: "2026-12-01T05:00:00", Rule: "FREQ=DAILY;UNTIL=20261202T220000Z", Count: 9},
		{Zone: hcm, Start: "2026-12-01T05:00:00", Rule: "FREQ=DAILY;UNTIL=20261202T215959Z", Count: 9},
		{Zone: "UTC", Start: "2026-12-01T05:00:00", Rule: "FREQ=DAILY", Count: 2},
		{Zone: berlin, Start: "2026-03-28T02:30:00", Rule: "FREQ=DAILY", Count: 3},
		{Zone: berlin, Start: "2026-03-28T02:30:00", Rule: "FREQ=DAILY;COUNT=2", Count: 9},
		{Zone: berlin, Start: "2026-03-28T02:30:00", Rule: "FREQ=DAILY;UNTIL=20260329T003000Z", Count: 9},
		{Zone: berlin, Start: "2026-10-24T02:30:00", Rule: "FREQ=DAILY", Count: 3},
		{Zone: berlin, Start: "2026-03-29T02:30:00", RDates: []string{"2026-03-29T03:30:00", "2026-03-29T03:00:00"}, Count: 9},
		{Zone: lordHowe, Start: "2026-10-03T02:15:00", Rule: "FREQ=DAILY", Count: 3},
		{Zone: lordHowe, Start: "2026-04-04T01:45:00", Rule: "FREQ=DAILY", Count: 3},
		{Zone: "Pacific/Apia", Start: "2011-12-29T05:00:00", Rule: "FREQ=DAILY;COUNT=4", Count: 9},
		{Zone: "America/Sao_Paulo", Start: "2018-11-03T00:00:00", Rule: "FREQ=DAILY", Count: 3},
	}
	for i := range ask {
		v := &ask[i]
		var err error
		if v.Starts, err = ExpandText(v.Zone, v.Start, v.Rule, v.ExDates, v.RDates, v.Count); err != nil {
			t.Fatalf("%+v: %v", v, err)
		}
		z := newRefZone(v.Zone)
		var walked []string
		for _, s := range refStarts(z, v.Start, v.Rule, v.ExDates, v.RDates, z.resolve("2040-01-01T00:00:00")) {
			if len(walked) < v.Count {
				walked = append(walked, fromMs(s, z.loc).Format("2006-01-02T15:04:05-07:00"))
			}
		}
		if diff := cmp.Diff(walked, v.Starts); diff != "" {
			t.Fatalf("%+v\n%s", v, diff)
		}
	}
	for _, r := range refusedRules() {
		if r.Rule != "" {
			ask = append(ask, expandVector{Zone: hcm, Start: "2026-12-01T05:00:00", Rule: r.Rule, Refused: r.Part})
		}
	}
	return ask
}
