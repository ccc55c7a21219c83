package account

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// Prover checks that a browser holds a passkey, its person verified.
type Prover interface {
	// Ask returns what the browser is asked, and a ticket for the answer. Without
	// credentials the browser offers those that it knows for this site.
	Ask(credentials [][]byte, now time.Time) (ticket string, options json.RawMessage, err error)
	// Prove takes the answer; held finds the passkey of a credential. A ticket
	// counts once. Errors: problem.ErrUnauthorized, those of held.
	Prove(ticket string, response []byte, held func(credential []byte) (Passkey, error), now time.Time) (Passkey, uint32, error)
}

// LogsIn says whether its person logs in with a passkey.
func (p Passkey) LogsIn() bool { return p.LogIn && p.Revoked.IsZero() }

func (s *Service) logsIn(ctx context.Context, id protocol.PersonID) ([]Passkey, error) {
	all, err := s.passkeys.Passkeys(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("passkeys: %w", err)
	}
	var out []Passkey
	for _, p := range all {
		if p.LogsIn() {
			out = append(out, p)
		}
	}
	return out, nil
}

// AskPasskey begins a log-in by passkey. With a password that is right the person's
// own passkeys are named, for authenticators that keep none; with neither the
// browser offers what it has. Errors: problem.ErrUnauthorized, ErrBusy,
// ErrUnavailable, ErrNotFound.
func (s *Service) AskPasskey(ctx context.Context, id protocol.PersonID, password string, from From) (string, json.RawMessage, error) {
	if s.prover == nil {
		return "", nil, errNoPasskeys()
	}
	if id == "" {
		return s.prover.Ask(nil, time.Now())
	}
	if _, err := s.checkPassword(ctx, id, password, from); err != nil {
		return "", nil, err
	}
	held, err := s.logsIn(ctx, id)
	if err != nil {
		return "", nil, err
	}
	if len(held) == 0 {
		return "", nil, problem.New(problem.ErrNotFound, "no-passkey", "", "Anh/chị chưa có khoá nào để đăng nhập. Hãy đăng nhập bằng mật khẩu.", "You have no passkey to log in with. Log in with your password.")
	}
	var credentials [][]byte
	for _, p := range held {
		credentials = append(credentials, p.ID)
	}
	return s.prover.Ask(credentials, time.Now())
}

// LogInByPasskey logs in whose passkey answered. The passkey and the fingerprint
// or the screen lock before it are two factors. Errors: problem.ErrUnauthorized,
// ErrUnavailable.
func (s *Service) LogInByPasskey(ctx context.Context, ticket string, response []byte, from From) (Login, error) {
	if s.prover == nil {
		return Login{}, errNoPasskeys()
	}
	p, counter, err := s.prover.Prove(ticket, response, func(credential []byte) (Passkey, error) {
		return s.passkeys.PasskeyByCredential(ctx, credential)
	}, time.Now())
	if errors.Is(err, problem.ErrUnauthorized) || err == nil && !p.LogsIn() {
		s.log.WarnContext(ctx, "log-in by passkey refused", "address", from.Address)
		return Login{}, problem.New(problem.ErrUnauthorized, "passkey-refused", "", "Khoá này không đăng nhập được; hãy bật nó trong mục tài khoản, hoặc dùng mật khẩu.",
			"This passkey does not log in; switch it on under your account, or use the password.").Because(err)
	}
	if err != nil {
		return Login{}, fmt.Errorf("log in: %w", err)
	}
	hash, err := s.store.PasswordHash(ctx, p.Person)
	if err != nil {
		return Login{}, fmt.Errorf("log in: %w", err)
	}
	login, err := s.enter(ctx, p.Person, hash, WayPasskey, true, from)
	if err != nil {
		return Login{}, err
	}
	return login, s.Used(ctx, p, counter)
}

// SetPasskeyLogIn says whether its person logs in with a passkey; from then on the
// password alone opens nothing. It takes the password, and returns recovery codes,
// shown this once, to who has none yet. Errors: problem.ErrForbidden, ErrNotFound,
// ErrConflict, ErrBusy.
func (s *Service) SetPasskeyLogIn(ctx context.Context, handle string, on bool, id protocol.PersonID, password string) ([]string, error) {
	k, err := s.Passkey(ctx, handle)
	if err != nil || k.Person != id {
		return nil, fmt.Errorf("passkey: %w", problem.ErrNotFound)
	}
	if !k.Revoked.IsZero() {
		return nil, problem.New(problem.ErrConflict, "passkey-settled", "", "Khoá này đã thu hồi rồi. Hãy mở lại danh sách.", "This passkey has been revoked already. Open the list again.")
	}
	if err := s.own(ctx, id, password); err != nil {
		return nil, err
	}
	act := audit.Act{At: time.Now(), By: id, About: id, Name: "log-in by passkey ended", Subject: handle}
	if !on {
		return nil, s.passkeys.SetPasskeyLogIn(ctx, handle, false, nil, act)
	}
	act.Name = "log-in by passkey begun"
	has, err := s.HasSecond(ctx, id)
	if err != nil {
		return nil, err
	}
	var texts []string
	var hashes [][sha256.Size]byte
	if !has {
		texts, hashes = newRecovery()
	}
	return texts, s.passkeys.SetPasskeyLogIn(ctx, handle, true, hashes, act)
}

// own asks for somebody's own password, for what a stolen session may not do.
// Errors: problem.ErrForbidden, ErrBusy.
func (s *Service) own(ctx context.Context, id protocol.PersonID, password string) error {
	if !s.tries.allow(string(id), "second factor", time.Now()) {
		return errTries()
	}
	if _, err := s.verify(ctx, id, password); err != nil {
		if errors.Is(err, problem.ErrUnauthorized) {
			return problem.New(problem.ErrForbidden, "wrong-password", "password", "Mật khẩu không đúng. Hãy nhập lại.", "The password is wrong. Type it again.")
		}
		return err
	}
	s.tries.succeeded(string(id), "second factor")
	return nil
}
