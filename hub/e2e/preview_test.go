package e2e

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/loa-vn/loa/protocol/page"
)

// layout is api.PagesBody, as a console reads it.
type layout struct {
	Width, Height, Row int
	LengthMS           int64 `json:"length_ms"`
	Pages              []struct {
		DwellMS int64 `json:"dwell_ms"`
		PNG     []byte
		Digest  string
		Crawl   *struct {
			X, Y, Width, Height, Rate, Step, Frames int
			Strip                                   []byte
		}
	}
	Findings []struct {
		Field, Letter, Problem, Vi, En string
		Position                       int
	}
}

// sketch asks how a text would look.
func (c *client) sketch(body map[string]any) (int, []layout) {
	c.w.t.Helper()
	body["unit"], body["class"] = commune, "normal"
	status, b := c.do(http.MethodPost, "/boards/preview", body)
	var out []layout
	if status == http.StatusOK {
		must(c.w.t, json.Unmarshal(b, &out))
	}
	return status, out
}

// levels reads a picture's grey levels, which are its palette's numbers.
func levels(t *testing.T, file []byte) *page.Frame {
	t.Helper()
	im, err := png.Decode(bytes.NewReader(file))
	must(t, err)
	p, ok := im.(*image.Paletted)
	if !ok {
		t.Fatalf("a picture of %T", im)
	}
	return &page.Frame{W: p.Rect.Dx(), H: p.Rect.Dy(), Pix: p.Pix}
}

// TestBoardsAtTheAuthorsSide asks the hub what an author's console asks it while a
// text for boards is written.
func TestBoardsAtTheAuthorsSide(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, test := range map[string]func(*testing.T, *client){
		"an author is told what boards will show otherwise":       toldWhatLooksOtherwise,
		"text of any kind is shown safely or refused":             textOfAnyKind,
		"the preview moves as the device does":                    movesAsTheDeviceDoes,
		"pictures that cannot be shown are refused with a reason": picturesRefused,
	} {
		t.Run(name, func(t *testing.T) { test(t, w.in(t).client("soan")) })
	}
}

// An author learns before submitting what boards will show other than written, and
// where, and how long reading takes.
func toldWhatLooksOtherwise(t *testing.T, c *client) {
	status, got := c.sketch(map[string]any{
		"title": "Họp thôn 🙂", "board": "Mời bà con đến nhà văn hoá lúc 19:30.\u200b Số " + strings.Repeat("7", 40) + ".",
		"sizes": []map[string]int{{"width": 192, "height": 32, "row": 16}, {"width": 1920, "height": 1080, "row": 96}},
	})
	if status != http.StatusOK || len(got) != 2 || got[1].Width != 1920 {
		t.Fatalf("%d %+v", status, got)
	}
	found := map[string]string{}
	for _, f := range got[0].Findings {
		found[f.Problem] = fmt.Sprintf("%s %d %s", f.Field, f.Position, f.Letter)
		if f.Vi == "" || f.En == "" || f.Vi == f.En {
			t.Errorf("%s says %q and %q", f.Problem, f.Vi, f.En)
		}
	}
	want := map[string]string{"missing": "title 9 🙂", "invisible": "body 37 \u200b", "broken": "body 42 "}
	for problem, place := range want {
		if found[problem] != place {
			t.Errorf("%s: %q, want %q", problem, found[problem], place)
		}
	}
	var sum int64
	for _, p := range got[0].Pages {
		if sum += p.DwellMS; p.DwellMS < 4000 || len(p.Digest) != 64 {
			t.Errorf("page %+v", p)
		}
	}
	if got[0].LengthMS != 2*sum {
		t.Errorf("reading takes %d ms, pages %d", got[0].LengthMS, sum)
	}
	_, got = c.sketch(map[string]any{"board": strings.Repeat("Mời bà con đến họp. ", 40)})
	if len(got) != 1 || !slices.ContainsFunc(got[0].Findings, func(f struct {
		Field, Letter, Problem, Vi, En string
		Position                       int
	},
	) bool {
		return f.Problem == "slow" && strings.Contains(f.Vi, "giây")
	}) {
		t.Errorf("800 letters are not said to take long: %+v", got)
	}
}

// Text in any script and words without end are laid out, or refused with what to
// do; nothing breaks.
func textOfAnyKind(t *testing.T, c *client) {
	for name, text := range map[string]string{
		"chinese": "村民会议", "khmer": "ប្រជុំភូមិ", "thai": "ประชุม", "hmong": "Lub rooj sib tham hauv zos", "korean": "마을 회의", "greek": "συνάντηση",
		"mathematical": "𝕳𝖔𝖕", "emoji": "Họp 👨‍👩‍👧‍👦", "word of 1000": strings.Repeat("ở", 1000),
	} {
		if status, got := c.sketch(map[string]any{"board": text}); status != http.StatusOK || len(got[0].Pages) == 0 {
			t.Errorf("%s: %d", name, status)
		} else if name != "hmong" && len(got[0].Findings) == 0 {
			t.Errorf("%s: its author is told nothing", name)
		}
	}
	for name, tc := range map[string]struct{ text, code string }{
		"word of 10,000":      {strings.Repeat("ở", 10_000), "board-too-long"},
		"right-to-left":       {"họp \u202e thôn", "studio"},
		"control character":   {"họp\u0007thôn", "studio"},
		"lone combining mark": {"họp \u0301 thôn", "studio"},
		"only space":          {" \n ", ""},
		"emoji alone":         {"👨‍👩‍👧‍👦", "studio"},
	} {
		a := c.post("/boards/preview", map[string]any{"unit": commune, "class": "normal", "board": tc.text})
		if a.status != http.StatusUnprocessableEntity || tc.code != "" && a.Code != tc.code || a.Vi == "" {
			t.Errorf("%s: %d %s %s", name, a.status, a.Code, a.Vi)
		}
	}
	a := c.post("/boards/preview", map[string]any{"unit": commune, "class": "normal", "board": "Họp", "sizes": []map[string]int{{"width": 20, "height": 20, "row": 16}}})
	a.refused(http.StatusUnprocessableEntity, "board")
	a = c.post("/bulletins", map[string]any{"unit": commune, "class": "emergency", "board": "Lũ", "layout": "ticker", "text": "Lũ"})
	a.refused(http.StatusUnprocessableEntity, "layout")
	a = c.post("/bulletins", map[string]any{"unit": commune, "class": "normal", "board": "Họp", "layout": "picture", "picture": strings.Repeat("ab", 32)})
	a.refused(http.StatusUnprocessableEntity, "picture")
}

// What the console moves is what a device moves, in every frame.
func movesAsTheDeviceDoes(t *testing.T, c *client) {
	text := page.Text{Title: "Họp thôn", Body: "Nhà văn hoá\nLúc 19:30 tối nay.", Sender: "UBND xã Bình An (mẫu)"}
	for kind, size := range map[page.Kind]page.Board{
		page.TwoLine: {Width: 192, Height: 32, Row: 16},
		page.Ticker:  {Width: 384, Height: 192, Row: 32},
	} {
		status, got := c.sketch(map[string]any{
			"title": text.Title, "board": text.Body, "layout": kind.String(),
			"sizes": []map[string]int{{"width": size.Width, "height": size.Height, "row": size.Row}},
		})
		if status != http.StatusOK || len(got[0].Pages) != 1 || got[0].Pages[0].Crawl == nil {
			t.Fatalf("%v: %d %+v", kind, status, got)
		}
		text.Kind = kind
		pages, _, err := page.Compose(size, text)
		must(t, err)
		p := got[0].Pages[0]
		if p.Digest != pages[0].Digest().String() || p.Crawl.Rate != pages[0].Crawl.Rate {
			t.Errorf("%v: page %s at %d frames a second", kind, p.Digest, p.Crawl.Rate)
		}
		still, strip, cr := levels(t, p.PNG), levels(t, p.Crawl.Strip), p.Crawl
		reel, want := page.NewReel(pages[0]), page.NewFrame(size.Width, size.Height)
		for n := range cr.Frames + 1 {
			shown := page.NewFrame(still.W, still.H)
			copy(shown.Pix, still.Pix)
			for y := range cr.Height {
				for x := range cr.Width {
					level := uint8(0)
					if from := n*cr.Step - cr.Width + x; from >= 0 && from < strip.W {
						level = strip.Pix[y*strip.W+from]
					}
					shown.Pix[(cr.Y+y)*shown.W+cr.X+x] = level
				}
			}
			reel.Draw(want, n)
			if !bytes.Equal(shown.Pix, want.Pix) {
				t.Fatalf("%v: frame %d differs", kind, n)
			}
		}
	}
}

// Each kind of file that no board can show is refused at its author's side, with
// the reason in words.
func picturesRefused(t *testing.T, c *client) {
	moving := gif.GIF{Delay: []int{1, 1}}
	for range 2 {
		moving.Image = append(moving.Image, image.NewPaletted(image.Rect(0, 0, 4, 4), color.Palette{color.Black, color.White}))
	}
	var animated bytes.Buffer
	must(t, gif.EncodeAll(&animated, &moving))
	good := photo(t)
	huge := bytes.Clone(good)
	copy(huge[16:24], []byte{0, 0, 0x4e, 0x20, 0, 0, 0x4e, 0x20}) // 20,000 x 20,000 in IHDR
	binary.BigEndian.PutUint32(huge[29:], crc32.ChecksumIEEE(huge[12:29]))
	cmyk := []byte{0xff, 0xd8, 0xff, 0xc0, 0, 20, 8, 0, 8, 0, 8, 4, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 4, 0x11, 0, 0xff, 0xda, 0, 2}
	for name, x := range map[string]struct {
		file []byte
		says string
	}{
		"0 bytes": {nil, "trống"}, "text": {[]byte("xin chào"), "không phải ảnh"}, "truncated": {good[:len(good)/2], "hỏng"}, "20,000x20,000": {huge, "quá lớn"},
		"CMYK": {cmyk, "CMYK"}, "animated": {animated.Bytes(), "động"},
	} {
		a := c.send("/pictures", "application/octet-stream", int64(len(x.file)), bytes.NewReader(x.file))
		if a.refused(http.StatusUnprocessableEntity, "picture"); !strings.Contains(a.Vi, x.says) {
			t.Errorf("%s: %s", name, a.Vi)
		}
	}
	big := make([]byte, 25<<20)
	a := c.send("/pictures", "application/octet-stream", int64(len(big)), bytes.NewReader(big))
	a.refused(http.StatusRequestEntityTooLarge, "")
	if a := c.send("/pictures", "application/octet-stream", int64(len(good)), bytes.NewReader(good)); a.status != http.StatusCreated {
		t.Errorf("a good picture: %+v", a)
	}
}
