package bulletin

import (
	"cmp"
	"errors"
	"time"

	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// Kind returns how a bulletin is laid out on boards: as its class demands, or as
// its author chose.
func Kind(b Bulletin, drill bool) page.Kind {
	switch {
	case b.Class == protocol.ClassEmergency && drill:
		return page.Drill
	case b.Class == protocol.ClassEmergency:
		return page.Emergency
	}
	if k, err := page.ParseKind(b.Layout); err == nil {
		return k
	}
	return page.Notice
}

// Feature names what a device must know to show a bulletin as it is laid out; ""
// if every board does.
func Feature(b Bulletin) string {
	switch Kind(b, b.Options.Drill) {
	case page.TwoLine, page.Ticker:
		return protocol.FeatureLayouts
	case page.Pictured:
		return protocol.FeaturePicture
	}
	return ""
}

// Shown is what a bulletin's board text is laid out with.
type Shown struct {
	Drill   bool
	Sender  string
	Picture *page.Picture // what Bulletin.Picture names; nil for none
	// At is a sample of the times that an emergency shows.
	At time.Time
	// Version is the layout's; 0 is the newest.
	Version uint64
}

// Pages lays a bulletin's board text out for a board. Warnings say what will look
// other than written.
func Pages(b Bulletin, s Shown, size protocol.Display) ([]page.Page, []page.Warning, error) {
	t := page.Text{Kind: Kind(b, s.Drill), Title: b.Title, Body: b.Board, Sender: s.Sender, Version: s.Version}
	if t.Kind == page.Emergency || t.Kind == page.Drill {
		t.Issued, t.Until = s.At, s.At.Add(DefaultValidity)
	}
	pages, warnings, err := page.Lay(page.Board{Width: int(size.Width), Height: int(size.Height), Row: int(size.Row)}, t, s.Picture)
	switch {
	case errors.Is(err, page.ErrTooManyPages), errors.Is(err, page.ErrTooLong):
		return nil, nil, problem.New(problem.ErrInvalid, "board-too-long", "board", "Chữ trên bảng quá dài so với bảng nhỏ nhất. Hãy rút gọn.", "The text is too long for the smallest board. Shorten it.").Because(err)
	case err != nil:
		return nil, nil, problem.New(problem.ErrInvalid, "board", "board", "Chữ trên bảng không trình bày được. Hãy sửa lại nội dung.", "The text for boards cannot be laid out. Change it.").Because(err)
	}
	return pages, warnings, nil
}

// Freeze returns what will be signed of a bulletin: its very sound, and its text
// and picture on every size of board that it is for.
func Freeze(b Bulletin, s Shown, sizes []protocol.Display) (protocol.Bulletin, error) {
	f := protocol.Bulletin{
		Version: protocol.Version, ID: b.ID, Class: b.Class, Unit: b.Unit, Author: b.Author,
		Title: b.Title, Text: b.Text, Language: b.Language, Relay: b.Relay,
	}
	if b.Rendition != nil {
		f.Sound = &protocol.Sound{
			Content: b.Rendition.Content, Frames: uint64(b.Rendition.Frames), Loudness: int64(b.Rendition.Loudness * 100),
		}
	}
	if b.Board == "" {
		return f, nil
	}
	f.Board = &protocol.Board{Text: b.Board, Layout: Kind(b, s.Drill).String(), LayoutVersion: cmp.Or(s.Version, page.Version), Sender: s.Sender, Picture: b.Picture, Zone: b.BoardZone}
	for _, size := range sizes {
		pages, _, err := Pages(b, s, size)
		if err != nil {
			return protocol.Bulletin{}, err
		}
		set := protocol.Pages{Width: size.Width, Height: size.Height, Row: size.Row, Length: protocol.MillisOf(page.Length(pages))}
		if b.Class != protocol.ClassEmergency {
			set.Digests = page.Digests(pages)
		}
		f.Board.Sizes = append(f.Board.Sizes, set)
	}
	return f, nil
}
