package config

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/loa-vn/loa/protocol/protocoltest"
)

// yamlTimes is how many bytes the library's tree takes for one of a file. Settings are
// the operator's own, and bounded by maxFile.
const yamlTimes = 1000

// FuzzSettings reads a file as settings and as a profile: it is refused by its key, or
// breaks no rule.
func FuzzSettings(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(profiles, "*.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, "../../deploy/agent.yaml") {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\ndata: [*c, *c]\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		protocoltest.HoldMemoryBeside(t, "settings", len(b), 256<<10+yamlTimes*len(b), func() {
			s := Default()
			_ = strict(b, &s)
		})
		s := Default()
		if err := strict(b, &s); err != nil && !errors.Is(err, ErrSettings) {
			t.Errorf("settings refused as %v", err)
		} else if err := s.check(); err != nil && !errors.Is(err, ErrSettings) {
			t.Errorf("settings refused as %v", err)
		}
		p, err := parseProfile(b)
		if err != nil && !errors.Is(err, ErrSettings) {
			t.Errorf("profile refused as %v", err)
		}
		if err == nil && (p.Volume.Ceiling < 0 || p.Volume.Ceiling > 100) {
			t.Errorf("a ceiling of %d %%", p.Volume.Ceiling)
		}
	})
}
