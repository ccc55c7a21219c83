package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"golang.org/x/text/unicode/norm"
)

// Bounds of passwords, in characters, and of tokens.
const (
	MinPassword  = 10
	MaxPassword  = 200
	MaxTokenLife = 366 * 24 * time.Hour
	tokenPrefix  = "loa_"
)

// maxHashing bounds how many passwords are checked at once, and so the memory.
const maxHashing = 4

// Service is the hub's people. Use New.
type Service struct {
	store   Store
	keyring Keyring
	units   Units
	log     *slog.Logger
	hash    argon2id.Params
	dummy   string // checked for names that are unknown
	tries   limiter
	hashing chan struct{}

	sessions   SessionStore
	identities IdentityStore

	second  SecondStore
	codes   Codes
	sealer  Sealer
	demand  []Role
	demands DemandStore

	passkeys PasskeyStore
	ceremony Ceremony
	prover   Prover
	site     *protocol.Site
}

// New returns the service.
func New(c Config) (*Service, error) {
	if c.Hash == (argon2id.Params{}) {
		c.Hash = DefaultHash()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	dummy, err := argon2id.CreateHash(rand.Text(), &c.Hash)
	if err != nil {
		return nil, fmt.Errorf("account: %w", err)
	}
	return &Service{
		store: c.Store, keyring: c.Keyring, units: c.Units, log: c.Log, hash: c.Hash, dummy: dummy,
		hashing: make(chan struct{}, maxHashing), sessions: c.Sessions, identities: c.Identities,
		second: c.Second, codes: c.Codes, sealer: c.Sealer, demand: c.Demand, demands: c.Demands,
		passkeys: c.Passkeys, ceremony: c.Ceremony, prover: c.Prover, site: c.Site,
	}, nil
}

func errWrong() error {
	return problem.New(problem.ErrUnauthorized, "wrong-login", "", "Tên hoặc mật khẩu không đúng. Hãy nhập lại, hoặc nhờ quản trị viên đặt lại mật khẩu.", "The name or the password is wrong. Type them again, or have the administrator reset the password.")
}

func errTries() error {
	return problem.New(problem.ErrBusy, "too-many-tries", "", "Thử quá nhiều lần; hãy đợi nửa phút rồi thử lại.",
		"Too many tries; wait half a minute and try again.")
}

// LogIn checks a password, and the code of a second factor where there is one. It
// does the same work for a name that is unknown. Errors: problem.ErrUnauthorized,
// whose problem is second-factor where only the code is missing; problem.ErrBusy.
func (s *Service) LogIn(ctx context.Context, id protocol.PersonID, password, code string, from From) (Login, error) {
	hash, err := s.checkPassword(ctx, id, password, from)
	if err != nil {
		return Login{}, err
	}
	strong, err := s.checkSecond(ctx, id, code)
	if err != nil {
		if code != "" && errors.Is(err, problem.ErrUnauthorized) {
			s.refused(ctx, id, from.Address)
		}
		return Login{}, err
	}
	s.tries.succeeded(string(id), from.Address)
	way := WayPassword
	if strong {
		way = WayCode
	}
	return s.enter(ctx, id, hash, way, strong, from)
}

// checkPassword counts the try, checks a password and returns its hash. Errors:
// problem.ErrUnauthorized, ErrBusy.
func (s *Service) checkPassword(ctx context.Context, id protocol.PersonID, password string, from From) (string, error) {
	if !protocol.ValidID(id) || utf8.RuneCountInString(password) > MaxPassword {
		id, password = "-", "-" // nobody's; takes as long
	}
	if !s.tries.allow(string(id), from.Address, time.Now()) {
		return "", errTries()
	}
	hash, err := s.verify(ctx, id, password)
	if err != nil {
		if errors.Is(err, problem.ErrUnauthorized) {
			s.refused(ctx, id, from.Address)
		}
		return "", err
	}
	p, err := s.store.Person(ctx, id)
	if err != nil {
		return "", fmt.Errorf("log in: %w", err)
	}
	if !p.Disabled.IsZero() {
		return "", errWrong()
	}
	return hash, nil
}

// refused notes a try to log in as somebody who is there. What was typed for a
// name may be a password and is noted nowhere.
func (s *Service) refused(ctx context.Context, id protocol.PersonID, address string) {
	p, err := s.store.Person(ctx, id)
	if errors.Is(err, problem.ErrNotFound) {
		s.log.WarnContext(ctx, "log-in refused for an unknown name", "address", address)
		return
	}
	s.log.WarnContext(ctx, "log-in refused", "person", string(id), "address", address)
	if err == nil {
		err = s.store.Record(ctx, audit.Act{At: time.Now(), Name: "log-in refused", About: id, Unit: firstUnit(p.Grants), Personal: map[string]string{"address": address}})
	}
	if err != nil && ctx.Err() == nil {
		s.log.ErrorContext(ctx, "refused log-in not recorded", "error", err)
	}
}

// firstUnit is where acts about a person are shown to auditors.
func firstUnit(grants []Grant) protocol.UnitID {
	if len(grants) == 0 {
		return ""
	}
	return grants[0].Unit
}

// verify checks a password and returns its hash. Error: problem.ErrUnauthorized.
func (s *Service) verify(ctx context.Context, id protocol.PersonID, password string) (string, error) {
	hash, err := s.store.PasswordHash(ctx, id)
	unknown := errors.Is(err, problem.ErrNotFound)
	if err != nil && !unknown {
		return "", fmt.Errorf("log in: %w", err)
	}
	if unknown {
		hash = s.dummy
	}
	select {
	case s.hashing <- struct{}{}:
		defer func() { <-s.hashing }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	same, err := argon2id.ComparePasswordAndHash(norm.NFC.String(password), hash)
	if err != nil {
		return "", fmt.Errorf("log in: %w", err)
	}
	if unknown || !same {
		return "", errWrong()
	}
	return hash, nil
}

// Bearer returns the person of an API token. Error: problem.ErrUnauthorized.
func (s *Service) Bearer(ctx context.Context, token string) (Actor, error) {
	bad := problem.New(problem.ErrUnauthorized, "bad-token", "", "Mã truy cập không đúng, đã hết hạn hoặc đã bị thu hồi; hãy tạo mã mới.",
		"The token is wrong, expired or revoked; make a new one.")
	if !strings.HasPrefix(token, tokenPrefix) || len(token) > 100 {
		return Actor{}, bad
	}
	t, err := s.store.TokenByHash(ctx, sha256.Sum256([]byte(token)))
	if errors.Is(err, problem.ErrNotFound) {
		return Actor{}, bad
	}
	if err != nil {
		return Actor{}, fmt.Errorf("token: %w", err)
	}
	if !t.Revoked.IsZero() || !time.Now().Before(t.Expires) {
		return Actor{}, bad
	}
	a, err := s.actor(ctx, t.Person, false)
	// What is due stops people, not the programs that they have set up.
	a.Due, a.ReadOnly = "", t.Scope == ScopeRead
	return a, err
}

// Signer opens the key by which a person approves. Tries count as those of
// log-in. Errors: problem.ErrForbidden for a wrong password or without a key,
// problem.ErrBusy.
func (s *Service) Signer(ctx context.Context, id protocol.PersonID, password string) (*envelope.Signer, error) {
	if !s.tries.allow(string(id), "signature", time.Now()) {
		return nil, errTries()
	}
	key, err := s.store.Key(ctx, id)
	if errors.Is(err, problem.ErrNotFound) {
		return nil, problem.New(problem.ErrForbidden, "no-key", "", "Tài khoản này không có khoá ký duyệt; hãy báo quản trị viên.",
			"This account has no key to approve with; tell an administrator.")
	}
	if err != nil {
		return nil, fmt.Errorf("signer: %w", err)
	}
	signer, err := s.keyring.Open(key.Wrapped, norm.NFC.String(password))
	if err != nil {
		return nil, fmt.Errorf("signer of %s: %w", id, err)
	}
	s.tries.succeeded(string(id), "signature")
	return signer, nil
}

// People returns everybody, by id.
func (s *Service) People(ctx context.Context) ([]Person, error) { return s.store.People(ctx) }

// Person returns one person. Error: problem.ErrNotFound.
func (s *Service) Person(ctx context.Context, id protocol.PersonID) (Person, error) {
	return s.store.Person(ctx, id)
}

// Called is what a person is called wherever they are named: by their name, with
// the user name where somebody else has the same one; by the user name alone once
// the name was erased. Error: problem.ErrNotFound.
func (s *Service) Called(ctx context.Context, id protocol.PersonID) (string, error) {
	name, shared, err := s.store.Name(ctx, id)
	switch {
	case err != nil:
		return "", fmt.Errorf("name of %s: %w", id, err)
	case name == "":
		return string(id), nil
	case shared:
		return fmt.Sprintf("%s (%s)", name, id), nil
	}
	return name, nil
}

// Add adds a person. Who gets the role Approver gets a key, wrapped by the
// password, and stands in lists that the registrar signs; the registrar's
// password is needed for that only. Errors: problem.ErrInvalid, ErrConflict,
// ErrForbidden.
func (s *Service) Add(ctx context.Context, n NewPerson, registrar string, by protocol.PersonID) error {
	n.Name = norm.NFC.String(strings.TrimSpace(n.Name))
	if err := checkPerson(n); err != nil {
		return err
	}
	if err := s.checkUnits(ctx, n.Grants); err != nil {
		return err
	}
	hash, err := s.newHash(n.Password, n.ID)
	if err != nil {
		return err
	}
	// The store may be behind by a request; it refuses a second row as well.
	if _, err := s.store.Person(ctx, n.ID); err == nil {
		return problem.New(problem.ErrConflict, "person-exists", "id", "Đã có người dùng tên này; hãy chọn tên khác.",
			"There is a person with this id already; choose another.")
	}
	now := time.Now()
	p := Person{ID: n.ID, Name: n.Name, Created: now, Grants: n.Grants, MustChange: n.OneTime}
	var key *WrappedKey
	var lists []registry.Document
	if units := approverUnits(n.Grants); len(units) > 0 {
		if key, err = s.newKey(n.Password, now); err != nil {
			return err
		}
		if lists, err = s.sign(ctx, registrar, units, now, joins(p, key.Public)); err != nil {
			return err
		}
	}
	c := change(by, p.ID, now, "person added", n.Grants)
	c.Personal = map[string]string{"name": p.Name}
	return s.store.AddPerson(ctx, p, hash, key, lists, c)
}

func (s *Service) newKey(password string, now time.Time) (*WrappedKey, error) {
	public, wrapped, err := s.keyring.NewKey(norm.NFC.String(password))
	if err != nil {
		return nil, fmt.Errorf("new key: %w", err)
	}
	return &WrappedKey{Public: public, Wrapped: wrapped, Created: now}, nil
}

// change is the record of an act about a person; its unit is the first of the grants.
func change(by, subject protocol.PersonID, at time.Time, act string, grants []Grant) audit.Act {
	c := audit.Act{By: by, At: at, Name: act, About: subject, After: map[string]string{}}
	for i, g := range grants {
		if i == 0 {
			c.Unit = g.Unit
		}
		c.After[string(g.Unit)+"/"+string(g.Role)] = "granted"
	}
	return c
}

// ChangePassword changes a person's own password and wraps the key anew.
// Errors: problem.ErrForbidden, ErrInvalid, ErrBusy.
func (s *Service) ChangePassword(ctx context.Context, id protocol.PersonID, old, password string) error {
	if !s.tries.allow(string(id), "password", time.Now()) {
		return errTries()
	}
	if _, err := s.verify(ctx, id, old); err != nil {
		if errors.Is(err, problem.ErrUnauthorized) {
			return problem.New(problem.ErrForbidden, "wrong-password", "old_password", "Mật khẩu cũ không đúng. Hãy nhập lại.", "The old password is wrong. Type it again.")
		}
		return err
	}
	hash, err := s.newHash(password, id)
	if err != nil {
		return err
	}
	key, err := s.store.Key(ctx, id)
	var wrapped *WrappedKey
	switch {
	case errors.Is(err, problem.ErrNotFound):
	case err != nil:
		return fmt.Errorf("change password: %w", err)
	default:
		if key.Wrapped, err = s.keyring.Rewrap(key.Wrapped, norm.NFC.String(old), norm.NFC.String(password)); err != nil {
			return fmt.Errorf("change password: %w", err)
		}
		wrapped = &key
	}
	s.tries.succeeded(string(id), "password")
	return s.store.SetPassword(ctx, id, hash, false, wrapped, nil, change(id, id, time.Now(), "password changed", nil))
}

// ResetPassword sets a new password for somebody who lost it. Who has a key gets a new
// one, for the old password alone opened the old one; what that might approve goes over
// to it now, in lists that the registrar signs. Errors: those of Add, problem.ErrNotFound.
func (s *Service) ResetPassword(ctx context.Context, id protocol.PersonID, password, registrar string, oneTime bool, by protocol.PersonID) error {
	p, err := s.store.Person(ctx, id)
	if err != nil {
		return err
	}
	hash, err := s.newHash(password, id)
	if err != nil {
		return err
	}
	now := time.Now()
	var key *WrappedKey
	var lists []registry.Document
	if p.Key != nil && p.Disabled.IsZero() {
		if key, err = s.newKey(password, now); err != nil {
			return err
		}
		units, err := s.approving(ctx, p.Grants, now, func(a protocol.Approver) bool { return a.Key.ID() == p.Key.ID() })
		if err != nil {
			return err
		}
		if lists, err = s.sign(ctx, registrar, units, now, renews(*p.Key, key.Public)); err != nil {
			return err
		}
	}
	return s.store.SetPassword(ctx, id, hash, oneTime, key, lists, change(by, id, now, "password reset", nil))
}

// Disable ends a person's log-in, tokens and right to approve; what they
// approved before stays approved. Errors: problem.ErrNotFound, ErrForbidden.
func (s *Service) Disable(ctx context.Context, id protocol.PersonID, registrar string, by protocol.PersonID) error {
	p, err := s.store.Person(ctx, id)
	if err != nil {
		return err
	}
	if !p.Disabled.IsZero() {
		return problem.New(problem.ErrConflict, "disabled", "", "Tài khoản này đã bị khoá từ trước. Hãy mở lại danh sách.", "This account is locked already. Open the list again.")
	}
	now := time.Now()
	units, err := s.approving(ctx, p.Grants, now, func(a protocol.Approver) bool { return a.Person == id })
	if err != nil {
		return err
	}
	lists, err := s.sign(ctx, registrar, units, now, leaves(id))
	if err != nil {
		return err
	}
	return s.store.Disable(ctx, id, lists, change(by, id, now, "person disabled", p.Grants))
}

// SetGrants replaces a person's roles. Who becomes an approver gets a key wrapped
// by password, which may be "" if they have one; the registrar signs the lists of
// every unit that gains or loses an approver. Errors: those of Add,
// problem.ErrNotFound.
func (s *Service) SetGrants(ctx context.Context, id protocol.PersonID, grants []Grant, password, registrar string, by protocol.PersonID) error {
	p, err := s.store.Person(ctx, id)
	if err != nil {
		return err
	}
	if err := errors.Join(checkGrants(grants), s.checkUnits(ctx, grants)); err != nil {
		return err
	}
	if len(grants) == 0 {
		// Nobody would govern them any more, so nobody could give a right back.
		return problem.New(problem.ErrInvalid, "last-right", "grants", "Đây là quyền cuối cùng của người này. Hãy thêm quyền khác trước, hoặc khoá tài khoản.", "This is the person's last right. Add another first, or lock the account.")
	}
	now := time.Now()
	was, will := approverUnits(p.Grants), approverUnits(grants)
	without := func(units, others []protocol.UnitID) []protocol.UnitID {
		return slices.DeleteFunc(slices.Clone(units), func(u protocol.UnitID) bool { return slices.Contains(others, u) })
	}
	var key *WrappedKey
	if len(will) > 0 && p.Key == nil {
		if _, err := s.verify(ctx, id, password); err != nil {
			return problem.New(problem.ErrForbidden, "password-needed", "password",
				"Người duyệt cần khoá ký; hãy để chính người đó nhập mật khẩu.", "An approver needs a key; that person's own password is needed.").Because(err)
		}
		if key, err = s.newKey(password, now); err != nil {
			return err
		}
		p.Key = &key.Public
	}
	gone, err := s.sign(ctx, registrar, without(was, will), now, leaves(id))
	if err != nil {
		return err
	}
	docs := gone
	if added := without(will, was); len(added) > 0 {
		keys, err := s.keysOf(ctx, p)
		if err != nil {
			return err
		}
		lists, err := s.sign(ctx, registrar, added, now, joins(p, keys...))
		if err != nil {
			return err
		}
		docs = append(docs, lists...)
	}
	return s.store.SetGrants(ctx, id, grants, key, docs, change(by, id, now, "roles set", grants))
}

// CreateToken makes an API token and returns its secret, which is shown once.
// Error: problem.ErrInvalid.
func (s *Service) CreateToken(ctx context.Context, person protocol.PersonID, name string, scope Scope, life time.Duration) (Token, string, error) {
	name = norm.NFC.String(strings.TrimSpace(name))
	if !printable(name, 100) {
		return Token{}, "", problem.New(problem.ErrInvalid, "bad-name", "name", "Hãy đặt tên cho mã, tối đa 100 ký tự.", "Name the token, in at most 100 characters.")
	}
	if life <= 0 || life > MaxTokenLife {
		return Token{}, "", problem.New(problem.ErrInvalid, "bad-expiry", "days", "Hạn dùng phải từ 1 đến 366 ngày.", "A token lives 1 to 366 days.")
	}
	if scope != ScopeAll && scope != ScopeRead {
		return Token{}, "", problem.New(problem.ErrInvalid, "bad-scope", "scope", "Hãy chọn mã được làm mọi việc hoặc mã chỉ xem.", "Choose a scope: all or read.")
	}
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // never fails
	text := tokenPrefix + base64.RawURLEncoding.EncodeToString(secret[:])
	now := time.Now()
	id, err := protocol.NewID(now, rand.Reader)
	if err != nil {
		return Token{}, "", err
	}
	t := Token{ID: id, Person: person, Name: name, Scope: scope, Created: now, Expires: now.Add(life)}
	if err := s.store.AddToken(ctx, t, sha256.Sum256([]byte(text))); err != nil {
		return Token{}, "", err
	}
	return t, text, nil
}

// Tokens returns a person's tokens.
func (s *Service) Tokens(ctx context.Context, person protocol.PersonID) ([]Token, error) {
	return s.store.Tokens(ctx, person)
}

// RevokeToken ends one of a person's tokens. Error: problem.ErrNotFound.
func (s *Service) RevokeToken(ctx context.Context, person protocol.PersonID, id string) error {
	return s.store.RevokeToken(ctx, person, id, time.Now())
}

func checkPerson(n NewPerson) error {
	switch {
	case !protocol.ValidID(n.ID) || n.ID == "-":
		return problem.New(problem.ErrInvalid, "bad-id", "id", "Tên đăng nhập chỉ gồm a-z, 0-9 và dấu gạch nối, tối đa 64 ký tự.",
			"An id has only a-z, 0-9 and hyphens, at most 64 characters.")
	case !printable(n.Name, 200):
		return problem.New(problem.ErrInvalid, "bad-name", "name", "Hãy ghi họ tên, tối đa 200 ký tự.", "Give a name of at most 200 characters.")
	}
	return checkGrants(n.Grants)
}

func checkGrants(grants []Grant) error {
	for i, g := range grants {
		if !slices.Contains(Roles(), g.Role) || !protocol.ValidID(g.Unit) || slices.Contains(grants[:i], g) {
			return problem.New(problem.ErrInvalid, "bad-role", "grants", "Vai trò không đúng hoặc bị lặp. Hãy chọn vai trò trong danh sách, mỗi vai trò một lần cho mỗi đơn vị.",
				"Choose editor, approver, operator, administrator, auditor or technician, each once for each unit.")
		}
	}
	if len(grants) > 100 {
		return problem.New(problem.ErrInvalid, "bad-role", "grants", "Mỗi người có tối đa 100 vai trò. Hãy bỏ bớt.", "A person has at most 100 roles. Take some out.")
	}
	return nil
}

// checkUnits asks that the units of grants are known.
func (s *Service) checkUnits(ctx context.Context, grants []Grant) error {
	tree, err := s.units.Tree(ctx)
	if err != nil {
		return fmt.Errorf("check roles: %w", err)
	}
	for _, g := range grants {
		if _, ok := tree.Unit(g.Unit); !ok {
			return problem.New(problem.ErrInvalid, "unknown-unit", "grants", "Không có đơn vị này; hãy kiểm tra mã đơn vị.",
				"There is no such unit; check its id.")
		}
	}
	return nil
}

// printable says whether a name has 1 to limit characters and no control ones.
func printable(s string, limit int) bool {
	n := utf8.RuneCountInString(s)
	return utf8.ValidString(s) && n > 0 && n <= limit && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
	})
}
