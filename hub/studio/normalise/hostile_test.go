package normalise

import (
	"os"
	"strings"
	"testing"
	"unicode"
)

// hostile are texts that would take a rule long if it looked at all that is behind
// or before it at every step; n is about their number of tokens.
func hostile(n int) map[string]string {
	return map[string]string{
		"digits":              strings.Repeat("7", 2*n),
		"a word":              strings.Repeat("òa", n/10),
		"a word in capitals":  strings.Repeat("UBND", n/10),
		"marks":               "a" + strings.Repeat("\u0301", n/10),
		"lone numbers":        strings.Repeat("1 ", n),
		"an enumeration":      strings.Repeat("5, ", n),
		"thousands":           strings.Repeat("111.", n) + "111",
		"thousands by commas": strings.Repeat("111,", n) + "111",
		"versions":            strings.Repeat("1.1.", n) + "1",
		"fractions":           strings.Repeat("1/", n) + "1",
		"times":               strings.Repeat("1:", n) + "1",
		"ranges":              strings.Repeat("1-", n) + "1",
		"an address":          strings.Repeat("a.", n) + "vn",
		"mail":                strings.Repeat("a@", n) + ".vn",
		"web paths":           "http://a.vn" + strings.Repeat("/a", n),
		"codes":               strings.Repeat("TT-", n) + "XQ",
		"codes with numbers":  strings.Repeat("1/TT-XQ-", n),
		"rates":               "5 m" + strings.Repeat("/m", n),
		"scales":              "$1" + strings.Repeat(" triệu", n),
		"Roman numerals":      strings.Repeat("X ", n),
		"Roman dashes":        strings.Repeat("X-", n),
		"points":              strings.Repeat(".", n),
		"spaces":              strings.Repeat("\u00a0\n", n),
		"brackets":            strings.Repeat("(", n),
		"letters and digits":  strings.Repeat("A1", n),
		"units":               strings.Repeat("1m", n),
		"ampersands":          strings.Repeat("A&", n),
		"dates":               strings.Repeat("1/1/2026-", n),
		"degrees":             strings.Repeat("-1°", n),
	}
}

func readHostile(t *testing.T, n int) {
	opt := Options{Pronounce: map[string]string{"1": "một", "a": "a", "X X X": "ba chữ", "1/1": "một trên một"}}
	for name, text := range hostile(n) {
		r := Read(text, opt)
		if i := strings.IndexFunc(r.Words, unicode.IsDigit); i >= 0 {
			t.Errorf("%s: a digit is left unread at %d", name, i)
		}
		if len(r.Words) > 64*len(text) {
			t.Errorf("%s: %d bytes became %d", name, len(text), len(r.Words))
		}
	}
}

func TestHostileTextsAreReadWhole(t *testing.T) { readHostile(t, 20_000) }

// A rule that looked at the whole text at every token would need hours here, and
// the run would be ended. (make bench has the speed as a row.)
func TestSoakHostileTextsAreReadInOnePass(t *testing.T) {
	if os.Getenv("LOA_SOAK") == "" {
		t.Skip("long; set LOA_SOAK=1")
	}
	readHostile(t, 1_000_000)
}

func BenchmarkHostile(b *testing.B) {
	for name, text := range hostile(100_000) {
		b.Run(strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				Read(text, Options{})
			}
		})
	}
}
