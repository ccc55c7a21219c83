package normalise

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/protocol/protocoltest"
	"golang.org/x/text/unicode/norm"
)

func TestTheCommunesOwnListGoesBeforeEveryRule(t *testing.T) {
	opt := Options{Pronounce: map[string]string{
		"Ea H'leo": "ê a hờ leo",
		"A Lưới":   "a lưới",
		"UBND":     "uỷ ban",
		"zalo":     "gia lô",
		"QL1":      "quốc lộ 1",
		"KT":       "kinh tế",
		"3/2":      "ba tháng hai",
		"":         "không có gì",
		" ":        "trống",
	}}
	for written, want := range map[string]string{
		"UBND xã Ea H'leo.":    "uỷ ban xã ê a hờ leo",
		"ubnd":                 "uỷ ban nhân dân", // the key has capitals
		"Nhóm ZALO, Zalo":      "nhóm gia lô gia lô",
		"QL1 và QL12":          "quốc lộ một và quốc lộ mười hai",
		"UBNDX KTW":            "u bê en nờ dê ích ca tê vê kép", // whole words only
		"chiếm 3/2, 13/2 điểm": "chiếm ba tháng hai mười ba trên hai điểm",
	} {
		r := Read(written, opt)
		if r.Words != want {
			t.Errorf("%s: got %s, want %s", written, r.Words, want)
		}
	}
	r := Read("Ea H'leo", opt)
	if len(r.Changes) != 1 || r.Changes[0].Kind != KindOwn || r.Changes[0].From != "Ea H'leo" || r.Changes[0].Offset != 0 {
		t.Errorf("changes %+v", r.Changes)
	}
}

func TestBothFormsOfUnicodeAndOfTonePlacementReadAlike(t *testing.T) {
	for _, group := range [][]string{
		{"Uỷ ban hoà giải", "Ủy ban hòa giải", "U\u0309y ban ho\u0300a giải", "UỶ BAN HOÀ GIẢI"},
		{"17h30", "17H30", "17:30", "17 giờ 30"},
		{"500 m2", "500m2", "500m²", "500 m²"},
	} {
		want := Read(group[0], Options{}).Words
		for _, other := range group[1:] {
			if got := Read(other, Options{}).Words; got != want {
				t.Errorf("%s: %s, want %s", other, got, want)
			}
		}
	}
}

func TestEverySentenceReadsAlikeHoweverItsMarksAreTyped(t *testing.T) {
	var pairs []string
	for _, first := range []string{"oa", "oe", "uy"} {
		r := []rune(first)
		for tone := 1; tone <= 5; tone++ {
			pairs = append(pairs, string(r[0])+string(withTone(r[1], tone)), string(withTone(r[0], tone))+string(r[1]))
		}
	}
	older := strings.NewReplacer(pairs...) // hoà is hòa
	for _, s := range sentences(t) {
		want := Read(s.written, Options{}).Words
		if got := Read(norm.NFD.String(s.written), Options{}).Words; got != want {
			t.Errorf("%s, decomposed: %s, want %s", s.written, got, want)
		}
		if strings.Contains(lowerCase(s.written), "qu") {
			continue // the u belongs to the initial
		}
		if got := Read(older.Replace(s.written), Options{}).Words; got != want {
			t.Errorf("%s, marks on the first vowel: %s, want %s", s.written, got, want)
		}
	}
}

func TestDoubtfulPlacesAreMarkedForTheAuthor(t *testing.T) {
	for written, want := range map[string]Doubt{
		"Hoàn thành 3/5.":             DoubtDateOrFraction,
		"Chuyển TT xã.":               DoubtAbbreviation,
		"Ông làm ở XYZK.":             DoubtUnknownLetters,
		"Số 123456789.":               DoubtLongNumber,
		"Giá 1,250.":                  DoubtDecimalPoint,
		"Hai đội 5-2.":                DoubtRangeOrScore,
		"Công ty Foxconn tuyển thợ.":  DoubtForeign,
		"Bài viết của nhóm VII ở đó.": "",
		"Ngày 3/5 và 17h30, UBND xã.": "",
		"Kỷ niệm 30/4.":               "",
		"Ngày Pháp luật 9/11.":        "",
		"Quý I/2026, mục I.":          "",
		"Lũ trên báo động II.":        "",
		"Sóng FM 98.9 MHz.":           "",
		"Phát triển KT - XH.":         "",
		"Khu Tiên Sơn I.":             DoubtRoman,
		"Thanh toán qua CK.":          DoubtAbbreviation,
		"Vận tốc 1.5 m.":              DoubtDecimalPoint,
		"Giá trị 3.15 ở cột hai.":     DoubtDecimalPoint,
		"Mục 3.15 của đề án.":         "",
		"Cách mạng công nghiệp 4.0.":  "",
		"Mời đến lúc 5.30 sáng.":      "",
		"Mời đến lúc 5.30 nhé.":       DoubtDecimalPoint,
		"Gọi 115 khi có tai nạn.":     "",
		"Gọi 115 thanh niên đi khám.": DoubtLongNumber,
		"Tiêm vắc xin MR.":            DoubtUnknownLetters,
		"Điểm V trên sơ đồ.":          DoubtRoman,
		"Điểm đ khoản 2.":             "",
		"Pha thuốc 1:1000.":           "",
		"Dùng thuốc 1:1000.":          DoubtRangeOrScore,
		"Gặp CT hôm nay.":             DoubtAbbreviation,
		"Gặp CT UBND xã.":             "",
		"Xe nào 8T?":                  "",
		"Loại 8T hết hàng.":           DoubtUnknownLetters,
		"Cuộc gọi deepfake.":          DoubtForeign,
		"Chuyên gia Smith.":           DoubtForeign,
		"Buôn Kmrơng.":                DoubtForeign,
		"Xã Krông Nô.":                "",
		"Đến TT xem.":                 DoubtAbbreviation,
		"Đến TT thương mại.":          "",
	} {
		r := Read(written, Options{})
		if want == "" {
			if len(r.Ambiguous) != 0 {
				t.Errorf("%s: %+v", written, r.Ambiguous)
			}
			continue
		}
		if len(r.Ambiguous) != 1 || r.Ambiguous[0].Why != want {
			t.Errorf("%s: %+v, want %q", written, r.Ambiguous, want)
			continue
		}
		a := r.Ambiguous[0]
		if r.Text[a.Offset:a.Offset+len(a.From)] != a.From {
			t.Errorf("%s: %q is not at %d", written, a.From, a.Offset)
		}
	}
}

func TestReadLinesGivesOneLineForEachLine(t *testing.T) {
	var out strings.Builder
	in := "\uFEFF17h30\r\n\nUBND xã - 21/6\nhết"
	if err := ReadLines(strings.NewReader(in), &out, Options{}); err != nil {
		t.Fatal(err)
	}
	want := "mười bảy giờ ba mươi\n\nuỷ ban nhân dân xã hai mươi mốt tháng sáu\nhết\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
	broken := errors.New("broken")
	if err := ReadLines(iotest.ErrReader(broken), &out, Options{}); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestAListIsOneEntryALine(t *testing.T) {
	in := "\uFEFF# tên riêng\n\n Ea H'leo = ê a hờ leo \r\nzalo=gia lô\nX = a = b\n"
	list, err := ParseList(strings.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"Ea H'leo": "ê a hờ leo", "zalo": "gia lô", "X": "a = b"}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Error(diff)
	}
	if got := Read("Nhóm Zalo xã Ea H'leo", Options{Pronounce: list}).Words; got != "nhóm gia lô xã ê a hờ leo" {
		t.Errorf("got %s", got)
	}
	var long strings.Builder
	for n := range MaxList + 1 {
		fmt.Fprintf(&long, "k%d = ca\n", n)
	}
	for name, bad := range map[string]string{
		"no sign": "UBND uỷ ban\n", "nothing said": "a = b\nUBND =\n", "nothing written": "= uỷ ban\n",
		"twice": "xã = xa\nxa\u0303 = xa\n", "too many": long.String(), "endless line": strings.Repeat("a", 1<<17),
	} {
		if _, err := ParseList(strings.NewReader(bad)); !errors.Is(err, ErrList) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Whatever list is taken, a text is read by it without losing or adding a word.
func FuzzParseList(f *testing.F) {
	f.Add("\uFEFF# tên riêng\n\n Ea H'leo = ê a hờ leo \r\nzalo=gia lô\nX = a = b\n", "Nhóm Zalo xã Ea H'leo")
	f.Add("a=b\na\u0301=c\n\xff=d", "a\u0301 \xff")
	f.Fuzz(func(t *testing.T, in, text string) {
		if len(in)+len(text) > 4096 {
			t.Skip()
		}
		// Beside it, what the letters' tables compose.
		protocoltest.HoldMemoryBeside(t, "list", len(in), 16<<10, func() { _, _ = ParseList(strings.NewReader(in)) })
		list, err := ParseList(strings.NewReader(in))
		if err != nil {
			if !errors.Is(err, ErrList) {
				t.Errorf("refused as %v", err)
			}
			return
		}
		for written, said := range list {
			if written == "" || said == "" {
				t.Errorf("%q is said %q", written, said)
			}
		}
		r := Read(text, Options{Pronounce: list})
		if got := rebuild(t, r); got != r.Words {
			t.Errorf("%q: words %s\nrebuilt %s", text, r.Words, got)
		}
	})
}
