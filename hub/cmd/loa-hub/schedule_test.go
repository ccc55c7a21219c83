package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// vectors reads a file of testdata/schedule.
func vectors[T any](t *testing.T, name string) (all []T) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(b, &all)
	}
	if err != nil || len(all) == 0 {
		t.Fatalf("%s: %d vectors, %v", name, len(all), err)
	}
	return all
}

const scheduleVectors = "../../../testdata/schedule"

// refuses checks that a command was refused: status 2, nothing on standard output, and one
// line that names what.
func refuses(t *testing.T, what string, status int, out, errOut string) {
	t.Helper()
	if status != exitRefused || out != "" || strings.Count(errOut, "\n") != 1 || !strings.Contains(errOut, what) {
		t.Errorf("status %d, %q, %q; want a refusal of %s", status, out, errOut, what)
	}
}

// The vectors of testdata/schedule, asked of the command as other implementations ask it:
// its lines byte by byte, its exit status, and the one line of a refusal.
func TestScheduleTimelineAndExpand(t *testing.T) {
	ask := func(in string, args ...string) (status int, out, errOut string) {
		var o, e bytes.Buffer
		status = run(t.Context(), append([]string{"schedule"}, args...), nil, strings.NewReader(in), &o, &e)
		return status, o.String(), e.String()
	}
	files, err := filepath.Glob(filepath.Join(scheduleVectors, "timeline-*.json"))
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		for _, v := range vectors[struct {
			Title string
			Input json.RawMessage
			Lines []json.RawMessage
		}](t, name) {
			var want bytes.Buffer
			for _, l := range v.Lines {
				if err := json.Compact(&want, l); err != nil {
					t.Fatal(err)
				}
				want.WriteByte('\n')
			}
			status, out, errOut := ask(string(v.Input), "timeline", "-")
			if diff := cmp.Diff(want.String(), out); diff != "" || status != exitDone || errOut != "" {
				t.Errorf("%s: %s: status %d, %s\n%s", filepath.Base(name), v.Title, status, errOut, diff)
			}
		}
	}
	for _, v := range vectors[struct{ Field, Input string }](t, filepath.Join(scheduleVectors, "refused.json")) {
		file := filepath.Join(t.TempDir(), "plan.json")
		if err := os.WriteFile(file, []byte(v.Input), 0o600); err != nil {
			t.Fatal(err)
		}
		status, out, errOut := ask("", "timeline", file)
		refuses(t, v.Field, status, out, errOut)
	}
	status, out, errOut := ask("", "timeline", filepath.Join(t.TempDir(), "none.json"))
	refuses(t, "none.json", status, out, errOut)

	for _, v := range vectors[struct {
		Zone, Start, Rule, Refused string
		ExDates, RDates, Starts    []string
		Count                      int
	}](t, filepath.Join(scheduleVectors, "expand.json")) {
		args := []string{"expand", "--zone", v.Zone, "--start", v.Start, "--count", fmt.Sprint(max(v.Count, 1))}
		if v.Rule != "" {
			args = append(args, "--rule="+v.Rule)
		}
		for _, d := range v.ExDates {
			args = append(args, "--exdate", d)
		}
		for _, d := range v.RDates {
			args = append(args, "--rdate", d)
		}
		status, out, errOut := ask("", args...)
		if v.Refused != "" {
			refuses(t, v.Refused, status, out, errOut)
			continue
		}
		if diff := cmp.Diff(append([]string{}, v.Starts...), strings.Fields(out)); diff != "" || status != exitDone || errOut != "" {
			t.Errorf("%s: status %d, %s\n%s", v.Rule, status, errOut, diff)
		}
	}
}
