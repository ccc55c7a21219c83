package e2e

import (
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"
)

// A revoked device is disconnected at once and does not come back; over the API, as
// an administrator does it.
func TestARevokedDeviceIsCutOffAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.device(speaker("loa-dong", "thon-dong", 1000))
	w.online(d)
	jar, err := cookiejar.New(nil)
	must(t, err)
	client := &http.Client{Jar: jar}
	do := func(method, path, body string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, "http://"+w.WebAddr().String()+"/api/v1"+path, strings.NewReader(body))
		must(t, err)
		req.Header.Set("Content-Type", "application/json")
		resp, err := client.Do(req)
		must(t, err)
		must(t, resp.Body.Close())
		if resp.StatusCode >= 300 {
			t.Fatalf("%s %s: %s", method, path, resp.Status)
		}
	}
	do(http.MethodPost, "/sessions", `{"user":"quantri","password":"`+password+`"}`)
	do(http.MethodDelete, "/devices/loa-dong", "")
	w.within(5*time.Second, "the device is cut off", func() bool { return !d.Online() })
	// It tries again, and is refused each time.
	w.until("it was refused", func() bool {
		return strings.Contains(w.log.String(), "no connection to the broker")
	})
	if d.Online() {
		t.Error("a revoked device is connected")
	}
}
