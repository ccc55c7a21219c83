package speech

import "strings"

// pieceSize is about how many bytes an engine is given at once: some 30 seconds
// of speech, so that progress can be shown and a long text can be cancelled.
const pieceSize = 700

// Pieces cuts words with punctuation into pieces of whole sentences, each about
// 30 seconds long; a sentence longer than that is cut at a comma, or at a space.
func Pieces(text string) []string {
	var out []string
	text = strings.TrimSpace(text)
	for len(text) > pieceSize {
		at := cut(text)
		out = append(out, strings.TrimSpace(text[:at]))
		text = strings.TrimSpace(text[at:])
	}
	if text != "" {
		out = append(out, text)
	}
	return out
}

// Sentences cuts words with punctuation into sentences; one that is longer than a
// piece is cut as Pieces does.
func Sentences(text string) []string {
	var out []string
	for {
		at := strings.IndexAny(text, ".!?\n")
		if at < 0 {
			return append(out, Pieces(text)...)
		}
		out = append(out, Pieces(text[:at+1])...)
		text = text[at+1:]
	}
}

// cut returns where the piece at the beginning of text ends.
func cut(text string) int {
	head := text[:pieceSize]
	for _, marks := range []string{".!?\n", ";:,", " "} {
		if at := strings.LastIndexAny(head, marks); at > 0 {
			return at + 1
		}
	}
	at := pieceSize
	for at > 1 && text[at]&0xC0 == 0x80 { // inside a character
		at--
	}
	return at
}
