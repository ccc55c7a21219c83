package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// tags are those of every build of Loa.
const tags = "nomsgpack oto"

// goals runs the benchmarks of packages that measure against their own limits, and
// reads the figures that they print, one JSON object a line. Each package is a
// process of its own. name picks by a regular expression of benchmarks, "" all.
func goals(ctx context.Context, name string, took func(result) error) error {
	if name == "" {
		name = "."
	}
	for _, pkg := range []string{"./hub/broker", "./hub/e2e"} {
		cmd := exec.CommandContext(ctx, "go", "test", "-tags", tags, "-run", "^$", "-bench", "^BenchmarkGoal.*("+name+")", "-benchtime", "1x", "-timeout", "15m", pkg)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			return err
		}
		if err := cmd.Start(); err != nil {
			return err
		}
		read := figures(out, took)
		if err := cmd.Wait(); err != nil {
			return fmt.Errorf("benchmarks of %s: %w", pkg, err)
		}
		if read != nil {
			return read
		}
	}
	return nil
}

// figures reads the lines that are figures.
func figures(r io.Reader, took func(result) error) error {
	lines := bufio.NewScanner(r)
	var failed error
	for lines.Scan() {
		line := lines.Text()
		if !strings.HasPrefix(line, `{"name":`) {
			if strings.Contains(line, "FAIL") || strings.HasPrefix(line, "    ") {
				fmt.Fprintln(os.Stderr, line)
			}
			continue
		}
		var one result
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			return fmt.Errorf("figure %q: %w", line, err)
		}
		if err := took(one); err != nil && failed == nil {
			failed = err
		}
	}
	if failed != nil {
		return failed
	}
	return lines.Err()
}
