package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/api"
)

type recordPage struct {
	Records []api.RecordBody `json:"records"`
	Next    uint64           `json:"next"`
}

func (f *fixture) addPerson(id string, role account.Role, unit string) {
	f.t.Helper()
	f.logIn("quantri").want(http.StatusNoContent, "POST", "/api/v1/users",
		fmt.Sprintf(`{"id":%q,"name":"Người %s","password":%q,"grants":[{"unit":%q,"role":%q}],"registrar_password":%q}`, id, id, password, unit, role, registrar))
}

func TestAuditorReadsTheRecordOfTheirUnitsAndNothingElseChanges(t *testing.T) {
	f := newFixture(t, api.Options{})
	f.addPerson("kiemtra-a", account.Auditor, "xa-a")
	f.addPerson("kiemtra", account.Auditor, "tinh")
	f.logIn("quantri-a").want(http.StatusNoContent, "PUT", "/api/v1/units/xa-a/quiet", `[{"start":"21:30","end":"05:00"}]`)
	f.logIn("quantri-b").want(http.StatusNoContent, "PUT", "/api/v1/units/xa-b/quiet", `[{"start":"22:00","end":"05:00"}]`)

	a := f.logIn("kiemtra-a")
	page := decode[recordPage](t, a.want(http.StatusOK, "GET", "/api/v1/records?act=quiet+hours+set", ""))
	if len(page.Records) != 1 || page.Records[0].Person != "quantri-a" || page.Records[0].Address != "127.0.0.1" ||
		page.Records[0].Via != "session" || page.Records[0].After[0].Value != "21:30-05:00" {
		t.Errorf("records of xa-a: %+v", page.Records)
	}
	if page.Records[0].Subject != "xa-a" || page.Records[0].Named != "Xã Bình An (mẫu)" {
		t.Errorf("the subject %s is called %q", page.Records[0].Subject, page.Records[0].Named)
	}
	a.want(http.StatusNotFound, "GET", "/api/v1/records?unit=xa-b", "")
	a.want(http.StatusForbidden, "PUT", "/api/v1/units/xa-a/quiet", `[]`)
	f.logIn("soan-a").want(http.StatusForbidden, "GET", "/api/v1/records", "")
	f.stranger().want(http.StatusUnauthorized, "GET", "/api/v1/records", "")

	// Pages follow each other without gap or repetition, to the first record.
	top := f.logIn("kiemtra")
	seen, path := uint64(0), "/api/v1/records?limit=7"
	for n := 0; ; n++ {
		page := decode[recordPage](t, top.want(http.StatusOK, "GET", path, ""))
		for _, r := range page.Records {
			if seen != 0 && r.Seq != seen-1 {
				t.Errorf("record %d follows %d", r.Seq, seen)
			}
			seen = r.Seq
		}
		if page.Next == 0 || n > 100 {
			break
		}
		path = fmt.Sprintf("/api/v1/records?limit=7&before=%d", page.Next)
	}
	if seen != 1 {
		t.Errorf("the last page ends at record %d", seen)
	}
	text := top.want(http.StatusOK, "GET", "/api/v1/records?limit=200", "")
	for _, secret := range []string{password, registrar, "argon2id"} {
		if strings.Contains(text, secret) {
			t.Errorf("the record holds %q", secret)
		}
	}
}

// The hub recomputes its record when asked to, and says which record was changed.
func TestTheRecordIsCheckedWhenAskedTo(t *testing.T) {
	f := newFixture(t, api.Options{})
	f.addPerson("kiemtra-a", account.Auditor, "xa-a")
	a := f.logIn("kiemtra-a")
	good := decode[api.CheckedBody](t, a.want(http.StatusOK, "GET", "/api/v1/records/check", ""))
	if len(good.Problems) != 0 || good.Records == 0 {
		t.Errorf("an untouched record: %+v", good)
	}
	for _, q := range []string{`DROP TRIGGER audit_unchanged`, `UPDATE audit SET bytes = CAST(bytes || x'00' AS BLOB) WHERE seq = 2`} {
		if _, err := f.base.DB.Writer().ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	bad := decode[api.CheckedBody](t, a.want(http.StatusOK, "GET", "/api/v1/records/check", ""))
	if len(bad.Problems) == 0 || !strings.Contains(strings.Join(bad.Problems, "\n"), "record 2") {
		t.Errorf("a changed record: %+v", bad)
	}
	f.logIn("soan-a").want(http.StatusForbidden, "GET", "/api/v1/records/check", "")
}
