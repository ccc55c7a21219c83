package api

import (
	"compress/gzip"
	"net/http"
	"strings"
	"sync"
)

// packers are used again: one holds 800 KB.
var packers = sync.Pool{New: func() any {
	z, err := gzip.NewWriterLevel(nil, gzip.DefaultCompression)
	if err != nil {
		panic(err) // the level is a constant that exists
	}
	return z
}}

// compressed packs answers in JSON for clients that take them so: a list of
// 10,000 devices on a telephone's line is mostly waiting.
func compressed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			next.ServeHTTP(w, r)
			return
		}
		p := &packedAnswer{ResponseWriter: w}
		defer p.end()
		next.ServeHTTP(p, r)
	})
}

// packedAnswer packs a body if its type is JSON; streams and sounds pass as they are.
type packedAnswer struct {
	http.ResponseWriter
	z       *gzip.Writer
	decided bool
}

func (p *packedAnswer) decide() {
	if p.decided {
		return
	}
	p.decided = true
	h := p.Header()
	kind := h.Get("Content-Type")
	if !strings.HasPrefix(kind, "application/json") || h.Get("Content-Encoding") != "" {
		return
	}
	h.Set("Content-Encoding", "gzip")
	h.Add("Vary", "Accept-Encoding")
	h.Del("Content-Length")
	p.z = packers.Get().(*gzip.Writer) //nolint:forcetypeassert // the pool holds nothing else
	p.z.Reset(p.ResponseWriter)
}

func (p *packedAnswer) WriteHeader(status int) {
	if status >= http.StatusOK && status != http.StatusNoContent && status != http.StatusNotModified {
		p.decide()
	}
	p.ResponseWriter.WriteHeader(status)
}

func (p *packedAnswer) Write(b []byte) (int, error) {
	p.decide()
	if p.z != nil {
		return p.z.Write(b)
	}
	return p.ResponseWriter.Write(b)
}

// Flush passes on what has come so far; streams need it.
func (p *packedAnswer) Flush() {
	if p.z != nil {
		_ = p.z.Flush() // a client that has gone needs no answer
	}
	if f, ok := p.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}

func (p *packedAnswer) Unwrap() http.ResponseWriter { return p.ResponseWriter }

func (p *packedAnswer) end() {
	if p.z == nil {
		return
	}
	_ = p.z.Close() // a client that has gone needs no answer
	packers.Put(p.z)
	p.z = nil
}
