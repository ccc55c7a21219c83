// Package console serves the pages that people use in a browser: a single page
// application that `make console` builds into dist and that is embedded here. It
// decides how files are cached and which of them are answered at all. It never
// knows who is asking and never answers for the API.
package console

import (
	"embed"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// dist holds what `make console` has written, and index.html, which says how to
// do that and is all there is in a fresh clone.
//
//go:embed all:dist
var dist embed.FS

// Names in dist. What is below assets has its content's hash in its name.
const (
	app         = "app.html"
	placeholder = "index.html"
	assets      = "assets/"
	packed      = ".gz"
)

// Handler returns the pages. built is false if they were not built; then every
// page says how to build them.
func Handler() (h http.Handler, built bool) {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		return http.NotFoundHandler(), false
	}
	_, err = fs.Stat(files, app)
	return Serve(files), err == nil
}

// Serve returns a handler for the files of a build: app.html for every address
// that names no file, hashed names below assets/, and the same with .gz beside
// them, packed beforehand. Without app.html it serves index.html.
func Serve(files fs.FS) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
		switch {
		case strings.HasPrefix(name, "."), strings.Contains(name, "/."), strings.HasSuffix(name, packed):
			http.NotFound(w, r)
			return
		case path.Ext(name) == "" || path.Ext(name) == ".html":
			name = page(files)
			w.Header().Set("Cache-Control", "no-store")
		case strings.HasPrefix(name, assets):
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		default:
			w.Header().Set("Cache-Control", "no-cache")
		}
		send(w, r, files, name)
	})
}

// page is the name of the file that answers for every page.
func page(files fs.FS) string {
	if _, err := fs.Stat(files, app); err == nil {
		return app
	}
	return placeholder
}

// send answers with a file, packed if it is and the client takes it so.
func send(w http.ResponseWriter, r *http.Request, files fs.FS, name string) {
	h := w.Header()
	h.Add("Vary", "Accept-Encoding")
	data, err := fs.ReadFile(files, name+packed)
	if err == nil && takesGzip(r) {
		h.Set("Content-Encoding", "gzip")
	} else if data, err = fs.ReadFile(files, name); err != nil {
		h.Set("Cache-Control", "no-store")
		http.NotFound(w, r)
		return
	}
	kind := mime.TypeByExtension(path.Ext(name))
	switch path.Ext(name) {
	case ".js": // the machine's own table may call it otherwise
		kind = "text/javascript; charset=utf-8"
	case ".webmanifest":
		kind = "application/manifest+json"
	}
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(data)))
	if r.Method == http.MethodHead {
		return
	}
	// A client that has gone needs no answer.
	_, _ = w.Write(data)
}

// takesGzip reads Accept-Encoding; "gzip;q=0" is a refusal (RFC 9110, 12.5.3).
func takesGzip(r *http.Request) bool {
	for item := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		coding, weight, _ := strings.Cut(strings.TrimSpace(item), ";")
		if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			continue
		}
		weight = strings.TrimPrefix(strings.ReplaceAll(strings.ToLower(weight), " ", ""), "q=")
		if q, err := strconv.ParseFloat(weight, 64); err == nil && q == 0 {
			return false
		}
		return true
	}
	return false
}
