package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loa-vn/loa/protocol"
)

// line is a hub on a command line.
type line struct {
	t   *testing.T
	dir string
}

func newLine(t *testing.T) *line {
	t.Helper()
	l := &line{t: t, dir: t.TempDir()}
	l.file("pw", "mật khẩu đủ dài\n")
	return l
}

func (l *line) file(name, text string) string {
	l.t.Helper()
	file := filepath.Join(l.dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		l.t.Fatal(err)
	}
	return file
}

// run runs a command line; "DIR" stands for the test's folder.
func (l *line) run(want int, args ...string) (out, errOut string) {
	l.t.Helper()
	all := append([]string{"--config", "DIR/hub.yaml"}, args...)
	for i := range all {
		all[i] = strings.ReplaceAll(all[i], "DIR", l.dir)
	}
	var o, e bytes.Buffer
	if got := run(l.t.Context(), all, nil, strings.NewReader(""), &o, &e); got != want {
		l.t.Errorf("%v: status %d, want %d: %s", args, got, want, e.String())
	}
	if want != exitDone && strings.Count(strings.TrimSpace(e.String()), "\n") != 0 {
		l.t.Errorf("%v says more than one line: %s", args, e.String())
	}
	if strings.Contains(o.String()+e.String(), "mật khẩu đủ dài") {
		l.t.Errorf("%v shows a password", args)
	}
	return o.String(), e.String()
}

func (l *line) init(want int, more ...string) (out, errOut string) {
	l.t.Helper()
	return l.run(want, append([]string{
		"init", "--data", "DIR/data", "--root-out", "DIR/usb", "--unit-name", "Xã Bình An (mẫu)", "--unit-code", "99001",
		"--unit-id", "xa", "--admin", "quantri", "--password-file", "DIR/pw",
	}, more...)...)
}

func TestInitAsksNothingThatFlagsAnswerAndRefusesASecondRun(t *testing.T) {
	l := newLine(t)
	out, _ := l.init(exitDone)
	if !strings.Contains(out, filepath.Join(l.dir, "usb", "loa-root.pem")) || !strings.Contains(out, "away") {
		t.Errorf("says nothing of the root key: %s", out)
	}
	for _, private := range []string{"usb/loa-root.pem", "data/keys/hub.key", "data/keys/registrar.key", "data/ca/ca.key"} {
		info, err := os.Stat(filepath.Join(l.dir, private))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", private, info, err)
		}
	}
	before, err := os.ReadFile(filepath.Join(l.dir, "data/keys/hub.key"))
	if err != nil {
		t.Fatal(err)
	}
	if _, errOut := l.init(exitRefused); !strings.Contains(errOut, "already") {
		t.Errorf("second run: %s", errOut)
	}
	after, err := os.ReadFile(filepath.Join(l.dir, "data/keys/hub.key"))
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the second run changed a key: %v", err)
	}
}

func TestRefusedInitLeavesNothing(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
	}{
		{"code", []string{"--unit-code", "9"}},
		{"administrator's id", []string{"--admin", "Quản Trị"}},
		{"short password", []string{"--password-file", "DIR/short"}},
		{"empty password", []string{"--password-file", "DIR/empty"}},
		{"root inside of the data", []string{"--root-out", "DIR/data/usb"}},
		{"host", []string{"--host", "a b"}},
		{"no password and nobody to ask", []string{"--password-file", ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLine(t)
			l.file("short", "ngắn")
			l.file("empty", "\n")
			l.init(exitRefused, c.args...)
			for _, f := range []string{"data/hub.db", "data/keys", "data/ca", "usb/loa-root.pem", "data/usb/loa-root.pem", "hub.yaml"} {
				if _, err := os.Stat(filepath.Join(l.dir, f)); err == nil {
					t.Errorf("left %s", f)
				}
			}
			l.init(exitDone)
		})
	}
}

// request is what a device writes whose claim this hub does not know.
func request(t *testing.T) string {
	t.Helper()
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	csr := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
	b, err := json.Marshal(protocol.Stick{Version: protocol.StickVersion, Request: &protocol.EnrolRequest{Secret: make([]byte, protocol.ClaimSize), DeviceKey: public, CSR: csr, CSRBulk: csr}})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPeopleUnitsAndDevicesByCommand(t *testing.T) {
	l := newLine(t)
	if _, errOut := l.run(exitRefused, "user", "list"); errOut == "" {
		t.Error("no word about a missing settings file")
	}
	l.init(exitDone)
	l.file("u.csv", "id,code,name,kind,parent,valid_from,valid_until,people,source,counted\ndong,,Thôn Đông,village,xa,2025-07-01,,820,Công an xã,2026-01-01\n")
	l.file("bad.csv", "id,code,name,kind,parent,valid_from\ndong,,Thôn Đông,village,xa,hôm nay\n")
	l.file("wrong", "sai mật khẩu rồi\n")
	l.run(exitDone, "unit", "import", "DIR/u.csv", "--dry-run")
	if _, errOut := l.run(exitRefused, "unit", "import", "DIR/bad.csv"); !strings.Contains(errOut, "Line 2, column valid_from") {
		t.Errorf("bad line: %s", errOut)
	}
	l.run(exitRefused, "unit", "import", "DIR/none.csv")
	if _, errOut := l.run(exitRefused, "unit", "import", "DIR/u.csv"); !strings.Contains(errOut, "--registrar-password-file") {
		t.Errorf("nobody to ask: %s", errOut)
	}
	l.run(exitRefused, "unit", "import", "DIR/u.csv", "--registrar-password-file", "DIR/wrong")
	l.run(exitDone, "unit", "import", "DIR/u.csv", "--registrar-password-file", "DIR/pw")
	l.run(exitDone, "unit", "quiet", "99001", "21:30-05:00", "12:00-13:00")
	l.run(exitRefused, "unit", "quiet", "99001", "25:00-05:00")
	if out, _ := l.run(exitDone, "unit", "list"); !strings.Contains(out, "Thôn Đông") || !strings.Contains(out, "820") {
		t.Errorf("units: %s", out)
	}

	l.run(exitDone, "user", "add", "--id", "duyet1", "--name", "Người Duyệt", "--role", "approver", "--unit", "99001", "--password-file", "DIR/pw", "--registrar-password-file", "DIR/pw")
	l.run(exitRefused, "user", "add", "--id", "duyet1", "--name", "Lần nữa", "--role", "editor", "--unit", "xa", "--password-file", "DIR/pw")
	l.run(exitRefused, "user", "add", "--id", "x", "--name", "X", "--role", "vua", "--unit", "xa", "--password-file", "DIR/pw")
	l.run(exitRefused, "user", "add", "--id", "x", "--name", "X", "--role", "editor", "--unit", "99999", "--password-file", "DIR/pw")
	l.run(exitRefused, "user", "password", "duyet1", "--password-file", "DIR/wrong", "--registrar-password-file", "DIR/wrong")
	l.run(exitDone, "user", "password", "duyet1", "--password-file", "DIR/wrong", "--registrar-password-file", "DIR/pw")
	l.run(exitDone, "user", "identity", "duyet1", "duyet1@tinh.example")
	l.run(exitRefused, "user", "identity", "khong-co", "a@tinh.example")
	l.run(exitRefused, "user", "identity", "quantri", "Duyet1@tinh.example")
	l.run(exitDone, "user", "identity", "duyet1")
	l.run(exitDone, "user", "log-out", "duyet1")
	l.run(exitRefused, "user", "log-out", "khong-co")
	l.run(exitDone, "unit", "second-factor", "99001", "approver", "administrator")
	l.run(exitRefused, "unit", "second-factor", "99001", "vua")
	l.run(exitDone, "unit", "second-factor", "99001")
	l.run(exitDone, "user", "disable", "duyet1", "--registrar-password-file", "DIR/pw")
	l.run(exitRefused, "user", "disable", "duyet1", "--registrar-password-file", "DIR/pw")
	l.run(exitRefused, "user", "disable", "khong-co")
	if out, _ := l.run(exitDone, "user", "list"); !strings.Contains(out, "approver@xa") || !strings.Contains(out, "disabled") {
		t.Errorf("people: %s", out)
	}

	add := []string{"device", "add", "--id", "loa-dong", "--name", "Nhà văn hoá", "--unit", "dong", "--registrar-password-file", "DIR/pw"}
	l.run(exitRefused, add...)
	l.run(exitRefused, append(add, "--board", "192x32")...)
	l.run(exitRefused, append(add, "--sound", "--serves", "dong=1.5")...)
	l.run(exitRefused, append(add, "--sound", "--serves", "dong=NaN")...)
	l.run(exitRefused, append(add, "--sound", "--serves", "xa=1")...)
	out, _ := l.run(exitDone, append(add, "--sound", "--board", "192x32x16", "--serves", "dong=0.6", "--tags", "a,b")...)
	if !strings.Contains(out, "\nloa1.") {
		t.Errorf("no claim: %s", out)
	}
	again, _ := l.run(exitDone, "device", "claim", "loa-dong")
	if !strings.Contains(again, "\nloa1.") || again == out {
		t.Errorf("no new claim: %s", again)
	}
	l.run(exitRefused, "device", "claim", "loa-khong")
	l.run(exitDone, "device", "place", "loa-dong", "--name", "Đình làng", "--unit", "dong", "--serves", "dong=1", "--registrar-password-file", "DIR/pw")
	l.run(exitDone, "device", "stick", "loa-dong", "--out", "DIR")
	if stick, err := os.ReadFile(filepath.Join(l.dir, "loa-dong.loa.json")); err != nil || !strings.Contains(string(stick), `"mqtt_url": "ssl://localhost:8883"`) {
		t.Errorf("stick: %s, %v", stick, err)
	}
	if _, errOut := l.run(exitRefused, "device", "answer", "DIR/loa-dong.loa.json", "--id", "loa-dong"); !strings.Contains(errOut, "no request") {
		t.Errorf("answered an installation: %s", errOut)
	}
	l.file("loa-dong.request.loa.json", request(t))
	l.run(exitRefused, "device", "answer", "DIR/loa-dong.request.loa.json", "--id", "loa-dong")
	l.file("d.csv", "id,name,unit,sound\nloa-2,Chùa,dong,yes\nloa-3,Chợ,9900101,yes\n")
	l.run(exitRefused, "device", "import", "DIR/d.csv", "--dry-run")
	l.file("d.csv", "id,name,unit,sound\nloa-2,Chùa,dong,yes\nloa-3,Chợ,dong,yes\n")
	l.run(exitDone, "device", "import", "DIR/d.csv", "--dry-run")
	l.run(exitDone, "device", "import", "DIR/d.csv", "--registrar-password-file", "DIR/pw", "--claims", "DIR/claims.csv")
	if claims, err := os.ReadFile(filepath.Join(l.dir, "claims.csv")); err != nil || strings.Count(string(claims), "loa1.") != 2 {
		t.Errorf("claims: %s, %v", claims, err)
	}
	if _, errOut := l.run(exitRefused, "backup", "DIR/backup"); !strings.Contains(errOut, "--unencrypted") {
		t.Errorf("a backup that anybody reads: %s", errOut)
	}
	l.run(exitDone, "backup", "DIR/backup", "--unencrypted")
	l.run(exitDone, "device", "revoke", "loa-dong")
	l.run(exitRefused, "device", "revoke", "loa-dong")
	l.run(exitRefused, "device", "claim", "loa-dong")
	if out, _ := l.run(exitDone, "device", "list"); !strings.Contains(out, "Đình làng") || !strings.Contains(out, "revoked") {
		t.Errorf("devices: %s", out)
	}
}
