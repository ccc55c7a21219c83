package api_test

import (
	"bytes"
	"fmt"
	"image/png"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/api"
	"github.com/pquerna/otp/totp"
)

// phone is an authenticator app.
func phone(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, at)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func TestSecondFactorIsAskedForAndItsCodesCountOnce(t *testing.T) {
	f := newFixture(t, api.Options{})
	b := f.logIn("soan-a")
	b.want(http.StatusConflict, "PUT", "/api/v1/second-factor", `{"code":"123456"}`)
	e := decode[api.EnrolmentBody](t, b.want(http.StatusOK, "POST", "/api/v1/second-factor", ""))
	if _, err := png.Decode(bytes.NewReader(e.Picture)); err != nil || !strings.HasPrefix(e.Address, "otpauth://totp/Loa:soan-a?") {
		t.Errorf("picture of %s: %v", e.Address, err)
	}
	b.want(http.StatusUnprocessableEntity, "PUT", "/api/v1/second-factor", `{"code":"000000"}`)
	// An app that was never confirmed locks nobody out.
	f.logIn("soan-a")
	now := time.Now()
	first := phone(t, e.Secret, now.Add(-30*time.Second))
	codes := decode[api.RecoveryBody](t, b.want(http.StatusOK, "PUT", "/api/v1/second-factor", fmt.Sprintf(`{"code":%q}`, first))).Codes
	if len(codes) != 10 {
		t.Fatalf("recovery codes %q", codes)
	}
	b.want(http.StatusConflict, "POST", "/api/v1/second-factor", "")

	try := func(status int, code, problem string) {
		t.Helper()
		text := f.stranger().want(status, "POST", "/api/v1/sessions", fmt.Sprintf(`{"user":"soan-a","password":%q,"code":%q}`, password, code))
		if problem != "" && decode[api.Problem](t, text).Code != problem {
			t.Errorf("code %q: %s", code, text)
		}
	}
	try(http.StatusUnauthorized, "", "second-factor")
	try(http.StatusUnauthorized, first, "wrong-code") // it was used
	second := phone(t, e.Secret, now.Add(30*time.Second))
	try(http.StatusOK, second, "")
	try(http.StatusUnauthorized, second, "wrong-code")
	try(http.StatusOK, strings.ToUpper(codes[0]), "")
	try(http.StatusUnauthorized, codes[0], "wrong-code")

	// The database alone opens nothing.
	held, err := f.base.DB.Accounts().Second(t.Context(), "soan-a")
	if err != nil || bytes.Contains(held.Sealed, []byte(e.Secret)) {
		t.Errorf("sealed %x: %v", held.Sealed, err)
	}
	for _, s := range []string{e.Secret, second, codes[0], codes[1]} {
		if strings.Contains(f.log.String(), s) {
			t.Errorf("the log holds %q", s)
		}
	}
	// Who lost both asks the administrator, who governs them.
	f.logIn("quantri-b").want(http.StatusNotFound, "DELETE", "/api/v1/users/soan-a/second-factor", "")
	f.logIn("quantri-a").want(http.StatusNoContent, "DELETE", "/api/v1/users/soan-a/second-factor", "")
	f.logIn("soan-a").want(http.StatusNotFound, "POST", "/api/v1/second-factor/end", fmt.Sprintf(`{"password":%q}`, password))
	f.logIn("soan-a").want(http.StatusForbidden, "POST", "/api/v1/second-factor/end", `{"password":"sai mat khau"}`)
}

func TestOneTimePasswordIsChangedBeforeAnythingElse(t *testing.T) {
	f := newFixture(t, api.Options{})
	f.logIn("quantri").want(http.StatusNoContent, "POST", "/api/v1/users",
		fmt.Sprintf(`{"id":"moi","name":"Người mới","password":%q,"one_time":true,"grants":[{"unit":"xa-a","role":"editor"}]}`, password))
	b := f.logIn("moi")
	if me := decode[api.Me](t, b.want(http.StatusOK, "GET", "/api/v1/sessions", "")); me.Due != account.DuePassword {
		t.Errorf("due %q", me.Due)
	}
	if p := decode[api.Problem](t, b.want(http.StatusForbidden, "GET", "/api/v1/units", "")); p.Code != "password-due" {
		t.Errorf("problem %+v", p)
	}
	for _, easy := range []string{"1234567890", "Password123", "aaaaaaaaaaaa", "matkhau123"} {
		if p := decode[api.Problem](t, b.want(http.StatusUnprocessableEntity, "PUT", "/api/v1/users/moi/password",
			fmt.Sprintf(`{"old_password":%q,"password":%q}`, password, easy))); p.Code != "easy-password" {
			t.Errorf("%s: %+v", easy, p)
		}
	}
	b.want(http.StatusNoContent, "PUT", "/api/v1/users/moi/password", fmt.Sprintf(`{"old_password":%q,"password":"một câu của riêng tôi"}`, password))
	b.want(http.StatusUnauthorized, "GET", "/api/v1/units", "") // sessions of the old password are over
	c := f.stranger()
	c.want(http.StatusOK, "POST", "/api/v1/sessions", `{"user":"moi","password":"một câu của riêng tôi"}`)
	c.want(http.StatusOK, "GET", "/api/v1/units", "")
}

func TestTokenForReadingChangesNothing(t *testing.T) {
	f := newFixture(t, api.Options{})
	made := decode[api.NewTokenBody](t, f.logIn("quantri-a").want(http.StatusCreated, "POST", "/api/v1/tokens", `{"name":"bảng số liệu","days":1,"scope":"read"}`))
	b := f.stranger()
	b.header.Set("Authorization", "Bearer "+made.Secret)
	b.want(http.StatusOK, "GET", "/api/v1/units", "")
	if p := decode[api.Problem](t, b.want(http.StatusForbidden, "PUT", "/api/v1/units/xa-a/quiet", `[]`)); p.Code != "read-only" {
		t.Errorf("%+v", p)
	}
	b.want(http.StatusForbidden, "POST", "/api/v1/tokens", `{"name":"x","days":1}`)
}

// A token and a log-in end at their time, each by itself.
func TestTokensAndSessionsEndAtTheirTime(t *testing.T) {
	f := newFixture(t, api.Options{})
	b := f.logIn("quantri-a")
	made := decode[api.NewTokenBody](t, b.want(http.StatusCreated, "POST", "/api/v1/tokens", `{"name":"bảng số liệu","days":1}`))
	program := f.stranger()
	program.header.Set("Authorization", "Bearer "+made.Secret)
	for table, ended := range map[string]*browser{"token": program, "session": b} {
		ended.want(http.StatusOK, "GET", "/api/v1/units", "")
		for _, until := range []struct {
			in     time.Duration
			status int
		}{{time.Minute, http.StatusOK}, {-time.Second, http.StatusUnauthorized}} {
			r, err := f.base.DB.Writer().ExecContext(t.Context(), `UPDATE `+table+` SET expires = ?`, time.Now().Add(until.in).UnixMilli())
			if err != nil {
				t.Fatal(err)
			}
			if n, err := r.RowsAffected(); err != nil || n != 1 {
				t.Fatalf("%d rows of %s, %v", n, table, err)
			}
			ended.want(until.status, "GET", "/api/v1/units", "")
		}
	}
}

// Every answer, whatever the route or its status, forbids what a browser need not do.
func TestEveryRouteAnswersWithTheHeadersThatProtect(t *testing.T) {
	f := newFixture(t, api.Options{Secure: true})
	doc, err := f.api.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	paths := decode[struct {
		Paths map[string]map[string]any `json:"paths"`
	}](t, string(doc)).Paths
	checked := 0
	for path, methods := range paths {
		for method := range methods {
			res, _ := f.stranger().do(strings.ToUpper(method), strings.NewReplacer("{id}", "x", "{digest}", "x").Replace(path), "")
			for header, want := range map[string]string{
				"Content-Security-Policy": "default-src 'self'", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
				"Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin", "Strict-Transport-Security": "max-age=31536000",
				"Cache-Control": "no-store",
			} {
				if !strings.HasPrefix(res.Header.Get(header), want) {
					t.Errorf("%s %s: %s is %q", method, path, header, res.Header.Get(header))
				}
			}
			if strings.Contains(res.Header.Get("Content-Security-Policy"), "unsafe") {
				t.Errorf("%s %s: the policy allows something unsafe", method, path)
			}
			checked++
		}
	}
	if checked < 20 {
		t.Errorf("only %d routes", checked)
	}
	res, _ := f.stranger().do("POST", "/api/v1/sessions", fmt.Sprintf(`{"user":"soan-a","password":%q}`, password))
	if c := res.Cookies(); len(c) != 1 || !c[0].Secure || !c[0].HttpOnly || c[0].SameSite != http.SameSiteLaxMode {
		t.Errorf("cookie %+v", c)
	}
}
