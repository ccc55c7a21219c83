package normalise

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/protocol/protocoltest"
	"pgregory.net/rapid"
)

// sentence is one line of testdata: what is written and what is said.
type sentence struct{ file, written, said string }

// sentences reads every file of testdata whose name ends in .tsv. Their readings
// were written by hand.
func sentences(t testing.TB) []sentence {
	t.Helper()
	files, err := filepath.Glob("testdata/*.tsv")
	if err != nil || len(files) == 0 {
		t.Fatalf("no sentences: %v", err)
	}
	var out []sentence
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
			if s.Text() == "" || strings.HasPrefix(s.Text(), "#") {
				continue
			}
			written, said, ok := strings.Cut(s.Text(), "\t")
			if !ok {
				t.Fatalf("%s: no tab in %q", file, s.Text())
			}
			out = append(out, sentence{filepath.Base(file), written, said})
		}
	}
	return out
}

func TestSentencesAreReadAsAnAnnouncerWould(t *testing.T) {
	all := sentences(t)
	south := 0
	for _, s := range all {
		opt := Options{}
		if s.file == "southern.tsv" {
			opt.Southern = true
			south++
		}
		if got := Read(s.written, opt).Words; got != s.said {
			t.Errorf("%s: %s\n got %s\nwant %s", s.file, s.written, got, s.said)
		}
	}
	if len(all)-south < 300 {
		t.Errorf("only %d sentences", len(all)-south)
	}
}

func TestReadingItsOwnWordsChangesNothing(t *testing.T) {
	for _, s := range sentences(t) {
		once := Read(s.written, Options{}).Words
		if twice := Read(once, Options{}).Words; twice != once {
			t.Errorf("%s\n once %s\ntwice %s", s.written, once, twice)
		}
	}
}

// fragments are what texts of the property tests are made of.
func fragments(t testing.TB) []string {
	var out []string
	for _, s := range sentences(t) {
		out = append(out, s.written)
		out = append(out, strings.Fields(s.written)...)
	}
	return append(out, "1", "07", "123", "2026", "15000000", ",", ".", "-", " - ", "–", "/", ":", "%", "°C", "h", "\n", "I", "IV", "Đ",
		"kg", "km/h", "đ", "@", "(", ")", "+", "&", "''", "½", "２", "٣", "②", "ẹ́", "中文", "🎉", "a\u0300", "x²", "http://", "QZX", "$", "UBND-")
}

// rebuild says the text by its changes alone: their words where they are, and
// every other word of the text as it is written.
func rebuild(t testing.TB, r Reading) string {
	var b wordList
	rest, at := r.Changes, 0
	for _, tok := range scan(r.Text) {
		if tok.start < at {
			continue
		}
		if len(rest) > 0 && rest[0].Offset == tok.start {
			c := rest[0]
			if r.Text[c.Offset:c.Offset+len(c.From)] != c.From {
				t.Fatalf("change %q is not at %d", c.From, c.Offset)
			}
			b.add(c.To)
			at, rest = c.Offset+len(c.From), rest[1:]
			continue
		}
		written := r.Text[tok.start:tok.end]
		switch tok.kind {
		case tokWord:
			b.add(placeTone(lowerCase(written)))
		case tokDigits:
			t.Fatalf("%q: digits %q are not in a change", r.Text, written)
		case tokSymbol:
			if !strings.Contains(".,;:!?…()[]{}|-–—−~‑‒'\"“”«»‘’`", written) {
				t.Fatalf("%q: symbol %q is neither said nor in a change", r.Text, written)
			}
		}
	}
	if len(rest) > 0 {
		t.Fatalf("%q: change %+v overlaps another or is out of order", r.Text, rest[0])
	}
	return b.String()
}

func checkReading(t testing.TB, text string, opt Options) {
	t.Helper()
	r := Read(text, opt)
	if got := rebuild(t, r); got != r.Words {
		t.Fatalf("%q: lost or added\n words %s\nrebuilt %s", text, r.Words, got)
	}
	for _, c := range r.Words {
		if unicode.IsNumber(c) {
			t.Fatalf("%q: %q left unread in %q", text, c, r.Words)
		}
		if unicode.ToLower(c) != c || c != ' ' && !unicode.IsLetter(c) && !unicode.Is(unicode.M, c) {
			t.Fatalf("%q: %q in %q", text, c, r.Words)
		}
	}
	if strings.Join(strings.Fields(r.Words), " ") != r.Words {
		t.Fatalf("%q: spaces in %q", text, r.Words)
	}
	if diff := cmp.Diff(r, Read(text, opt)); diff != "" {
		t.Fatalf("%q: not the same twice: %s", text, diff)
	}
	if again := Read(r.Words, opt).Words; again != r.Words {
		t.Fatalf("%q: not idempotent\n once %s\ntwice %s", text, r.Words, again)
	}
	spoken := strings.Fields(strings.Map(func(c rune) rune {
		if strings.ContainsRune(",.;:!?", c) {
			return -1
		}
		return c
	}, r.Spoken))
	if strings.Join(spoken, " ") != r.Words {
		t.Fatalf("%q: spoken %q, words %q", text, r.Spoken, r.Words)
	}
}

func TestNothingIsLostAndNoDigitIsLeftUnread(t *testing.T) {
	parts := fragments(t)
	rapid.Check(t, func(rt *rapid.T) {
		var b strings.Builder
		for range rapid.IntRange(1, 12).Draw(rt, "parts") {
			b.WriteString(rapid.SampledFrom(parts).Draw(rt, "part"))
			b.WriteString(rapid.SampledFrom([]string{"", " ", " ", "\n"}).Draw(rt, "joint"))
		}
		checkReading(t, b.String(), Options{Southern: rapid.Bool().Draw(rt, "southern")})
	})
}

func FuzzRead(f *testing.F) {
	for _, s := range sentences(f) {
		f.Add(s.written)
	}
	f.Add("\xff\u0301\u202e0,,,1.1.1//h@.vn")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			t.Skip()
		}
		protocoltest.HoldMemoryBeside(t, "text", len(text), 1<<20, func() { Read(text, Options{}) })
		checkReading(t, text, Options{})
	})
}

// bulletin is a text of about 200 words.
func bulletin(t testing.TB) string {
	var b strings.Builder
	for _, s := range sentences(t) {
		if s.file == "bulletins.tsv" && len(strings.Fields(b.String())) < 200 {
			b.WriteString(s.written)
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func BenchmarkBulletin(b *testing.B) {
	text := bulletin(b)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Read(text, Options{})
	}
}

func BenchmarkAllSentences(b *testing.B) {
	var all strings.Builder
	for _, s := range sentences(b) {
		all.WriteString(s.written)
		all.WriteByte('\n')
	}
	text := all.String()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Read(text, Options{})
	}
}

func TestVowelsSplitIntoBaseAndToneAndBack(t *testing.T) {
	bases := []rune("aăâeêioôơuưy")
	n := 0
	for _, c := range vowels {
		base, tone, ok := vowelAt(c)
		if !ok || base != bases[n/6] || tone != n%6 || withTone(base, tone) != c {
			t.Errorf("%c: %c with tone %d, %v", c, base, tone, ok)
		}
		n++
	}
	for _, s := range []string{"đường", "nghiêng", "quyết", "giếng", "khuỷu", "uỷ", "ý", "gì", "loắt", "xoong", "được"} {
		if !isSyllable(s) {
			t.Errorf("%s is a syllable", s)
		}
	}
	for _, s := range []string{"ubnd", "zalo", "ii", "xvi", "covid", "hđnd", "đ", "strong", "hóá"} {
		if isSyllable(s) {
			t.Errorf("%s is no syllable", s)
		}
	}
}
