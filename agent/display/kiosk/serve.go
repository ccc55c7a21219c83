package kiosk

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"image"
	"io/fs"
	"net/http"
	"strconv"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// heartbeat keeps connections open and finds dead ones.
const heartbeat = 15 * time.Second

// maxHeader is the longest header of a browser's request, in bytes.
const maxHeader = 16 << 10

// viewer is one browser: what it lacks, and a bell. The output's lock guards it.
type viewer struct {
	dirty   image.Rectangle
	colours bool   // it lacks the colours
	asked   uint64 // the last question that was passed on to it
	bell    chan struct{}
}

func (v *viewer) add(r image.Rectangle) {
	v.dirty = v.dirty.Union(r)
	v.stir()
}

func (v *viewer) stir() {
	select {
	case v.bell <- struct{}{}:
	default:
	}
}

func (o *Output) routes() http.Handler {
	static, err := fs.Sub(files, "page")
	if err != nil { // the folder is embedded; its name is a constant
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(static))
	mux.HandleFunc("GET /events", o.events)
	mux.HandleFunc("POST /drawn", o.tookFrame)
	mux.HandleFunc("POST /digest", o.tookDigest)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		mux.ServeHTTP(w, r)
	})
}

// events sends "board" (width, height), "colours" (three bytes a level), "frame"
// (number, first row, grey levels of whole rows) and "ask" (question). Numbers are
// decimal, bytes base64, fields are separated by spaces.
func (o *Output) events(w http.ResponseWriter, r *http.Request) {
	v := &viewer{colours: true, bell: make(chan struct{}, 1)}
	o.mu.Lock()
	if o.closed || len(o.viewers) >= maxViewers {
		o.mu.Unlock()
		http.Error(w, "too many browsers", http.StatusServiceUnavailable)
		return
	}
	v.asked = o.asked
	o.viewers[v] = struct{}{}
	v.add(o.all())
	o.changed()
	o.mu.Unlock()
	defer func() {
		o.mu.Lock()
		delete(o.viewers, v)
		o.changed()
		o.mu.Unlock()
	}()

	w.Header().Set("Content-Type", "text/event-stream")
	stream := http.NewResponseController(w)
	out := fmt.Appendf(nil, "retry: 1000\nevent: board\ndata: %d %d\n\n", o.cfg.Width, o.cfg.Height)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		// a browser that does not read for this long is gone
		if err := stream.SetWriteDeadline(time.Now().Add(heartbeat)); err != nil {
			return
		}
		if _, err := w.Write(out); err != nil {
			return
		}
		if err := stream.Flush(); err != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-o.ended:
			return
		case <-beat.C:
			out = append(out[:0], ": still here\n\n"...)
		case <-v.bell:
			out = o.news(v, out[:0])
		}
	}
}

// news appends what a viewer lacks.
func (o *Output) news(v *viewer, out []byte) []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	if v.colours {
		var table []byte
		for _, c := range o.tint {
			table = append(table, c[:]...)
		}
		out = append(out, "event: colours\ndata: "...)
		out = base64.StdEncoding.AppendEncode(out, table)
		out = append(out, "\n\n"...)
		v.colours = false
	}
	d := v.dirty.Intersect(o.all())
	out = fmt.Appendf(out, "event: frame\ndata: %d %d ", o.number, d.Min.Y)
	out = base64.StdEncoding.AppendEncode(out, o.frame.Pix[d.Min.Y*o.frame.W:d.Max.Y*o.frame.W])
	out = append(out, "\n\n"...)
	v.dirty = image.Rectangle{}
	if v.asked != o.asked {
		v.asked = o.asked
		out = fmt.Appendf(out, "event: ask\ndata: %d\n\n", v.asked)
	}
	return out
}

// tookFrame: a browser has drawn frame n.
func (o *Output) tookFrame(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.ParseUint(r.URL.Query().Get("n"), 10, 64)
	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil || n > o.number {
		http.Error(w, "no such frame", http.StatusBadRequest)
		return
	}
	o.answered = time.Now()
	if n > o.drawn {
		o.drawn = n
		o.changed()
	}
	w.WriteHeader(http.StatusNoContent)
}

// tookDigest: a browser answers question k with the digest d of its canvas; an
// empty d says that it cannot.
func (o *Output) tookDigest(w http.ResponseWriter, r *http.Request) {
	k, err := strconv.ParseUint(r.URL.Query().Get("k"), 10, 64)
	b, hexErr := hex.DecodeString(r.URL.Query().Get("d"))
	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil || hexErr != nil || k > o.asked || len(b) != 0 && len(b) != len(protocol.Digest{}) {
		http.Error(w, "no such question", http.StatusBadRequest)
		return
	}
	if k > o.replied {
		o.replied, o.digest = k, protocol.Digest{}
		copy(o.digest[:], b)
		o.changed()
	}
	w.WriteHeader(http.StatusNoContent)
}
