package main

import (
	"strings"
	"testing"
)

func TestStudioReadPrintsOneLineOfWordsForEachLine(t *testing.T) {
	l := newLine(t)
	l.file("text", "UBND xã Ea H'leo họp 17h30.\nHoàn thành 3/5; 1.204 hộ.\n")
	l.file("list", "# tên riêng\nEa H'leo = ê a hờ leo\n")
	l.file("broken", "Ea H'leo\n")

	out, _ := l.run(exitDone, "studio", "read", "DIR/text", "--list", "DIR/list", "--southern")
	want := "uỷ ban nhân dân xã ê a hờ leo họp mười bảy giờ ba mươi\n" +
		"hoàn thành ba tháng năm một ngàn hai trăm lẻ bốn hộ\n"
	if out != want {
		t.Errorf("got %q, want %q", out, want)
	}
	out, doubts := l.run(exitDone, "studio", "read", "DIR/text", "--list", "DIR/list", "--southern", "--doubts")
	if out != want {
		t.Errorf("with doubts: got %q, want %q", out, want)
	}
	if doubts != "2:12: \"3/5\" is read \"ba tháng năm\", or \"ba phần năm/ba trên năm\" (date or fraction)\n" {
		t.Errorf("doubts %q", doubts)
	}
	l.file("old", "UBND x\xe3\n")
	l.file("wide", "\xff\xfeU\x00\n\x00")
	for _, args := range [][]string{{"DIR/old"}, {"DIR/wide"}, {"DIR"}} {
		if _, errOut := l.run(exitRefused, append([]string{"studio", "read"}, args...)...); !strings.Contains(errOut, "UTF-8") {
			t.Errorf("%v: %s does not say what to do", args, errOut)
		}
	}
	for _, args := range [][]string{{"--list", "DIR/broken"}, {"--list", "DIR/none"}, {"DIR/none"}} {
		_, errOut := l.run(exitRefused, append([]string{"studio", "read"}, args...)...)
		if !strings.Contains(errOut, l.dir) {
			t.Errorf("%v: %s does not name the file", args, errOut)
		}
	}
}
