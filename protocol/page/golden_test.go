package page_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/loa-vn/loa/protocol/page"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func boards() []page.Board {
	return []page.Board{{Width: 192, Height: 32, Row: 16}, {Width: 384, Height: 192, Row: 16}}
}

// named is a text of the golden pictures.
type named struct {
	name string
	page.Text
}

func texts() []named {
	vn := time.FixedZone("Asia/Ho_Chi_Minh", 7*3600)
	issued := time.Date(2026, 9, 21, 16, 5, 0, 0, vn)
	return []named{
		{"short", page.Text{Kind: page.Notice, Body: "Họp thôn 19:30 tối nay"}},
		{"notice", page.Text{
			Kind: page.Notice, Title: "Lịch tiêm phòng", Sender: "UBND xã Bình An",
			Body: "Trạm Y tế xã tiêm phòng cho trẻ dưới 5 tuổi từ 7 giờ 30 đến 11 giờ, ngày 21 tháng 6 năm 2026. Mang theo sổ tiêm chủng.\nĐiện thoại: 0912 345 678.",
		}},
		{"long", page.Text{
			Kind: page.Notice, Title: "Về việc nộp thuế sử dụng đất phi nông nghiệp năm 2026", Sender: "Ban Nhân dân thôn Đông",
			Body: strings.Repeat("Đề nghị các hộ gia đình trên địa bàn thôn hoàn thành việc nộp thuế sử dụng đất phi nông nghiệp năm 2026 trước ngày 31/10/2026 tại nhà văn hóa thôn; diện tích 15,4 ha, mức 50.000 đồng/hộ. ", 3),
		}},
		{"letters", page.Text{Kind: page.Notice, Body: "ẮẰẲẴẶ ẤẦẨẪẬ ẾỀỂỄỆ ỐỒỔỖỘ ỚỜỞỠỢ ỨỪỬỮỰ ắằẳẵặ ấầẩẫậ ếềểễệ ốồổỗộ ớờởỡợ ứừửữự Đđ ỲÝỶỸỴ „“”–…•°%€₫ 🙂 中"}},
		{"emergency", page.Text{
			Kind: page.Emergency, Title: "Lũ đang lên nhanh", Sender: "Ban Chỉ huy PTDS xã Bình An", Issued: issued, Until: issued.Add(3 * time.Hour),
			Body: "Nước sông Bình đã vượt báo động III 0,4 m. Bà con thôn Đông và thôn Đoài rời nhà ngay, đến trường tiểu học. Gọi 114 hoặc 0912 345 678.",
		}},
		{"drill", page.Text{
			Kind: page.Drill, Title: "Sơ tán tránh lũ", Sender: "UBND xã Bình An", Issued: issued, Until: issued.Add(20 * time.Hour),
			Body: "Đây là diễn tập. Bà con không cần rời nhà.",
		}},
		{"two-line", page.Text{
			Kind: page.TwoLine, Title: "Thông báo", Sender: "UBND xã Bình An",
			Body: "Mời bà con đến nhà văn hóa thôn lúc 19:30 ngày 21/6 để họp.",
		}},
		{"ticker", page.Text{
			Kind: page.Ticker, Title: "Lịch tiêm phòng", Sender: "UBND xã Bình An",
			Body: "Trẻ dưới 5 tuổi: 7 giờ 30 đến 11 giờ, ngày 21/6.\nMang theo sổ tiêm chủng. Điện thoại 0912 345 678.",
		}},
	}
}

// sheet stacks pages with 4 px between them, in mid grey; those of a large screen a
// quarter as large, to be looked at, for what they are exactly is in their digests.
func sheet(pages []page.Page) *page.Frame {
	const gap, large, quarter = 4, 1000, 4
	var frames []*page.Frame
	for _, p := range pages {
		f := still(p)
		if f.W > large {
			f = reduced(f, quarter)
		}
		frames = append(frames, f)
	}
	w, h := frames[0].W, frames[0].H
	s := page.NewFrame(w, len(pages)*(h+gap)-gap)
	for i := range s.Pix {
		s.Pix[i] = 96
	}
	for i, f := range frames {
		copy(s.Pix[i*(h+gap)*w:], f.Pix)
	}
	return s
}

// reduced is a frame made smaller, each pixel the mean of n times n, in the 16 levels
// that letters have.
func reduced(f *page.Frame, n int) *page.Frame {
	small := page.NewFrame(f.W/n, f.H/n)
	for i := range small.Pix {
		x, y, sum := i%small.W*n, i/small.W*n, 0
		for dy := range n {
			for _, level := range f.Pix[(y+dy)*f.W+x : (y+dy)*f.W+x+n] {
				sum += int(level)
			}
		}
		small.Pix[i] = uint8(sum / (n * n) / 17 * 17)
	}
	return small
}

// golden returns the sets of pages that are kept as pictures and digests: each layout and
// state on the boards of firmware-config and their zones.
func golden(t *testing.T) (names []string, sets map[string][]page.Page) {
	t.Helper()
	sets = map[string][]page.Page{}
	add := func(name string, pages []page.Page, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		names, sets[name] = append(names, name), pages
	}
	for _, b := range boards() {
		size := fmt.Sprintf("%dx%d", b.Width, b.Height)
		for _, x := range texts() {
			pages, _, err := page.Compose(b, x.Text)
			add(x.name+"-"+size, pages, err)
		}
		pages, err := page.Unconfigured(b, "Xã Bình An (mẫu)", "bang-dong")
		add("unconfigured-"+size, pages, err)
		pages, err = page.Standby(b, "Xã Bình An (mẫu)")
		add("standby-"+size, pages, err)
		pages, err = page.Clock(b, "Xã Bình An (mẫu)", time.Date(2026, 11, 23, 19, 5, 0, 0, time.UTC))
		add("clock-"+size, pages, err)
		for name, drill := range map[string]bool{"over": false, "over-drill": true} {
			pages, err = page.Over(b, "Lũ đang lên nhanh", drill)
			add(name+"-"+size, pages, err)
		}
	}
	for _, zone := range []page.Board{{Width: 256, Height: 16, Row: 16}, {Width: 640, Height: 48, Row: 48}} { // of one row
		size := fmt.Sprintf("-zone-%dx%d", zone.Width, zone.Height)
		for _, x := range texts() {
			if x.Kind == page.TwoLine || x.Kind == page.Ticker || x.name == "short" {
				pages, _, err := page.Compose(zone, x.Text)
				add(x.name+size, pages, err)
			}
		}
		pages, err := page.Standby(zone, "Xã Bình An (mẫu)")
		add("standby"+size, pages, err)
	}
	for _, zone := range []page.Board{{Width: 128, Height: 192, Row: 16}, {Width: 192, Height: 224, Row: 24}} { // of the clock
		pages, err := page.Clock(zone, "Xã Bình An (mẫu)", time.Date(2026, 11, 23, 19, 5, 0, 0, time.UTC))
		add(fmt.Sprintf("clock-zone-%dx%d", zone.Width, zone.Height), pages, err)
	}
	picture := drawing(300, 300)
	pictured := texts()[1].Text
	pictured.Kind = page.Pictured
	for _, b := range append(boards(), page.Board{Width: 640, Height: 320, Row: 48}, page.Board{Width: 128, Height: 64, Row: 16}, page.Board{Width: 1920, Height: 1080, Row: 96}) {
		pages, _, err := page.Lay(b, pictured, &picture)
		add(fmt.Sprintf("picture-%dx%d", b.Width, b.Height), pages, err)
	}
	for _, b := range []page.Board{
		{Width: 192, Height: 16, Row: 16},
		{Width: 128, Height: 64, Row: 16},
		{Width: 256, Height: 192, Row: 32},
		{Width: 320, Height: 160, Row: 32},
		{Width: 384, Height: 192, Row: 32},
		{Width: 448, Height: 224, Row: 32},
		{Width: 640, Height: 320, Row: 48},
		{Width: 640, Height: 360, Row: 48},
		{Width: 1920, Height: 1080, Row: 96},
	} {
		pages, err := page.Clock(b, "Xã Bình An", time.Date(2025, 8, 24, 5, 30, 0, 0, time.UTC))
		add(fmt.Sprintf("clock-%dx%d-row%d", b.Width, b.Height, b.Row), pages, err)
		for _, x := range texts() {
			if x.name != "letters" && x.name != "long" {
				pages, _, err := page.Compose(b, x.Text)
				add(fmt.Sprintf("%s-%dx%d-row%d", x.name, b.Width, b.Height, b.Row), pages, err)
			}
		}
		for name, state := range map[string]func() ([]page.Page, error){
			"unconfigured": func() ([]page.Page, error) { return page.Unconfigured(b, "", "bang-dong") },
			"standby":      func() ([]page.Page, error) { return page.Standby(b, "Xã Bình An") },
			"over":         func() ([]page.Page, error) { return page.Over(b, "Lũ đang lên nhanh", false) },
			"over-drill":   func() ([]page.Page, error) { return page.Over(b, "Lũ đang lên nhanh", true) },
		} {
			pages, err := state()
			add(fmt.Sprintf("%s-%dx%d-row%d", name, b.Width, b.Height, b.Row), pages, err)
		}
	}
	slices.Sort(names)
	return names, sets
}

// What was signed with an earlier version of the layout is still drawn as its
// approvers saw it. Each version's file was written by it and never changes.
func TestGoldenTextsOfEarlierVersionsAreDrawnAsTheyWereSigned(t *testing.T) {
	for version := uint64(1); version < page.Version; version++ {
		drawnAsSigned(t, version)
	}
	if _, _, err := page.Compose(boards()[0], page.Text{Kind: page.Notice, Body: "Họp", Version: page.Version + 1}); !errors.Is(err, page.ErrVersion) {
		t.Errorf("a version that is to come: %v", err)
	}
}

func drawnAsSigned(t *testing.T, version uint64) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", fmt.Sprintf("digests-%d.txt", version)))
	if err != nil {
		t.Fatal(err)
	}
	sets := map[string][]page.Page{}
	for _, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		var name, digest string
		var n, w, h, row int
		if _, err := fmt.Sscan(line, &name, &n, &digest); err != nil {
			t.Fatal(line, err)
		}
		kind, size, _ := strings.Cut(name, "/")
		if _, err := fmt.Sscanf(size, "%dx%dx%d", &w, &h, &row); err != nil {
			t.Fatal(line, err)
		}
		if sets[name] == nil {
			i := slices.IndexFunc(texts(), func(x named) bool { return x.name == kind })
			text := texts()[i].Text
			text.Version = version
			if sets[name], _, err = page.Compose(page.Board{Width: w, Height: h, Row: row}, text); err != nil {
				t.Fatal(line, err)
			}
		}
		if n >= len(sets[name]) || still(sets[name][n]).Digest().String() != digest {
			t.Errorf("%s, page %d: not as version %d had it", name, n, version)
		}
	}
}

func TestGoldenPagesLookAsReviewed(t *testing.T) {
	names, sets := golden(t)
	for _, name := range names {
		var got bytes.Buffer
		if err := sheet(sets[name]).WritePNG(&got); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", name+".png")
		if *update {
			if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s: the picture has changed; look at it, then run with -update and raise Version", file)
		}
	}
}

// The file holds "name page digest" lines, made on amd64. As arm64 and armv7, under `make
// emulated` (which runs the tests with Golden in their names), it proves that hub and device
// draw the same bytes.
func TestGoldenDigestsAreTheSameOnEveryProcessor(t *testing.T) {
	names, sets := golden(t)
	var got strings.Builder
	fmt.Fprintf(&got, "layout version %d\n", page.Version)
	for _, name := range names {
		for i, p := range sets[name] {
			fmt.Fprintf(&got, "%s %d %s\n", name, i, still(p).Digest())
		}
	}
	file := filepath.Join("testdata", "digests.txt")
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("digests (-want +got):\n%s", diff)
	}
}
