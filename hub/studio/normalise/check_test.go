package normalise

import (
	"errors"
	"strings"
	"testing"
)

func TestCheckNamesTheRuleAndThePlace(t *testing.T) {
	for name, c := range map[string]struct {
		text         string
		want         error
		offset       int
		line, column int
	}{
		"empty":              {"", ErrEmpty, 0, 1, 1},
		"spaces":             {" \t\r\n\u00a0\u200b", ErrOnlySpace, 0, 1, 1},
		"no words":           {"?! …", ErrNothingRead, 0, 1, 1},
		"mark at first":      {"\u0301a", ErrLoneMark, 0, 1, 1},
		"mark after space":   {"xã \u0300", ErrLoneMark, 4, 1, 4},
		"mark after a stop":  {"Xã.\nHọp.\u0323", ErrLoneMark, 11, 2, 5},
		"bell":               {"họp\a", ErrControl, 5, 1, 4},
		"escape":             {"a\x1b[31m", ErrControl, 1, 1, 2},
		"delete":             {"a\x7f", ErrControl, 1, 1, 2},
		"right to left":      {"ngày \u202e12/3", ErrDirection, 6, 1, 6},
		"isolate":            {"a\u2067b", ErrDirection, 1, 1, 2},
		"not UTF-8":          {"x\xe3 B\xecnh", ErrEncoding, 1, 1, 2},
		"one over the limit": {strings.Repeat("ă", MaxRunes) + "x", ErrTooLong, 2 * MaxRunes, 1, MaxRunes + 1},
	} {
		t.Run(name, func(t *testing.T) {
			err := Check(c.text)
			var at *TextError
			if !errors.Is(err, c.want) || !errors.As(err, &at) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if at.Offset != c.offset || at.Line != c.line || at.Column != c.column {
				t.Errorf("at %d (%d:%d), want %d (%d:%d)", at.Offset, at.Line, at.Column, c.offset, c.line, c.column)
			}
		})
	}
}

func TestCheckLetsThroughWhatPeopleType(t *testing.T) {
	for _, text := range []string{
		"a", "7", "Xã Bình An\r\n\tHọp lúc 8h", "Xa\u0303 Bi\u0300nh", "👨‍👩‍👧 mời bà con ☎️ 0912", "1️⃣ họp",
		strings.Repeat("ă", MaxRunes), "dấu \uFFFD lạ",
	} {
		if err := Check(text); err != nil {
			t.Errorf("%.30q: %v", text, err)
		}
	}
}

func TestALongTextIsRefusedWithoutReadingItAll(t *testing.T) {
	long := strings.Repeat("bà con ", 30_000)
	got := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if !errors.Is(Check(long), ErrTooLong) {
				b.Fatal("not refused")
			}
		}
	})
	if got.NsPerOp() > 5_000_000 {
		t.Errorf("refused after %v ns", got.NsPerOp())
	}
}
