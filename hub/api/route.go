package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// maxBody is the longest JSON body unless an operation says more.
const maxBody = 64 << 10

// nothing is the output of operations without a body.
type nothing struct{}

// handler is what a resource's file writes: it gets who is asking.
type handler[I, O any] func(context.Context, account.Actor, *I) (*O, error)

// route registers an operation for people who are logged in. The path is without
// prefix; errors of h are domain errors.
func route[I, O any](api huma.API, s *Server, op huma.Operation, h handler[I, O]) {
	open(api, s, s.guarded(op), h)
}

// guarded has an operation ask who is there before it looks at anything else: what
// a stranger sends is not even read.
func (s *Server) guarded(op huma.Operation) huma.Operation {
	op.Security = []map[string][]string{{"session": {}}, {"token": {}}}
	op.Middlewares = slices.Concat(huma.Middlewares{func(ctx huma.Context, next func(huma.Context)) {
		if err := admitted(actorOf(ctx.Context()), op); err != nil {
			c := humagin.Unwrap(ctx)
			s.writeError(c.Writer, c.Request, err)
			return
		}
		next(ctx)
	}}, op.Middlewares)
	return op
}

// admitted says whether somebody may call an operation at all: strangers may not,
// who has something due only what settles it, and tokens for reading only reads.
func admitted(actor account.Actor, op huma.Operation) error {
	settles := []string{"me", "set-password", "begin-second-factor", "confirm-second-factor", "get-second-factor"}
	switch {
	case actor.Person == "":
		return generic(http.StatusUnauthorized)
	case actor.ReadOnly && op.Method != http.MethodGet:
		return problem.New(problem.ErrForbidden, "read-only", "", "Mã truy cập này chỉ được xem. Hãy tạo mã được làm mọi việc.", "This token is for reading only. Make one for everything.")
	case actor.Due == "" || slices.Contains(settles, op.OperationID):
		return nil
	case actor.Due == account.DuePassword:
		return problem.New(problem.ErrForbidden, "password-due", "", "Hãy đổi mật khẩu dùng một lần trước.", "Change the one-time password first.")
	}
	return problem.New(problem.ErrForbidden, "second-factor-due", "", "Vai trò này phải có lớp xác thực thứ hai; hãy cài đặt trước.", "This role needs a second factor; set it up first.")
}

// open registers an operation for everybody; the actor is empty for a stranger.
func open[I, O any](api huma.API, s *Server, op huma.Operation, h handler[I, O]) {
	op = s.operation(op)
	huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := h(ctx, actorOf(ctx), in)
		if err != nil {
			return nil, s.refuse(ctx, op.OperationID, err)
		}
		return out, nil
	})
}

// operation fills in what all operations share.
func (s *Server) operation(op huma.Operation) huma.Operation {
	op.Path = prefix + op.Path
	if op.MaxBodyBytes == 0 {
		op.MaxBodyBytes = maxBody
	}
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	op.Responses["default"] = &huma.Response{
		Description: "Problem",
		Content: map[string]*huma.MediaType{"application/problem+json": {
			Schema: huma.SchemaFromType(s.api.OpenAPI().Components.Schemas, problemType()),
		}},
	}
	return op
}

// path returns a unit's path if the actor may act there. What the actor can't
// even read is not found, so that nobody learns of it by its address. Errors:
// problem.ErrNotFound, problem.ErrForbidden.
func (s *Server) path(ctx context.Context, actor account.Actor, act account.Act, unit protocol.UnitID) ([]protocol.UnitID, error) {
	tree, err := s.Registry.Tree(ctx)
	if err != nil {
		return nil, err
	}
	path := tree.Path(unit)
	switch {
	case path == nil || !actor.May(account.Read, path):
		return nil, problem.ErrNotFound
	case !actor.May(act, path):
		return nil, problem.ErrForbidden
	}
	return path, nil
}
