package bulletin

import (
	"errors"
	"time"

	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// Layout returns the board layout of a class: "notice", "emergency" or "drill".
func Layout(c protocol.Class, drill bool) string {
	switch {
	case c == protocol.ClassEmergency && drill:
		return "drill"
	case c == protocol.ClassEmergency:
		return "emergency"
	}
	return "notice"
}

// Pages lays a bulletin's board text out for a board, with a sample of the times
// that an emergency shows. Warnings say what will look other than written.
func Pages(b Bulletin, drill bool, sender string, size protocol.Display, at time.Time) ([]page.Page, []page.Warning, error) {
	t := page.Text{Kind: page.Notice, Title: b.Title, Body: b.Board, Sender: sender}
	if b.Board == b.Title {
		t.Title = ""
	}
	switch Layout(b.Class, drill) {
	case "emergency":
		t.Kind, t.Issued, t.Until = page.Emergency, at, at.Add(DefaultValidity)
	case "drill":
		t.Kind, t.Issued, t.Until = page.Drill, at, at.Add(DefaultValidity)
	}
	pages, warnings, err := page.Compose(page.Board{Width: int(size.Width), Height: int(size.Height), Row: int(size.Row)}, t)
	switch {
	case errors.Is(err, page.ErrTooManyPages), errors.Is(err, page.ErrTooLong):
		return nil, nil, problem.New(problem.ErrInvalid, "board-too-long", "board", "Chữ trên bảng quá dài so với bảng nhỏ nhất. Hãy rút gọn.", "The text is too long for the smallest board. Shorten it.").Because(err)
	case err != nil:
		return nil, nil, problem.New(problem.ErrInvalid, "board", "board", "Chữ trên bảng không trình bày được. Hãy sửa lại nội dung.", "The text for boards cannot be laid out. Change it.").Because(err)
	}
	return pages, warnings, nil
}

// Freeze returns what will be signed of a bulletin: its very sound, and its text
// on every size of board that it is for.
func Freeze(b Bulletin, drill bool, sender string, sizes []protocol.Display, at time.Time) (protocol.Bulletin, error) {
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
	f.Board = &protocol.Board{Text: b.Board, Layout: Layout(b.Class, drill), LayoutVersion: page.Version, Sender: sender}
	for _, size := range sizes {
		pages, _, err := Pages(b, drill, sender, size, at)
		if err != nil {
			return protocol.Bulletin{}, err
		}
		set := protocol.Pages{Width: size.Width, Height: size.Height, Row: size.Row, Length: protocol.MillisOf(page.Length(pages))}
		if b.Class != protocol.ClassEmergency {
			for _, p := range pages {
				set.Digests = append(set.Digests, page.Render(p).Digest())
			}
		}
		f.Board.Sizes = append(f.Board.Sizes, set)
	}
	return f, nil
}
