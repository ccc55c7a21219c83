// Package notebook keeps what people have at hand while they work: drafts,
// emergencies written beforehand and the words that call them off, the map that
// a commune has drawn, photographs of devices, and the answers to requests that
// may arrive twice. It decides who may change them and how large they may be. It
// never airs anything; nothing here is signed.
package notebook

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
	"golang.org/x/text/unicode/norm"
)

// Limits, in bytes.
const (
	maxDraft    = 256 << 10
	maxDrafts   = 100 // of one person
	maxTemplate = 32 << 10
	MaxMap      = 1 << 20
	MaxPhoto    = 8 << 20
)

// Draft is what somebody is writing.
type Draft struct {
	ID      string
	Title   string // for lists
	Content string // JSON that only the page reads
	Changed time.Time
}

// Template is an emergency written beforehand, with the words that call it off.
type Template struct {
	ID   string          `json:"-"`
	Unit protocol.UnitID `json:"-"`
	// Own is false for those that come with the program.
	Own   bool   `json:"-"`
	Name  string `json:"name"`
	Title string `json:"title"`
	Text  string `json:"text"`
	Board string `json:"board"`
	// The cancellation's.
	ClearTitle string `json:"clear_title"`
	ClearText  string `json:"clear_text"`
	ClearBoard string `json:"clear_board"`
}

// Photo is a photograph of a device.
type Photo struct {
	Digest protocol.Digest
	Kind   string // "image/jpeg"
	Person protocol.PersonID
	At     time.Time
}

// Answer is what was answered to a request with a key. Status is 0 before that: the
// request is being done, or it was and the hub ended in between; then Body, if there
// is one, names what it had made.
type Answer struct {
	Request string // method and path
	Status  int
	Kind    string
	Body    []byte
}

// Keyed is a request that carries a key.
type Keyed struct {
	Person protocol.PersonID
	Key    string
}

type keyedKey struct{}

// WithKeyed returns a context of what is done for a request with a key: what it makes
// is noted with the key in one transaction, so that it is not made again.
func WithKeyed(ctx context.Context, k Keyed) context.Context {
	return context.WithValue(ctx, keyedKey{}, k)
}

// KeyedOf returns the request for which something is done, if it carries a key.
func KeyedOf(ctx context.Context) (Keyed, bool) {
	k, ok := ctx.Value(keyedKey{}).(Keyed)
	return k, ok
}

// Store keeps it. Each method is one transaction; what is not there is
// problem.ErrNotFound.
type Store interface {
	Drafts(ctx context.Context, p protocol.PersonID) ([]Draft, error)
	Draft(ctx context.Context, p protocol.PersonID, id string) (Draft, error)
	// PutDraft replaces a draft unless a later one is kept: problem.ErrConflict.
	PutDraft(ctx context.Context, p protocol.PersonID, d Draft) error
	DeleteDraft(ctx context.Context, p protocol.PersonID, id string) error

	Templates(ctx context.Context, units []protocol.UnitID) ([]Template, error)
	Template(ctx context.Context, id string) (Template, error)
	PutTemplate(ctx context.Context, t Template, by protocol.PersonID, at time.Time) error
	DeleteTemplate(ctx context.Context, id string) error

	AllClear(ctx context.Context, cancels protocol.BulletinID) (protocol.BulletinID, error)
	SetAllClear(ctx context.Context, bulletin, cancels protocol.BulletinID) error

	Map(ctx context.Context, unit protocol.UnitID) (string, error)
	PutMap(ctx context.Context, unit protocol.UnitID, geojson string, by protocol.PersonID, at time.Time) error

	Photo(ctx context.Context, d protocol.DeviceID) (Photo, error)
	PutPhoto(ctx context.Context, d protocol.DeviceID, p Photo) error

	// Begin notes that a request is being done; if the key is known it returns
	// what is kept and false.
	Begin(ctx context.Context, p protocol.PersonID, key, request string, at time.Time) (Answer, bool, error)
	Finish(ctx context.Context, p protocol.PersonID, key string, a Answer) error
	// Forget drops a request that failed at the hub, so that it can be repeated.
	Forget(ctx context.Context, p protocol.PersonID, key string) error
	// ForgetBefore drops all answers older than an instant.
	ForgetBefore(ctx context.Context, at time.Time) error
}

// Units gives the tree of units.
type Units interface {
	Tree(ctx context.Context) (registry.Tree, error)
}

// Service is what the console does with them.
type Service struct {
	Store
	units Units
	now   func() time.Time
}

// New returns a service; now is the hub's clock.
func New(store Store, units Units, now func() time.Time) *Service {
	return &Service{Store: store, units: units, now: now}
}

// Save keeps a draft of the actor's. One that is older than what is kept, from
// another device, is problem.ErrConflict.
func (s *Service) Save(ctx context.Context, a account.Actor, d Draft) (Draft, error) {
	if len(d.Content) > maxDraft || !json.Valid([]byte(d.Content)) {
		return d, problem.New(problem.ErrTooLarge, "draft-too-large", "content", "Bản nháp quá dài. Hãy rút gọn.", "The draft is too long. Shorten it.")
	}
	d.Title = clip(d.Title, 200)
	if d.Changed.IsZero() || d.Changed.After(s.now()) {
		d.Changed = s.now()
	}
	all, err := s.Drafts(ctx, a.Person)
	if err != nil {
		return d, fmt.Errorf("save draft: %w", err)
	}
	if len(all) >= maxDrafts && !slices.ContainsFunc(all, func(o Draft) bool { return o.ID == d.ID }) {
		return d, problem.New(problem.ErrTooLarge, "too-many-drafts", "", "Đã có 100 bản nháp. Hãy xoá bớt bản cũ.", "There are 100 drafts already. Delete old ones.")
	}
	if err := s.PutDraft(ctx, a.Person, d); err != nil {
		if errors.Is(err, problem.ErrConflict) {
			return d, problem.New(problem.ErrConflict, "newer-draft", "", "Bản nháp này vừa được sửa trên máy khác. Hãy mở lại để lấy bản mới.", "This draft was just changed on another device. Open it again for the newer one.").Because(err)
		}
		return d, fmt.Errorf("save draft: %w", err)
	}
	return d, nil
}

// clip cuts a text to n letters, in NFC.
func clip(text string, n int) string {
	text = norm.NFC.String(strings.TrimSpace(text))
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return strings.TrimSpace(string([]rune(text)[:n]))
}

// may refuses an act on a unit; what the actor can't read is not found.
func (s *Service) may(ctx context.Context, a account.Actor, unit protocol.UnitID, acts ...account.Act) error {
	tree, err := s.units.Tree(ctx)
	if err != nil {
		return err
	}
	path := tree.Path(unit)
	if path == nil || !a.May(account.Read, path) {
		return fmt.Errorf("unit %s: %w", unit, problem.ErrNotFound)
	}
	if !slices.ContainsFunc(acts, func(act account.Act) bool { return a.May(act, path) }) {
		return problem.ErrForbidden
	}
	return nil
}

// Prepared lists the emergencies written beforehand in the actor's units and
// above them, and those that come with the program.
func (s *Service) Prepared(ctx context.Context, a account.Actor) ([]Template, error) {
	tree, err := s.units.Tree(ctx)
	if err != nil {
		return nil, err
	}
	var units []protocol.UnitID
	for _, u := range a.Units(account.Read) {
		units = append(units, tree.Path(u)...)
		units = append(units, tree.Below(u)...)
	}
	own, err := s.Templates(ctx, units)
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	return append(own, builtIn()...), nil
}

// Prepare keeps an emergency for later; without an id it is a new one.
func (s *Service) Prepare(ctx context.Context, a account.Actor, t Template) (Template, error) {
	if t.ID != "" {
		held, err := s.Template(ctx, t.ID)
		if err != nil {
			return t, fmt.Errorf("template %s: %w", t.ID, err)
		}
		t.Unit = held.Unit
	}
	if err := s.may(ctx, a, t.Unit, account.Write); err != nil {
		return t, err
	}
	size := 0
	for _, f := range []*string{&t.Name, &t.Title, &t.Text, &t.Board, &t.ClearTitle, &t.ClearText, &t.ClearBoard} {
		*f = norm.NFC.String(strings.TrimSpace(*f))
		size += len(*f)
	}
	if size > maxTemplate {
		return t, problem.New(problem.ErrTooLarge, "template-too-large", "text", "Mẫu quá dài. Hãy rút gọn.", "The template is too long. Shorten it.")
	}
	if t.Name == "" || t.Text == "" || t.ClearText == "" {
		return t, problem.New(problem.ErrInvalid, "template-incomplete", "text", "Mẫu cần có tên, nội dung, và lời báo hết khẩn cấp.", "A template needs a name, a text, and the words that call it off.")
	}
	if t.ID == "" {
		id, err := protocol.NewID(s.now(), rand.Reader)
		if err != nil {
			return t, err
		}
		t.ID = id
	}
	t.Own = true
	return t, s.PutTemplate(ctx, t, a.Person, s.now())
}

// Discard deletes an own template.
func (s *Service) Discard(ctx context.Context, a account.Actor, id string) error {
	t, err := s.Template(ctx, id)
	if err != nil {
		return fmt.Errorf("template %s: %w", id, err)
	}
	if err := s.may(ctx, a, t.Unit, account.Write); err != nil {
		return err
	}
	return s.DeleteTemplate(ctx, id)
}

// Draw keeps a unit's map. Errors: problem.ErrInvalid, ErrTooLarge.
func (s *Service) Draw(ctx context.Context, a account.Actor, unit protocol.UnitID, geojson string) error {
	if err := s.may(ctx, a, unit, account.Write, account.Administer); err != nil {
		return err
	}
	tree, err := s.units.Tree(ctx)
	if err != nil {
		return err
	}
	clean, err := checkMap(geojson, tree.Below(unit))
	if err != nil {
		return err
	}
	return s.PutMap(ctx, unit, clean, a.Person, s.now())
}

// AnswersLife is how long answers to keyed requests are kept.
const AnswersLife = 48 * time.Hour

// Sweep drops what is kept for a while only.
func (s *Service) Sweep(ctx context.Context) error {
	return s.ForgetBefore(ctx, s.now().Add(-AnswersLife))
}
