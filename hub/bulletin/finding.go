package bulletin

import (
	"fmt"
	"time"

	"github.com/loa-vn/loa/protocol/page"
)

// Finding is something about a text for boards that its author should know: what
// will look other than written, and what takes long to read.
type Finding struct {
	Field   page.Field   // "" for the whole
	Pos     int          // characters before it in the field's NFC form
	Letter  string       // for missing and invisible
	Problem page.Problem // or TooSlow
	Vi, En  string
}

// TooSlow: two passes take longer than Slow. It has no position.
const TooSlow page.Problem = "slow"

// Slow is how long a text may need, in two passes, before its author is told that
// it is long: people stand before a board, or ride past it.
const Slow = time.Minute

// Findings says in words what Pages has found about a set of pages.
func Findings(pages []page.Page, warnings []page.Warning) []Finding {
	var out []Finding
	for _, w := range warnings {
		f := Finding{Field: w.Field, Pos: w.Pos, Problem: w.Problem}
		vi, en := place(w.Field, w.Pos)
		switch w.Problem {
		case page.Missing:
			f.Letter = string(w.Letter)
			f.Vi = fmt.Sprintf("%s “%c” không có trên bảng, sẽ hiện thành ô vuông. Hãy xoá hoặc viết bằng chữ.", vi, w.Letter)
			f.En = fmt.Sprintf("%s is “%c”, which boards do not have: a box will stand there. Delete it or write it in words.", en, w.Letter)
		case page.Invisible:
			f.Letter = string(w.Letter)
			f.Vi = fmt.Sprintf("%s ký tự ẩn U+%04X, sẽ bị bỏ qua.", vi, w.Letter)
			f.En = fmt.Sprintf("%s is the invisible character U+%04X, which is left out.", en, w.Letter)
		case page.Broken:
			f.Vi = vi + " từ này dài hơn một dòng, sẽ bị ngắt bằng gạch nối. Hãy viết ngắn lại."
			f.En = en + " is a word longer than a line: it will be broken by a hyphen. Shorten it."
		case page.Paged:
			f.Vi = "Chữ chạy cần quá 45 giây hoặc không vừa bảng này, nên sẽ hiện thành từng trang. Hãy rút gọn nếu muốn chữ chạy."
			f.En = "The running text needs over 45 s or does not fit this board, so it becomes pages. Shorten it if it is to run."
		case page.NoRoom:
			f.Vi = "Bảng này không đủ chỗ cho ảnh, chỉ hiện chữ."
			f.En = "This board has no room for the picture and shows the text alone."
		}
		out = append(out, f)
	}
	if d := page.Length(pages); d > Slow {
		s := int((d + time.Second - 1) / time.Second)
		out = append(out, Finding{
			Problem: TooSlow,
			Vi:      fmt.Sprintf("Đọc hai lượt mất %d giây. Người đi đường khó đứng lại lâu như vậy; hãy rút gọn.", s),
			En:      fmt.Sprintf("Two passes take %d seconds. People passing by hardly stay that long; shorten it.", s),
		})
	}
	return out
}

// place names a place of a text, counted from one as people do.
func place(field page.Field, pos int) (vi, en string) {
	name := map[page.Field][2]string{
		page.FieldTitle: {"Tiêu đề", "title"}, page.FieldBody: {"Chữ trên bảng", "text"}, page.FieldSender: {"Tên đơn vị", "unit's name"},
	}[field]
	return fmt.Sprintf("%s, ký tự thứ %d:", name[0], pos+1), fmt.Sprintf("Character %d of the %s", pos+1, name[1])
}
