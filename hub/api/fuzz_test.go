package api_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/loa-vn/loa/hub/api"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// operationsOf returns method and path of each operation that has an end.
func operationsOf(f *fixture) [][2]string {
	f.t.Helper()
	described := decode[struct {
		Paths map[string]map[string]json.RawMessage
	}](f.t, f.stranger().want(http.StatusOK, "GET", "/api/openapi.json", ""))
	var all [][2]string
	for _, path := range slices.Sorted(maps.Keys(described.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(described.Paths[path])) {
			if !strings.HasSuffix(path, "/events") {
				all = append(all, [2]string{strings.ToUpper(method), path})
			}
		}
	}
	return all
}

// FuzzRequest sends each operation whatever a stranger, or the province's administrator,
// may send: the hub answers, never by a failure of its own, and what it refuses took
// little memory.
func FuzzRequest(f *testing.F) {
	world := newFixture(f, api.Options{})
	operations := operationsOf(world)
	cookie := func() string {
		b := world.logIn("quantri")
		at, err := url.Parse(world.url)
		if err != nil {
			world.t.Fatal(err)
		}
		return b.client.Jar.Cookies(at)[0].String()
	}()
	for i, o := range operations {
		for _, body := range []string{"", "{}", `[{"from":1,"to":2,"percent":50}]`, `{"id":"x","name":"x","unit":"xa-a","user":"quantri","password":"mật khẩu"}`, strings.Repeat("[", 2000), "[" + strings.Repeat("[],", 2000) + "1]"} {
			f.Add(uint16(i), "xa-a", "limit=1&unit=xa-a", body, !strings.HasPrefix(o[1], "/api/v1/sessions"))
		}
	}
	handler := world.api.Handler()
	f.Fuzz(func(t *testing.T, n uint16, id, query, body string, admin bool) {
		o := operations[int(n)%len(operations)]
		path := &url.URL{RawQuery: query}
		for part := range strings.SplitSeq(o[1][1:], "/") {
			if strings.HasPrefix(part, "{") {
				part = id
			}
			path.Path += "/" + part
		}
		send := func() *httptest.ResponseRecorder {
			r := httptest.NewRequestWithContext(t.Context(), o[0], "/", strings.NewReader(body))
			r.URL = path
			r.Header.Set("Content-Type", "application/json")
			if admin {
				r.Header.Set("Cookie", cookie)
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			return w
		}
		w := send()
		switch {
		case w.Code == http.StatusServiceUnavailable: // a service that this hub lacks
		case w.Code >= 500:
			t.Errorf("%s %s: status %d: %s", o[0], path, w.Code, w.Body)
		case w.Code == http.StatusBadRequest || w.Code == http.StatusUnprocessableEntity || w.Code == http.StatusRequestEntityTooLarge:
			// Beside it, the session's reading, the routes and the answer.
			protocoltest.HoldMemoryBeside(t, o[0]+" "+o[1], len(path.String())+len(body), 256<<10, func() { send() })
		}
	})
}
