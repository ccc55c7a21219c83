package api

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// Resumable takes uploads that go on after a break, by the tus protocol; it
// answers a finished one with the header Loa-Digest.
type Resumable interface {
	Serve(w http.ResponseWriter, r *http.Request, person string)
}

// Joiner puts the parts of an interrupted recording together.
type Joiner interface {
	Join(ctx context.Context, parts []protocol.Digest) (protocol.Digest, int64, error)
}

// ResumablePath is where resumable uploads are taken.
const ResumablePath = prefix + "/uploads/resumable"

// PutUpload stores a finished upload and notes whose it is.
func PutUpload(ctx context.Context, sounds Sounds, uploads Uploads, r io.Reader, limit int64, name string, by protocol.PersonID) (UploadBody, error) {
	digest, size, err := sounds.Put(r, limit)
	if err != nil {
		return UploadBody{}, err
	}
	if size == 0 {
		return UploadBody{}, problem.New(problem.ErrInvalid, "empty-upload", "body", "Tệp rỗng, không có dữ liệu. Hãy chọn lại tệp hoặc ghi âm lại.", "The file is empty. Choose the file again or record again.")
	}
	return UploadBody{Digest: digest.String(), Size: size}, uploads.AddUpload(ctx, digest, size, name, by, time.Now())
}

type joinInput struct {
	Body struct {
		Parts []string `json:"parts" minItems:"1" maxItems:"20" doc:"digests of uploads of the caller, in their order"`
	}
}

func registerUploads(api huma.API, s *Server) {
	if s.Resumable != nil {
		serve := func(c *gin.Context) {
			a := actorOf(c.Request.Context())
			switch {
			case a.Person == "":
				s.writeProblem(c.Writer, c.Request, http.StatusUnauthorized, generic(http.StatusUnauthorized))
			case len(a.Units(account.Write)) == 0:
				s.writeProblem(c.Writer, c.Request, http.StatusForbidden, generic(http.StatusForbidden))
			default:
				s.Resumable.Serve(c.Writer, c.Request, string(a.Person))
			}
		}
		s.engine.POST(ResumablePath, serve)
		for _, method := range []string{http.MethodHead, http.MethodPatch, http.MethodDelete} {
			s.engine.Handle(method, ResumablePath+"/:id", serve)
		}
	}
	if s.Joiner == nil {
		return
	}
	route(api, s, huma.Operation{
		OperationID: "join-uploads", Method: http.MethodPost, Path: "/uploads/join", Summary: "Put the parts of an interrupted recording together", Tags: []string{"uploads"},
		DefaultStatus: http.StatusCreated,
	}, func(ctx context.Context, a account.Actor, in *joinInput) (*uploadOutput, error) {
		if len(a.Units(account.Write)) == 0 {
			return nil, problem.ErrForbidden
		}
		var parts []protocol.Digest
		for _, p := range in.Body.Parts {
			d, err := protocol.ParseDigest(p)
			if err != nil {
				return nil, problem.ErrNotFound
			}
			mine, err := s.Uploads.UploadedBy(ctx, d, a.Person)
			if err != nil {
				return nil, err
			}
			if !mine {
				return nil, problem.ErrNotFound
			}
			parts = append(parts, d)
		}
		digest, size, err := s.Joiner.Join(ctx, parts)
		if err != nil {
			return nil, err
		}
		return &uploadOutput{Body: UploadBody{Digest: digest.String(), Size: size}}, s.Uploads.AddUpload(ctx, digest, size, "", a.Person, time.Now())
	})
}
