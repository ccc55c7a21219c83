package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// growth is how many MB of the stripped agent are there for boards: their packages'
// share of the code, taken of the whole file, and the letters.
func growth(ctx context.Context, w *world, _ int) ([]result, error) {
	named := filepath.Join(w.dir, "agent-with-names")
	if out, err := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", tags, "-o", named, "./agent/cmd/loa-agent").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("agent: %w\n%s", err, out)
	}
	names, err := exec.CommandContext(ctx, "go", "tool", "nm", "-size", "-type", named).Output()
	if err != nil {
		return nil, fmt.Errorf("go tool nm: %w", err)
	}
	mine, all := shares(names)
	atlases, err := filepath.Glob("protocol/page/atlas/*.atlas")
	if err != nil {
		return nil, err
	}
	if mine == 0 || len(atlases) == 0 {
		return nil, errors.New("the agent has no names of boards, or no letters")
	}
	stripped, err := size(filepath.Join(w.bin, "loa-agent"))
	if err != nil {
		return nil, err
	}
	sum := stripped * mine / all
	for _, a := range atlases {
		n, err := size(a)
		if err != nil {
			return nil, err
		}
		sum += n
	}
	return []result{under("boards: code and letters in the agent", sum/1e6, 3, "MB")}, nil
}

func size(file string) (float64, error) {
	info, err := os.Stat(file)
	if err != nil {
		return 0, err
	}
	return float64(info.Size()), nil
}

// shares sums the sizes of code that "go tool nm -size -type" lists: of boards'
// packages, and of all. Data is left out: much of it takes no room in the file.
func shares(names []byte) (mine, all float64) {
	for line := range bytes.Lines(names) {
		f := strings.Fields(string(line))
		if len(f) < 4 || !strings.EqualFold(f[2], "t") {
			continue
		}
		n, err := strconv.ParseFloat(f[1], 64)
		if err != nil {
			continue
		}
		all += n
		if strings.Contains(f[3], "github.com/loa-vn/loa/protocol/page") || strings.Contains(f[3], "github.com/loa-vn/loa/agent/display") {
			mine += n
		}
	}
	return mine, all
}
