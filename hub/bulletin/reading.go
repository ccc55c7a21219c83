package bulletin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
	"golang.org/x/text/unicode/norm"
)

// Pronunciation is an entry of a unit's own list: what is written, how it is said.
type Pronunciation struct {
	Written string
	Said    string
}

// Bounds of a unit's list.
const (
	MaxPronunciations = 2000
	maxPronunciation  = 200 // characters of either side
)

// Trial is a text that an author wants read before a bulletin is made of it.
type Trial struct {
	Unit     protocol.UnitID
	Title    string
	Text     string
	Voice    string
	Rate     float64
	Southern bool
}

// Place is a place of a text that is read other than it is written.
type Place struct {
	From string // as written
	Said string
	Kind string
}

// Doubt is a place that can be read in more than one way; the author decides, by
// writing it otherwise or by an entry of the unit's list.
type Doubt struct {
	From    string
	Said    string   // as it is read now
	Options []string // other readings, if known
	Why     string
}

// Reading is how a text will be said.
type Reading struct {
	Words  string // one line
	Places []Place
	Doubts []Doubt
	// Board is a short text for boards, proposed from title and text.
	Board string
}

// MaxSample is the longest text that is spoken at once, as a sample, in characters.
const MaxSample = 500

// Pronunciations returns a unit's own list. Errors: problem.ErrNotFound.
func (s *Service) Pronunciations(ctx context.Context, a account.Actor, unit protocol.UnitID) ([]Pronunciation, error) {
	if err := s.may(ctx, a, account.Read, unit); err != nil {
		return nil, err
	}
	return s.store.Pronunciations(ctx, unit)
}

// SetPronunciations replaces a unit's own list. Sounds that are made already stay as
// they are. Errors: problem.ErrNotFound, ErrForbidden, ErrInvalid.
func (s *Service) SetPronunciations(ctx context.Context, a account.Actor, unit protocol.UnitID, list []Pronunciation) error {
	if err := s.may(ctx, a, account.Write, unit); err != nil {
		return err
	}
	if len(list) > MaxPronunciations {
		return problem.New(problem.ErrInvalid, "too-many-pronunciations", "", "Danh sách cách đọc tối đa 2.000 mục. Hãy bỏ bớt.", "A list of pronunciations has at most 2,000 entries. Take some out.")
	}
	clean := make([]Pronunciation, 0, len(list))
	seen := map[string]bool{}
	for i, p := range list {
		p.Written = strings.Join(strings.Fields(norm.NFC.String(p.Written)), " ")
		p.Said = strings.Join(strings.Fields(norm.NFC.String(p.Said)), " ")
		field := fmt.Sprintf("%d", i)
		switch {
		case p.Written == "" || p.Said == "":
			return problem.New(problem.ErrInvalid, "empty-pronunciation", field, "Mỗi mục phải có cả chữ viết và cách đọc. Hãy điền đủ hoặc xoá mục đó.", "Each entry needs what is written and how it is said. Fill both in, or remove the entry.")
		case utf8.RuneCountInString(p.Written) > maxPronunciation || utf8.RuneCountInString(p.Said) > maxPronunciation:
			return problem.New(problem.ErrInvalid, "long-pronunciation", field, "Mỗi bên của một mục tối đa 200 ký tự. Hãy rút gọn.", "Each side of an entry has at most 200 characters. Shorten it.")
		case seen[p.Written]:
			return problem.New(problem.ErrInvalid, "double-pronunciation", field, "Có hai mục cùng chữ viết. Hãy giữ lại một.", "Two entries are written alike. Keep one.")
		}
		if err := errors.Join(s.sounds.Check(field, p.Written), s.sounds.Check(field, p.Said)); err != nil {
			return err
		}
		seen[p.Written] = true
		clean = append(clean, p)
	}
	return s.store.SetPronunciations(ctx, unit, clean, a.Person, s.now())
}

// said merges the lists of a unit's path; nearer ones go before.
func (s *Service) said(ctx context.Context, unit protocol.UnitID) (map[string]string, error) {
	tree, err := s.units.Tree(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, u := range tree.Path(unit) {
		list, err := s.store.Pronunciations(ctx, u)
		if err != nil {
			return nil, fmt.Errorf("pronunciations of %s: %w", u, err)
		}
		for _, p := range list {
			out[p.Written] = p.Said
		}
	}
	return out, nil
}

// Read says how a text will be read, and what an author should look at.
func (s *Service) Read(ctx context.Context, a account.Actor, t Trial) (Reading, error) {
	said, err := s.trial(ctx, a, &t)
	if err != nil {
		return Reading{}, err
	}
	return s.sounds.Read(t, said), nil
}

// Sample speaks a short text at once and returns it as a WAV file, so that a
// pronunciation can be tried by ear.
func (s *Service) Sample(ctx context.Context, a account.Actor, t Trial) ([]byte, error) {
	said, err := s.trial(ctx, a, &t)
	if err != nil {
		return nil, err
	}
	if utf8.RuneCountInString(t.Text) > MaxSample {
		return nil, problem.New(problem.ErrInvalid, "sample-too-long", "text", "Chỉ đọc thử được tối đa 500 ký tự. Hãy chọn một đoạn ngắn.", "A sample has at most 500 characters. Choose a short passage.")
	}
	return s.sounds.Sample(ctx, t, said)
}

func (s *Service) trial(ctx context.Context, a account.Actor, t *Trial) (map[string]string, error) {
	if err := s.may(ctx, a, account.Write, t.Unit); err != nil {
		return nil, err
	}
	t.Text, t.Title = norm.NFC.String(t.Text), norm.NFC.String(t.Title)
	if err := s.sounds.Check("text", t.Text); err != nil {
		return nil, err
	}
	return s.said(ctx, t.Unit)
}

// prepare makes a bulletin's sound, or takes the one that was made of the same text
// or recording under the same settings before.
func (s *Service) prepare(ctx context.Context, b Bulletin, report func(stage string, fraction float64)) (Rendition, error) {
	said, err := s.said(ctx, b.Unit)
	if err != nil {
		return Rendition{}, err
	}
	key := s.sounds.Key(b, said)
	r, err := s.store.Made(ctx, key)
	if err == nil && s.sounds.Has(r) {
		return r, nil
	}
	if err != nil && !errors.Is(err, problem.ErrNotFound) {
		return Rendition{}, err
	}
	if b.Upload.IsZero() {
		r, err = s.sounds.Speak(ctx, b, said, report)
	} else {
		r, err = s.sounds.Record(ctx, b, said, report)
	}
	if err != nil {
		return Rendition{}, err
	}
	return r, s.store.KeepMade(ctx, key, r, s.now())
}

// MadeFor is how long what was made of a key is found again.
const MadeFor = 90 * 24 * time.Hour
