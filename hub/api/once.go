package api

import (
	"bytes"
	"context"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/loa-vn/loa/hub/notebook"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// Answers keeps what was answered to requests with a key.
type Answers interface {
	Begin(ctx context.Context, p protocol.PersonID, key, request string, at time.Time) (notebook.Answer, bool, error)
	Finish(ctx context.Context, p protocol.PersonID, key string, a notebook.Answer) error
	Forget(ctx context.Context, p protocol.PersonID, key string) error
}

// keyHeader names a request so that, sent twice, it is done once; replayedHeader
// marks an answer that was kept. Keys are chosen freshly for each request and are
// remembered for notebook.AnswersLife.
const (
	keyHeader      = "Idempotency-Key"
	replayedHeader = "Idempotent-Replayed"
)

var keyForm = regexp.MustCompile(`^[A-Za-z0-9_-]{16,64}$`)

// keyed lists what may be asked for with a key: nothing whose answer is secret.
func keyed(r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return false
	}
	rest, ok := strings.CutPrefix(r.URL.Path, prefix+"/")
	resource, _, _ := strings.Cut(rest, "/")
	switch resource {
	case "bulletins", "airings", "stops", "programmes", "playlists", "relays", "templates", "calendar":
		return ok
	}
	return false
}

// maxKept is the longest answer that is kept, in bytes.
const maxKept = 256 << 10

// once does a request with a key a single time and answers it the same way
// again. What failed at the hub is forgotten, and may be repeated. If the hub ended
// before it could answer, what it had made is named with status 202; a request that
// had made nothing is done now.
func (s *Server) once(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k := notebook.Keyed{Person: actorOf(r.Context()).Person, Key: r.Header.Get(keyHeader)}
		if k.Key == "" || s.Answers == nil || k.Person == "" || !keyed(r) {
			next.ServeHTTP(w, r)
			return
		}
		if !keyForm.MatchString(k.Key) {
			s.writeError(w, r, problem.New(problem.ErrInvalid, "bad-key", keyHeader, "Mã chống gửi trùng không đúng. Hãy tải lại trang rồi gửi lại.", "An idempotency key has 16 to 64 letters, digits, - and _. Load the page again and send it once more."))
			return
		}
		if _, busy := s.doing.LoadOrStore(k, true); busy {
			s.writeError(w, r, problem.New(problem.ErrConflict, "being-done", "", "Yêu cầu này đang được thực hiện. Hãy đợi một lát.", "This request is being done. Wait a moment."))
			return
		}
		defer s.doing.Delete(k)
		request := r.Method + " " + r.URL.Path
		held, fresh, err := s.Answers.Begin(r.Context(), k.Person, k.Key, request, time.Now())
		switch {
		case err != nil:
			s.writeError(w, r, err)
		case fresh:
			s.doKeyed(k, next, w, r)
		case held.Request != request:
			s.writeError(w, r, problem.New(problem.ErrInvalid, "key-used", keyHeader, "Mã chống gửi trùng này đã dùng cho việc khác. Hãy tải lại trang rồi gửi lại.", "This idempotency key was used for another request. Load the page again and send it once more."))
		case held.Status == 0 && held.Body == nil:
			s.doKeyed(k, next, w, r)
		default:
			if held.Status == 0 {
				held.Status = http.StatusAccepted
			}
			replay(w, held)
		}
	})
}

// replay answers as before.
func replay(w http.ResponseWriter, held notebook.Answer) {
	w.Header().Set(replayedHeader, "true")
	if held.Kind != "" {
		w.Header().Set("Content-Type", held.Kind)
	}
	w.WriteHeader(held.Status)
	// A client that has gone needs no answer.
	_, _ = w.Write(held.Body)
}

// doKeyed does a request and keeps the answer.
func (s *Server) doKeyed(k notebook.Keyed, next http.Handler, w http.ResponseWriter, r *http.Request) {
	kept := &keptAnswer{ResponseWriter: w}
	// The client may go; what was begun is finished, and its answer kept.
	ctx := context.WithoutCancel(r.Context())
	defer func() {
		var err error
		if kept.status == 0 || kept.status >= http.StatusInternalServerError || kept.status == http.StatusTooManyRequests || kept.body.Len() > maxKept {
			err = s.Answers.Forget(ctx, k.Person, k.Key)
		} else {
			err = s.Answers.Finish(ctx, k.Person, k.Key, notebook.Answer{Status: kept.status, Kind: w.Header().Get("Content-Type"), Body: kept.body.Bytes()})
		}
		if err != nil {
			s.log.ErrorContext(ctx, "answer not kept", "error", err)
		}
	}()
	next.ServeHTTP(kept, r.WithContext(notebook.WithKeyed(ctx, k)))
}

// keptAnswer copies what is answered.
type keptAnswer struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (k *keptAnswer) WriteHeader(status int) {
	if k.status == 0 {
		k.status = status
	}
	k.ResponseWriter.WriteHeader(status)
}

func (k *keptAnswer) Write(b []byte) (int, error) {
	if k.status == 0 {
		k.status = http.StatusOK
	}
	if k.body.Len() <= maxKept {
		k.body.Write(b)
	}
	return k.ResponseWriter.Write(b)
}

func (k *keptAnswer) Unwrap() http.ResponseWriter { return k.ResponseWriter }
