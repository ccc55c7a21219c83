package normalise

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// lowerCase is strings.ToLower for NFC text.
func lowerCase(s string) string { return strings.ToLower(s) }

// vowels lists each vowel without tone and with the five tones.
const vowels = "aàáảãạăằắẳẵặâầấẩẫậeèéẻẽẹêềếểễệiìíỉĩịoòóỏõọôồốổỗộơờớởỡợuùúủũụưừứửữựyỳýỷỹỵ"

// vowelAt splits a vowel into its base and its tone, 0 to 5; ok is false for
// other characters. The odd code points from U+1EA1 to U+1EF9 are the vowels with
// two marks or with a hook, a tilde or a dot, in a fixed order.
func vowelAt(c rune) (base rune, tone int, ok bool) {
	const (
		bases = "aaAAAAAWWWWWeeeEEEEEiiooOOOOOQQQQQuuUUUUUyyyy"
		tones = "532134521345534213453553213452134553213451534"
	)
	if c >= 0x1EA1 && c <= 0x1EF9 && c&1 == 1 {
		n := int(c-0x1EA1) / 2
		base, tone = rune(bases[n]), int(tones[n]-'0')
		switch base {
		case 'A':
			base = 'â'
		case 'W':
			base = 'ă'
		case 'E':
			base = 'ê'
		case 'O':
			base = 'ô'
		case 'Q':
			base = 'ơ'
		case 'U':
			base = 'ư'
		}
		return base, tone, true
	}
	switch c {
	case 'a', 'ă', 'â', 'e', 'ê', 'i', 'o', 'ô', 'ơ', 'u', 'ư', 'y':
		return c, 0, true
	case 'à':
		return 'a', 1, true
	case 'á':
		return 'a', 2, true
	case 'ã':
		return 'a', 4, true
	case 'è':
		return 'e', 1, true
	case 'é':
		return 'e', 2, true
	case 'ì':
		return 'i', 1, true
	case 'í':
		return 'i', 2, true
	case 'ĩ':
		return 'i', 4, true
	case 'ò':
		return 'o', 1, true
	case 'ó':
		return 'o', 2, true
	case 'õ':
		return 'o', 4, true
	case 'ù':
		return 'u', 1, true
	case 'ú':
		return 'u', 2, true
	case 'ũ':
		return 'u', 4, true
	case 'ý':
		return 'y', 2, true
	}
	return c, 0, false
}

func withTone(base rune, tone int) rune {
	n := 0
	found := false
	for _, v := range vowels {
		if n%6 == 0 {
			found = v == base
		}
		if found && n%6 == tone {
			return v
		}
		n++
	}
	return base
}

// maxSyllable is the length of the longest syllable with room to spare, in bytes:
// nghiễng has 11.
const maxSyllable = 16

// placeTone moves a tone mark that stands on the first letter of oa, oe, uy to
// the second one, the main vowel: hòa is hoà, ủy is uỷ. s is in small letters.
func placeTone(s string) string {
	if len(s) < 3 || len(s) > maxSyllable {
		return s
	}
	previous, at := rune(0), 0
	for i, c := range s {
		if (c == 'a' || c == 'e') && previous > utf8.RuneSelf || c == 'y' && previous > utf8.RuneSelf {
			base, tone, ok := vowelAt(previous)
			if ok && tone > 0 && (base == 'o' && c != 'y' || base == 'u' && c == 'y') && isSyllable(s) {
				return s[:at] + string(base) + string(withTone(c, tone)) + s[i+1:]
			}
		}
		previous, at = c, i
	}
	return s
}

// bare returns s, in small letters, without tones and how many it had.
func bare(s string) (string, int) {
	plain := true
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			plain = false
			break
		}
	}
	if plain {
		return s, 0
	}
	var b strings.Builder
	tones := 0
	for _, c := range s {
		base, tone, ok := vowelAt(c)
		if ok && tone > 0 {
			tones++
			c = base
		}
		b.WriteRune(c)
	}
	return b.String(), tones
}

// isSyllable says whether s, in small letters, is formed like a Vietnamese
// syllable: an initial, a rime, at most one tone.
func isSyllable(s string) bool {
	if len(s) > maxSyllable {
		return false
	}
	b, tones := bare(s)
	if tones > 1 {
		return false
	}
	for size := min(3, len(b)-1); size >= 0; size-- { // đ is two bytes, ngh three
		if isInitial(b[:size]) && isRime(b[size:]) {
			return true
		}
	}
	return false
}

func isInitial(s string) bool {
	switch s {
	case "", "b", "c", "ch", "d", "đ", "g", "gh", "gi", "h", "k", "kh", "l", "m", "n", "ng", "ngh", "nh",
		"p", "ph", "qu", "r", "s", "t", "th", "tr", "v", "x":
		return true
	}
	return false
}

func isRime(s string) bool {
	switch s {
	case "a", "ac", "ach", "ai", "am", "an", "ang", "anh", "ao", "ap", "at", "au", "ay",
		"ă", "ăc", "ăm", "ăn", "ăng", "ăp", "ăt",
		"âc", "âm", "ân", "âng", "âp", "ât", "âu", "ây",
		"e", "ec", "em", "en", "eng", "eo", "ep", "et",
		"ê", "êch", "êm", "ên", "ênh", "êp", "êt", "êu", "êng",
		"i", "ia", "ich", "iêc", "iêm", "iên", "iêng", "iêp", "iêt", "iêu", "im", "in", "inh", "ip", "it", "iu",
		"o", "oa", "oac", "oach", "oai", "oam", "oan", "oang", "oanh", "oao", "oap", "oat", "oay",
		"oăc", "oăm", "oăn", "oăng", "oăt", "oc", "oe", "oen", "oeo", "oet", "oi", "om", "on", "ong", "ooc", "oong", "op", "ot",
		"ô", "ôc", "ôi", "ôm", "ôn", "ông", "ôp", "ôt", "ôông",
		"ơ", "ơi", "ơm", "ơn", "ơp", "ơt", "ơng",
		"u", "ua", "uân", "uâng", "uât", "uây", "uc", "uê", "uêch", "uênh", "ui", "um", "un", "ung", "uơ",
		"uôc", "uôi", "uôm", "uôn", "uông", "uôt", "up", "ut", "uy", "uya", "uych", "uyên", "uyêt", "uynh", "uyt", "uyu", "uyp",
		"ư", "ưa", "ưc", "ưi", "ưm", "ưn", "ưng", "ươc", "ươi", "ươm", "ươn", "ương", "ươp", "ươt", "ươu", "ưt", "ưu",
		"y", "yêm", "yên", "yêng", "yêt", "yêu":
		return true
	}
	return false
}

func hasVowel(s string) bool {
	for _, c := range s {
		if _, _, ok := vowelAt(c); ok {
			return true
		}
		if c > unicode.MaxLatin1 && !strings.ContainsRune("đ", c) {
			return true // another script: left to the engine
		}
	}
	return false
}

// localName says whether s, no syllable, is a well-known part of the names of places
// and people of the country, which a Vietnamese voice says as it is written.
func localName(s string) bool {
	switch s {
	case "đắk", "đăk", "đak", "lắk", "lăk", "krông", "bắk", "niê", "kbang", "ialy", "urê":
		return true
	}
	return false
}

func isLetterAlone(s string) bool { return utf8.RuneCountInString(s) == 1 }

// letterName is how a letter is called when it is spelt, "" for none.
func letterName(s string) string {
	switch s {
	case "a", "ă", "â", "e", "ê", "i", "o", "ô", "ơ", "u", "ư":
		return s
	case "b":
		return "bê"
	case "c":
		return "xê"
	case "d":
		return "dê"
	case "đ":
		return "đê"
	case "f":
		return "ép"
	case "g":
		return "gờ"
	case "h":
		return "hát"
	case "j":
		return "giây"
	case "k":
		return "ca"
	case "l":
		return "en lờ"
	case "m":
		return "em mờ"
	case "n":
		return "en nờ"
	case "p":
		return "pê"
	case "q":
		return "quy"
	case "r":
		return "e rờ"
	case "s":
		return "ét"
	case "t":
		return "tê"
	case "v":
		return "vê"
	case "w":
		return "vê kép"
	case "x":
		return "ích"
	case "y":
		return "y"
	case "z":
		return "dét"
	}
	if c, size := utf8.DecodeRuneInString(s); size == len(s) {
		if _, _, ok := vowelAt(c); ok {
			return s
		}
	}
	return ""
}
