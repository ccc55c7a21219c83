// Package bulletin is what officials write and record: its revisions, its way
// from a draft to something that can be signed, and the airing wished for. It
// decides what may be changed when. It never makes a sound itself, never
// approves, and never changes what was submitted: an edit is a new revision.
package bulletin

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// State is how far a revision has come.
type State string

// The states.
const (
	Preparing State = "preparing" // its sound is being made
	Failed    State = "failed"    // its sound could not be made; Problem says why
	Ready     State = "ready"     // it can be listened to and submitted
	Submitted State = "submitted" // frozen; waits for approvers
	Returned  State = "returned"  // an approver sent it back; Problem says why
	Approved  State = "approved"  // signed
)

// Origin is how a bulletin came in.
type Origin string

// The ways in.
const (
	FromText  Origin = "text"
	FromSound Origin = "sound"
	FromDrop  Origin = "drop"
	FromAPI   Origin = "api"
)

// SoundOptions say how the sound is made. The zero value means no sound.
type SoundOptions struct {
	Wanted bool    `json:"wanted"`
	Voice  string  `json:"voice,omitempty"`  // the engine's name of it; "" is the hub's own choice
	Rate   float64 `json:"rate,omitempty"`   // 1 is the normal pace
	Chime  bool    `json:"chime,omitempty"`  // a chime before it
	Repeat int     `json:"repeat,omitempty"` // how often it is said; 0 is once
	Title  bool    `json:"title,omitempty"`  // the title is spoken too
	Drill  bool    `json:"drill,omitempty"`  // an emergency that says it is a drill
	// Pause is added after each sentence, in ms.
	Pause int64 `json:"pause_ms,omitempty"`
	// Southern says numbers as the south does: ngàn, lẻ.
	Southern bool `json:"southern,omitempty"`

	// Of recordings: repair of noise and uneven speech; the trim, from its beginning
	// in ms, To 0 for its end.
	Repair bool  `json:"repair,omitempty"`
	From   int64 `json:"from_ms,omitempty"`
	To     int64 `json:"to_ms,omitempty"`
}

// Change is what the voice says other than what is written.
type Change struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Rendition is the sound that was made.
type Rendition struct {
	Content  protocol.Content `json:"-"`
	Digest   string           `json:"digest"`
	Size     int64            `json:"size"`      // bytes
	Frames   int64            `json:"frames"`    // at 48 kHz
	Loudness float64          `json:"loudness"`  // LUFS, measured
	TruePeak float64          `json:"true_peak"` // dBTP, measured
	Spoken   string           `json:"spoken,omitempty"`
	Changes  []Change         `json:"changes,omitempty"`
	// Doubts are places in the text that can be read in two ways.
	Doubts []string `json:"doubts,omitempty"`
	// Findings say what is wrong with a recording, worst first, in Vietnamese and in
	// English.
	Findings   []string `json:"findings,omitempty"`
	FindingsEn []string `json:"findings_en,omitempty"`
}

// Length returns how long the sound lasts.
func (r Rendition) Length() time.Duration {
	return protocol.Sound{Frames: uint64(r.Frames)}.Length()
}

// Bulletin is one revision.
type Bulletin struct {
	ID        protocol.BulletinID
	Work      protocol.BulletinID // the first revision's id
	Revision  int                 // from 1
	Unit      protocol.UnitID
	Class     protocol.Class
	Title     string
	Text      string // to be spoken, or what a recording says
	Board     string // for boards, "" for none
	Layout    string // of the board: "two-line", "ticker", "picture"; "" is the class's own
	Picture   *protocol.Picture
	BoardZone string // the part of boards that it is for: "header", "ticker"; "" is where bulletins stand
	Language  string // BCP 47
	Author    protocol.PersonID
	Origin    Origin
	Options   SoundOptions
	Upload    protocol.Digest // of the uploaded sound, zero for none
	State     State
	Problem   string // for people
	Rendition *Rendition
	Relay     *protocol.Relay // a stream in the place of a sound
	Wish      *Wish
	Digest    protocol.Digest // of Bytes, zero before it is submitted
	Bytes     []byte          // the frozen protocol.Bulletin
	Created   time.Time
	Changed   time.Time
	Submitted time.Time
}

// Edition names what was written, so that who edits it can say what they have seen:
// another after each edit, the same when its sound is made or it is submitted.
func (b Bulletin) Edition() string {
	// Of these types no value fails to marshal.
	raw, _ := json.Marshal([]any{b.ID, b.Class, b.Title, b.Text, b.Board, b.Layout, b.Picture, b.BoardZone, b.Language, b.Options, b.Upload})
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8])
}

// Content is what an author gives.
type Content struct {
	Unit    protocol.UnitID
	Class   protocol.Class
	Title   string
	Text    string
	Board   string
	Layout  string          // as Bulletin.Layout; "notice" is "" as well
	Picture protocol.Digest // of AddPicture; zero for none
	// BoardZone is as Bulletin.BoardZone.
	BoardZone string
	Language  string
	Options   SoundOptions
	Upload    protocol.Digest
}

// clean brings a content into its one form and refuses what no bulletin can be.
// check refuses texts that cannot be spoken.
func (c Content) clean(check func(field, text string) error) (Content, error) {
	c.Title = strings.Join(strings.Fields(norm.NFC.String(c.Title)), " ")
	c.Text = strings.TrimSpace(norm.NFC.String(c.Text))
	c.Board = strings.TrimSpace(norm.NFC.String(c.Board))
	tag, err := language.Parse(cmp.Or(c.Language, "vi"))
	if err != nil {
		return c, problem.New(problem.ErrInvalid, "language", "language", "Ngôn ngữ không đúng. Hãy chọn trong danh sách.", "This is no language tag (BCP 47). Choose from the list, such as vi, mww, km.")
	}
	c.Language = tag.String()
	if c.Layout == "notice" {
		c.Layout = ""
	}
	for field, text := range map[string]string{"title": c.Title, "text": c.Text, "board": c.Board} {
		if text == "" {
			continue
		}
		if err := check(field, text); err != nil {
			return c, err
		}
	}
	if c.Title == "" {
		c.Title = headline(c.Text + "\n" + c.Board)
	}
	switch {
	case !protocol.Known(c.Class):
		return c, problem.New(problem.ErrInvalid, "class", "class", "Hãy chọn loại bản tin: thông thường, ưu tiên hoặc khẩn cấp.", "Choose the bulletin's class: normal, priority or emergency.")
	case c.Title == "":
		return c, problem.New(problem.ErrInvalid, "empty", "text", "Chưa có nội dung. Hãy nhập nội dung bản tin rồi thử lại.", "There is no text yet. Write the bulletin and try again.")
	case utf8.RuneCountInString(c.Title) > protocol.MaxTitle:
		return c, problem.New(problem.ErrInvalid, "title-too-long", "title", "Tiêu đề dài quá 200 ký tự. Hãy rút gọn.", "The title is over 200 characters. Shorten it.")
	case utf8.RuneCountInString(c.Board) > 1000:
		return c, problem.New(problem.ErrInvalid, "board-too-long", "board", "Chữ trên bảng dài quá 1.000 ký tự. Hãy rút gọn.", "The text for boards is over 1,000 characters. Shorten it.")
	case c.Options.Drill && (c.Class != protocol.ClassEmergency || !c.Upload.IsZero()):
		return c, problem.New(problem.ErrInvalid, "drill", "options.drill", "Chỉ bản tin khẩn cấp soạn bằng chữ mới có diễn tập, vì tiếng phải nói rõ là diễn tập. Hãy soạn bằng chữ.", "Only an emergency made from text can be a drill, for its sound has to say so. Write it as text.")
	case c.Options.Wanted && c.Upload.IsZero() && base(tag) != "vi":
		return c, problem.New(problem.ErrInvalid, "language-spoken", "language", "Máy chỉ đọc được tiếng Việt. Với tiếng dân tộc, hãy ghi âm người nói rồi gửi bản ghi.", "The voice speaks Vietnamese only. For another language, record a speaker and upload the recording.")
	case c.Options.From < 0 || c.Options.To < 0 || c.Options.To > 0 && c.Options.To <= c.Options.From:
		return c, problem.New(problem.ErrInvalid, "trim", "options.to_ms", "Đoạn giữ lại không đúng. Hãy chọn điểm cuối sau điểm đầu.", "Nothing is left by this trim. Choose an end after its beginning.")
	case c.Upload.IsZero() && (c.Options.Repair || c.Options.From > 0 || c.Options.To > 0):
		return c, problem.New(problem.ErrInvalid, "not-a-recording", "options", "Lọc tiếng và cắt chỉ dùng cho bản ghi âm. Hãy tắt hai mục đó.", "Repair and trim are for recordings only. Switch them off.")
	case c.Options.Wanted && c.Upload.IsZero() && c.Text == "":
		return c, problem.New(problem.ErrInvalid, "empty", "text", "Chưa có nội dung. Hãy nhập nội dung bản tin rồi thử lại.", "There is no text yet. Write the bulletin and try again.")
	case c.Board == "" && c.Layout != "", !layouts(c):
		return c, problem.New(problem.ErrInvalid, "layout", "layout", "Cách trình bày này không dùng được: bản tin khẩn cấp có kiểu riêng; hai dòng và chữ chạy cần chữ cho bảng; kiểu có ảnh cần một ảnh. Hãy chọn lại.",
			"This layout cannot be used: emergencies have their own; two lines and tickers need a text for boards; the one with a picture needs a picture. Choose again.")
	case c.BoardZone != "" && (c.Board == "" || c.Class == protocol.ClassEmergency || !slices.Contains([]string{protocol.ZoneHeader, protocol.ZoneTicker}, c.BoardZone)):
		return c, problem.New(problem.ErrInvalid, "board-zone", "board_zone", "Phần bảng không đúng: chỉ chữ cho bảng của bản tin thường và ưu tiên mới chọn được dòng đầu hoặc dòng chạy; bản tin khẩn cấp chiếm cả bảng. Hãy chọn lại.",
			"This part of boards cannot be chosen: only a normal or priority bulletin's text for boards may go to the header or the ticker; an emergency takes the whole board. Choose again.")
	case !c.Options.Wanted && c.Board == "":
		return c, problem.New(problem.ErrInvalid, "no-medium", "board", "Bản tin chưa có tiếng cũng chưa có chữ cho bảng. Hãy thêm một trong hai.", "The bulletin has neither sound nor text for boards. Add one of them.")
	}
	return c, nil
}

// layouts says whether the layout asked for can be had.
func layouts(c Content) bool {
	switch {
	case (c.Layout == protocol.LayoutPicture) == c.Picture.IsZero():
		return false
	case c.Layout == "":
		return true
	case c.Class == protocol.ClassEmergency:
		return false
	}
	return slices.Contains([]string{page.TwoLine.String(), page.Ticker.String(), page.Pictured.String()}, c.Layout)
}

// base is the language of a tag, without script and region.
func base(t language.Tag) string {
	b, _ := t.Base()
	return b.String()
}

// headline is the first line of a text, cut at a word to 80 characters.
func headline(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	line = strings.Join(strings.Fields(line), " ")
	if utf8.RuneCountInString(line) <= 80 {
		return line
	}
	cut := string([]rune(line)[:80])
	if i := strings.LastIndexByte(cut, ' '); i > 40 {
		cut = cut[:i]
	}
	return cut + "…"
}

// Editable says whether an edit changes this revision itself; if not, it makes a
// new one.
func (s State) Editable() bool { return s == Preparing || s == Failed || s == Ready }
