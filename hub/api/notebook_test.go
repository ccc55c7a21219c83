package api_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/api"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/notebook"
	"github.com/loa-vn/loa/hub/store"
	"github.com/loa-vn/loa/protocol"
)

func TestADraftIsItsOwnersAndALaterOneStands(t *testing.T) {
	f := newFixture(t, api.Options{})
	a, b := f.logIn("soan-a"), f.logIn("vanhanh")
	now := time.Now().UTC()
	put := func(at time.Time, text string) string {
		return fmt.Sprintf(`{"title":"Thư mời","content":{"text":%q},"changed":%q}`, text, at.Format(time.RFC3339Nano))
	}
	a.want(http.StatusOK, "PUT", "/api/v1/drafts/mot", put(now, "mới"))
	a.want(http.StatusConflict, "PUT", "/api/v1/drafts/mot", put(now.Add(-time.Minute), "cũ"))
	if text := a.want(http.StatusOK, "GET", "/api/v1/drafts/mot", ""); !strings.Contains(text, "mới") {
		t.Errorf("kept: %s", text)
	}
	b.want(http.StatusNotFound, "GET", "/api/v1/drafts/mot", "")
	if list := b.want(http.StatusOK, "GET", "/api/v1/drafts", ""); strings.Contains(list, "mot") {
		t.Errorf("somebody else's drafts: %s", list)
	}
	a.want(http.StatusNoContent, "DELETE", "/api/v1/drafts/mot", "")
	a.want(http.StatusNotFound, "GET", "/api/v1/drafts/mot", "")
}

func TestARequestWithAKeyIsDoneOnce(t *testing.T) {
	f := newFixture(t, api.Options{})
	a := f.logIn("soan-a")
	a.header.Set("Idempotency-Key", "khoa-dai-hon-16-ky-tu")
	body := `{"unit":"xa-a","name":"Cháy","title":"Cháy","text":"Cháy ở chợ.","board":"","clear_title":"","clear_text":"Hết cháy.","clear_board":""}`
	first := a.want(http.StatusCreated, "POST", "/api/v1/templates", body)
	res, second := a.do("POST", "/api/v1/templates", body)
	if res.StatusCode != http.StatusCreated || res.Header.Get("Idempotent-Replayed") != "true" || first != second {
		t.Errorf("the second answer: %d %v\n%s\n%s", res.StatusCode, res.Header, first, second)
	}
	a.want(http.StatusUnprocessableEntity, "DELETE", "/api/v1/templates/abc", "")
	// The key is the person's own.
	b := f.logIn("vanhanh")
	b.header.Set("Idempotency-Key", "khoa-dai-hon-16-ky-tu")
	b.want(http.StatusCreated, "POST", "/api/v1/templates", body)
	// A refusal is kept too; a bad key is refused.
	a.header.Set("Idempotency-Key", "mot-khoa-khac-cung-dai")
	a.want(http.StatusUnprocessableEntity, "POST", "/api/v1/templates", strings.Replace(body, "Hết cháy.", "", 1))
	a.want(http.StatusUnprocessableEntity, "POST", "/api/v1/templates", body)
	a.header.Set("Idempotency-Key", "ngan")
	a.want(http.StatusUnprocessableEntity, "POST", "/api/v1/templates", body)
	// Secrets are never kept: log-in and tokens take no key.
	a.header.Set("Idempotency-Key", "khoa-dai-hon-16-ky-tu-2")
	one := a.want(http.StatusCreated, "POST", "/api/v1/tokens", `{"name":"may","days":1}`)
	if two := a.want(http.StatusCreated, "POST", "/api/v1/tokens", `{"name":"may","days":1}`); one == two {
		t.Error("a token was answered twice")
	}
}

func TestTemplatesBelongToTheirUnit(t *testing.T) {
	f := newFixture(t, api.Options{})
	a := f.logIn("soan-a")
	body := `{"unit":"xa-a","name":"Cháy","title":"Cháy","text":"Cháy ở chợ.","board":"","clear_title":"","clear_text":"Hết cháy.","clear_board":""}`
	made := decode[api.TemplateBody](t, a.want(http.StatusCreated, "POST", "/api/v1/templates", body))
	list := decode[[]api.TemplateBody](t, a.want(http.StatusOK, "GET", "/api/v1/templates", ""))
	if len(list) < 6 || list[0].ID != made.ID || !list[0].Own || list[1].Own {
		t.Errorf("%d templates, the first %+v", len(list), list[0])
	}
	for _, x := range list {
		if x.ClearText == "" {
			t.Errorf("%s cannot be called off", x.Name)
		}
	}
	stranger := f.logIn("quantri-b")
	stranger.want(http.StatusNotFound, "DELETE", "/api/v1/templates/"+made.ID, "")
	f.logIn("duyet-a").want(http.StatusForbidden, "PUT", "/api/v1/templates/"+made.ID, body)
	a.want(http.StatusNotFound, "POST", "/api/v1/templates", strings.Replace(body, "xa-a", "xa-b", 1))
	a.want(http.StatusNoContent, "DELETE", "/api/v1/templates/"+made.ID, "")
}

func TestAMapHoldsAreasAndPointsOnly(t *testing.T) {
	f := newFixture(t, api.Options{})
	a := f.logIn("soan-a")
	put := func(status int, geometry string) {
		t.Helper()
		text := fmt.Sprintf(`{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"unit":"dong","name":"Thôn Đông","secret":1},"geometry":%s}]}`, geometry)
		a.want(status, "PUT", "/api/v1/units/xa-a/map", fmt.Sprintf(`{"geojson":%q}`, text))
	}
	put(http.StatusNoContent, `{"type":"Polygon","coordinates":[[[105,21],[105.1,21],[105.1,21.1],[105,21]]]}`)
	text := a.want(http.StatusOK, "GET", "/api/v1/units/xa-a/map", "")
	if !strings.Contains(text, "Polygon") || strings.Contains(text, "secret") {
		t.Errorf("kept: %s", text)
	}
	put(http.StatusNoContent, `{"type":"Point","coordinates":[105,21]}`)
	put(http.StatusUnprocessableEntity, `{"type":"LineString","coordinates":[[105,21],[106,21]]}`)
	put(http.StatusUnprocessableEntity, `{"type":"Polygon","coordinates":[[["a",21]]]}`)
	put(http.StatusUnprocessableEntity, `{"type":"Point","coordinates":[1e300,21]}`)
	a.want(http.StatusUnprocessableEntity, "PUT", "/api/v1/units/xa-a/map", `{"geojson":"[]"}`)
	a.want(http.StatusNotFound, "GET", "/api/v1/units/xa-b/map", "")
	a.want(http.StatusNotFound, "PUT", "/api/v1/units/xa-b/map", `{"geojson":"[]"}`)
}

func TestDevicesInColumnsAreThoseOfTheList(t *testing.T) {
	f := newFixture(t, api.Options{})
	a := f.logIn("soan-a")
	table := decode[api.DeviceTable](t, a.want(http.StatusOK, "GET", "/api/v1/device-table", ""))
	if len(table.IDs) != 1 || table.IDs[0] != "loa-dong" || table.Units[table.Unit[0]] != "dong" || table.State[0] != 0 || table.Flags[0] != 1 || table.All != 1 {
		t.Errorf("%+v", table)
	}
	list := decode[[]api.DeviceBody](t, a.want(http.StatusOK, "GET", "/api/v1/devices?id=loa-dong&id=loa-b", ""))
	if len(list) != 1 {
		t.Errorf("asked for two, of which one is another commune's: %v", list)
	}
	now := decode[api.DevicesNow](t, a.want(http.StatusOK, "GET", "/api/v1/devices-now", ""))
	if now.All != 1 || now.Online != 0 || now.Trouble != 1 || len(now.Worst) != 1 {
		t.Errorf("%+v", now)
	}
	// Packed for whoever takes it so; Go's client does by itself.
	req, err := http.NewRequest(http.MethodGet, f.url+"/api/v1/device-table", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "gzip")
	res, err := a.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(res.Body); err != nil {
		t.Fatal(err)
	}
	if res.Header.Get("Content-Encoding") != "gzip" || !bytes.HasPrefix(b.Bytes(), []byte{0x1f, 0x8b}) {
		t.Errorf("not packed: %v", res.Header)
	}
}

func TestDaysTellTheMoonAndHolidays(t *testing.T) {
	f := newFixture(t, api.Options{})
	a := f.logIn("soan-a")
	days := decode[[]api.DayBody](t, a.want(http.StatusOK, "GET", "/api/v1/days?from=2026-02-16&to=2026-02-18", ""))
	if len(days) != 3 || days[1].Lunar != "1/1" || days[1].Holiday == nil {
		t.Errorf("Tết of 2026: %+v", days)
	}
	a.want(http.StatusUnprocessableEntity, "GET", "/api/v1/days?from=2026-01-01&to=2027-01-01", "")
}

func TestUnitsAreImportedBelowOnesOwnOnly(t *testing.T) {
	f := newFixture(t, api.Options{})
	admin := f.logIn("quantri-a")
	send := func(b *browser, status int, csv string, dry bool) string {
		t.Helper()
		return b.want(status, "POST", "/api/v1/units/import", fmt.Sprintf(`{"file":%q,"dry":%v}`, base64Of(csv), dry))
	}
	head := "id,code,name,kind,parent,valid_from\n"
	mine := head + "thon-moi,,Thôn Mới,village,xa-a,2026-01-01\n"
	if got := decode[api.ImportBody](t, send(admin, http.StatusOK, mine, true)); got.Added != 1 || len(got.Lines) != 1 {
		t.Errorf("dry run: %+v", got)
	}
	if text := admin.want(http.StatusOK, "GET", "/api/v1/units", ""); strings.Contains(text, "thon-moi") {
		t.Error("a dry run has changed something")
	}
	send(admin, http.StatusOK, mine, false)
	if text := admin.want(http.StatusOK, "GET", "/api/v1/units", ""); !strings.Contains(text, "thon-moi") {
		t.Error("it was not imported")
	}
	send(admin, http.StatusNotFound, head+"thon-la,,Thôn Lạ,village,xa-b,2026-01-01\n", true)
	send(admin, http.StatusNotFound, head+"thon-b,,Đổi tên của xã khác,village,xa-a,2025-07-01\n", true)
	send(admin, http.StatusForbidden, head+"tinh-la,98,Tỉnh Lạ,province,,2025-07-01\n", true)
	send(f.logIn("soan-a"), http.StatusForbidden, mine, true)
	send(admin, http.StatusUnprocessableEntity, "PK\x03\x04", true)
	send(admin, http.StatusUnprocessableEntity, "[]", true)
}

// A hub that was killed while it did a request with a key neither leaves it undone for
// good nor does it twice.
func TestARequestThatAKillInterruptedIsDoneOnce(t *testing.T) {
	f := newFixture(t, api.Options{})
	notes := store.NewNotebook(f.base.DB)
	begin := func(key, path string) {
		t.Helper()
		if _, fresh, err := notes.Begin(t.Context(), "soan-a", key, "POST /api/v1"+path, time.Now()); err != nil || !fresh {
			t.Fatal(fresh, err)
		}
	}
	a := f.logIn("soan-a")

	begin("khoa-chua-lam-gi-ca", "/templates")
	a.header.Set("Idempotency-Key", "khoa-chua-lam-gi-ca")
	body := `{"unit":"xa-a","name":"Cháy","title":"Cháy","text":"Cháy ở chợ.","board":"","clear_title":"","clear_text":"Hết cháy.","clear_board":""}`
	made := a.want(http.StatusCreated, "POST", "/api/v1/templates", body)
	if again := a.want(http.StatusCreated, "POST", "/api/v1/templates", body); again != made {
		t.Errorf("done twice: %s, then %s", made, again)
	}

	begin("khoa-da-viet-ban-tin", "/bulletins")
	now := time.Now()
	ctx := notebook.WithKeyed(t.Context(), notebook.Keyed{Person: "soan-a", Key: "khoa-da-viet-ban-tin"})
	if err := store.NewBulletins(f.base.DB, nil).CreateBulletin(ctx, bulletin.Bulletin{
		ID: "bt-1", Work: "bt-1", Revision: 1, Unit: "xa-a", Class: protocol.ClassNormal, Title: "Họp", Author: "soan-a", Origin: bulletin.FromText,
		State: bulletin.Ready, Created: now, Changed: now,
	}, false); err != nil {
		t.Fatal(err)
	}
	a.header.Set("Idempotency-Key", "khoa-da-viet-ban-tin")
	res, said := a.do("POST", "/api/v1/bulletins", `{"unit":"xa-a","class":"normal","text":"Họp."}`)
	if res.StatusCode != http.StatusAccepted || res.Header.Get("Idempotent-Replayed") != "true" || said != `{"id":"bt-1"}` {
		t.Errorf("%d %v %s", res.StatusCode, res.Header, said)
	}
}
