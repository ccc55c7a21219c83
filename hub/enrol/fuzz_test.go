package enrol_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// FuzzEnrolment sends a stranger's bytes to the one server that hears strangers. Nobody
// here knows an unused claim, so that nothing enrols.
func FuzzEnrolment(f *testing.F) {
	b, url, _ := newHub(f)
	d := newDevice(f, url, makeClaim(f, b, "loa-dong"))
	if status, text := d.post(d.request()); status != http.StatusOK {
		f.Fatalf("status %d: %s", status, text)
	}
	used, unknown := d.request(), d.request()
	used.DeviceKey = make([]byte, 32)
	unknown.Secret = make([]byte, protocol.ClaimSize)
	for _, r := range []any{used, unknown, protocol.RenewRequest{Device: "loa-dong", CSR: used.CSR, CSRBulk: used.CSRBulk}, []int{1}} {
		body, err := json.Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(body), false)
		f.Add(string(body), true)
	}
	handler := b.Enrol.Handler(nil)
	f.Fuzz(func(t *testing.T, body string, renew bool) {
		path := protocol.EnrolPath
		if renew {
			path = protocol.RenewPath
		}
		send := func() *httptest.ResponseRecorder {
			b.Enrol.ForgetTries()
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body)))
			return w
		}
		// Beside it, one reading of the database and the two certificates of an answer.
		protocoltest.HoldMemoryBeside(t, "request of enrolment", len(body), 256<<10, func() { send() })
		switch w := send(); w.Code {
		case http.StatusBadRequest, http.StatusForbidden, http.StatusGone, http.StatusConflict:
		case http.StatusOK: // who holds what the device's key signed may have it answered again
			var a protocol.EnrolAnswer
			if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || a.Device != "loa-dong" {
				t.Errorf("answer for %q, %v", a.Device, err)
			}
		default:
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
	})
}
