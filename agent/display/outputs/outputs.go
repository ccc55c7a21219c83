// Package outputs opens a board's output from the line in its profile, such as
// "ddp:192.168.1.50:4048?colour=ff2000&gamma=on".
//
// It decides which words such a line may hold, and refuses all others by name. It
// is the one place that knows every kind of output; adding a kind is a package
// beside this one and a case here.
package outputs

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/agent/display/artnet"
	"github.com/loa-vn/loa/agent/display/ddp"
	"github.com/loa-vn/loa/agent/display/flaschen"
	"github.com/loa-vn/loa/agent/display/kiosk"
	"github.com/loa-vn/loa/agent/display/netout"
	"github.com/loa-vn/loa/agent/display/pngout"
	"github.com/loa-vn/loa/agent/display/sacn"
	"github.com/loa-vn/loa/agent/display/tint"
	"github.com/loa-vn/loa/agent/display/wled"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// ErrOutput: a line that names no output.
var ErrOutput = errors.New("no such board output")

// Line is a profile's line, read: kind:address?option=value&...
type Line struct {
	Kind    string // drm, fb, ddp, sacn, artnet, flaschen, kiosk, png or null
	Address string // a device, a host with port, a folder
	Options url.Values
}

// known returns the options of each kind.
func known() map[string][]string {
	return map[string][]string{
		"drm":      {"connector", "mode", "x", "y", "colour", "gamma"},
		"fb":       {"x", "y", "colour", "gamma"},
		"ddp":      {"colour", "gamma", "local", "wled"},
		"sacn":     {"colour", "gamma", "universe", "priority", "wled"},
		"artnet":   {"colour", "gamma", "first", "sync", "local", "wled"},
		"flaschen": {"colour", "gamma", "layer"},
		"kiosk":    {"colour"},
		"png":      {"keep"},
		"null":     {},
	}
}

// Parse reads a line and checks its words and numbers, and opens nothing.
func Parse(s string) (Line, error) {
	kind, rest, _ := strings.Cut(s, ":")
	address, query, _ := strings.Cut(rest, "?")
	options, err := url.ParseQuery(query)
	if err != nil {
		return Line{}, fmt.Errorf("%q: %w: %w", s, ErrOutput, err)
	}
	l := Line{Kind: kind, Address: address, Options: options}
	words, ok := known()[kind]
	if !ok {
		return Line{}, fmt.Errorf("kind %q: %w", kind, ErrOutput)
	}
	for key, values := range options {
		if !slices.Contains(words, key) || len(values) != 1 {
			return Line{}, fmt.Errorf("%s: option %q is unknown or given twice: %w", kind, key, ErrOutput)
		}
	}
	if err := l.check(); err != nil {
		return Line{}, fmt.Errorf("%q: %w: %w", s, ErrOutput, err)
	}
	return l, nil
}

// check reads every option once and looks at the address.
func (l Line) check() error {
	_, colourErr := l.colour()
	_, gammaErr := l.on("gamma")
	_, syncErr := l.on("sync")
	err := errors.Join(colourErr, gammaErr, syncErr)
	for _, key := range []string{"x", "y", "universe", "priority", "first", "layer", "keep", "wled"} {
		_, numberErr := l.number(key, 0)
		err = errors.Join(err, numberErr)
	}
	switch l.Kind {
	case "drm", "fb", "png":
		if l.Address == "" {
			err = errors.Join(err, errors.New("needs a path"))
		}
	case "kiosk":
		_, _, hostErr := net.SplitHostPort(l.Address)
		err = errors.Join(err, hostErr)
	case "null":
	default:
		host, _, hostErr := net.SplitHostPort(l.hostPort())
		if hostErr != nil || host == "" {
			err = errors.Join(err, errors.New("needs a host"))
		}
	}
	return err
}

// hostPort returns the address with the protocol's own port if it has none.
func (l Line) hostPort() string {
	if _, _, err := net.SplitHostPort(l.Address); err == nil || l.Address == "" {
		return l.Address
	}
	ports := map[string]int{"ddp": ddp.Port, "sacn": sacn.Port, "artnet": artnet.Port, "flaschen": flaschen.Port}
	return net.JoinHostPort(strings.Trim(l.Address, "[]"), strconv.Itoa(ports[l.Kind]))
}

func (l Line) number(key string, fallback int) (int, error) {
	s := l.Options.Get(key)
	if s == "" {
		return fallback, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s=%q is not a number from 0 up", key, s)
	}
	return n, nil
}

func (l Line) on(key string) (bool, error) {
	switch s := l.Options.Get(key); s {
	case "", "off":
		return false, nil
	case "on":
		return true, nil
	default:
		return false, fmt.Errorf("%s=%q is neither on nor off", key, s)
	}
}

// colour reads six hexadecimal digits; none are amber.
func (l Line) colour() (tint.Colour, error) {
	s := l.Options.Get("colour")
	if s == "" {
		return tint.Amber(), nil
	}
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 3 {
		return tint.Colour{}, fmt.Errorf("colour=%q is not six hexadecimal digits", s)
	}
	c := tint.Colour(b)
	if c.Contrast() < tint.Enough {
		return tint.Colour{}, fmt.Errorf("colour=%q has a contrast of less than 7:1 on black", s)
	}
	return c, nil
}

// Config is what opens an output.
type Config struct {
	Line          string // of the profile
	Width, Height int    // px
	// Dir is the folder that relative folders of pictures are under.
	Dir string
	// Device is the name by which network sources make themselves known.
	Device protocol.DeviceID
	// Screen stands in for the kernel's screens; its zero value does not.
	Screen Screen
}

// Open opens the output that a profile's line names.
func Open(cfg Config) (display.Output, error) {
	l, err := Parse(cfg.Line)
	if err != nil {
		return nil, err
	}
	width, height, id := cfg.Width, cfg.Height, cfg.Device
	// Parse has read them all
	colour, _ := l.colour()
	gamma, _ := l.on("gamma")
	keep, _ := l.number("keep", 0)
	switch l.Kind {
	case "png":
		dir := l.Address
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(cfg.Dir, dir)
		}
		return pngout.New(pngout.Config{Dir: dir, Width: width, Height: height, Keep: keep})
	case "kiosk":
		return kiosk.New(kiosk.Config{Listen: l.Address, Width: width, Height: height, Colour: colour})
	case "drm", "fb":
		return l.screen(cfg, colour, gamma)
	case "null":
		return dark{width, height}, nil
	}
	p, err := l.protocol(id)
	if err != nil {
		return nil, err
	}
	return netout.New(netout.Config{
		Address: l.hostPort(), Local: l.Options.Get("local"), Width: width, Height: height,
		Colour: colour, Gamma: gamma, Protocol: p, Inquirer: l.inquirer(width, height),
	})
}

// inquirer asks a controller by its web page, whose port the line names; nil: it has none.
func (l Line) inquirer(width, height int) netout.Inquirer {
	port := l.Options.Get("wled")
	if port == "" {
		return nil
	}
	host, _, _ := net.SplitHostPort(l.hostPort()) // Parse has read it
	return wled.New(net.JoinHostPort(host, port), width, height)
}

func (l Line) protocol(id protocol.DeviceID) (netout.Protocol, error) {
	switch l.Kind {
	case "ddp":
		return new(ddp.Protocol), nil
	case "sacn":
		universe, _ := l.number("universe", 1)
		priority, _ := l.number("priority", 100)
		return sacn.New(sacn.Config{CID: cid(id), Source: sourceName(id), Universe: universe, Priority: priority})
	case "artnet":
		first, _ := l.number("first", 0)
		sync, _ := l.on("sync")
		return artnet.New(first, sync)
	}
	layer, _ := l.number("layer", 0)
	return flaschen.New(layer)
}

// cid makes the UUID (version 8, RFC 9562) that is the same at every start.
func cid(id protocol.DeviceID) (u [16]byte) {
	d := protocol.DigestOf([]byte("loa streaming acn source " + id))
	copy(u[:], d[:])
	u[6], u[8] = u[6]&0x0f|0x80, u[8]&0x3f|0x80
	return u
}

func sourceName(id protocol.DeviceID) string {
	s := "loa " + string(id)
	return s[:min(len(s), 63)]
}

// dark is a board that is not there: it takes everything and proves nothing.
type dark struct{ width, height int }

func (d dark) Size() (width, height int)                                { return d.width, d.height }
func (d dark) Format() string                                           { return "null" }
func (d dark) Show(context.Context, *page.Frame, image.Rectangle) error { return nil }
func (d dark) ReadBack() (protocol.Digest, bool)                        { return protocol.Digest{}, false }
func (d dark) Health() display.Health                                   { return display.Health{} }
func (d dark) Brightness(int) error                                     { return display.ErrUnsupported }
func (d dark) Close() error                                             { return nil }
