package account

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
	"golang.org/x/text/unicode/norm"
)

// Credential is what an authenticator made.
type Credential struct {
	ID      []byte
	Key     protocol.Key
	Synced  bool // may be copied to the person's other devices
	Counter uint32
}

// Passkey is a person's passkey. It counts from Confirmed to Revoked.
type Passkey struct {
	Credential
	Name      string // for people: "điện thoại"
	Handle    string // its id at the hub
	Person    protocol.PersonID
	Created   time.Time
	Confirmed time.Time // zero while no registrar has signed it into a list
	Revoked   time.Time // zero if not
	LogIn     bool      // its person logs in with it
}

// Counts says whether the passkey may approve.
func (p Passkey) Counts() bool { return !p.Confirmed.IsZero() && p.Revoked.IsZero() }

// Ceremony registers passkeys.
type Ceremony interface {
	// Begin returns the registration's id and the options for the browser. held
	// are the credentials that the person has already.
	Begin(person protocol.PersonID, name string, held [][]byte, now time.Time) (id string, options json.RawMessage, err error)
	// Finish takes the browser's answer. Errors: problem.ErrConflict for a
	// registration that is over, problem.ErrInvalid.
	Finish(id string, person protocol.PersonID, response []byte, now time.Time) (Credential, error)
}

// PasskeyStore keeps passkeys. Each method is one transaction.
type PasskeyStore interface {
	AddPasskey(ctx context.Context, p Passkey, c audit.Act) error
	// Passkeys returns a person's, oldest first; everybody's for "".
	Passkeys(ctx context.Context, person protocol.PersonID) ([]Passkey, error)
	// SetPasskey stores Confirmed and Revoked, and adds lists.
	SetPasskey(ctx context.Context, p Passkey, lists []registry.Document, c audit.Act) error
	// PasskeyByCredential returns one by its authenticator's id. Error: problem.ErrNotFound.
	PasskeyByCredential(ctx context.Context, credential []byte) (Passkey, error)
	// SetPasskeyLogIn says whether its person logs in with it, and stores the hashes
	// of recovery codes.
	SetPasskeyLogIn(ctx context.Context, handle string, on bool, codes [][32]byte, c audit.Act) error
	SetCounter(ctx context.Context, handle string, counter uint32) error
	// AddLists adds lists alone.
	AddLists(ctx context.Context, lists []registry.Document, c audit.Act) error
}

// maxPasskeys is how many passkeys a person may have that count.
const maxPasskeys = 5

func errNoPasskeys() error {
	return problem.New(problem.ErrUnavailable, "no-passkeys", "",
		"Trung tâm chưa dùng được khoá trên điện thoại vì địa chỉ trang chưa phải tên miền có https. Hãy dùng mật khẩu, và báo quản trị viên.",
		"Passkeys need a console under https and a name. Use your password, and tell the administrator.")
}

// BeginPasskey begins the registration of a passkey for the person themselves.
func (s *Service) BeginPasskey(ctx context.Context, id protocol.PersonID) (string, json.RawMessage, error) {
	if s.ceremony == nil {
		return "", nil, errNoPasskeys()
	}
	p, err := s.store.Person(ctx, id)
	if err != nil {
		return "", nil, err
	}
	held, err := s.passkeys.Passkeys(ctx, id)
	if err != nil {
		return "", nil, fmt.Errorf("passkeys: %w", err)
	}
	var ids [][]byte
	for _, k := range held {
		if k.Revoked.IsZero() {
			ids = append(ids, k.ID)
		}
	}
	if len(ids) >= maxPasskeys {
		return "", nil, problem.New(problem.ErrConflict, "passkeys-full", "", fmt.Sprintf("Mỗi người có tối đa %d khoá; hãy thu hồi một khoá cũ.", maxPasskeys),
			fmt.Sprintf("A person has at most %d passkeys; revoke an old one.", maxPasskeys))
	}
	return s.ceremony.Begin(id, p.Name, ids, time.Now())
}

// FinishPasskey stores a passkey that the person's authenticator made. It may
// approve nothing until it is confirmed.
func (s *Service) FinishPasskey(ctx context.Context, id protocol.PersonID, registration, name string, response []byte) (Passkey, error) {
	if s.ceremony == nil {
		return Passkey{}, errNoPasskeys()
	}
	name = norm.NFC.String(strings.TrimSpace(name))
	if !printable(name, 100) {
		return Passkey{}, problem.New(problem.ErrInvalid, "bad-name", "name", "Hãy đặt tên cho khoá, tối đa 100 ký tự, ví dụ: điện thoại.", "Name the passkey in at most 100 characters: phone, say.")
	}
	now := time.Now()
	made, err := s.ceremony.Finish(registration, id, response, now)
	if err != nil {
		return Passkey{}, err
	}
	handle, err := protocol.NewID(now, rand.Reader)
	if err != nil {
		return Passkey{}, err
	}
	p := Passkey{Credential: made, Name: name, Handle: handle, Person: id, Created: now}
	if err := s.passkeys.AddPasskey(ctx, p, change(id, id, now, "passkey registered", nil)); err != nil {
		return Passkey{}, fmt.Errorf("add passkey: %w", err)
	}
	return p, nil
}

// Passkeys returns a person's passkeys, oldest first; everybody's for "".
func (s *Service) Passkeys(ctx context.Context, id protocol.PersonID) ([]Passkey, error) {
	return s.passkeys.Passkeys(ctx, id)
}

// Passkey returns one passkey by its handle. Error: problem.ErrNotFound.
func (s *Service) Passkey(ctx context.Context, handle string) (Passkey, error) {
	all, err := s.passkeys.Passkeys(ctx, "")
	if err != nil {
		return Passkey{}, fmt.Errorf("passkeys: %w", err)
	}
	for _, p := range all {
		if p.Handle == handle {
			return p, nil
		}
	}
	return Passkey{}, fmt.Errorf("passkey: %w", problem.ErrNotFound)
}

// ConfirmPasskey signs a passkey into the lists of its person's units, with the
// registrar's key: from then on it may approve. Errors: problem.ErrNotFound,
// ErrConflict, ErrForbidden.
func (s *Service) ConfirmPasskey(ctx context.Context, handle, registrar string, by protocol.PersonID) (Passkey, error) {
	k, err := s.Passkey(ctx, handle)
	if err != nil {
		return Passkey{}, err
	}
	p, err := s.store.Person(ctx, k.Person)
	if err != nil {
		return Passkey{}, err
	}
	units := approverUnits(p.Grants)
	switch {
	case !k.Revoked.IsZero() || !k.Confirmed.IsZero():
		return Passkey{}, problem.New(problem.ErrConflict, "passkey-settled", "", "Khoá này đã được xác nhận hoặc thu hồi rồi. Hãy mở lại danh sách.", "This passkey has been confirmed or revoked already. Open the list again.")
	case !p.Disabled.IsZero():
		return Passkey{}, problem.New(problem.ErrConflict, "disabled", "", "Tài khoản của người này đã bị khoá. Hãy chọn người khác.", "This person's account is locked. Choose somebody else.")
	}
	// Who approves nowhere yet may become somebody's deputy: the passkey is looked
	// at by a registrar all the same.
	theirs := make([]protocol.UnitID, len(p.Grants))
	for i, g := range p.Grants {
		theirs[i] = g.Unit
	}
	if _, err := s.openRegistrar(ctx, registrar, theirs); err != nil {
		return Passkey{}, err
	}
	now := time.Now()
	lists, err := s.sign(ctx, registrar, units, now, joinsToo(p, k.Key))
	if err != nil {
		return Passkey{}, err
	}
	k.Confirmed = now
	return k, s.passkeys.SetPasskey(ctx, k, lists, change(by, p.ID, now, "passkey confirmed", p.Grants))
}

// RevokePasskey ends a passkey's right in every list; what it approved before
// stays approved. One that was never confirmed needs no registrar. Errors: those
// of ConfirmPasskey.
func (s *Service) RevokePasskey(ctx context.Context, handle, registrar string, by protocol.PersonID) (Passkey, error) {
	k, err := s.Passkey(ctx, handle)
	if err != nil {
		return Passkey{}, err
	}
	if !k.Revoked.IsZero() {
		return Passkey{}, problem.New(problem.ErrConflict, "passkey-settled", "", "Khoá này đã thu hồi rồi. Hãy mở lại danh sách.", "This passkey has been revoked already. Open the list again.")
	}
	if k.LogIn && by == k.Person {
		// Ending a second factor takes the password.
		return Passkey{}, problem.New(problem.ErrConflict, "passkey-logs-in", "", "Hãy tắt việc đăng nhập bằng khoá này trước.", "Switch log-in by this passkey off first.")
	}
	p, err := s.store.Person(ctx, k.Person)
	if err != nil {
		return Passkey{}, err
	}
	now := time.Now()
	var lists []registry.Document
	if !k.Confirmed.IsZero() {
		units, err := s.listed(ctx, func(a protocol.Approver) bool { return a.Key.ID() == k.Key.ID() })
		if err != nil {
			return Passkey{}, err
		}
		if lists, err = s.sign(ctx, registrar, units, now, leavesKey(k.Key)); err != nil {
			return Passkey{}, err
		}
	}
	k.Revoked = now
	return k, s.passkeys.SetPasskey(ctx, k, lists, change(by, p.ID, now, "passkey revoked", p.Grants))
}

// listed returns the units whose newest list has an entry that matches.
func (s *Service) listed(ctx context.Context, match func(protocol.Approver) bool) ([]protocol.UnitID, error) {
	tree, err := s.units.Tree(ctx)
	if err != nil {
		return nil, fmt.Errorf("lists: %w", err)
	}
	var units []protocol.UnitID
	for _, top := range tree.Top() {
		for _, u := range tree.Below(top) {
			l, err := s.Approvers(ctx, u)
			if err != nil {
				return nil, err
			}
			if slices.ContainsFunc(l.People, match) {
				units = append(units, u)
			}
		}
	}
	return units, nil
}

// Used notes a passkey's counter. One that runs backwards is told to the
// operator; synced passkeys stay at 0.
func (s *Service) Used(ctx context.Context, k Passkey, counter uint32) error {
	if counter != 0 && counter <= k.Counter {
		s.log.WarnContext(ctx, "a passkey's counter runs backwards: was it copied?", "person", string(k.Person), "passkey", k.Handle)
	}
	return s.passkeys.SetCounter(ctx, k.Handle, max(counter, k.Counter))
}

// DemandPasskeys sets the classes that only passkeys may approve in a unit and
// below it. Errors: problem.ErrInvalid, ErrForbidden.
func (s *Service) DemandPasskeys(ctx context.Context, unit protocol.UnitID, classes []protocol.Class, registrar string, by protocol.PersonID) error {
	if s.site == nil && len(classes) > 0 {
		return errNoPasskeys()
	}
	if err := s.checkUnits(ctx, []Grant{{Unit: unit}}); err != nil {
		return err
	}
	classes = slices.Compact(slices.Sorted(slices.Values(classes)))
	for _, c := range classes {
		if !protocol.Known(c) {
			return problem.New(problem.ErrInvalid, "bad-class", "classes", "Loại bản tin không đúng. Hãy chọn thông thường, ưu tiên hoặc khẩn cấp.", "There is no such class. Choose normal, priority or emergency.")
		}
	}
	now := time.Now()
	lists, err := s.signLists(ctx, registrar, []protocol.UnitID{unit}, now, func(l *protocol.Approvers) { l.Passkeys = classes })
	if err != nil {
		return err
	}
	c := change(by, by, now, "passkeys demanded", []Grant{{Unit: unit}})
	c.About, c.Subject = "", string(unit)
	return s.passkeys.AddLists(ctx, lists, c)
}

// Deputy is a dated right to stand in for somebody.
type Deputy struct {
	Person, For protocol.PersonID
	Unit        protocol.UnitID
	Classes     []protocol.Class
	From, Until time.Time // Until is not included
}

// maxDeputy is the longest that somebody stands in.
const maxDeputy = 366 * 24 * time.Hour

// AddDeputy signs a dated right into a unit's list, for each key of the deputy.
// It ends by itself, on devices too. Errors: problem.ErrInvalid, ErrNotFound,
// ErrForbidden.
func (s *Service) AddDeputy(ctx context.Context, d Deputy, registrar string, by protocol.PersonID) error {
	now := time.Now()
	p, err := s.store.Person(ctx, d.Person)
	if err != nil {
		return err
	}
	principal, err := s.store.Person(ctx, d.For)
	if err != nil {
		return err
	}
	if err := s.checkUnits(ctx, []Grant{{Unit: d.Unit}}); err != nil {
		return err
	}
	bad := func(field, vi, en string) error { return problem.New(problem.ErrInvalid, "bad-deputy", field, vi, en) }
	switch {
	case d.Person == d.For:
		return bad("for", "Không ai thay mặt chính mình. Hãy chọn người khác.", "Nobody stands in for themselves. Choose somebody else.")
	case !d.From.Before(d.Until) || !now.Before(d.Until) || d.Until.Sub(d.From) > maxDeputy:
		return bad("until", "Ngày kết thúc phải sau ngày bắt đầu và sau hôm nay, tối đa một năm.", "The end is after the start and after today, within a year.")
	case !p.Disabled.IsZero():
		return bad("person", "Tài khoản của người này đã bị khoá. Hãy chọn người khác.", "This person's account is locked. Choose somebody else.")
	case !slices.Contains(approverUnits(principal.Grants), d.Unit):
		return bad("for", "Người được thay không phải người duyệt của đơn vị này. Hãy chọn trong danh sách người duyệt.", "Who is stood in for is no approver of this unit. Choose one of its list.")
	}
	keys, err := s.keysOf(ctx, p)
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		return bad("person", "Người thay mặt chưa có khoá ký; hãy để người đó đăng ký khoá trên điện thoại, hoặc giao vai trò duyệt ở một đơn vị.",
			"The deputy has no key; let them register a passkey, or give them the role approver in a unit.")
	}
	if len(d.Classes) == 0 {
		d.Classes = []protocol.Class{protocol.ClassNormal, protocol.ClassPriority, protocol.ClassEmergency}
	}
	classes := slices.Compact(slices.Sorted(slices.Values(d.Classes)))
	lists, err := s.sign(ctx, registrar, []protocol.UnitID{d.Unit}, now, func(people []protocol.Approver, _, until protocol.Instant) []protocol.Approver {
		for _, k := range keys {
			people = append(people, protocol.Approver{
				Person: p.ID, Name: p.Name, Key: k, Classes: classes, From: protocol.InstantOf(d.From),
				Until: min(protocol.InstantOf(d.Until), until-1), Deputy: d.For,
			})
		}
		return people
	})
	if err != nil {
		return err
	}
	c := change(by, p.ID, now, "deputy named", []Grant{{Unit: d.Unit}})
	c.Personal = map[string]string{"for": string(d.For)}
	c.After = map[string]string{"from": d.From.UTC().Format(time.RFC3339), "until": d.Until.UTC().Format(time.RFC3339)}
	return s.passkeys.AddLists(ctx, lists, c)
}

// EndDeputy ends every dated right of a person in a unit at once.
func (s *Service) EndDeputy(ctx context.Context, unit protocol.UnitID, person protocol.PersonID, registrar string, by protocol.PersonID) error {
	now := time.Now()
	lists, err := s.sign(ctx, registrar, []protocol.UnitID{unit}, now, func(people []protocol.Approver, at, _ protocol.Instant) []protocol.Approver {
		for i, a := range people {
			if a.Person == person && a.Deputy != "" && a.Until > at {
				people[i].Until = max(at, a.From+1)
			}
		}
		return people
	})
	if err != nil {
		return err
	}
	c := change(by, person, now, "deputy ended", []Grant{{Unit: unit}})
	return s.passkeys.AddLists(ctx, lists, c)
}

// Strike takes everything of a person's out of a unit's list, for keys in the wrong
// hands. Who merely leaves stays on it with an end, by which what they approved before
// still counts; a key's thief who also holds the hub could date a statement back into
// that time. What was struck off approves nothing any more, nor what it had approved.
// Errors: problem.ErrNotFound, ErrForbidden.
func (s *Service) Strike(ctx context.Context, unit protocol.UnitID, person protocol.PersonID, registrar string, by protocol.PersonID) error {
	held, err := s.Approvers(ctx, unit)
	if err != nil {
		return err
	}
	theirs := func(a protocol.Approver) bool { return a.Person == person }
	if !slices.ContainsFunc(held.People, theirs) {
		return problem.New(problem.ErrNotFound, "not-listed", "person", "Người này không có trong danh sách duyệt của đơn vị. Hãy mở lại danh sách.", "This person is not on the unit's list of approvers. Open the list again.")
	}
	now := time.Now()
	lists, err := s.sign(ctx, registrar, []protocol.UnitID{unit}, now, func(people []protocol.Approver, _, _ protocol.Instant) []protocol.Approver {
		return slices.DeleteFunc(people, theirs)
	})
	if err != nil {
		return err
	}
	return s.passkeys.AddLists(ctx, lists, change(by, person, now, "approver struck off", []Grant{{Unit: unit}}))
}

// keysOf returns the keys by which a person may approve.
func (s *Service) keysOf(ctx context.Context, p Person) ([]protocol.Key, error) {
	var keys []protocol.Key
	if p.Key != nil {
		keys = append(keys, *p.Key)
	}
	held, err := s.passkeys.Passkeys(ctx, p.ID)
	if err != nil {
		return nil, fmt.Errorf("passkeys: %w", err)
	}
	for _, k := range held {
		if k.Counts() {
			keys = append(keys, k.Key)
		}
	}
	return keys, nil
}
