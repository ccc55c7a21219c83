package outputs_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/loa-vn/loa/agent/display/outputs"
	"github.com/loa-vn/loa/protocol/page"
)

func TestEveryKindOpensFromItsLine(t *testing.T) {
	dir := t.TempDir()
	for line, format := range map[string]string{
		"png:out/board?keep=3":                                "png",
		"ddp:127.0.0.1":                                       "ddp rgb",
		"ddp:[::1]:4048?colour=00ff00&gamma=on":               "ddp rgb",
		"ddp:127.0.0.1?local=127.0.0.1:0&wled=8080":           "ddp rgb",
		"sacn:127.0.0.1:5568?universe=7&priority=150":         "sacn rgb",
		"artnet:127.0.0.1?first=16&sync=on&local=127.0.0.1:0": "artnet rgb",
		"flaschen:localhost:1337?layer=2":                     "flaschen rgb",
		"kiosk:127.0.0.1:0?colour=ffff00":                     "kiosk",
		"null":                                                "null",
		"null:":                                               "null",
	} {
		o, err := outputs.Open(outputs.Config{Line: line, Width: 192, Height: 32, Dir: dir, Device: "bang-dong"})
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if w, h := o.Size(); w != 192 || h != 32 || o.Format() != format {
			t.Errorf("%s: %dx%d %s", line, w, h, o.Format())
		}
		if err := o.Close(); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "out", "board")); err != nil {
		t.Errorf("the folder of pictures is elsewhere: %v", err)
	}
}

func TestLinesThatNameNoOutputAreRefused(t *testing.T) {
	for _, line := range []string{
		"", "smoke:x", "png", "png:", "fb:", "ddp", "ddp:", "ddp::4048", "kiosk:8080", "sacn:?universe=1",
		"ddp:h?color=ffffff", "ddp:h?colour=fff", "ddp:h?colour=zzzzzz", "ddp:h?colour=000030", "ddp:h?colour=ff0000", "drm:", "ddp:h?gamma=2.2",
		"ddp:h?gamma=on&gamma=off", "sacn:h?universe=x", "ddp:h?wled=on", "flaschen:h?wled=80", "flaschen:h?layer=-1", "png:x?universe=1", "null:?colour=ffffff", "ddp:h?%zz",
	} {
		if l, err := outputs.Parse(line); !errors.Is(err, outputs.ErrOutput) {
			t.Errorf("%q: %+v, %v", line, l, err)
		}
	}
	for _, line := range []string{"sacn:127.0.0.1?universe=0", "sacn:127.0.0.1?priority=201", "artnet:127.0.0.1?first=40000", "flaschen:127.0.0.1?layer=16", "fb:/dev/null", "drm:/dev/null"} {
		if o, err := outputs.Open(outputs.Config{Line: line, Width: 192, Height: 32, Device: "bang-dong"}); err == nil {
			t.Errorf("%q was opened", line)
			o.Close()
		}
	}
}

// The boards of firmware-config name outputs and sizes that exist.
func TestProfilesNameOutputsAndBoardsThatExist(t *testing.T) {
	files, err := filepath.Glob("../../../firmware-config/boards/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var profile struct {
			Board *struct {
				Width, Height, Row int
				Output             string
			}
		}
		if err := yaml.Unmarshal(b, &profile); err != nil {
			t.Fatal(err)
		}
		if profile.Board == nil {
			continue
		}
		l, err := outputs.Parse(profile.Board.Output)
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		kinds[l.Kind] = true
		if err := (page.Board{Width: profile.Board.Width, Height: profile.Board.Height, Row: profile.Board.Row}).Validate(); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	for _, kind := range strings.Fields("drm fb ddp flaschen kiosk png") {
		if !kinds[kind] {
			t.Errorf("no profile shows how %s is set", kind)
		}
	}
}
