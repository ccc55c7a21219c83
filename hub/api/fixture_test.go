package api_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/api"
	"github.com/loa-vn/loa/hub/config"
	"github.com/loa-vn/loa/hub/notebook"
	"github.com/loa-vn/loa/hub/oidc"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/hub/store"
	"github.com/loa-vn/loa/protocol"
)

// password is everybody's; registrar is that of the registrar's key.
const (
	password  = "mật khẩu đủ dài"
	registrar = "khoá của người giữ sổ"
)

const units = `id,code,name,kind,parent,valid_from,valid_until,people,source,counted
xa-a,99001,Xã Bình An (mẫu),commune,tinh,2025-07-01,,,,
xa-b,99002,Xã Bình Hoà (mẫu),commune,tinh,2025-07-01,,,,
dong,,Thôn Đông,village,xa-a,2025-07-01,,820,Công an xã,2026-01-01
doai,,Thôn Đoài,village,xa-a,2025-07-01,,610,Công an xã,2026-01-01
thon-b,,Thôn Một,village,xa-b,2025-07-01,,300,Công an xã,2026-01-01
`

// logBuffer keeps what the hub logs.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// fixture is a hub of one province with two communes, behind its API.
type fixture struct {
	t    testing.TB
	base *hub.Base
	api  *api.Server
	url  string
	log  *logBuffer
	// oidc is the provider of log-ins; nil for none.
	oidc   *oidcProvider
	orders pretendedOrders
}

func (f *fixture) provider() api.Provider {
	if f.oidc == nil {
		return nil
	}
	return oidc.New(oidc.Config{
		Issuer: f.oidc.srv.URL, ClientID: "loa", Secret: "bí mật của ứng dụng", Name: "Tài khoản của tỉnh", Claim: "email", Scopes: []string{"email"},
		Factors: []string{"mfa"}, Return: "http://hub.invalid" + api.ProviderReturn, Sealer: f.base.Keys,
	})
}

// template makes the fixture's data folder once: wrapping keys takes its time.
var template = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "loa-api-test-")
	if err != nil {
		return "", err
	}
	return dir, fill(dir)
})

func TestMain(m *testing.M) {
	status := m.Run()
	if dir, err := template(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(status)
}

func settings(dir string) config.Config {
	c := config.Default()
	c.Data = filepath.Join(dir, "data")
	return c
}

func fill(dir string) (err error) {
	ctx := context.Background()
	if _, err := hub.Init(ctx, settings(dir), hub.InitOptions{
		RootOut: filepath.Join(dir, "root"), Unit: registry.Unit{ID: "tinh", Code: "99", Name: "Tỉnh mẫu", Kind: registry.Province, ValidFrom: "2025-07-01"},
		Admin: "quantri", AdminName: "Quản trị", Password: password, RegistrarPassword: registrar,
	}); err != nil {
		return err
	}
	base, err := hub.OpenBase(ctx, settings(dir), "", nil, hub.Passwords{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, base.Close()) }()
	if _, err := base.Registry.Import(ctx, strings.NewReader(units), false, registrar, ""); err != nil {
		return err
	}
	for id, g := range map[protocol.PersonID]account.Grant{
		"soan-a":    {Unit: "xa-a", Role: account.Editor},
		"duyet-a":   {Unit: "xa-a", Role: account.Approver},
		"vanhanh":   {Unit: "xa-a", Role: account.Operator},
		"quantri-a": {Unit: "xa-a", Role: account.Administrator},
		"quantri-b": {Unit: "xa-b", Role: account.Administrator},
		"soan-dong": {Unit: "dong", Role: account.Editor},
	} {
		n := account.NewPerson{ID: id, Name: "Người " + string(id), Password: password, Grants: []account.Grant{g}}
		if err := base.Account.Add(ctx, n, registrar, ""); err != nil {
			return err
		}
	}
	for id, unit := range map[protocol.DeviceID]protocol.UnitID{"loa-dong": "dong", "loa-b": "thon-b"} {
		n := registry.NewDevice{ID: id, Name: "Loa " + string(id), Unit: unit, Sound: true, Serves: map[protocol.UnitID]uint64{unit: 600}}
		if _, err := base.Registry.AddDevice(ctx, n, registrar, ""); err != nil {
			return err
		}
	}
	return nil
}

func newFixture(t testing.TB, opts api.Options) *fixture {
	t.Helper()
	return newFixtureWith(t, opts, nil)
}

func newFixtureWith(t testing.TB, opts api.Options, provider *oidcProvider) *fixture {
	t.Helper()
	from, err := template()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	// CopyFS leaves modes of files to the umask.
	for _, key := range []string{"keys/hub.key", "keys/registrar.key", "ca/ca.key"} {
		if err := os.Chmod(filepath.Join(dir, "data", key), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := &fixture{t: t, log: &logBuffer{}, oidc: provider}
	log := slog.New(slog.NewTextHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if f.base, err = hub.OpenBase(t.Context(), settings(dir), "ssl://127.0.0.1:1", log, hub.Passwords{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.base.Close(); err != nil {
			t.Error(err)
		}
	})
	opts.Log = log
	notes := notebook.New(store.NewNotebook(f.base.DB), f.base.Registry, time.Now)
	f.api, err = api.New(api.Services{
		Notebook: notes, Answers: notes, Sheets: sheets{}, Passkeys: f.base.Account, Approvers: f.base.Account, Provider: f.provider(),
		Account: f.base.Account, Registry: f.base.Registry, Enrol: f.base.Enrol, Sessions: f.base.DB.Sessions(), Journal: f.base.Journal(),
		Orders: &f.orders,
	}, opts)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(f.api.Handler())
	t.Cleanup(srv.Close)
	f.url = srv.URL
	return f
}

// browser is one person's browser.
type browser struct {
	f      *fixture
	client *http.Client
	header http.Header
}

func (f *fixture) stranger() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		f.t.Fatal(err)
	}
	return &browser{f: f, client: &http.Client{Jar: jar}, header: http.Header{}}
}

func (f *fixture) logIn(user string) *browser {
	f.t.Helper()
	b := f.stranger()
	b.want(http.StatusOK, "POST", "/api/v1/sessions", fmt.Sprintf(`{"user":%q,"password":%q}`, user, password))
	return b
}

// do makes a request and returns the answer with its body read.
func (b *browser) do(method, path, body string) (*http.Response, string) {
	b.f.t.Helper()
	req, err := http.NewRequestWithContext(context.WithoutCancel(b.f.t.Context()), method, b.f.url+path, strings.NewReader(body))
	if err != nil {
		b.f.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range b.header {
		req.Header[k] = v
	}
	res, err := b.client.Do(req)
	if err != nil {
		b.f.t.Fatal(err)
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.f.t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		b.f.t.Fatal(err)
	}
	return res, string(text)
}

func (b *browser) want(status int, method, path, body string) string {
	b.f.t.Helper()
	res, text := b.do(method, path, body)
	if res.StatusCode != status {
		b.f.t.Errorf("%s %s: status %d, want %d: %s", method, path, res.StatusCode, status, text)
	}
	if status >= 400 && res.Header.Get("Content-Type") != "application/problem+json" {
		b.f.t.Errorf("%s %s: type %q of a problem", method, path, res.Header.Get("Content-Type"))
	}
	return text
}

func decode[T any](t testing.TB, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

func base64Of(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// sheets takes files as they are: what spreadsheets hold is tested in hub/sheet.
type sheets struct{ api.Sheets }

func (sheets) CSV(file []byte) ([]byte, error) { return file, nil }
