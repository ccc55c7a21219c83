// Package resume takes uploads that go on after a break (tus 1.0). It keeps what
// has come so far in a folder and hands whole files on. It decides how long an
// unfinished upload is kept and that only its owner may go on with it; what is
// in the file it never looks at.
package resume

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/loa-vn/loa/hub/problem"
	"github.com/tus/tusd/v2/pkg/filestore"
	"github.com/tus/tusd/v2/pkg/handler"
	"github.com/tus/tusd/v2/pkg/memorylocker"
	"golang.org/x/exp/slog"
)

// DigestHeader carries a finished upload's digest.
const DigestHeader = "Loa-Digest"

// life is how long an upload is kept after its last byte.
const life = 48 * time.Hour

// owner is the key of the metadata that says whose upload it is.
const owner = "person"

// Done takes a whole file and returns its digest in hexadecimal. The same file
// may be handed over twice.
type Done func(ctx context.Context, file io.Reader, name, person string) (string, error)

// Server takes uploads. Use Open.
type Server struct {
	dir   string
	path  string
	store filestore.FileStore
	tus   *handler.UnroutedHandler
	done  Done
}

// Open makes the folder if it is missing. path is where the server answers, limit
// the longest upload in bytes.
func Open(dir, path string, limit int64, done Done) (*Server, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("resume: %w", err)
	}
	s := &Server{dir: dir, path: strings.TrimSuffix(path, "/") + "/", store: filestore.New(dir), done: done}
	s.store.DirModePerm, s.store.FileModePerm = 0o700, 0o600
	parts := handler.NewStoreComposer()
	s.store.UseIn(parts)
	memorylocker.New().UseIn(parts)
	tus, err := handler.NewUnroutedHandler(handler.Config{
		StoreComposer: parts, MaxSize: limit, BasePath: s.path, DisableDownload: true, DisableConcatenation: true,
		Cors: &handler.CorsConfig{Disable: true}, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), NetworkTimeout: 30 * time.Second,
		PreUploadCreateCallback: func(h handler.HookEvent) (handler.HTTPResponse, handler.FileInfoChanges, error) {
			meta := handler.MetaData{owner: personOf(h.Context)}
			if name := h.Upload.MetaData["filename"]; name != "" {
				meta["filename"] = name
			}
			return handler.HTTPResponse{}, handler.FileInfoChanges{MetaData: meta}, nil
		},
		PreFinishResponseCallback: func(h handler.HookEvent) (handler.HTTPResponse, error) {
			digest, err := s.finish(h.Context, h.Upload)
			return handler.HTTPResponse{Header: handler.HTTPHeader{DigestHeader: digest}}, err
		},
	})
	if err != nil {
		return nil, fmt.Errorf("resume: %w", err)
	}
	s.tus = tus
	return s, nil
}

type personKey struct{}

func personOf(ctx context.Context) string {
	p, _ := ctx.Value(personKey{}).(string)
	return p
}

var idForm = regexp.MustCompile(`^[0-9a-f]{32}$`)

// Serve answers a request of a person; somebody else's upload is not there.
func (s *Server) Serve(w http.ResponseWriter, r *http.Request, person string) {
	r = r.WithContext(context.WithValue(r.Context(), personKey{}, person))
	id := strings.TrimPrefix(r.URL.Path, strings.TrimSuffix(s.path, "/"))
	id = strings.TrimPrefix(id, "/")
	serve := s.tus.PostFile
	if id != "" {
		info, err := s.info(r.Context(), id)
		if err != nil || info.MetaData[owner] != person {
			http.NotFound(w, r)
			return
		}
		switch r.Method {
		case http.MethodHead:
			serve = s.tus.HeadFile
			// Whoever missed the last answer is told again.
			if !info.SizeIsDeferred && info.Offset == info.Size {
				if digest, err := s.finish(r.Context(), info); err == nil {
					w.Header().Set(DigestHeader, digest)
				}
			}
		case http.MethodPatch:
			serve = s.tus.PatchFile
		case http.MethodDelete:
			serve = s.tus.DelFile
		default:
			http.NotFound(w, r)
			return
		}
	} else if r.Method != http.MethodPost {
		http.NotFound(w, r)
		return
	}
	http.StripPrefix(strings.TrimSuffix(s.path, "/"), s.tus.Middleware(http.HandlerFunc(serve))).ServeHTTP(w, r)
}

func (s *Server) info(ctx context.Context, id string) (handler.FileInfo, error) {
	if !idForm.MatchString(id) {
		return handler.FileInfo{}, fs.ErrNotExist
	}
	u, err := s.store.GetUpload(ctx, id)
	if err != nil {
		return handler.FileInfo{}, err
	}
	return u.GetInfo(ctx)
}

// finish hands a whole file on.
func (s *Server) finish(ctx context.Context, info handler.FileInfo) (string, error) {
	f, err := os.Open(info.Storage[filestore.StorageKeyPath])
	if err != nil {
		return "", fmt.Errorf("resume: %w", err)
	}
	defer f.Close()
	digest, err := s.done(ctx, f, info.MetaData["filename"], info.MetaData[owner])
	if err != nil {
		status := http.StatusInternalServerError
		if errors.Is(err, problem.ErrFull) {
			status = http.StatusInsufficientStorage
		}
		return "", handler.NewError("ERR_NOT_KEPT", "the upload could not be kept", status)
	}
	return digest, nil
}

// Sweep removes uploads of which nothing has come for two days.
func (s *Server) Sweep(now time.Time) error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	var errs []error
	for _, e := range entries {
		if info, err := e.Info(); err == nil && now.Sub(info.ModTime()) > life {
			errs = append(errs, os.Remove(filepath.Join(s.dir, e.Name())))
		}
	}
	return errors.Join(errs...)
}
