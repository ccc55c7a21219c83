package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// tags are those of every build of Loa.
const tags = "nomsgpack oto"

// goal is a part that a benchmark of a package measures, limit and all: a process
// of its own that prints figures, one JSON object a line.
func goal(pkg, benchmark string) func(context.Context, *world, int) ([]result, error) {
	return func(ctx context.Context, _ *world, rounds int) ([]result, error) {
		cmd := exec.CommandContext(ctx, "go", "test", "-tags", tags, "-run", "^$", "-bench", "^"+benchmark+"$", "-benchtime", "1x", "-timeout", "60m", pkg)
		cmd.Env = append(os.Environ(), "LOA_BENCH_ROUNDS="+strconv.Itoa(rounds))
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			return nil, err
		}
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		results, read := figures(out, os.Stderr)
		if err := errors.Join(read, cmd.Wait()); err != nil {
			return nil, fmt.Errorf("%s of %s: %w", benchmark, pkg, err)
		}
		return results, nil
	}
}

// figures reads the lines that are figures, and passes on what failed.
func figures(r io.Reader, failures io.Writer) ([]result, error) {
	var results []result
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		if !strings.HasPrefix(line, `{"name":`) {
			if strings.Contains(line, "FAIL") || strings.HasPrefix(line, "    ") {
				fmt.Fprintln(failures, line)
			}
			continue
		}
		var one result
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			return nil, fmt.Errorf("figure %q: %w", line, err)
		}
		results = append(results, one)
	}
	return results, lines.Err()
}

// both is one part after the other under one name.
func both(first, second func(context.Context, *world, int) ([]result, error)) func(context.Context, *world, int) ([]result, error) {
	return func(ctx context.Context, w *world, rounds int) ([]result, error) {
		a, err := first(ctx, w, rounds)
		if err != nil {
			return nil, err
		}
		b, err := second(ctx, w, rounds)
		return append(a, b...), err
	}
}
