package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/approval"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// Approvals is what the routes of approvals need.
type Approvals interface {
	Submit(ctx context.Context, a account.Actor, id protocol.BulletinID, w bulletin.Wish) (approval.Request, error)
	Pending(ctx context.Context, a account.Actor) ([]approval.Request, error)
	Get(ctx context.Context, a account.Actor, digest protocol.Digest) (approval.Request, error)
	Approve(ctx context.Context, a account.Actor, digest protocol.Digest, password string) (approval.Request, error)
	Question(ctx context.Context, a account.Actor, digest protocol.Digest) (approval.Question, error)
	ApprovePasskey(ctx context.Context, a account.Actor, digest protocol.Digest, g approval.Given) (approval.Request, error)
	Demanded(ctx context.Context, r approval.Request) (bool, error)
	Return(ctx context.Context, a account.Actor, digest protocol.Digest, reason string) error
	Sender(ctx context.Context, unit protocol.UnitID) (string, error)
}

// ApprovalBody is a statement before its approvers.
type ApprovalBody struct {
	ID          string              `json:"id" doc:"digest of the statement that is signed"`
	Bulletin    BulletinBody        `json:"bulletin"`
	Units       []protocol.UnitID   `json:"units"`
	FirstDay    protocol.Date       `json:"first_day"`
	LastDay     protocol.Date       `json:"last_day"`
	PlaysPerDay uint64              `json:"plays_per_day"`
	Night       bool                `json:"night"`
	NightReason string              `json:"night_reason,omitempty"`
	Drill       bool                `json:"drill"`
	Needed      int                 `json:"needed" doc:"signatures of different people"`
	Signed      []protocol.PersonID `json:"signed"`
	Signatures  []SignatureBody     `json:"signatures"`
	// Passkey says that only passkeys may approve this.
	Passkey bool      `json:"passkey" doc:"only passkeys may approve this"`
	State   string    `json:"state" enum:"open,approved,returned"`
	Created time.Time `json:"created"`
	// Consequence says in a sentence what it will do.
	Consequence Sentence `json:"consequence"`
}

// SignatureBody is who signed, and by which kind of key.
type SignatureBody struct {
	Person protocol.PersonID `json:"person"`
	Name   string            `json:"person_name" doc:"what they are called"`
	Key    string            `json:"key" enum:"hub-key,passkey" doc:"hub-key: held by the hub under the person's password"`
	At     time.Time         `json:"at"`
}

// Sentence is a text in both languages.
type Sentence struct {
	Vi string `json:"vi"`
	En string `json:"en"`
}

func (s *Server) approvalBody(ctx context.Context, a account.Actor, r approval.Request) ApprovalBody {
	who := s.calling(ctx)
	b := ApprovalBody{
		ID: r.Digest.String(), Bulletin: bulletinBody(r.Bulletin, who), Units: r.Statement.Units, FirstDay: r.Statement.FirstDay, LastDay: r.Statement.LastDay,
		PlaysPerDay: r.Statement.PlaysPerDay, Night: r.Statement.Night, NightReason: r.Statement.NightReason, Drill: r.Statement.Drill,
		Needed: r.Needed, Signed: []protocol.PersonID{}, Signatures: []SignatureBody{}, State: "open", Created: r.Created,
	}
	for _, sig := range r.Signatures {
		b.Signed = append(b.Signed, sig.Person)
		b.Signatures = append(b.Signatures, SignatureBody{Person: sig.Person, Name: who(sig.Person), Key: keyWord(sig.Kind), At: sig.At})
	}
	if demanded, err := s.Approvals.Demanded(ctx, r); err == nil {
		b.Passkey = demanded
	}
	switch {
	case !r.Approved.IsZero():
		b.State = "approved"
	case !r.Returned.IsZero():
		b.State = "returned"
	}
	if r.Bulletin.Wish != nil && s.Programme != nil {
		if p, err := s.Programme.Preview(ctx, a, r.Bulletin, *r.Bulletin.Wish); err == nil {
			b.Consequence = Sentence{Vi: p.Vi, En: p.En}
		}
	}
	return b
}

type (
	submitInput struct {
		BulletinPath
		Body bulletin.Wish
	}
	approvalOutput  struct{ Body ApprovalBody }
	approvalsOutput struct{ Body []ApprovalBody }
	// ApprovalPath names a request for approval.
	ApprovalPath struct {
		ID string `path:"id" minLength:"64" maxLength:"64"`
	}
	approveInput struct {
		ApprovalPath
		Body struct {
			Password  string         `json:"password,omitempty" maxLength:"1024" doc:"opens the caller's own key for this one signature"`
			Assertion *AssertionBody `json:"assertion,omitempty" doc:"by the caller's passkey instead, see ask-passkey"`
		}
	}
	returnInput struct {
		ApprovalPath
		Body struct {
			Reason string `json:"reason" maxLength:"2000"`
		}
	}
)

func (in ApprovalPath) digest() (protocol.Digest, error) {
	d, err := protocol.ParseDigest(in.ID)
	if err != nil {
		return d, problem.ErrNotFound
	}
	return d, nil
}

// notAtNight refuses what would fall into quiet hours without asking for
// permission: devices would skip it, and its author would think it aired.
func (s *Server) notAtNight(ctx context.Context, a account.Actor, id protocol.BulletinID, w bulletin.Wish) error {
	if s.Programme == nil || w.Night {
		return nil
	}
	b, err := s.Bulletins.Get(ctx, a, id)
	if err != nil {
		return err
	}
	p, err := s.Programme.Preview(ctx, a, b, w)
	if err != nil || !p.Quiet {
		return err
	}
	return problem.New(problem.ErrInvalid, "quiet-hours", "start", "Giờ phát rơi vào giờ yên tĩnh. Hãy đổi giờ, hoặc xin phép phát đêm kèm lý do để lãnh đạo duyệt.",
		"The start lies in quiet hours. Choose another time, or ask the leader for night permission with a reason.")
}

func registerApprovals(api huma.API, s *Server) {
	tags := []string{"approvals"}
	route(api, s, huma.Operation{
		OperationID: "submit-bulletin", Method: http.MethodPost, Path: "/bulletins/{id}/submit", Summary: "Freeze a bulletin and ask for its approval", Tags: tags,
		DefaultStatus: http.StatusCreated,
	}, func(ctx context.Context, a account.Actor, in *submitInput) (*approvalOutput, error) {
		if err := s.notAtNight(ctx, a, in.ID, in.Body); err != nil {
			return nil, err
		}
		r, err := s.Approvals.Submit(ctx, a, in.ID, in.Body)
		if err != nil {
			return nil, err
		}
		s.tell("bulletin", string(in.ID))
		return &approvalOutput{Body: s.approvalBody(ctx, a, r)}, nil
	})
	route(api, s, huma.Operation{
		OperationID: "list-approvals", Method: http.MethodGet, Path: "/approvals", Summary: "Requests that wait for signatures, oldest first", Tags: tags,
	}, func(ctx context.Context, a account.Actor, _ *nothing) (*approvalsOutput, error) {
		list, err := s.Approvals.Pending(ctx, a)
		out := &approvalsOutput{Body: []ApprovalBody{}}
		for _, r := range list {
			out.Body = append(out.Body, s.approvalBody(ctx, a, r))
		}
		return out, err
	})
	route(api, s, huma.Operation{
		OperationID: "get-approval", Method: http.MethodGet, Path: "/approvals/{id}", Summary: "One request", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *ApprovalPath) (*approvalOutput, error) {
		d, err := in.digest()
		if err != nil {
			return nil, err
		}
		r, err := s.Approvals.Get(ctx, a, d)
		if err != nil {
			return nil, err
		}
		return &approvalOutput{Body: s.approvalBody(ctx, a, r)}, nil
	})
	route(api, s, huma.Operation{
		OperationID: "approve", Method: http.MethodPost, Path: "/approvals/{id}/approve", Summary: "Sign; with the last needed signature it goes on air", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *approveInput) (*approvalOutput, error) {
		d, err := in.digest()
		if err != nil {
			return nil, err
		}
		r, err := s.approve(ctx, a, d, in)
		if err != nil {
			return nil, err
		}
		s.tell("bulletin", string(r.Bulletin.ID))
		return &approvalOutput{Body: s.approvalBody(ctx, a, r)}, nil
	})
	route(api, s, huma.Operation{
		OperationID: "return", Method: http.MethodPost, Path: "/approvals/{id}/return", Summary: "Send back to the author with a reason", Tags: tags,
		DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, a account.Actor, in *returnInput) (*nothing, error) {
		d, err := in.digest()
		if err != nil {
			return nil, err
		}
		if err := s.Approvals.Return(ctx, a, d, in.Body.Reason); err != nil {
			return nil, err
		}
		r, err := s.Approvals.Get(ctx, a, d)
		if err == nil {
			s.tell("bulletin", string(r.Bulletin.ID))
		}
		return nil, err
	})
}

// approve signs by whichever of the two the caller brings.
func (s *Server) approve(ctx context.Context, a account.Actor, d protocol.Digest, in *approveInput) (approval.Request, error) {
	if in.Body.Assertion == nil {
		return s.Approvals.Approve(ctx, a, d, in.Body.Password)
	}
	g, err := in.Body.Assertion.given()
	if err != nil {
		return approval.Request{}, err
	}
	return s.Approvals.ApprovePasskey(ctx, a, d, g)
}
