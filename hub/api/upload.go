package api

import (
	"context"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/problem"
)

// octets is the type of a raw upload.
const octets = "application/octet-stream"

// uploadStall is how long an upload may go without a byte.
const uploadStall = 30 * time.Second

type bodyKey struct{}

// streamed registers an operation whose body goes to h as it arrives: it is
// never held in memory, nor read by huma. A body over limit bytes ends in
// problem.ErrTooLarge, whether it says so beforehand or not.
func streamed[I, O any](api huma.API, s *Server, op huma.Operation, limit int64, h func(context.Context, account.Actor, *I, io.Reader) (*O, error)) {
	op.Middlewares = append(slices.Clone(op.Middlewares), func(ctx huma.Context, next func(huma.Context)) {
		next(huma.WithValue(ctx, bodyKey{}, &uploadBody{
			src: ctx.BodyReader(), left: limit, wait: ctx.SetReadDeadline,
			kind: ctx.Header("Content-Type"), length: ctx.Header("Content-Length"),
		}))
	})
	route(api, s, op, func(ctx context.Context, actor account.Actor, in *I) (*O, error) {
		body, ok := ctx.Value(bodyKey{}).(*uploadBody)
		if !ok {
			return nil, problem.ErrUnavailable
		}
		if kind, _, err := mime.ParseMediaType(body.kind); err != nil || kind != octets {
			return nil, problem.New(problem.ErrInvalid, "media-type", "Content-Type",
				"Hãy gửi nội dung thô với Content-Type "+octets+".", "Send the raw content with Content-Type "+octets+".")
		}
		if n, err := strconv.ParseInt(body.length, 10, 64); err == nil && n > limit {
			return nil, problem.ErrTooLarge
		}
		return h(ctx, actor, in, body)
	})
	// The body is described in a copy: huma reads what the registered operation
	// describes.
	item := api.OpenAPI().Paths[prefix+op.Path]
	for _, slot := range []**huma.Operation{&item.Put, &item.Post, &item.Patch} {
		if *slot == nil || (*slot).OperationID != op.OperationID {
			continue
		}
		described := **slot
		described.RequestBody = &huma.RequestBody{
			Required: true,
			Content:  map[string]*huma.MediaType{octets: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}},
		}
		*slot = &described
	}
}

// uploadBody counts what is read, and moves the deadline with each read.
type uploadBody struct {
	src          io.Reader
	left         int64
	wait         func(time.Time) error
	kind, length string
}

func (b *uploadBody) Read(p []byte) (int, error) {
	if b.src == nil || b.src == http.NoBody {
		return 0, io.EOF
	}
	// A recorder in a test has no deadline; a connection that is gone fails the read.
	_ = b.wait(time.Now().Add(uploadStall))
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.src.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, problem.ErrTooLarge
	}
	return n, err
}
