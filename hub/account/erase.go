package account

import (
	"context"
	"time"

	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// Erase forgets what is personal of somebody whose access has ended: the name,
// addresses, drafts, names of tokens and keys, and who they were in the record of
// acts, whose chain stays whole. What was signed stays as it was signed: lists of
// approvers name who might approve. Errors: problem.ErrNotFound, ErrConflict.
func (s *Service) Erase(ctx context.Context, id protocol.PersonID, by protocol.PersonID) error {
	p, err := s.store.Person(ctx, id)
	if err != nil {
		return err
	}
	if p.Disabled.IsZero() {
		return problem.New(problem.ErrConflict, "not-disabled", "", "Hãy khoá tài khoản trước khi xoá dữ liệu cá nhân.", "Disable the account before its personal data are erased.")
	}
	return s.store.Erase(ctx, id, audit.Act{By: by, At: time.Now(), Name: audit.Erased, About: id})
}
