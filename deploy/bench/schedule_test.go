package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestBenchmarkLinesAreRead: name and unit, whatever the number of processors.
func TestBenchmarkLinesAreRead(t *testing.T) {
	got := benchmarks([]byte("goos: linux\n" +
		"BenchmarkYear-2   \t      44\t  59310341 ns/op\t 4953640 B/op\t   44497 allocs/op\n" +
		"BenchmarkYear   \t      44\t  5e7 ns/op\n" +
		"BenchmarkDecision-16 \t 5991974\t       343.8 ns/op\t       0 B/op\t       0 allocs/op\n" +
		"BenchmarkYear\nPASS\nok  \texample.org/x\t5.9s\n"))
	want := map[string][]float64{
		"Year ns/op": {59310341, 5e7}, "Year B/op": {4953640}, "Year allocs/op": {44497},
		"Decision ns/op": {343.8}, "Decision B/op": {0}, "Decision allocs/op": {0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
