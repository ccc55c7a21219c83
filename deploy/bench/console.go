package main

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// browserScript drives a browser that pretends to be a slow telephone.
const browserScript = "hub/console/browser/perf.mjs"

// console measures the console as a slow telephone has it: what is loaded first,
// and how fast it is at a quarter of the processor and 1.6 Mbit/s.
func console(ctx context.Context, w *world, _ int) ([]result, error) {
	first, err := firstLoad(ctx, w.web)
	if err != nil {
		return nil, err
	}
	results := []result{under("console: first load, script and CSS packed", float64(first)/1000, 40, "KB")}
	for _, program := range []string{"node", "chromium"} {
		if _, err := exec.LookPath(program); err != nil {
			fmt.Fprintln(os.Stderr, "bench: the console in a browser is not measured:", err)
			return results, nil
		}
	}
	cmd := exec.CommandContext(ctx, "node", filepath.FromSlash(browserScript))
	cmd.Env = append(os.Environ(), "BASE_URL="+w.web, "AUTHOR_PASSWORD="+password)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("console in a browser: %w", err)
	}
	var f map[string]float64
	if err := json.Unmarshal(out, &f); err != nil {
		return nil, fmt.Errorf("console in a browser: %w in %q", err, out)
	}
	for _, g := range []struct {
		name, key, unit string
		goal            float64
	}{
		{"console: first paint", "first_paint", "ms", 1000},
		{"console: interactive", "interactive", "ms", 2000},
		{"console: 3,000 devices shown", "devices_3000", "ms", 1200},
		{"console: 10,000 devices shown", "devices_10000", "ms", 1800},
		{"console: search in 10,000, slowest key", "search", "ms", 120},
		{"console: main thread at 20 changes a second", "main_thread", "%", 10},
	} {
		v, ok := f[g.key]
		if !ok {
			return nil, fmt.Errorf("console in a browser: no %s in %q", g.key, out)
		}
		results = append(results, under(g.name, v, g.goal, g.unit))
	}
	return results, nil
}

// named finds what the page itself asks for: style sheets, scripts, and what they
// import at once.
var named = regexp.MustCompile(`(?:href|src)="(/assets/[^"]+\.(?:js|css))"`)

// firstLoad is how many packed bytes of script and CSS come before anything shows.
func firstLoad(ctx context.Context, web string) (int64, error) {
	page, _, err := fetch(ctx, web+"/")
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, m := range named.FindAllStringSubmatch(page, -1) {
		_, packed, err := fetch(ctx, web+m[1])
		if err != nil {
			return 0, err
		}
		sum += packed
	}
	if sum == 0 {
		return 0, errors.New("the console is not built: run make build")
	}
	return sum, nil
}

// fetch returns a text and how many bytes it had on the line.
func fetch(ctx context.Context, url string) (string, int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", 0, err
	}
	req.Header.Set("Accept-Encoding", "gzip")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", 0, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return "", 0, err
	}
	if res.Header.Get("Content-Encoding") != "gzip" {
		return string(raw), int64(len(raw)), nil
	}
	z, err := gzip.NewReader(strings.NewReader(string(raw)))
	if err != nil {
		return "", 0, err
	}
	text, err := io.ReadAll(z)
	return string(text), int64(len(raw)), err
}
