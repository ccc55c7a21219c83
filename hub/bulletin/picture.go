package bulletin

import (
	"context"
	"errors"
	"fmt"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
	"golang.org/x/text/unicode/norm"
)

// Pictures makes and keeps pictures for boards. Its errors are problems that tell
// people what to do.
type Pictures interface {
	// Convert turns an uploaded file into the one that boards read, and keeps that.
	Convert(ctx context.Context, file []byte) (protocol.Picture, error)
	// Open reads a file that was kept.
	Open(digest protocol.Digest) (page.Picture, error)
}

// AddPicture takes in a picture for boards. The file that was uploaded is not kept.
func (s *Service) AddPicture(ctx context.Context, a account.Actor, file []byte) (protocol.Picture, error) {
	if len(a.Units(account.Write)) == 0 {
		return protocol.Picture{}, problem.ErrForbidden
	}
	p, err := s.pictures.Convert(ctx, file)
	if err != nil {
		return protocol.Picture{}, err
	}
	return p, s.store.AddPicture(ctx, p, a.Person, s.now())
}

// Picture returns what a bulletin shows beside its text; nil for none.
func (s *Service) Picture(b Bulletin) (*page.Picture, error) {
	if b.Picture == nil {
		return nil, nil
	}
	p, err := s.pictures.Open(b.Picture.Content.Digest)
	if err != nil {
		return nil, fmt.Errorf("picture of bulletin %s: %w", b.ID, err)
	}
	return &p, nil
}

// chosen is the picture that a content names; nil for none.
func (s *Service) chosen(ctx context.Context, c Content) (*protocol.Picture, error) {
	if c.Picture.IsZero() {
		return nil, nil
	}
	p, err := s.store.Picture(ctx, c.Picture)
	if errors.Is(err, problem.ErrNotFound) {
		return nil, problem.New(problem.ErrInvalid, "picture", "picture", "Không có ảnh này. Hãy tải ảnh lên lại.", "There is no such picture. Upload it again.")
	}
	return &p, err
}

// Sketch is a text for boards that an author is still writing.
type Sketch struct {
	Unit    protocol.UnitID
	Class   protocol.Class
	Drill   bool
	Title   string
	Board   string
	Layout  string
	Picture protocol.Digest
}

// Sketch returns a bulletin that is kept nowhere, to be laid out by Pages. Unlike
// what is submitted it is not trimmed, so that warnings name its places.
func (s *Service) Sketch(ctx context.Context, a account.Actor, k Sketch) (Bulletin, Shown, error) {
	if err := s.may(ctx, a, account.Write, k.Unit); err != nil {
		return Bulletin{}, Shown{}, err
	}
	c := Content{Unit: k.Unit, Class: k.Class, Title: k.Title, Text: k.Board, Board: k.Board, Layout: k.Layout, Picture: k.Picture}
	if _, err := c.clean(s.sounds.Check); err != nil {
		return Bulletin{}, Shown{}, err
	}
	b := Bulletin{Unit: k.Unit, Class: k.Class, Title: norm.NFC.String(k.Title), Board: norm.NFC.String(k.Board), Layout: k.Layout}
	b.Options.Drill = k.Drill
	var err error
	if b.Picture, err = s.chosen(ctx, c); err != nil {
		return Bulletin{}, Shown{}, err
	}
	shown := Shown{Drill: k.Drill, At: s.now()}
	shown.Picture, err = s.Picture(b)
	return b, shown, err
}
