// Package config reads a device's settings and its board's profile: strictly, so
// that a misspelt key is an error that names it, with every default in code and
// every key settable from the environment. It watches the files and hands on what
// is good; a bad file leaves the settings as they were. It applies nothing itself.
package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/loa-vn/loa/protocol"
)

// ErrSettings: a file or variable is not as the settings want it; the text names
// the key.
var ErrSettings = errors.New("bad settings")

// Places on a device.
const (
	DefaultPath     = "/etc/loa/agent.yaml"
	DefaultData     = "/var/lib/loa-agent"
	DefaultProfiles = "/usr/share/loa/boards"
)

// maxFile bounds a file of settings, in bytes.
const maxFile = 256 << 10

// Settings are what stands in agent.yaml. A key's variable is LOA_ and its path
// in capitals: cache.limit_mb is LOA_CACHE_LIMIT_MB.
type Settings struct {
	// Data is where the agent keeps everything: agent.db, cache, identity, out.
	Data string `yaml:"data" json:"data"`
	// Board is the profile's file, or its name in Profiles.
	Board    string `yaml:"board" json:"board"`
	Profiles string `yaml:"profiles" json:"profiles"`
	// MQTT replaces the broker's address of the enrolment, for a network that
	// knows the hub by another name; "" keeps it.
	MQTT  string `yaml:"mqtt" json:"mqtt"`
	Cache Cache  `yaml:"cache" json:"cache"`
	Log   Log    `yaml:"log" json:"log"`
}

// Cache bounds the content on the device.
type Cache struct {
	// LimitMB is how many MiB content may take before what no plan needs goes.
	LimitMB int `yaml:"limit_mb" json:"limit_mb"`
	// WindowKB is how many KiB are asked for at once; less for slow lines.
	WindowKB int `yaml:"window_kb" json:"window_kb"`
}

// Log is what is logged.
type Log struct {
	Level string `yaml:"level" json:"level"` // debug, info, warn, error
	JSON  bool   `yaml:"json" json:"json"`
}

// Config is the settings with the profile that they name.
type Config struct {
	Settings
	Profile Profile
	// Files are those that it was read from.
	Files []string
}

// Default returns the settings of a device whose file is empty.
func Default() Settings {
	return Settings{
		Data: DefaultData, Board: "generic-speaker", Profiles: DefaultProfiles,
		Cache: Cache{LimitMB: 1024, WindowKB: 256}, Log: Log{Level: "info"},
	}
}

// Load reads the settings at path, the variables that env returns and the profile.
// A file that is missing at DefaultPath is an empty one. Errors: ErrSettings;
// those of the file system.
func Load(path string, env func(string) (string, bool)) (Config, error) {
	s := Default()
	b, err := read(path)
	switch {
	case errors.Is(err, os.ErrNotExist) && path == DefaultPath:
	case err != nil:
		return Config{}, fmt.Errorf("settings: %w", err)
	default:
		if err := strict(b, &s); err != nil {
			return Config{}, fmt.Errorf("settings %s: %w", path, err)
		}
	}
	if err := variables(reflect.ValueOf(&s).Elem(), "LOA", env); err != nil {
		return Config{}, err
	}
	if err := s.check(); err != nil {
		return Config{}, fmt.Errorf("settings %s: %w", path, err)
	}
	profile := s.profilePath(path)
	p, err := LoadProfile(profile)
	if err != nil {
		return Config{}, err
	}
	return Config{Settings: s, Profile: p, Files: []string{path, profile}}, nil
}

// profilePath finds the profile: a path as it stands, relative to the settings,
// or a bare name in the folder of profiles.
func (s Settings) profilePath(settings string) string {
	switch {
	case filepath.IsAbs(s.Board):
		return s.Board
	case strings.ContainsAny(s.Board, "./"):
		return filepath.Join(filepath.Dir(settings), s.Board)
	default:
		return filepath.Join(s.Profiles, s.Board+".yaml")
	}
}

func (s Settings) check() error {
	bad := func(key, why string) error { return fmt.Errorf("%s %s: %w", key, why, ErrSettings) }
	switch {
	case s.Data == "":
		return bad("data", "is empty")
	case s.Board == "":
		return bad("board", "is empty")
	case s.Cache.LimitMB < 1:
		return bad("cache.limit_mb", "must be at least 1")
	case s.Cache.WindowKB < 32 || s.Cache.WindowKB > 4096:
		return bad("cache.window_kb", "must be 32 to 4096")
	}
	switch s.Log.Level {
	case "debug", "info", "warn", "error":
		return nil
	}
	return bad("log.level", "must be debug, info, warn or error")
}

func read(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err == nil && len(b) > maxFile {
		return nil, fmt.Errorf("%s is over %d bytes: %w", path, maxFile, ErrSettings)
	}
	return b, err
}

// strict reads YAML into v, whose values are the defaults. An unknown key, a key
// that stands twice and a second document are errors.
func strict(b []byte, v any) error {
	if len(strings.TrimSpace(string(b))) == 0 {
		return nil
	}
	if err := yaml.UnmarshalWithOptions(b, v, yaml.Strict()); err != nil {
		return fmt.Errorf("%w: %s", ErrSettings, yaml.FormatError(err, false, false))
	}
	return nil
}

// variables sets every key whose variable exists.
func variables(v reflect.Value, name string, env func(string) (string, bool)) error {
	for i := range v.NumField() {
		key, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		full := name + "_" + strings.ToUpper(key)
		field := v.Field(i)
		if field.Kind() == reflect.Struct {
			if err := variables(field, full, env); err != nil {
				return err
			}
			continue
		}
		text, ok := env(full)
		if !ok {
			continue
		}
		if field.Kind() == reflect.String {
			field.SetString(text)
			continue
		}
		if err := yaml.Unmarshal([]byte(text), field.Addr().Interface()); err != nil {
			return fmt.Errorf("%s is not of the kind of its key: %w", full, ErrSettings)
		}
	}
	return nil
}

// Digest names the configuration in force; receipts and heartbeats carry it.
func (c Config) Digest() (protocol.Digest, error) {
	b, err := json.Marshal(struct {
		Settings Settings `json:"settings"`
		Profile  Profile  `json:"profile"`
	}{c.Settings, c.Profile})
	if err != nil {
		return protocol.Digest{}, fmt.Errorf("digest of the settings: %w", err)
	}
	return protocol.DigestOf(b), nil
}

// Duration is a time in a file: "500ms", "3s".
type Duration time.Duration

// UnmarshalYAML reads what time.ParseDuration reads.
func (d *Duration) UnmarshalYAML(b []byte) error {
	var text string
	if err := yaml.Unmarshal(b, &text); err != nil {
		return err
	}
	parsed, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("%q is no duration such as 500ms or 3s: %w", text, ErrSettings)
	}
	*d = Duration(parsed)
	return nil
}

// Std returns d as a time.Duration.
func (d Duration) Std() time.Duration { return time.Duration(d) }
