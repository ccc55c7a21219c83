package config_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/loa-vn/loa/hub/config"
)

func TestSampleFileIsTheDefaults(t *testing.T) {
	got, err := config.Load(filepath.FromSlash("../../deploy/hub.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(config.Default(), got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("deploy/hub.yaml differs from the defaults (-default +file):\n%s", diff)
	}
}

func TestSampleFileNamesEveryKey(t *testing.T) {
	b, err := os.ReadFile(filepath.FromSlash("../../deploy/hub.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range config.Variables() {
		key := strings.ToLower(v[strings.LastIndex(strings.TrimPrefix(v, "LOA_"), "_")+1+len("LOA_"):])
		if !strings.Contains(string(b), key+":") {
			t.Errorf("no key %s for %s", key, v)
		}
	}
}

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "hub.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestBadSettingIsNamed(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"unknown key", "zoen: Asia/Ho_Chi_Minh\n", "zoen"},
		{"unknown key inside", "mqtt:\n  port: 8883\n", "port"},
		{"repeated key", "zone: UTC\nzone: UTC\n", "zone"},
		{"wrong type", "studio:\n  workers: many\n", "workers"},
		{"relative folder", "data: here\n", "data"},
		{"zone", "zone: Hanoi\n", "zone"},
		{"zone of the machine", "zone: Local\n", "zone"},
		{"provider without https", "console:\n  oidc:\n    issuer: http://login.example\n", "console.oidc.issuer"},
		{"provider without client", "console:\n  oidc:\n    issuer: https://login.example\n", "console.oidc"},
		{"address without port", "console:\n  listen: localhost\n", "console.listen"},
		{"port out of range", "mqtt:\n  listen: \":70000\"\n", "mqtt.listen"},
		{"host with port", "hosts: [\"a.example:1\"]\n", "hosts"},
		{"no hosts", "hosts: []\n", "hosts"},
		{"plain MQTT", "mqtt:\n  url: tcp://a.example:1883\n", "mqtt.url"},
		{"plain broker", "mqtt:\n  broker: {url: \"tcp://b.example:1883\"}\n", "mqtt.broker.url"},
		{"certificate without key", "mqtt:\n  broker: {url: \"ssl://b.example:8883\", certificate: /a}\n", "mqtt.broker"},
		{"console's URL", "console:\n  url: a.example\n", "console.url"},
		{"role", "console:\n  second_factor: [king]\n", "console.second_factor"},
		{"TLS of what", "console:\n  tls: {mode: magic}\n", "console.tls.mode"},
		{"TLS under http", "console:\n  tls: {mode: lan}\n", "console.url"},
		{"TLS without its files", "console:\n  url: https://a.example\n  tls: {mode: files}\n", "console.tls.certificate"},
		{"public certificate of an address", "console:\n  url: https://192.0.2.1\n  tls: {mode: acme}\n", "console.url"},
		{"public certificate of a short name", "console:\n  url: https://hub\n  tls: {mode: acme}\n", "console.url"},
		{"redirect to nothing", "console:\n  tls: {redirect: \":80\"}\n", "console.tls.redirect"},
		{"proxy", "console:\n  proxies: [everyone]\n", "console.proxies"},
		{"voice", "studio:\n  voice: loud\n", "studio.voice"},
		{"engine", "studio:\n  engine:\n    program: piper\n", "studio.engine"},
		{"loudness", "studio:\n  loudness: 3\n", "studio.loudness"},
		{"length", "studio:\n  max_length: 48h\n", "studio.max_length"},
		{"drop's person", "drop:\n  people: {xa: \"A B\"}\n", "drop.people"},
		{"silence", "alert:\n  silent_after: 5s\n", "alert.silent_after"},
		{"level", "log:\n  level: loud\n", "log.level"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := config.Load(write(t, c.text), nil)
			if !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want ErrInvalid that names %s", err, c.want)
			}
		})
	}
}

func TestEveryKeyHasAVariable(t *testing.T) {
	values := map[string]string{
		"LOA_DATA": "/srv/loa", "LOA_ZONE": "UTC", "LOA_HOSTS": "a.example, 192.0.2.1", "LOA_CONSOLE_LISTEN": "127.0.0.1:0",
		"LOA_CONSOLE_URL": "https://a.example", "LOA_CONSOLE_PROXIES": "10.0.0.0/8,192.0.2.7",
		"LOA_CONSOLE_SECOND_FACTOR": "administrator,approver", "LOA_CONSOLE_TLS_MODE": "files", "LOA_CONSOLE_TLS_CERTIFICATE": "/c.pem", "LOA_CONSOLE_TLS_KEY": "/c.key",
		"LOA_CONSOLE_OIDC_ISSUER": "https://login.example", "LOA_CONSOLE_OIDC_CLIENT_ID": "loa", "LOA_CONSOLE_OIDC_SECRET_FILE": "/oidc", "LOA_CONSOLE_OIDC_LABEL": "SSO",
		"LOA_CONSOLE_OIDC_CLAIM": "upn", "LOA_CONSOLE_OIDC_SCOPES": "profile", "LOA_CONSOLE_OIDC_AMR": "otp,hwk",
		"LOA_CONSOLE_TLS_EMAIL": "it@a.example", "LOA_CONSOLE_TLS_DIRECTORY": "https://acme.example/d", "LOA_CONSOLE_TLS_CA": "/acme.pem", "LOA_CONSOLE_TLS_REDIRECT": ":80", "LOA_ENROL_LISTEN": ":1",
		"LOA_ENROL_URL": "https://a.example:1", "LOA_ENROL_ISSUER_URL": "https://ca.example:9000", "LOA_ENROL_ISSUER_ROOT": "/root.pem", "LOA_ENROL_ISSUER_PROVISIONER": "loa", "LOA_ENROL_ISSUER_KEY": "/loa.key",
		"LOA_MQTT_LISTEN": ":2", "LOA_MQTT_URL": "ssl://a.example:2", "LOA_MQTT_BROKER_URL": "ssl://b.example:3",
		"LOA_MQTT_BROKER_CA": "/ca.pem", "LOA_MQTT_BROKER_CERTIFICATE": "/hub.pem", "LOA_MQTT_BROKER_KEY": "/hub.key", "LOA_MQTT_BROKER_ACL": "/etc/mosquitto/loa.acl",
		"LOA_STUDIO_FFMPEG": "/f", "LOA_STUDIO_FFPROBE": "/p", "LOA_STUDIO_ESPEAK": "/e", "LOA_STUDIO_ENGINE_PROGRAM": "/piper",
		"LOA_STUDIO_ENGINE_ARGS": "--model,{voice}", "LOA_STUDIO_ENGINE_VOICES": "south=nam.onnx", "LOA_STUDIO_ENGINE_WPM": "160", "LOA_STUDIO_VOICE": "south", "LOA_STUDIO_LOUDNESS": "-23",
		"LOA_STUDIO_MAX_UPLOAD": "2097152", "LOA_STUDIO_MAX_LENGTH": "1h", "LOA_STUDIO_TIMEOUT": "1m", "LOA_STUDIO_WORKERS": "3",
		"LOA_DROP_FOLDER": "/srv/drop", "LOA_DROP_PEOPLE": "xa=soan,thon=soan", "LOA_CONTENT_HTTP": "true", "LOA_ALERT_SILENT_AFTER": "30m", "LOA_RELAY_STATIONS": "dai=https://a.example/dai Đài tỉnh", "LOA_LOG_LEVEL": "debug",
	}
	var env []string
	for _, name := range config.Variables() {
		v, ok := values[name]
		if !ok {
			t.Errorf("the test sets no %s", name)
		}
		env = append(env, name+"="+v)
	}
	got, err := config.Load(write(t, "zone: Asia/Ho_Chi_Minh\n"), append(env, "LOA_OTHER=1", "HOME=/"))
	if err != nil {
		t.Fatal(err)
	}
	want := config.Config{
		Data: "/srv/loa", Zone: "UTC", Hosts: []string{"a.example", "192.0.2.1"},
		Console: config.Console{Listen: "127.0.0.1:0", URL: "https://a.example", Proxies: []string{"10.0.0.0/8", "192.0.2.7"}, SecondFactor: []string{"administrator", "approver"}, OIDC: config.OIDC{
			Issuer: "https://login.example", ClientID: "loa", SecretFile: "/oidc", Name: "SSO", Claim: "upn", Scopes: []string{"profile"}, Factors: []string{"otp", "hwk"},
		}, TLS: config.TLS{
			Mode: "files", Certificate: "/c.pem", Key: "/c.key", Email: "it@a.example", Directory: "https://acme.example/d", CA: "/acme.pem", Redirect: ":80",
		}},
		Enrol: config.Enrol{Listen: ":1", URL: "https://a.example:1", Issuer: config.Issuer{URL: "https://ca.example:9000", Root: "/root.pem", Provisioner: "loa", Key: "/loa.key"}},
		MQTT: config.MQTT{Listen: ":2", URL: "ssl://a.example:2", Broker: config.Broker{
			URL: "ssl://b.example:3", CA: "/ca.pem", Certificate: "/hub.pem", Key: "/hub.key", ACL: "/etc/mosquitto/loa.acl",
		}},
		Studio: config.Studio{
			FFmpeg: "/f", FFprobe: "/p", Espeak: "/e", Voice: "south",
			Engine:   config.Engine{Program: "/piper", Args: []string{"--model", "{voice}"}, Voices: map[string]string{"south": "nam.onnx"}, WPM: 160},
			Loudness: -23, MaxUpload: 2 << 20,
			MaxLength: time.Hour, Timeout: time.Minute, Workers: 3,
		},
		Drop:    config.Drop{Folder: "/srv/drop", People: map[string]string{"xa": "soan", "thon": "soan"}},
		Relay:   config.Relay{Stations: map[string]string{"dai": "https://a.example/dai Đài tỉnh"}},
		Alert:   config.Alert{SilentAfter: 30 * time.Minute},
		Log:     config.Log{Level: "debug"},
		Content: config.Content{HTTP: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	if _, err := config.Load(write(t, ""), []string{"LOA_STUDIO_WORKERS=x"}); !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), "LOA_STUDIO_WORKERS") {
		t.Errorf("bad variable: %v", err)
	}
}

func TestOnlyTheDefaultFileMayBeMissing(t *testing.T) {
	if _, err := config.Load(filepath.Join(t.TempDir(), "none.yaml"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestURLsForDevicesAreMadeOfTheFirstHost(t *testing.T) {
	c := config.Default()
	c.Hosts = []string{"loa.example"}
	addr := &net.TCPAddr{IP: net.IPv4zero, Port: 40123}
	if got := c.MQTTURL(addr); got != "ssl://loa.example:40123" {
		t.Error(got)
	}
	if got := c.EnrolURL(addr); got != "https://loa.example:40123" {
		t.Error(got)
	}
	c.MQTT.Broker.URL = "ssl://broker.example:8883"
	if got := c.MQTTURL(addr); got != c.MQTT.Broker.URL {
		t.Error(got)
	}
	c.MQTT.URL = "ssl://mqtt.example:8883"
	if got := c.MQTTURL(addr); got != c.MQTT.URL {
		t.Error(got)
	}
}
