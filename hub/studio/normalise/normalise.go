// Package normalise turns Vietnamese written for the eye into words for the ear:
// numbers, dates, hours, money, units, codes of documents, abbreviations of the
// state's language, foreign words and symbols become the words that a good
// announcer would say.
//
// It decides how a text is read and lists every place where the reading differs
// from the writing, and every place where more than one reading is possible. It
// never does I/O of its own (ReadLines works on what it is given), never reads a
// clock, and never settles a doubtful case without saying so.
package normalise

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Options choose between forms that are all correct. The zero value is northern.
type Options struct {
	// Southern says ngàn, lẻ and bốn (hai mươi bốn) where the north says
	// nghìn, linh and tư.
	Southern bool
	// Pronounce is the commune's own list: what is written to how it is said.
	// An entry goes before every rule. A key with a capital letter matches only
	// so written; a key without one matches in any case. Keys match whole words.
	Pronounce map[string]string
}

// Kind says by which rule a piece of text got its reading.
type Kind string

// The kinds of change.
const (
	KindNumber       Kind = "number"
	KindOrdinal      Kind = "ordinal"
	KindRoman        Kind = "roman"
	KindDate         Kind = "date"
	KindHour         Kind = "hour"
	KindRange        Kind = "range"
	KindFraction     Kind = "fraction"
	KindMoney        Kind = "money"
	KindUnit         Kind = "unit"
	KindPhone        Kind = "phone"
	KindPlate        Kind = "plate"
	KindDigits       Kind = "digits" // read digit by digit
	KindDocument     Kind = "document"
	KindAbbreviation Kind = "abbreviation"
	KindForeign      Kind = "foreign"
	KindWeb          Kind = "web"
	KindLetters      Kind = "letters" // spelt
	KindSymbol       Kind = "symbol"
	KindList         Kind = "list" // a bullet or the number of a point
	KindOwn          Kind = "own"  // from Options.Pronounce
)

// Change is one place where the words differ from the text.
type Change struct {
	From   string // as written, in Reading.Text
	To     string // the words; empty where nothing is said
	Offset int    // of From, in bytes of Reading.Text
	Kind   Kind
}

// Doubt says why a place has more than one reading.
type Doubt string

// The doubts.
const (
	DoubtDateOrFraction Doubt = "date or fraction"
	DoubtRangeOrScore   Doubt = "range or score"
	DoubtDecimalPoint   Doubt = "decimal or thousands"
	DoubtAbbreviation   Doubt = "abbreviation with several meanings"
	DoubtUnknownLetters Doubt = "unknown abbreviation"
	DoubtForeign        Doubt = "foreign word"
	DoubtLongNumber     Doubt = "number or code"
	DoubtRoman          Doubt = "letters or roman numeral"
)

// Ambiguity is one place that the author should look at.
type Ambiguity struct {
	From    string   // as written, in Reading.Text
	Read    string   // how it is read now
	Options []string // other readings, if known
	Offset  int      // of From, in bytes of Reading.Text
	Why     Doubt
}

// Reading is a text as it will be said.
type Reading struct {
	// Text is what was read: the input in Unicode form NFC. Offsets count its bytes.
	Text string
	// Words is one line of lower-case words, single spaces between them, without
	// punctuation or digits. Tone marks stand on the main vowel (uỷ, hoà).
	Words string
	// Spoken is Words with the commas and full stops at which a voice pauses.
	Spoken string
	// Changes are in the order of the text and do not overlap.
	Changes []Change
	// Ambiguous are in the order of the text.
	Ambiguous []Ambiguity
}

// Read returns the reading of text under opt. It is total: any string has a
// reading, if need be an empty one. Use Check first on what a person typed.
// Reading its own Words again changes nothing.
func Read(text string, opt Options) Reading {
	return newReader(opt).read(text)
}

// reader holds what is the same for all texts read under one set of options.
type reader struct {
	south bool
	own   ownList
}

func newReader(opt Options) *reader {
	r := &reader{south: opt.Southern}
	r.own = newOwnList(opt)
	return r
}

func (r *reader) read(text string) Reading {
	text = norm.NFC.String(strings.ToValidUTF8(text, " "))
	p := &pass{reader: r, text: text, toks: scan(text)}
	p.words.Grow(len(text) * 2)
	p.spoken.Grow(len(text) * 2)
	p.run()
	return Reading{
		Text:      text,
		Words:     p.words.String(),
		Spoken:    p.spoken.String() + p.last(),
		Changes:   p.changes,
		Ambiguous: p.doubts,
	}
}
