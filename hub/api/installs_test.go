package api_test

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/loa-vn/loa/hub/api"
	"github.com/loa-vn/loa/protocol"
)

// A sheet of devices is tried first, taken whole or not at all, and only into units
// that whoever brings it may install in.
func TestDevicesComeFromASheetAllOrNone(t *testing.T) {
	f := newFixture(t, api.Options{})
	send := func(who, text, more string, status int) string {
		return f.logIn(who).want(status, "POST", "/api/v1/devices/import", fmt.Sprintf(`{"file":%q,%s}`, base64Of(text), more))
	}
	two := "id,name,unit,sound,board\nloa-1,Loa một,xa-a,có,\nbang-1,Bảng một,xa-a,không,192x32x16\n"
	dry := decode[api.DeviceImportBody](t, send("quantri-a", two, `"dry":true`, http.StatusOK))
	if dry.Added != 2 || dry.Lines[1].Board == nil || dry.Lines[1].Board.Width != 192 || dry.Lines[0].Claim != "" {
		t.Errorf("tried: %+v", dry)
	}
	f.logIn("quantri-a").want(http.StatusNotFound, "GET", "/api/v1/devices/loa-1", "")
	bad := send("quantri-a", two+"loa-1,Hai lần,xa-a,có,\n", `"dry":true`, http.StatusUnprocessableEntity)
	if !strings.Contains(bad, "Dòng 4") {
		t.Errorf("a line that stands twice: %s", bad)
	}
	send("quantri-b", two, `"dry":true`, http.StatusNotFound)
	send("soan-a", two, `"dry":true`, http.StatusForbidden)
	send("quantri-a", two, `"dry":false,"registrar_password":"sai roi"`, http.StatusForbidden)
	f.logIn("quantri-a").want(http.StatusNotFound, "GET", "/api/v1/devices/loa-1", "")
	done := decode[api.DeviceImportBody](t, send("quantri-a", two, fmt.Sprintf(`"dry":false,"claims":true,"registrar_password":%q`, registrar), http.StatusOK))
	if done.Added != 2 || !strings.HasPrefix(done.Lines[0].Claim, "loa1.") || done.Lines[0].Claim == done.Lines[1].Claim {
		t.Errorf("taken in: %+v", done)
	}
	f.logIn("quantri-a").want(http.StatusOK, "GET", "/api/v1/devices/bang-1", "")
	send("quantri-a", two, `"dry":true`, http.StatusUnprocessableEntity)
}

// The file for a stick holds the claim of its device; what is no request of that
// device is refused with what to do.
func TestAnInstallationIsCarriedByFile(t *testing.T) {
	f := newFixture(t, api.Options{EnrolURL: "https://localhost:8443"})
	a := f.logIn("quantri-a")
	a.want(http.StatusCreated, "POST", "/api/v1/devices", fmt.Sprintf(`{"id":"loa-usb","name":"Loa USB","unit":"xa-a","sound":true,"registrar_password":%q}`, registrar))
	text := a.want(http.StatusOK, "POST", "/api/v1/devices/loa-usb/installation", "")
	stick, err := protocol.ParseStick([]byte(text))
	if err != nil || stick.Installation == nil || stick.Installation.Name != "Loa USB" || stick.Installation.Hub != "https://localhost:8443" {
		t.Fatalf("%v: %s", err, text)
	}
	f.logIn("soan-a").want(http.StatusForbidden, "POST", "/api/v1/devices/loa-usb/installation", "")
	f.logIn("quantri-b").want(http.StatusNotFound, "POST", "/api/v1/devices/loa-usb/installation", "")
	answer := "/api/v1/devices/loa-usb/installation/answer"
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	claim, err := protocol.ParseClaim(stick.Installation.Claim)
	if err != nil {
		t.Fatal(err)
	}
	request, err := json.Marshal(protocol.Stick{Version: protocol.StickVersion, Request: &protocol.EnrolRequest{
		Secret: claim.Secret[:], DeviceKey: key.Public().(ed25519.PublicKey), CSR: csrOf(t, key), CSRBulk: csrOf(t, key),
	}})
	if err != nil {
		t.Fatal(err)
	}
	post := func(path, file string, status int) string {
		return a.want(status, "POST", path, fmt.Sprintf(`{"file":%q}`, base64Of(file)))
	}
	for _, file := range []string{"xin chào", text, `{"loa_stick":1,"request":{}}`} {
		if got := post(answer, file, http.StatusUnprocessableEntity); !strings.Contains(got, "no-request") {
			t.Errorf("%.30s: %s", file, got)
		}
	}
	a.want(http.StatusCreated, "POST", "/api/v1/devices", fmt.Sprintf(`{"id":"loa-khac","name":"Loa khác","unit":"xa-a","sound":true,"registrar_password":%q}`, registrar))
	if got := post("/api/v1/devices/loa-khac/installation/answer", string(request), http.StatusConflict); !strings.Contains(got, "claim-void") {
		t.Errorf("another device's request: %s", got)
	}
	back, err := protocol.ParseStick([]byte(post(answer, string(request), http.StatusOK)))
	if err != nil || back.Answer == nil || back.Answer.Device != "loa-usb" {
		t.Errorf("%v: %+v", err, back)
	}
}

// What a unit allows its devices by the hour is read by whoever reads the unit, its
// volume set by administrators, its brightness by who schedules and installs too.
func TestLimitsOfAUnit(t *testing.T) {
	f := newFixture(t, api.Options{})
	night := `[{"from":21,"to":6,"percent":40}]`
	f.logIn("quantri-a").want(http.StatusNoContent, "PUT", "/api/v1/units/xa-a/limits/volume", night)
	f.logIn("soan-a").want(http.StatusNoContent, "PUT", "/api/v1/units/xa-a/limits/light", night)
	f.logIn("soan-a").want(http.StatusForbidden, "PUT", "/api/v1/units/xa-a/limits/volume", night)
	f.logIn("quantri-b").want(http.StatusNotFound, "PUT", "/api/v1/units/xa-a/limits/light", night)
	f.logIn("quantri-a").want(http.StatusUnprocessableEntity, "PUT", "/api/v1/units/xa-a/limits/light", `[{"from":21,"to":6,"percent":9}]`)
	f.logIn("quantri-a").want(http.StatusUnprocessableEntity, "PUT", "/api/v1/units/xa-a/limits/smell", night)
	got := decode[api.LimitsBody](t, f.logIn("soan-a").want(http.StatusOK, "GET", "/api/v1/units/xa-a/limits", ""))
	if len(got.Volume) != 1 || len(got.Light) != 1 || got.Volume[0] != (api.HoursBody{From: 21, To: 6, Percent: 40}) {
		t.Errorf("%+v", got)
	}
	f.logIn("quantri-b").want(http.StatusNotFound, "GET", "/api/v1/units/xa-a/limits", "")
}
