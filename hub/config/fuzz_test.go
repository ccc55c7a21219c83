package config_test

import (
	"errors"
	"os"
	"testing"

	"github.com/loa-vn/loa/hub/config"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// yamlTimes is how many bytes the library's tree takes for one of a file. Settings are
// the operator's own, and bounded to a megabyte.
const yamlTimes = 1000

// FuzzRead reads a file as settings: it is refused by its key, or breaks no rule.
func FuzzRead(f *testing.F) {
	b, err := os.ReadFile("../../deploy/hub.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte("a: &a [x, x]\nb: &b [*a, *a]\nhosts: [*b, *b]\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		protocoltest.HoldMemoryBeside(t, "settings", len(b), 256<<10+yamlTimes*len(b), func() {
			c := config.Default()
			_ = c.Read(b)
		})
		c := config.Default()
		if err := c.Read(b); err != nil {
			if !errors.Is(err, config.ErrInvalid) {
				t.Errorf("refused as %v", err)
			}
			return
		}
		if err := c.Validate(); err != nil && !errors.Is(err, config.ErrInvalid) {
			t.Errorf("refused as %v", err)
		}
	})
}
