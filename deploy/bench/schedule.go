package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// schedules measures the function that decides what sounds, by its own
// benchmarks: no program shows a decision alone.
func schedules(ctx context.Context, _ *world, rounds int) ([]result, error) {
	out, err := exec.CommandContext(ctx, "go", "test", "-tags", "nomsgpack oto", "-run", "^$", "-benchmem", "-benchtime", "500ms",
		"-count", strconv.Itoa(rounds), "-bench", "^Benchmark(Year|YearOfTargetGroups|Decision|StepIdle)$", "./protocol/schedule").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("benchmarks of protocol/schedule: %w\n%s", err, out)
	}
	figures := benchmarks(out)
	var missing []string
	figure := func(name, unit string) float64 {
		v := figures[name+" "+unit]
		if len(v) == 0 {
			missing = append(missing, name)
			return 0
		}
		return median(v)
	}
	results := []result{
		under("schedule: a year of 40 airings, one device", figure("Year", "ns/op")/1e6, 50, "ms"),
		under("schedule: the same, 120 devices in six groups", figure("YearOfTargetGroups", "ns/op")/1e6, 500, "ms"),
		under("schedule: next decision among 40 airings", figure("Decision", "ns/op")/1e3, 10, "us"),
		under("schedule: allocations of a decision", figure("Decision", "allocs/op"), 1, ""),
		under("schedule: a step at which nothing changes", figure("StepIdle", "ns/op")/1e3, 10, "us"),
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("benchmarks of protocol/schedule: none of %s in\n%s", strings.Join(missing, ", "), out)
	}
	return results, nil
}

// benchmarks reads the lines of Go's benchmarks: the figures of each name and
// unit, such as "Year ns/op".
func benchmarks(out []byte) map[string][]float64 {
	figures := map[string][]float64{}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		f := strings.Fields(lines.Text())
		if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") {
			continue
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(f[0], "Benchmark"), "-")
		for i := 2; i+1 < len(f); i += 2 {
			if v, err := strconv.ParseFloat(f[i], 64); err == nil {
				key := name + " " + f[i+1]
				figures[key] = append(figures[key], v)
			}
		}
	}
	return figures
}
