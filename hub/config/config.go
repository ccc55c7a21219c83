// Package config is the hub's settings: typed, with their defaults in code, read
// from YAML in which an unknown key is an error, and from LOA_* variables. It
// decides which values are sensible and never opens what they name.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // zones do not depend on the machine

	"github.com/goccy/go-yaml"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/protocol"
)

// DefaultFile is read if no other file is named; it may be missing.
const DefaultFile = "/etc/loa/hub.yaml"

// ErrInvalid: a setting is unknown, of a wrong type or not sensible. Its text
// names the key.
var ErrInvalid = errors.New("bad setting")

// maxFile is the longest file of settings, in bytes.
const maxFile = 1 << 20

// Config is all of the hub's settings.
type Config struct {
	// Data is the folder of the database, blobs, keys and drop folders.
	Data string `yaml:"data"`
	// Zone is the IANA name of the zone of local times.
	Zone string `yaml:"zone"`
	// Hosts are names and addresses under which devices reach the hub; they stand
	// in the certificates of enrolment and MQTT. The first one goes into URLs.
	Hosts   []string `yaml:"hosts"`
	Console Console  `yaml:"console"`
	Enrol   Enrol    `yaml:"enrol"`
	MQTT    MQTT     `yaml:"mqtt"`
	Content Content  `yaml:"content"`
	Studio  Studio   `yaml:"studio"`
	Relay   Relay    `yaml:"relay"`
	Drop    Drop     `yaml:"drop"`
	Alert   Alert    `yaml:"alert"`
	Log     Log      `yaml:"log"`
}

// Console is the console and the API.
type Console struct {
	Listen string `yaml:"listen"`
	// URL is where browsers find it; https makes the session's cookie secure.
	URL string `yaml:"url"`
	// Proxies are networks whose X-Forwarded-For is believed.
	Proxies []string `yaml:"proxies"`
	// SecondFactor are roles that log in with a second factor only.
	SecondFactor []string `yaml:"second_factor"`
	OIDC         OIDC     `yaml:"oidc"`
	TLS          TLS      `yaml:"tls"`
}

// Enrol is the enrolment of devices, over TLS.
type Enrol struct {
	Listen string `yaml:"listen"`
	// URL is where devices find it; "" is made of the first host and the port.
	URL    string `yaml:"url"`
	Issuer Issuer `yaml:"issuer"`
}

// MQTT is what devices connect to, over TLS.
type MQTT struct {
	Listen string `yaml:"listen"`
	// URL is where devices find it, "ssl://host:port"; "" as for Enrol.
	URL string `yaml:"url"`
	// Broker is one to use instead of the hub's own.
	Broker Broker `yaml:"broker"`
}

// Broker is a broker elsewhere, reached with mutual TLS.
type Broker struct {
	// URL is where the hub finds it, "ssl://host:port"; "" is the hub's own broker.
	URL string `yaml:"url"`
	// CA is a file with the authorities of its certificate (PEM); "" is the hub's
	// own, which devices ask for in any case.
	CA string `yaml:"ca"`
	// Certificate and Key are files with the hub's own (PEM), whose common name is
	// its client id; "" issues one from the hub's authority.
	Certificate string `yaml:"certificate"`
	Key         string `yaml:"key"`
	// ACL is a file (mosquitto's acl_file) that the hub keeps up to date; "" leaves
	// that to loa-hub broker acl.
	ACL string `yaml:"acl"`
}

// Content is how devices get content.
type Content struct {
	// HTTP offers it over HTTPS on enrolment's port besides MQTT: a tenth of the
	// work for the hub. Devices fall back to MQTT.
	HTTP bool `yaml:"http"`
}

// Studio is how sound is made.
type Studio struct {
	FFmpeg  string `yaml:"ffmpeg"`
	FFprobe string `yaml:"ffprobe"`
	Espeak  string `yaml:"espeak"`
	// Engine is another program that speaks, instead of espeak-ng.
	Engine Engine `yaml:"engine"`
	Voice  string `yaml:"voice"` // north, central or south
	// Loudness is the target in LUFS (EBU R 128).
	Loudness float64 `yaml:"loudness"`
	// MaxUpload is in bytes, MaxLength is of a recording.
	MaxUpload int64         `yaml:"max_upload"`
	MaxLength time.Duration `yaml:"max_length"`
	// Timeout is of one run of a tool, Workers how many run at once.
	Timeout time.Duration `yaml:"timeout"`
	Workers int           `yaml:"workers"`
}

// Engine is a program that takes text on its standard input and gives a WAV file.
type Engine struct {
	Program string `yaml:"program"` // "" for espeak-ng
	// Args may hold {voice}, {rate} as 1.00, {scale}, its inverse, {wpm}, and {out},
	// a file to write to; without {out} the WAV comes on the standard output.
	Args []string `yaml:"args"`
	// Voices names the engine's voice for each of north, central and south.
	Voices map[string]string `yaml:"voices"`
	WPM    int               `yaml:"wpm"` // words a minute at rate 1, for {wpm}
}

// Relay is what may be relayed.
type Relay struct {
	// Stations are live streams by a short name: the URL (Icecast, HTTP or HLS), a
	// space, and whose it is, for people: "https://host/vov1.m3u8 VOV1".
	Stations map[string]string `yaml:"stations"`
}

// Station returns the URL and the name of a station.
func (r Relay) Station(id string) (address, name string, ok bool) {
	address, name, ok = strings.Cut(r.Stations[id], " ")
	return address, strings.TrimSpace(name), ok
}

// Drop is the folder into which other programs put sound files.
type Drop struct {
	// Folder holds one folder for each unit; "" is drop under Data.
	Folder string `yaml:"folder"`
	// People names, for each unit, who is the author of what comes in there; a
	// unit that is not named has no drop folder.
	People map[string]string `yaml:"people"`
}

// Alert is what makes an alert.
type Alert struct {
	// SilentAfter is how long a device may be silent.
	SilentAfter time.Duration `yaml:"silent_after"`
}

// Log is the hub's log on standard error.
type Log struct {
	Level string `yaml:"level"` // debug, info, warn or error
}

// Default returns the settings that hold if nothing else is said.
func Default() Config {
	return Config{
		Data:  "/var/lib/loa-hub",
		Zone:  "Asia/Ho_Chi_Minh",
		Hosts: []string{"localhost", "127.0.0.1"},
		Console: Console{
			Listen: ":8080", URL: "http://localhost:8080",
			OIDC: OIDC{Name: "Tài khoản của tỉnh", Claim: "email", Scopes: []string{"email", "profile"}, Factors: []string{"mfa"}},
			TLS:  TLS{Mode: "off", Directory: "https://acme-v02.api.letsencrypt.org/directory"},
		},
		Enrol: Enrol{Listen: ":8443"},
		MQTT:  MQTT{Listen: ":8883"},
		Studio: Studio{
			FFmpeg: "ffmpeg", FFprobe: "ffprobe", Espeak: "espeak-ng", Engine: Engine{WPM: 150}, Voice: "north", Loudness: -16,
			MaxUpload: 512 << 20, MaxLength: 2 * time.Hour, Timeout: 10 * time.Minute, Workers: 2,
		},
		Alert: Alert{SilentAfter: 15 * time.Minute},
		Log:   Log{Level: "info"},
	}
}

// Load reads a file over the defaults, then the variables of env over both
// (as os.Environ writes them), and checks the result. Only DefaultFile may be
// missing. Errors: ErrInvalid, those of opening the file.
func Load(file string, env []string) (Config, error) {
	c := Default()
	f, err := os.Open(file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && file == DefaultFile:
	case err != nil:
		return Config{}, fmt.Errorf("settings: %w", err)
	default:
		b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
		if err = errors.Join(err, f.Close()); err != nil {
			return Config{}, fmt.Errorf("settings: %w", err)
		}
		if err := c.Read(b); err != nil {
			return Config{}, fmt.Errorf("%s: %w", file, err)
		}
	}
	if err := c.Environ(env); err != nil {
		return Config{}, err
	}
	return c, c.Validate()
}

// Read takes settings from YAML over those in c. Error: ErrInvalid.
func (c *Config) Read(b []byte) error {
	if len(b) > maxFile {
		return fmt.Errorf("more than %d bytes: %w", maxFile, ErrInvalid)
	}
	err := yaml.NewDecoder(bytes.NewReader(b), yaml.Strict()).Decode(c)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %s", ErrInvalid, explain(b, err))
	}
	return nil
}

// explain says on one line which key is wrong, and where.
func explain(b []byte, err error) string {
	text, _, _ := strings.Cut(yaml.FormatError(err, false, false), "\n")
	var e yaml.Error
	if !errors.As(err, &e) || e.GetToken() == nil {
		return text
	}
	lines := bytes.Split(b, []byte("\n"))
	n := e.GetToken().Position.Line
	if n < 1 || n > len(lines) {
		return text
	}
	key, _, _ := bytes.Cut(bytes.TrimSpace(lines[n-1]), []byte(":"))
	return fmt.Sprintf("line %d, %.60s: %s", n, key, e.GetMessage())
}

// Environ takes settings from variables: LOA_ and the keys in capitals, joined
// by "_": LOA_CONSOLE_LISTEN. Lists are separated by commas, maps are written
// "key=value,key=value". Others are left alone. Error: ErrInvalid.
func (c *Config) Environ(env []string) error {
	vars := map[string]string{}
	for _, e := range env {
		if k, v, ok := strings.Cut(e, "="); ok && strings.HasPrefix(k, "LOA_") {
			vars[k] = v
		}
	}
	return fields(reflect.ValueOf(c).Elem(), "LOA", func(name string, f reflect.Value) error {
		v, ok := vars[name]
		if !ok {
			return nil
		}
		if err := set(f, v); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrInvalid, name, err)
		}
		return nil
	})
}

// fields calls fn for each setting with its variable's name.
func fields(v reflect.Value, prefix string, fn func(string, reflect.Value) error) error {
	for i := range v.NumField() {
		name := prefix + "_" + strings.ToUpper(v.Type().Field(i).Tag.Get("yaml"))
		f := v.Field(i)
		var err error
		if f.Kind() == reflect.Struct {
			err = fields(f, name, fn)
		} else {
			err = fn(name, f)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func set(f reflect.Value, v string) error {
	switch p := f.Addr().Interface().(type) {
	case *string:
		*p = v
	case *[]string:
		*p = nil
		for s := range strings.SplitSeq(v, ",") {
			if s = strings.TrimSpace(s); s != "" {
				*p = append(*p, s)
			}
		}
	case *map[string]string:
		*p = map[string]string{}
		for s := range strings.SplitSeq(v, ",") {
			key, value, ok := strings.Cut(strings.TrimSpace(s), "=")
			if s != "" && !ok {
				return errors.New("wants key=value,key=value")
			}
			if ok {
				(*p)[key] = value
			}
		}
	case *bool:
		b, err := strconv.ParseBool(v)
		if err != nil {
			return errors.New("wants true or false")
		}
		*p = b
	case *float64:
		n, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return errors.New("wants a number")
		}
		*p = n
	case *int64:
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return errors.New("wants a whole number")
		}
		*p = n
	case *int:
		n, err := strconv.Atoi(v)
		if err != nil {
			return errors.New("wants a whole number")
		}
		*p = n
	case *time.Duration:
		d, err := time.ParseDuration(v)
		if err != nil {
			return errors.New("wants a duration like 10m")
		}
		*p = d
	default:
		return fmt.Errorf("no variable for a %s", f.Type())
	}
	return nil
}

// Validate checks that every setting is sensible. Error: ErrInvalid.
func (c Config) Validate() error {
	bad := func(key, want string) error { return fmt.Errorf("%w: %s wants %s", ErrInvalid, key, want) }
	if c.Data == "" || !filepath.IsAbs(c.Data) {
		return bad("data", "an absolute path")
	}
	if _, err := time.LoadLocation(c.Zone); err != nil || c.Zone == "" || c.Zone == "Local" {
		return bad("zone", "an IANA name like Asia/Ho_Chi_Minh")
	}
	if len(c.Hosts) == 0 || slices.ContainsFunc(c.Hosts, func(h string) bool { return !validHost(h) }) {
		return bad("hosts", "host names or addresses, without ports")
	}
	for key, addr := range map[string]string{"console.listen": c.Console.Listen, "enrol.listen": c.Enrol.Listen, "mqtt.listen": c.MQTT.Listen} {
		if !validListen(addr) {
			return bad(key, `an address like ":8080" or "127.0.0.1:0"`)
		}
	}
	for _, u := range []struct {
		key, value string
		schemes    []string
		empty      bool
	}{
		{"console.url", c.Console.URL, []string{"http", "https"}, false},
		{"enrol.url", c.Enrol.URL, []string{"https"}, true},
		{"mqtt.url", c.MQTT.URL, []string{"ssl"}, true},
		{"mqtt.broker.url", c.MQTT.Broker.URL, []string{"ssl"}, true},
	} {
		p, err := url.Parse(u.value)
		if (u.value != "" || !u.empty) && (err != nil || p.Host == "" || !slices.Contains(u.schemes, p.Scheme)) {
			return bad(u.key, "a URL with "+strings.Join(u.schemes, ":// or ")+"://")
		}
	}
	for id := range c.Relay.Stations {
		address, name, ok := c.Relay.Station(id)
		u, err := url.Parse(address)
		if !protocol.ValidID(id) || !ok || name == "" || err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return bad("relay.stations", `lines like vov1: "https://host/stream Name of the station"`)
		}
	}
	if _, err := c.Console.Networks(); err != nil {
		return err
	}
	for _, r := range c.Console.Demand() {
		if !slices.Contains(account.Roles(), r) {
			return bad("console.second_factor", "roles like administrator")
		}
	}
	if i := c.Enrol.Issuer; i.URL != "" && (!strings.HasPrefix(i.URL, "https://") || i.Root == "" || i.Provisioner == "" || i.Key == "") {
		return bad("enrol.issuer", "a URL with https://, root, provisioner and key")
	}
	if err := errors.Join(c.Console.checkTLS(bad), c.Console.OIDC.check(bad)); err != nil {
		return err
	}
	if e := c.Studio.Engine; e.Program != "" {
		for voice := range e.Voices {
			if !slices.Contains([]string{"north", "central", "south"}, voice) {
				return bad("studio.engine.voices", "the keys north, central, south")
			}
		}
		if e.Voices[c.Studio.Voice] == "" || e.WPM < 50 || e.WPM > 500 {
			return bad("studio.engine", "a name for the voice of studio.voice, and wpm from 50 to 500")
		}
	}
	if b := c.MQTT.Broker; (b.Certificate == "") != (b.Key == "") {
		return bad("mqtt.broker", "certificate and key together, or neither")
	}
	s := c.Studio
	switch {
	case s.FFmpeg == "" || s.FFprobe == "" || s.Espeak == "":
		return bad("studio.ffmpeg, ffprobe, espeak", "a program's name or path")
	case !slices.Contains([]string{"north", "central", "south"}, s.Voice):
		return bad("studio.voice", "north, central or south")
	case s.Loudness < -40 || s.Loudness > -5:
		return bad("studio.loudness", "LUFS from -40 to -5")
	case s.MaxUpload < 1<<20 || s.MaxUpload > 4<<30:
		return bad("studio.max_upload", "bytes from 1048576 to 4294967296")
	case s.MaxLength < time.Minute || s.MaxLength > longest:
		return bad("studio.max_length", "a duration from 1m to 24h")
	case s.Timeout < 10*time.Second || s.Timeout > 2*time.Hour:
		return bad("studio.timeout", "a duration from 10s to 2h")
	case s.Workers < 1 || s.Workers > 64:
		return bad("studio.workers", "1 to 64")
	}
	if c.Drop.Folder != "" && !filepath.IsAbs(c.Drop.Folder) {
		return bad("drop.folder", "an absolute path")
	}
	for unit, person := range c.Drop.People {
		if !protocol.ValidID(unit) || !protocol.ValidID(person) {
			return bad("drop.people", "ids of units, each with a person's id")
		}
	}
	if c.Alert.SilentAfter < time.Minute || c.Alert.SilentAfter > 7*24*time.Hour {
		return bad("alert.silent_after", "a duration from 1m to 168h")
	}
	if _, err := c.Log.Slog(); err != nil {
		return bad("log.level", "debug, info, warn or error")
	}
	return nil
}

// Host returns the name under which browsers find the console.
func (c Console) Host() string {
	u, err := url.Parse(c.URL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// Demand returns the roles that need a second factor.
func (c Console) Demand() []account.Role {
	var out []account.Role
	for _, r := range c.SecondFactor {
		out = append(out, account.Role(r))
	}
	return out
}

// longest is the longest sound that an airing may have.
const longest = protocol.MaxLength

func validHost(h string) bool {
	if _, err := netip.ParseAddr(h); err == nil {
		return true
	}
	return h != "" && len(h) <= 253 && !strings.ContainsFunc(h, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.'
	})
}

func validListen(addr string) bool {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n <= 65535 && (host == "" || validHost(host))
}

// Location returns the zone. Validate has checked it.
func (c Config) Location() (*time.Location, error) { return time.LoadLocation(c.Zone) }

// KeyDir returns the folder of keys.
func (c Config) KeyDir() string { return filepath.Join(c.Data, "keys") }

// CADir returns the folder of the certificate authority.
func (c Config) CADir() string { return filepath.Join(c.Data, "ca") }

// Database returns the file of the database.
func (c Config) Database() string { return filepath.Join(c.Data, "hub.db") }

// BlobDir returns the folder of blobs.
func (c Config) BlobDir() string { return filepath.Join(c.Data, "blobs") }

// DropDir returns the folder into which other programs put files.
func (c Config) DropDir() string {
	if c.Drop.Folder != "" {
		return c.Drop.Folder
	}
	return filepath.Join(c.Data, "drop")
}

// Networks returns the networks of trusted proxies. Error: ErrInvalid.
func (c Console) Networks() ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, p := range c.Proxies {
		n, err := netip.ParsePrefix(p)
		if err != nil {
			a, aerr := netip.ParseAddr(p)
			if aerr != nil {
				return nil, fmt.Errorf("%w: console.proxies wants networks like 10.0.0.0/8", ErrInvalid)
			}
			n = netip.PrefixFrom(a, a.BitLen())
		}
		out = append(out, n)
	}
	return out, nil
}

// Slog returns the level. Error: of an unknown one.
func (l Log) Slog() (slog.Level, error) {
	var level slog.Level
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, l.Level) {
		return 0, ErrInvalid
	}
	err := level.UnmarshalText([]byte(l.Level))
	return level, err
}

// MQTTURL returns where devices find MQTT: what is set, the broker elsewhere, or
// the first host with the port of the address that is listened on.
func (c Config) MQTTURL(listening net.Addr) string {
	if c.MQTT.URL == "" && c.MQTT.Broker.URL != "" {
		return c.MQTT.Broker.URL
	}
	return publicURL(c.MQTT.URL, "ssl", c.Hosts[0], listening)
}

// EnrolURL is the same for enrolment.
func (c Config) EnrolURL(listening net.Addr) string {
	return publicURL(c.Enrol.URL, "https", c.Hosts[0], listening)
}

func publicURL(set, scheme, host string, listening net.Addr) string {
	if set != "" {
		return set
	}
	_, port, err := net.SplitHostPort(listening.String())
	if err != nil {
		return ""
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}
