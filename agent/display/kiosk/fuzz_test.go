package kiosk

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// FuzzViewer sends what somebody at the board's network may say as a browser: without a
// question that was asked, nothing is believed.
func FuzzViewer(f *testing.F) {
	o, err := New(Config{Listen: "127.0.0.1:0", Width: 64, Height: 32})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := o.Close(); err != nil {
			f.Error(err)
		}
	})
	handler := o.routes()
	f.Add("n=0", false)
	f.Add("k=0&d="+protocol.DigestOf(nil).String(), true)
	f.Add("k=18446744073709551615&d=00", true)
	f.Fuzz(func(t *testing.T, query string, digest bool) {
		path := "/drawn"
		if digest {
			path = "/digest"
		}
		send := func() int {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, nil)
			r.URL.RawQuery = query
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			return w.Code
		}
		if len(query) > maxHeader {
			return
		}
		// Beside it, a request with a header of maxHeader, read into a map.
		protocoltest.HoldMemoryBeside(t, "a browser's word", len(query), 64*maxHeader, func() { send() })
		if status := send(); status != http.StatusNoContent && status != http.StatusBadRequest {
			t.Errorf("status %d", status)
		}
		if o.number != 0 || o.drawn != 0 || o.replied != 0 || !o.digest.IsZero() {
			t.Errorf("%s is believed", query)
		}
	})
}
