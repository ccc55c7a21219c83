package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What the testing package writes around figures is left out; what failed is shown.
func TestFiguresAreReadFromATestsOutput(t *testing.T) {
	limit, ratio := 10.0, 1.5
	var failures bytes.Buffer
	got, err := figures(strings.NewReader(`goos: linux
BenchmarkGoalReturn/1000-2
{"name":"a","value":15,"unit":"ms","limit":10,"ratio":1.5,"goal":"<= 1.6x","ok":true}
    goals_test.go:1: 2 devices failed
--- FAIL: BenchmarkGoalReturn
{"name":"b","value":2,"unit":"MB","limit":null,"ratio":null,"goal":"<= 1 MB","ok":false}
PASS
`), &failures)
	if err != nil {
		t.Fatal(err)
	}
	want := []result{
		{Name: "a", Value: 15, Unit: "ms", Limit: &limit, Ratio: &ratio, Goal: "<= 1.6x", OK: true},
		{Name: "b", Value: 2, Unit: "MB", Goal: "<= 1 MB"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(failures.String(), "2 devices failed") {
		t.Errorf("failures: %q", failures.String())
	}
}
