package studio_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/loa-vn/loa/hub/studio"
)

func TestTickerHasTitleTimeAndPlaceAsTheyAreWritten(t *testing.T) {
	for _, c := range []struct{ title, text, want string }{
		{
			"Họp thôn", "Mời bà con đến họp lúc 17h30 ngày 21/6/2026, tại nhà văn hoá thôn Đông, đúng giờ.",
			"Họp thôn - 17h30 ngày 21/6/2026 - nhà văn hoá thôn Đông",
		},
		{
			"", "Tạm ngừng cấp điện thôn Đoài. Thời gian: từ 6h00 - 11h30 ngày 18/7.",
			"Tạm ngừng cấp điện thôn Đoài - 6h00 - 11h30 ngày 18/7",
		},
		{"Giữ gìn vệ sinh", "Đề nghị bà con quét dọn đường làng.", "Giữ gìn vệ sinh"},
		{"", "Nộp 2.500 đồng! Xin cảm ơn.", "Nộp 2.500 đồng"},
		{"", "", ""},
	} {
		if got := studio.Ticker(c.title, c.text); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	long := studio.Ticker("", strings.Repeat("mời bà con ", 100))
	if n := utf8.RuneCountInString(long); n > studio.MaxTicker || !strings.HasSuffix(long, "con…") && !strings.HasSuffix(long, "bà…") && !strings.HasSuffix(long, "mời…") {
		t.Errorf("%d characters: %q", n, long)
	}
}
