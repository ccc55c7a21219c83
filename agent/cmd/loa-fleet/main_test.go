package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestBadArgumentsAreRefusedInOneLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := []string{"run", "--hub", "https://localhost:1", "--api", "http://localhost:1", "--user", "a", "--password-file", file, "--unit", "xa", "--dir", t.TempDir()}
	for name, tc := range map[string]struct {
		args   []string
		status int
		want   string
	}{
		"no command":      {nil, exitRefused, "--help"},
		"no hub":          {[]string{"run"}, exitRefused, "--hub"},
		"unknown weather": {append(good, "--weather", "hail"), exitRefused, "hail"},
		"no devices":      {append(good, "--devices", "0"), exitRefused, "--devices"},
		"crew by hand":    {[]string{"crew"}, exitRefused, "loa-fleet run"},
		"no hub there":    {good, exitFailed, "log in"},
	} {
		var out, errOut bytes.Buffer
		status := run(t.Context(), tc.args, strings.NewReader(""), &out, &errOut)
		if status != tc.status || strings.Count(errOut.String(), "\n") != 1 || !strings.Contains(errOut.String(), tc.want) {
			t.Errorf("%s: status %d, %q; want %d and %q", name, status, errOut.String(), tc.status, tc.want)
		}
	}
}
