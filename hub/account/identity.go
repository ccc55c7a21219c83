package account

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
	"golang.org/x/text/unicode/norm"
)

// Identity is somebody as a provider of log-ins has proved them (OpenID Connect).
type Identity struct {
	Issuer, Subject string // never change
	Name            string // the claim that the settings name: an e-mail address, say
	Strong          bool   // the provider says that it checked a second factor
}

// Known is how a provider calls a person of the hub.
type Known struct {
	Person protocol.PersonID
	Name   string
	// Issuer and Subject are "" until the first log-in.
	Issuer, Subject string
}

// IdentityStore keeps how providers call people. Each method is one transaction.
type IdentityStore interface {
	// Identity returns whom a provider's subject, or else this name, stands for.
	// Error: problem.ErrNotFound.
	Identity(ctx context.Context, issuer, subject, name string) (Known, error)
	// IdentityOf returns a person's. Error: problem.ErrNotFound.
	IdentityOf(ctx context.Context, person protocol.PersonID) (Known, error)
	// SetIdentity stores a name and forgets the subject; "" forgets both. Error:
	// problem.ErrConflict if the name is another person's.
	SetIdentity(ctx context.Context, person protocol.PersonID, name string, a audit.Act) error
	// PinIdentity notes the subject of the first log-in.
	PinIdentity(ctx context.Context, k Known, a audit.Act) error
}

// identityName is how names of providers are compared.
func identityName(name string) string {
	return strings.ToLower(norm.NFC.String(strings.TrimSpace(name)))
}

// LogInFrom logs in whom a provider has proved. Nobody becomes a person of the hub
// by it: an administrator has said before whom the name stands for. Errors:
// problem.ErrForbidden.
func (s *Service) LogInFrom(ctx context.Context, i Identity, from From) (Login, error) {
	refuse := func(code, vi, en string) error {
		s.log.WarnContext(ctx, "log-in by the provider refused", "code", code, "address", from.Address)
		return problem.New(problem.ErrForbidden, code, "", vi, en)
	}
	k, err := s.identities.Identity(ctx, i.Issuer, i.Subject, identityName(i.Name))
	if errors.Is(err, problem.ErrNotFound) {
		return Login{}, refuse("unknown-identity", "Tài khoản này chưa gắn với ai ở trung tâm; hãy nhờ quản trị viên gắn tài khoản trước.",
			"This account belongs to nobody at the hub; ask an administrator to link it first.")
	}
	if err != nil {
		return Login{}, fmt.Errorf("log in: %w", err)
	}
	if k.Subject != "" && (k.Issuer != i.Issuer || k.Subject != i.Subject) {
		return Login{}, refuse("other-identity", "Tên này ở nhà cung cấp nay thuộc về tài khoản khác; hãy nhờ quản trị viên gắn lại.",
			"The provider has given this name to another account by now; ask an administrator to link it anew.")
	}
	p, err := s.store.Person(ctx, k.Person)
	if err != nil {
		return Login{}, fmt.Errorf("log in: %w", err)
	}
	if !p.Disabled.IsZero() {
		return Login{}, refuse("disabled", "Tài khoản ở trung tâm đã bị khoá; hãy hỏi quản trị viên.", "The account at the hub is disabled; ask an administrator.")
	}
	own, err := s.HasSecond(ctx, p.ID)
	if err != nil {
		return Login{}, err
	}
	demanded, err := s.demanded(ctx, p)
	if err != nil {
		return Login{}, err
	}
	if (own || demanded) && !i.Strong {
		return Login{}, refuse("provider-factor", "Cần lớp xác thực thứ hai, mà nhà cung cấp không cho biết đã kiểm tra; hãy bật nó ở đó, hoặc đăng nhập bằng mật khẩu và mã.",
			"A second factor is needed and the provider does not say that it checked one; switch it on there, or log in by password and code.")
	}
	hash, err := s.store.PasswordHash(ctx, p.ID)
	if err != nil {
		return Login{}, fmt.Errorf("log in: %w", err)
	}
	if k.Subject == "" {
		k.Issuer, k.Subject = i.Issuer, i.Subject
		if err := s.identities.PinIdentity(ctx, k, audit.Act{At: time.Now(), By: p.ID, About: p.ID, Name: "identity first used", Unit: firstUnit(p.Grants)}); err != nil {
			return Login{}, fmt.Errorf("log in: %w", err)
		}
	}
	return s.enter(ctx, p.ID, hash, WayProvider, i.Strong, from)
}

// SetIdentity says how the provider calls a person; "" ends it. Errors:
// problem.ErrInvalid, ErrConflict, ErrNotFound.
func (s *Service) SetIdentity(ctx context.Context, person protocol.PersonID, name string, by protocol.PersonID) error {
	name = identityName(name)
	if len(name) > 320 || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return problem.New(problem.ErrInvalid, "bad-identity", "name", "Tên ở nhà cung cấp không hợp lệ; hãy chép đúng như nhà cung cấp ghi.", "That is no name of a provider; copy it as the provider writes it.")
	}
	p, err := s.store.Person(ctx, person)
	if err != nil {
		return err
	}
	act := audit.Act{At: time.Now(), By: by, About: person, Name: "identity linked", Unit: firstUnit(p.Grants), Personal: map[string]string{"identity": name}}
	if name == "" {
		act.Name, act.Personal = "identity unlinked", nil
	}
	err = s.identities.SetIdentity(ctx, person, name, act)
	if errors.Is(err, problem.ErrConflict) {
		return problem.New(problem.ErrConflict, "identity-taken", "name", "Tên này đã gắn với người khác. Hãy kiểm tra lại tên, hoặc gỡ ở người kia trước.", "This name is another person's already. Check it, or unlink it there first.").Because(err)
	}
	return err
}

// IdentityOf returns how the provider calls a person, "" if not at all.
func (s *Service) IdentityOf(ctx context.Context, person protocol.PersonID) (string, error) {
	k, err := s.identities.IdentityOf(ctx, person)
	if errors.Is(err, problem.ErrNotFound) {
		return "", nil
	}
	return k.Name, err
}
