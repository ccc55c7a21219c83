package console_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/hub/console"
)

func pack(t *testing.T, s string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// answer is what matters of an answer.
type answer struct {
	Status               int
	Cache, Encoding, Has string
}

func get(t *testing.T, h http.Handler, method, path, accept string) answer {
	t.Helper()
	r := httptest.NewRequest(method, path, http.NoBody)
	r.Header.Set("Accept-Encoding", accept)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	body := w.Body.Bytes()
	if w.Header().Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		if body, err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
	}
	a := answer{Status: w.Code, Cache: w.Header().Get("Cache-Control"), Encoding: w.Header().Get("Content-Encoding")}
	if w.Code == http.StatusOK {
		a.Has = string(body)
	}
	return a
}

func TestFilesPagesAndWhatIsNotThere(t *testing.T) {
	h := console.Serve(fstest.MapFS{
		"index.html": {Data: []byte("how to build")}, "app.html": {Data: []byte("app")}, "app.html.gz": {Data: pack(t, "app")},
		"icon.svg": {Data: []byte("<svg/>")}, "assets/main-ABC.js": {Data: []byte("go()")}, "assets/main-ABC.js.gz": {Data: pack(t, "go()")},
		".secret": {Data: []byte("no")}, "assets/.secret.js": {Data: []byte("no")},
	})
	const forever, never = "public, max-age=31536000, immutable", "no-store"
	for _, c := range []struct {
		method, path, accept string
		want                 answer
	}{
		{"GET", "/", "gzip, br", answer{200, never, "gzip", "app"}},
		{"GET", "/", "identity", answer{200, never, "", "app"}},
		{"GET", "/", "gzip;q=0", answer{200, never, "", "app"}},
		{"GET", "/soan/abc", "gzip", answer{200, never, "gzip", "app"}},
		{"GET", "/index.html", "", answer{200, never, "", "app"}},
		{"HEAD", "/", "", answer{200, never, "", ""}},
		{"GET", "/assets/main-ABC.js", "gzip", answer{200, forever, "gzip", "go()"}},
		{"GET", "/icon.svg", "", answer{200, "no-cache", "", "<svg/>"}},
		{"GET", "/assets/main-OLD.js", "gzip", answer{404, never, "", ""}},
		{"GET", "/favicon.ico", "", answer{404, never, "", ""}},
		{"GET", "/.secret", "", answer{404, "", "", ""}},
		{"GET", "/assets/.secret.js", "", answer{404, "", "", ""}},
		{"GET", "/assets/main-ABC.js.gz", "", answer{404, "", "", ""}},
		{"GET", "/../console.go", "", answer{404, never, "", ""}},
		{"POST", "/", "", answer{405, "", "", ""}},
	} {
		if diff := cmp.Diff(c.want, get(t, h, c.method, c.path, c.accept)); diff != "" {
			t.Errorf("%s %s (%s): %s", c.method, c.path, c.accept, diff)
		}
	}
}

func TestUnbuiltConsoleSaysHowToBuildInBothLanguages(t *testing.T) {
	page, err := os.ReadFile("dist/index.html")
	if err != nil {
		t.Fatal(err)
	}
	got := get(t, console.Serve(fstest.MapFS{"index.html": {Data: page}}), "GET", "/phat", "gzip")
	if strings.Count(got.Has, "make console") != 2 {
		t.Errorf("want the command in two languages, got %+v", got)
	}
}

// The policy of hub/api is default-src 'self': what it would block must not be there.
func TestPagesNeedNoInlineScriptOrStyle(t *testing.T) {
	for _, name := range []string{"src/app.html", "dist/index.html"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"<style", "style=", "onclick", "javascript:", "<script>"} {
			if bytes.Contains(bytes.ToLower(b), []byte(bad)) {
				t.Errorf("%s holds %s", name, bad)
			}
		}
	}
}
