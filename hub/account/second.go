package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// recoveryCodes is how many codes on paper somebody gets.
const recoveryCodes = 10

// SecondFactor is a person's authenticator app.
type SecondFactor struct {
	Sealed    []byte
	Created   time.Time
	Confirmed time.Time // zero while no code was right yet
	Step      int64     // of the last code that counted
}

// SecondStore keeps second factors. Each method is one transaction.
type SecondStore interface {
	// Second returns a person's. Error: problem.ErrNotFound.
	Second(ctx context.Context, id protocol.PersonID) (SecondFactor, error)
	// BeginSecond replaces one that was not confirmed. Error: problem.ErrConflict.
	BeginSecond(ctx context.Context, id protocol.PersonID, f SecondFactor) error
	// ConfirmSecond stores that a code was right, and the hashes of new recovery
	// codes. Error: problem.ErrConflict.
	ConfirmSecond(ctx context.Context, id protocol.PersonID, step int64, codes [][32]byte, a audit.Act) error
	// UseStep takes a code's step. Error: problem.ErrConflict if it, or a later
	// one, was used.
	UseStep(ctx context.Context, id protocol.PersonID, step int64) error
	// UseRecovery takes a recovery code. Error: problem.ErrNotFound.
	UseRecovery(ctx context.Context, id protocol.PersonID, hash [32]byte, a audit.Act) error
	// EndSecond forgets the second factor, and that passkeys are one. Error:
	// problem.ErrNotFound.
	EndSecond(ctx context.Context, id protocol.PersonID, a audit.Act) error
}

// Codes computes what authenticator apps show.
type Codes interface {
	New(person string) (secret, address string, err error)
	Picture(address string) ([]byte, error)
	// Check returns the step of a code that is right and later than last.
	Check(secret, code string, now time.Time, last int64) (step int64, ok bool)
}

// Sealer keeps secrets from who holds the database alone.
type Sealer interface {
	Seal(secret []byte, name string) ([]byte, error)
	OpenSealed(sealed []byte, name string) ([]byte, error)
}

// Enrolment is what an authenticator app is set up with.
type Enrolment struct {
	Secret  string
	Address string
	Picture []byte // PNG
}

// Due is what somebody has to do before anything else.
type Due string

// What may be due.
const (
	DuePassword Due = "password"      // change a one-time password
	DueSecond   Due = "second-factor" // set up a second factor, which the role demands
)

func errSecond(code, vi, en string) error {
	return problem.New(problem.ErrUnauthorized, code, "code", vi, en)
}

// BeginSecond makes the secret of an authenticator app for somebody, who confirms
// it with a first code. Error: problem.ErrConflict if there is one.
func (s *Service) BeginSecond(ctx context.Context, id protocol.PersonID) (Enrolment, error) {
	secret, address, err := s.codes.New(string(id))
	if err != nil {
		return Enrolment{}, err
	}
	picture, err := s.codes.Picture(address)
	if err != nil {
		return Enrolment{}, err
	}
	sealed, err := s.sealer.Seal([]byte(secret), sealName(id))
	if err != nil {
		return Enrolment{}, fmt.Errorf("second factor: %w", err)
	}
	err = s.second.BeginSecond(ctx, id, SecondFactor{Sealed: sealed, Created: time.Now()})
	if errors.Is(err, problem.ErrConflict) {
		return Enrolment{}, problem.New(problem.ErrConflict, "second-factor-there", "", "Đã có lớp xác thực thứ hai; hãy tắt nó trước.", "There is a second factor already; end it first.").Because(err)
	}
	return Enrolment{Secret: secret, Address: address, Picture: picture}, err
}

func sealName(id protocol.PersonID) string { return "second factor of " + string(id) }

// ConfirmSecond takes the first code and returns recovery codes, which are shown
// this once. Errors: problem.ErrUnauthorized, ErrBusy, ErrConflict.
func (s *Service) ConfirmSecond(ctx context.Context, id protocol.PersonID, code string) ([]string, error) {
	f, err := s.second.Second(ctx, id)
	if errors.Is(err, problem.ErrNotFound) || err == nil && !f.Confirmed.IsZero() {
		return nil, problem.New(problem.ErrConflict, "second-factor-not-begun", "", "Hãy bắt đầu cài đặt lại.", "Begin the set-up anew.").Because(err)
	}
	if err != nil {
		return nil, fmt.Errorf("second factor: %w", err)
	}
	if !s.tries.allow(string(id), "second factor", time.Now()) {
		return nil, errTries()
	}
	step, err := s.step(f, id, code)
	if err != nil {
		return nil, problem.New(problem.ErrInvalid, "wrong-code", "code", "Mã không đúng; hãy xem lại ứng dụng và giờ của điện thoại.", "The code is wrong; look at the app, and at the phone's clock.").Because(err)
	}
	texts, hashes := newRecovery()
	s.tries.succeeded(string(id), "second factor")
	return texts, s.second.ConfirmSecond(ctx, id, step, hashes, audit.Act{At: time.Now(), By: id, About: id, Name: "second factor set up"})
}

// newRecovery makes codes for who loses the phone, and what is stored of them.
func newRecovery() (texts []string, hashes [][32]byte) {
	for range recoveryCodes {
		text := strings.ToLower(rand.Text()[:16])
		texts = append(texts, text[:4]+"-"+text[4:8]+"-"+text[8:12]+"-"+text[12:])
		hashes = append(hashes, recoveryHash(text))
	}
	return texts, hashes
}

// recoveryHash is of a code as it is typed: spaces, hyphens and capitals do not
// matter. The code is random enough to need no slow hash.
func recoveryHash(text string) [32]byte {
	return sha256.Sum256([]byte("loa recovery " + strings.ToLower(strings.NewReplacer("-", "", " ", "").Replace(text))))
}

func (s *Service) step(f SecondFactor, id protocol.PersonID, code string) (int64, error) {
	secret, err := s.sealer.OpenSealed(f.Sealed, sealName(id))
	if err != nil {
		return 0, fmt.Errorf("second factor of %s: %w", id, err)
	}
	step, ok := s.codes.Check(string(secret), strings.ReplaceAll(code, " ", ""), time.Now(), f.Step)
	if !ok {
		return 0, errSecond("wrong-code", "Mã xác thực không đúng hoặc đã dùng; hãy đợi mã kế tiếp.", "The code is wrong or was used; wait for the next one.")
	}
	return step, nil
}

// checkSecond takes a code of somebody whose password was right, and says whether
// one was needed. Errors: problem.ErrUnauthorized with the code second-factor if
// it is missing.
func (s *Service) checkSecond(ctx context.Context, id protocol.PersonID, code string) (bool, error) {
	has, err := s.HasSecond(ctx, id)
	if err != nil || !has {
		return false, err
	}
	if code == "" {
		return true, errSecond("second-factor", "Hãy nhập mã 6 số trong ứng dụng xác thực hoặc một mã dự phòng, hoặc đăng nhập bằng khoá trên điện thoại.",
			"Give the six digits of the authenticator app or a recovery code, or log in by passkey.")
	}
	if len(code) > 100 {
		code = "-"
	}
	wrong := s.useCode(ctx, id, code)
	if wrong == nil || !errors.Is(wrong, problem.ErrUnauthorized) {
		return true, wrong
	}
	err = s.second.UseRecovery(ctx, id, recoveryHash(code), audit.Act{At: time.Now(), By: id, About: id, Name: "recovery code used"})
	if errors.Is(err, problem.ErrNotFound) {
		return true, wrong
	}
	return true, err
}

// useCode takes a code of somebody's authenticator app. Error:
// problem.ErrUnauthorized.
func (s *Service) useCode(ctx context.Context, id protocol.PersonID, code string) error {
	f, err := s.second.Second(ctx, id)
	if errors.Is(err, problem.ErrNotFound) || err == nil && f.Confirmed.IsZero() {
		return errSecond("wrong-code", "Mã dự phòng không đúng hoặc đã dùng. Hãy nhập mã khác.", "The recovery code is wrong or was used. Type another.")
	}
	if err != nil {
		return fmt.Errorf("second factor: %w", err)
	}
	step, err := s.step(f, id, code)
	if err != nil {
		return err
	}
	err = s.second.UseStep(ctx, id, step)
	if errors.Is(err, problem.ErrConflict) {
		return errSecond("wrong-code", "Mã này đã dùng; hãy đợi mã kế tiếp.", "This code was used; wait for the next one.")
	}
	return err
}

// EndSecond forgets somebody's second factor, and that passkeys log them in: their
// own by their password, that of somebody who lost the phone by an administrator.
// Errors: problem.ErrForbidden, ErrNotFound, ErrBusy.
func (s *Service) EndSecond(ctx context.Context, id protocol.PersonID, password string, by protocol.PersonID) error {
	if id == by {
		if err := s.own(ctx, id, password); err != nil {
			return err
		}
	}
	return s.second.EndSecond(ctx, id, audit.Act{At: time.Now(), By: by, About: id, Name: "second factor ended"})
}

// HasSecond says whether somebody logs in with a second factor: an authenticator
// app, or a passkey.
func (s *Service) HasSecond(ctx context.Context, id protocol.PersonID) (bool, error) {
	if s.second == nil {
		return false, nil
	}
	f, err := s.second.Second(ctx, id)
	if err == nil && !f.Confirmed.IsZero() {
		return true, nil
	}
	if err != nil && !errors.Is(err, problem.ErrNotFound) {
		return false, fmt.Errorf("second factor: %w", err)
	}
	held, err := s.logsIn(ctx, id)
	return len(held) > 0, err
}

// due returns what somebody has to do first; strong says that two factors were
// checked at this log-in.
func (s *Service) due(ctx context.Context, p Person, strong bool) (Due, error) {
	if p.MustChange {
		return DuePassword, nil
	}
	demanded, err := s.demanded(ctx, p)
	if err != nil || !demanded || strong {
		return "", err
	}
	has, err := s.HasSecond(ctx, p.ID)
	if err != nil || has {
		return "", err
	}
	return DueSecond, nil
}
