package api_test

import (
	"crypto/ed25519"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/api"
	"github.com/loa-vn/loa/protocol"
)

func TestSessions(t *testing.T) {
	f := newFixture(t, api.Options{})

	t.Run("log-in says who it is, log-out ends it", func(t *testing.T) {
		b := f.logIn("soan-a")
		me := decode[api.Me](t, b.want(200, "GET", "/api/v1/sessions", ""))
		want := api.Me{ID: "soan-a", Name: "Người soan-a", Grants: []api.GrantBody{{Unit: "xa-a", Role: account.Editor}}}
		if diff := cmp.Diff(want, me); diff != "" {
			t.Error(diff)
		}
		b.want(204, "DELETE", "/api/v1/sessions", "")
		b.want(401, "GET", "/api/v1/sessions", "")
	})
	t.Run("two log-ins are two sessions", func(t *testing.T) {
		one, two := f.logIn("soan-a"), f.logIn("soan-a")
		one.want(204, "DELETE", "/api/v1/sessions", "")
		one.want(401, "GET", "/api/v1/sessions", "")
		two.want(200, "GET", "/api/v1/sessions", "")
	})
	t.Run("the cookie is not readable by scripts and stays on this site", func(t *testing.T) {
		res, _ := f.stranger().do("POST", "/api/v1/sessions", fmt.Sprintf(`{"user":"soan-a","password":%q}`, password))
		c := res.Cookies()
		if len(c) != 1 || !c[0].HttpOnly || c[0].SameSite != http.SameSiteLaxMode || c[0].Path != "/" {
			t.Errorf("cookies %v", c)
		}
	})
	t.Run("a session planted before log-in is not the one after", func(t *testing.T) {
		b := f.stranger()
		b.header.Set("Cookie", "loa_session=planted")
		res, _ := b.do("POST", "/api/v1/sessions", fmt.Sprintf(`{"user":"soan-a","password":%q}`, password))
		if c := res.Cookies(); len(c) != 1 || c[0].Value == "planted" {
			t.Errorf("cookies %v", c)
		}
		b.want(401, "GET", "/api/v1/sessions", "")
	})
	t.Run("a new password ends every session", func(t *testing.T) {
		one, two := f.logIn("soan-dong"), f.logIn("soan-dong")
		one.want(403, "PUT", "/api/v1/users/soan-dong/password", `{"old_password":"wrong password","password":"another password"}`)
		one.want(204, "PUT", "/api/v1/users/soan-dong/password", fmt.Sprintf(`{"old_password":%q,"password":"another password"}`, password))
		one.want(401, "GET", "/api/v1/sessions", "")
		two.want(401, "GET", "/api/v1/sessions", "")
		two.want(401, "GET", "/api/v1/devices", "")
	})
	t.Run("a disabled person is out at once", func(t *testing.T) {
		b := f.logIn("duyet-a")
		admin := f.logIn("quantri-a")
		admin.want(403, "POST", "/api/v1/users/duyet-a/disable", `{}`)
		admin.want(204, "POST", "/api/v1/users/duyet-a/disable", fmt.Sprintf(`{"registrar_password":%q}`, registrar))
		b.want(401, "GET", "/api/v1/sessions", "")
		f.stranger().want(401, "POST", "/api/v1/sessions", fmt.Sprintf(`{"user":"duyet-a","password":%q}`, password))
	})
}

func TestRoleTable(t *testing.T) {
	f := newFixture(t, api.Options{})
	device := fmt.Sprintf(`{"id":"loa-moi","name":"Loa mới","unit":"doai","sound":true,"serves":[{"village":"doai","share":0.5}],"registrar_password":%q}`, registrar)
	place := fmt.Sprintf(`{"name":"Loa dời","unit":"doai","serves":[{"village":"doai","share":0.25}],"registrar_password":%q}`, registrar)
	user := fmt.Sprintf(`{"id":"moi","name":"Người mới","password":%q,"grants":[{"unit":"doai","role":"editor"}]}`, password)
	roles := []string{"", "soan-dong", "soan-a", "duyet-a", "vanhanh", "quantri-b", "quantri-a"}
	browsers := []*browser{f.stranger()}
	for _, role := range roles[1:] {
		browsers = append(browsers, f.logIn(role))
	}
	for _, c := range []struct {
		method, path, body string
		want               []int // by role
	}{
		{"GET", "/api/v1/units", "", []int{401, 200, 200, 200, 200, 200, 200}},
		{"GET", "/api/v1/devices", "", []int{401, 200, 200, 200, 200, 200, 200}},
		{"GET", "/api/v1/devices/loa-dong", "", []int{401, 200, 200, 200, 200, 404, 200}},
		{"GET", "/api/v1/devices?unit=xa-a", "", []int{401, 404, 200, 200, 200, 404, 200}},
		{"GET", "/api/v1/units/xa-a/quiet", "", []int{401, 404, 200, 200, 200, 404, 200}},
		{"PUT", "/api/v1/units/xa-a/quiet", `[{"start":"21:30","end":"05:00"}]`, []int{401, 404, 403, 403, 403, 404, 204}},
		{"POST", "/api/v1/claims", `{"device":"loa-dong"}`, []int{401, 403, 403, 403, 403, 404, 201}},
		{"POST", "/api/v1/devices", device, []int{401, 404, 403, 403, 403, 404, 201}},
		{"PUT", "/api/v1/devices/loa-dong/placement", place, []int{401, 403, 403, 403, 403, 404, 200}},
		{"POST", "/api/v1/users", user, []int{401, 422, 403, 403, 403, 422, 204}},
		{"PUT", "/api/v1/users/soan-a/grants", `{"grants":[{"unit":"dong","role":"editor"}]}`, []int{401, 404, 403, 404, 404, 404, 204}},
		{"DELETE", "/api/v1/devices/loa-dong", "", []int{401, 404, 404, 403, 403, 404, 204}},
	} {
		for i, role := range roles {
			t.Run(c.method+" "+c.path+" by "+role, func(*testing.T) { browsers[i].want(c.want[i], c.method, c.path, c.body) })
		}
	}
	b := f.logIn("quantri-a")
	got := decode[[]api.DeviceBody](t, b.want(200, "GET", "/api/v1/devices", ""))
	if len(got) != 2 || got[0].ID != "loa-dong" || got[0].State != "revoked" || got[0].Unit != "doai" || got[1].Serves[0].Share != 0.5 {
		t.Errorf("devices %+v", got)
	}
}

func TestOtherCommuneIsInvisible(t *testing.T) {
	f := newFixture(t, api.Options{})
	b := f.logIn("quantri-b")
	for _, path := range []string{"/api/v1/units", "/api/v1/devices", "/api/v1/users"} {
		text := b.want(200, "GET", path, "")
		for _, hidden := range []string{"xa-a", "dong", "Bình An", "soan-a", "tinh\""} {
			if path == "/api/v1/units" && hidden == "tinh\"" {
				continue // the path of one's own unit names those above
			}
			if path != "/api/v1/devices" || hidden != "tinh\"" {
				if strings.Contains(text, hidden) {
					t.Errorf("%s shows %s: %s", path, hidden, text)
				}
			}
		}
	}
	// What is there and what is not answer alike.
	there := b.want(404, "GET", "/api/v1/devices/loa-dong", "")
	missing := b.want(404, "GET", "/api/v1/devices/loa-khong", "")
	if diff := cmp.Diff(there, missing); diff != "" {
		t.Errorf("the address tells whether it exists: %s", diff)
	}
	b.want(404, "DELETE", "/api/v1/devices/loa-dong", "")
	b.want(404, "POST", "/api/v1/claims", `{"device":"loa-dong"}`)
	b.want(404, "PUT", "/api/v1/users/soan-a/password", `{"password":"taken over now"}`)
	b.want(404, "POST", "/api/v1/users/soan-a/disable", `{}`)
	// Nobody raises themselves, nor serves another's villages.
	b.want(422, "PUT", "/api/v1/users/quantri-b/grants", `{"grants":[{"unit":"tinh","role":"administrator"}]}`)
	b.want(422, "PUT", "/api/v1/users/quantri-b/grants", `{"grants":[{"unit":"xa-a","role":"administrator"}]}`)
	b.want(404, "POST", "/api/v1/devices",
		fmt.Sprintf(`{"id":"x","name":"x","unit":"thon-b","sound":true,"serves":[{"village":"dong","share":1}],"registrar_password":%q}`, registrar))
}

func TestAdministratorBelowCannotTouchOneAbove(t *testing.T) {
	f := newFixture(t, api.Options{})
	ctx := t.Context()
	both := []account.Grant{{Unit: "xa-a", Role: account.Administrator}, {Unit: "tinh", Role: account.Operator}}
	if err := f.base.Account.Add(ctx, account.NewPerson{ID: "tren", Name: "Trên", Password: password, Grants: both}, "", ""); err != nil {
		t.Fatal(err)
	}
	b := f.logIn("quantri-a")
	if text := b.want(200, "GET", "/api/v1/users", ""); !strings.Contains(text, `"tren"`) || strings.Contains(text, `"tinh"`) {
		t.Errorf("users: %s", text)
	}
	b.want(422, "PUT", "/api/v1/users/tren/password", `{"password":"taken over now"}`)
	b.want(422, "POST", "/api/v1/users/tren/disable", `{}`)
}

func TestAPITokens(t *testing.T) {
	f := newFixture(t, api.Options{})
	b := f.logIn("soan-a")
	made := decode[api.NewTokenBody](t, b.want(201, "POST", "/api/v1/tokens", `{"name":"máy chủ khác","days":30}`))
	if text := b.want(200, "GET", "/api/v1/tokens", ""); strings.Contains(text, made.Secret) || !strings.Contains(text, made.ID) {
		t.Errorf("tokens: %s", text)
	}
	program := f.stranger()
	program.header.Set("Authorization", "Bearer "+made.Secret)
	// Programs send no cookie, so that other sites' pages are no danger to them.
	program.header.Set("Sec-Fetch-Site", "cross-site")
	program.want(200, "GET", "/api/v1/sessions", "")
	program.want(403, "PUT", "/api/v1/units/xa-a/quiet", `[]`)

	f.logIn("quantri-a").want(404, "DELETE", "/api/v1/tokens/"+made.ID, "")
	program.want(200, "GET", "/api/v1/sessions", "")
	b.want(204, "DELETE", "/api/v1/tokens/"+made.ID, "")
	program.want(401, "GET", "/api/v1/sessions", "")
	for _, bad := range []string{"", "x", "loa_", made.Secret + "x", strings.Repeat("a", 10_000)} {
		program.header.Set("Authorization", "Bearer "+bad)
		program.want(401, "GET", "/api/v1/units", "")
	}
}

func TestProblemsAreInTheLanguageAskedFor(t *testing.T) {
	f := newFixture(t, api.Options{})
	for _, c := range []struct{ accept, title, detail string }{
		{"", "Chưa đăng nhập", "Hãy đăng nhập."},
		{"vi-VN,vi;q=0.9,en;q=0.5", "Chưa đăng nhập", "Hãy đăng nhập."},
		{"en-GB,en;q=0.9", "Unauthorized", "Log in first."},
		{"fr", "Chưa đăng nhập", "Hãy đăng nhập."},
		{strings.Repeat("en,", 5000), "Chưa đăng nhập", "Hãy đăng nhập."},
	} {
		b := f.stranger()
		b.header.Set("Accept-Language", c.accept)
		got := decode[api.Problem](t, b.want(401, "GET", "/api/v1/units", ""))
		want := api.Problem{
			Type: "about:blank", Title: c.title, Status: 401, Detail: c.detail, Code: "not-logged-in", Vi: "Hãy đăng nhập.", En: "Log in first.",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%.20q: %s", c.accept, diff)
		}
	}
}

// What breaks the schema is named as people know it, in their language.
func TestAFormThatDoesNotFitNamesItsPart(t *testing.T) {
	f := newFixture(t, api.Options{})
	b := f.logIn("quantri-a")
	person := func(name, grants string) string {
		return `{"id":"moi","name":"` + name + `","password":"mat khau dai","grants":[` + grants + `]}`
	}
	for body, want := range map[string][3]string{
		person(strings.Repeat("a", 201), `{"unit":"xa-a","role":"editor"}`): {"name", "Mục “Tên” tối đa 200 ký tự. Hãy sửa rồi gửi lại.", "“Name” may have 200 characters at most. Correct it and send it again."},
		person("Mới", ""): {"grants", "Mục “Quyền” phải từ 1 mục trở lên. Hãy sửa rồi gửi lại.", "“Rights” must have 1 or more entries. Correct it and send it again."},
		`{"id":"moi","password":"mat khau dai","grants":[{"unit":"xa-a","role":"editor"}]}`:                     {"name", "Mục “Tên” còn trống. Hãy sửa rồi gửi lại.", "“Name” is empty. Correct it and send it again."},
		`{"id":"moi","name":"Mới","password":"mat khau dai","grants":[{"unit":"xa-a","role":"editor"}],"la":1}`: {"la", "Yêu cầu có chỗ chưa đúng; hãy sửa rồi gửi lại.", "A part of the request breaks a rule; correct it and send it again."},
	} {
		got := decode[api.Problem](t, b.want(422, "POST", "/api/v1/users", body))
		if diff := cmp.Diff(want, [3]string{got.Field, got.Vi, got.En}); diff != "" || got.Detail != got.Vi {
			t.Errorf("%.60s: %s in %q", body, diff, got.Detail)
		}
	}
}

func TestHostileRequestsGetProblemsWithoutValues(t *testing.T) {
	f := newFixture(t, api.Options{})
	b := f.logIn("quantri-a")
	const marker = "bi-mat-48151623"
	for _, c := range []struct {
		name, method, path, body string
		status                   int
	}{
		{"no such route", "GET", "/api/v1/" + marker, "", 404},
		{"no such route at all", "GET", "/api/" + marker, "", 404},
		{"outside of the API", "GET", "/" + marker, "", 404},
		{"wrong method", "PATCH", "/api/v1/units", "", 405},
		{"no JSON", "POST", "/api/v1/sessions", marker, 400},
		{"half JSON", "POST", "/api/v1/sessions", `{"user":"` + marker, 400},
		{"empty body", "POST", "/api/v1/sessions", "", 400},
		{"wrong type", "POST", "/api/v1/sessions", `{"user":"x","password":["` + marker + `"]}`, 422},
		{"missing property", "POST", "/api/v1/sessions", `{"password":"` + marker + `"}`, 422},
		{"unknown property beside a secret", "POST", "/api/v1/sessions", `{"user":"x","password":"` + marker + `","otp":"` + marker + `"}`, 422},
		{"wrong log-in", "POST", "/api/v1/sessions", `{"user":"x","password":"` + marker + `"}`, 401},
		{"NUL in the name", "POST", "/api/v1/sessions", `{"user":"x\u0000y","password":"` + marker + `"}`, 401},
		{"name out of the alphabet", "POST", "/api/v1/users", `{"id":"` + marker + `!","name":"x","password":"` + marker + `","grants":[{"unit":"xa-a","role":"editor"}]}`, 422},
		{"unknown role", "POST", "/api/v1/users", `{"id":"x","name":"x","password":"` + marker + `","grants":[{"unit":"xa-a","role":"` + marker + `"}]}`, 422},
		{"short password", "POST", "/api/v1/users", `{"id":"x","name":"x","password":"123456789","grants":[{"unit":"xa-a","role":"editor"}]}`, 422},
		{"name with a line break", "POST", "/api/v1/users", `{"id":"x","name":"a\nb","password":"` + marker + `","grants":[{"unit":"xa-a","role":"editor"}]}`, 422},
		{"name that turns the text round", "POST", "/api/v1/users", `{"id":"x","name":"a\u202eb","password":"` + marker + `","grants":[{"unit":"xa-a","role":"editor"}]}`, 422},
		{"id taken", "POST", "/api/v1/users", `{"id":"soan-a","name":"x","password":"` + marker + `","grants":[{"unit":"xa-a","role":"editor"}]}`, 409},
		{"wrong registrar's password", "POST", "/api/v1/devices", `{"id":"x","name":"x","unit":"dong","sound":true,"registrar_password":"` + marker + `"}`, 403},
		{"device without media", "POST", "/api/v1/devices", `{"id":"x","name":"x","unit":"dong","sound":false,"registrar_password":"` + marker + `"}`, 422},
		{"a village twice", "POST", "/api/v1/devices", `{"id":"x","name":"x","unit":"dong","sound":true,"serves":[{"village":"dong","share":1},{"village":"dong","share":1}],"registrar_password":"` + marker + `"}`, 422},
		{"a share of a commune", "POST", "/api/v1/devices", `{"id":"x","name":"x","unit":"dong","sound":true,"serves":[{"village":"xa-a","share":1}],"registrar_password":"` + marker + `"}`, 422},
		{"unknown query", "GET", "/api/v1/devices?x=" + marker, "", 422},
		{"unknown state", "GET", "/api/v1/devices?state=" + marker, "", 422},
		{"hour 24", "PUT", "/api/v1/units/xa-a/quiet", `[{"start":"24:00","end":"` + marker + `"}]`, 422},
		{"not an integer", "POST", "/api/v1/tokens", `{"name":"x","days":"` + marker + `"}`, 422},
		{"id with a slash", "GET", "/api/v1/devices/..%2f" + marker, "", 404},
		{"long body", "POST", "/api/v1/sessions", `{"user":"` + strings.Repeat("a", 70<<10) + marker + `"}`, 413},
		{"deep JSON", "POST", "/api/v1/sessions", strings.Repeat("[", 30_000), 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := b.want(c.status, c.method, c.path, c.body)
			p := decode[api.Problem](t, text)
			if strings.Contains(text, marker) {
				t.Errorf("the answer repeats what was sent: %s", text)
			}
			if p.Status != c.status || p.Code == "" || p.Vi == "" || p.En == "" || p.Detail == "" || p.Title == "" {
				t.Errorf("problem %+v", p)
			}
		})
	}
	if strings.Contains(f.log.String(), marker) {
		t.Errorf("the log repeats a secret: %s", f.log)
	}
}

func TestOtherSitesCannotUseTheCookie(t *testing.T) {
	f := newFixture(t, api.Options{Origins: []string{"https://loa.example"}})
	b := f.logIn("quantri-a")
	for _, c := range []struct {
		name, key, value string
		status           int
	}{
		{"same origin", "Sec-Fetch-Site", "same-origin", 204},
		{"typed address", "Sec-Fetch-Site", "none", 204},
		{"other site", "Sec-Fetch-Site", "cross-site", 403},
		{"neighbour of the same site", "Sec-Fetch-Site", "same-site", 403},
		{"old browser, other site", "Origin", "https://evil.example", 403},
		{"opaque origin", "Origin", "null", 403},
		{"the public address behind a proxy", "Origin", "https://loa.example", 204},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.header = http.Header{c.key: {c.value}}
			b.want(c.status, "PUT", "/api/v1/units/xa-a/quiet", `[]`)
		})
	}
	b.header = http.Header{}
	b.header.Set("Sec-Fetch-Site", "cross-site")
	b.want(200, "GET", "/api/v1/sessions", "")
}

func TestEveryAnswerForbidsFramesAndSniffing(t *testing.T) {
	f := newFixture(t, api.Options{Secure: true, Console: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "console")
	})})
	b := f.stranger()
	for path, status := range map[string]int{"/": 200, "/du-an": 200, "/api/v1/units": 401, "/api/openapi.json": 200, "/api/none": 404} {
		res, text := b.do("GET", path, "")
		if res.StatusCode != status || (path == "/" && text != "console") {
			t.Errorf("%s: %d %s", path, res.StatusCode, text)
		}
		if h := res.Header; !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") ||
			strings.Contains(h.Get("Content-Security-Policy"), "unsafe") || h.Get("X-Content-Type-Options") != "nosniff" ||
			h.Get("Strict-Transport-Security") == "" {
			t.Errorf("%s: headers %v", path, h)
		}
	}
}

func TestDeviceListShowsWhatWasLastHeard(t *testing.T) {
	f := newFixture(t, api.Options{})
	ctx := t.Context()
	b := f.logIn("soan-a")
	state := func() api.DeviceBody {
		t.Helper()
		return decode[api.DeviceBody](t, b.want(200, "GET", "/api/v1/devices/loa-dong", ""))
	}
	if got := state(); got.State != "waiting" || got.LastHeard != nil {
		t.Errorf("before enrolment: %+v", got)
	}
	claim, err := f.base.Enrol.Claim(ctx, "loa-dong", "")
	if err != nil {
		t.Fatal(err)
	}
	enrolDevice(t, f, claim.Text)
	if got := state(); got.State != "never-heard" {
		t.Errorf("after enrolment: %+v", got)
	}
	at := time.Date(2026, 11, 24, 1, 2, 3, 0, time.UTC)
	h := protocol.Heartbeat{Version: protocol.Version, Device: "loa-dong", Connection: 7, Online: true, At: protocol.InstantOf(at), Faults: []string{"clock"}, Muted: true}
	if stored, err := f.base.Registry.SaveStates(ctx, []protocol.Heartbeat{h}, at); err != nil || !stored[0] {
		t.Fatal(stored, err)
	}
	got := state()
	if got.State != "online" || got.LastHeard == nil || !got.LastHeard.Equal(at) || !got.Muted || cmp.Diff([]string{"clock"}, got.Faults) != "" {
		t.Errorf("online: %+v", got)
	}
	if one := decode[[]api.DeviceBody](t, b.want(200, "GET", "/api/v1/devices?state=online", "")); len(one) != 1 {
		t.Errorf("online ones: %+v", one)
	}
	if none := b.want(200, "GET", "/api/v1/devices?state=offline", ""); strings.TrimSpace(none) != "[]" {
		t.Errorf("offline ones: %s", none)
	}
}

// enrolDevice enrols a device past the network.
func enrolDevice(t *testing.T, f *fixture, text string) {
	t.Helper()
	claim, err := protocol.ParseClaim(text)
	if err != nil {
		t.Fatal(err)
	}
	public, csr := deviceKey(t)
	if _, err := f.base.Enrol.Enrol(t.Context(), protocol.EnrolRequest{Secret: claim.Secret[:], DeviceKey: public, CSR: csr, CSRBulk: csr}); err != nil {
		t.Fatal(err)
	}
}

func TestSecretsStayOutOfLogsAndAnswers(t *testing.T) {
	f := newFixture(t, api.Options{})
	b := f.logIn("quantri-a")
	made := decode[api.NewTokenBody](t, b.want(201, "POST", "/api/v1/tokens", `{"name":"x","days":1}`))
	claim := decode[api.ClaimBody](t, b.want(201, "POST", "/api/v1/claims", `{"device":"loa-dong"}`))
	enrolDevice(t, f, claim.Claim)
	secret, _, _ := strings.Cut(strings.TrimPrefix(claim.Claim, "loa1."), ".")
	f.stranger().want(401, "POST", "/api/v1/sessions", fmt.Sprintf(`{"user":"quantri-a","password":%q}`, password+"1"))
	var answers strings.Builder
	for _, path := range []string{"/api/v1/sessions", "/api/v1/users", "/api/v1/tokens", "/api/v1/devices", "/api/v1/units", "/api/openapi.json"} {
		answers.WriteString(b.want(200, "GET", path, ""))
	}
	cookies := b.client.Jar.Cookies(must(http.NewRequest(http.MethodGet, f.url, nil)).URL)
	for name, s := range map[string]string{
		"password": password, "registrar's password": registrar, "token": made.Secret, "claim": secret, "cookie": cookies[0].Value, "hash": "$argon2id$",
	} {
		if strings.Contains(f.log.String(), s) {
			t.Errorf("the log holds the %s", name)
		}
		if strings.Contains(answers.String(), s) {
			t.Errorf("an answer holds the %s", name)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestOpenAPIDescribesEveryRouteAndOnlyOurProblems(t *testing.T) {
	f := newFixture(t, api.Options{Version: "1.2.3"})
	text := f.stranger().want(200, "GET", "/api/openapi.json", "")
	doc := decode[struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID string
			Responses   map[string]struct{ Content map[string]any }
			Security    []any
		}
	}](t, text)
	if doc.OpenAPI != "3.1.0" || len(doc.Paths) < 10 || strings.Contains(text, "ErrorModel") || strings.Contains(text, "$schema") {
		t.Errorf("version %s, %d paths", doc.OpenAPI, len(doc.Paths))
	}
	seen := map[string]bool{}
	for path, ops := range doc.Paths {
		for method, op := range ops {
			if _, ok := op.Responses["default"].Content["application/problem+json"]; !ok || seen[op.OperationID] {
				t.Errorf("%s %s (%s) describes no problem, or has another's id", method, path, op.OperationID)
			}
			seen[op.OperationID] = true
			if public := slices.Contains([]string{"log-in", "log-out", "log-in-ways", "ask-log-in-passkey", "log-in-passkey"}, op.OperationID); public == (len(op.Security) > 0) {
				t.Errorf("%s: security %v", op.OperationID, op.Security)
			}
		}
	}
}

// deviceKey returns a new device's public key and a certificate request.
func deviceKey(t *testing.T) (ed25519.PublicKey, string) {
	t.Helper()
	public, priv, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return public, csrOf(t, priv)
}
