package normalise

import "strings"

// pass is one reading of one text: a walk over its tokens, where each rule either
// takes the tokens at hand and says them, or leaves them to the next rule. A rule
// returns the token after those it took, 0 if it took none.
type pass struct {
	*reader
	text    string
	toks    []token
	words   strings.Builder
	spoken  strings.Builder
	pause   byte // punctuation due before the next word, 0 if none
	changes []Change
	doubts  []Ambiguity
	value   value // the last number said
}

// value is a number that was just said, for what follows it: a dash, a slash.
type value struct {
	end   int       // the token after it
	kind  valueKind // 0 if there was none
	plain int       // of a plain number, -1 if too large
	ratio bool      // a rate such as km/h may follow
}

type valueKind uint8

const (
	valueNone valueKind = iota
	valuePlain
	valueMeasure // with a unit, money, percent
	valueHour
	valueDate
	valueOther // a code or telephone number: never part of a range
)

func (p *pass) run() {
	for i := 0; i < len(p.toks); {
		next := 0
		switch p.toks[i].kind {
		case tokSpace:
			next = i + 1
		case tokLine:
			p.setPause('.')
			next = i + 1
		case tokWord:
			if next = p.ownWord(i); next == 0 {
				next = p.word(i)
			}
		case tokDigits:
			if next = p.ownWord(i); next == 0 {
				next = p.number(i)
			}
		case tokSymbol:
			if next = p.ownWord(i); next == 0 {
				next = p.symbol(i)
			}
		}
		i = max(next, i+1)
	}
}

func (p *pass) ownWord(i int) int {
	e, next := p.own.find(p, i)
	if next == 0 {
		return 0
	}
	p.record(i, next, e.said.Words, KindOwn)
	p.emit(e.said.Words, strings.TrimRight(e.said.Spoken, "."))
	return next
}

// emit says words; spoken is the same with pauses inside, "" if there are none.
func (p *pass) emit(words, spoken string) {
	if words == "" {
		return
	}
	if spoken == "" {
		spoken = words
	}
	if p.words.Len() > 0 {
		p.words.WriteByte(' ')
		if p.pause != 0 {
			p.spoken.WriteByte(p.pause)
		}
		p.spoken.WriteByte(' ')
	}
	p.pause = 0
	p.words.WriteString(words)
	p.spoken.WriteString(spoken)
}

// setPause asks for a pause before the next word; the stronger one stays.
func (p *pass) setPause(mark byte) {
	if strength(mark) > strength(p.pause) {
		p.pause = mark
	}
}

func strength(mark byte) int { return strings.IndexByte(",;:.!?", mark) }

// last is the punctuation that ends Spoken.
func (p *pass) last() string {
	switch {
	case p.words.Len() == 0:
		return ""
	case p.pause == '!' || p.pause == '?':
		return string(p.pause)
	}
	return "."
}

// say says words for the tokens from i up to next and records the change.
func (p *pass) say(i, next int, words string, kind Kind) int {
	p.record(i, next, words, kind)
	p.emit(words, "")
	return next
}

func (p *pass) record(i, next int, words string, kind Kind) {
	start, end := p.toks[i].start, p.toks[next-1].end
	if p.text[start:end] != words {
		p.changes = append(p.changes, Change{From: p.text[start:end], To: words, Offset: start, Kind: kind})
	}
}

func (p *pass) doubt(i, next int, read string, why Doubt, options ...string) {
	start := p.toks[i].start
	p.doubts = append(p.doubts, Ambiguity{
		From: p.text[start:p.toks[next-1].end], Read: read, Options: options, Offset: start, Why: why,
	})
}

// str returns token i as written, "" outside the text.
func (p *pass) str(i int) string {
	if i < 0 || i >= len(p.toks) {
		return ""
	}
	return p.text[p.toks[i].start:p.toks[i].end]
}

// lower returns token i in small letters.
func (p *pass) lower(i int) string {
	if i >= 0 && i < len(p.toks) && p.toks[i].lower {
		return p.str(i)
	}
	return lowerCase(p.str(i))
}

func (p *pass) is(i int, kind tokenKind) bool {
	return i >= 0 && i < len(p.toks) && p.toks[i].kind == kind
}

func (p *pass) sym(i int, s string) bool { return p.is(i, tokSymbol) && p.str(i) == s }

// digits returns token i if it is a run of digits, else "".
func (p *pass) digits(i int) string {
	if p.is(i, tokDigits) {
		return p.str(i)
	}
	return ""
}

// skip returns the token after an optional space at i.
func (p *pass) skip(i int) int {
	if p.is(i, tokSpace) {
		return i + 1
	}
	return i
}

// skipBack is skip to the front.
func (p *pass) skipBack(i int) int {
	if p.is(i, tokSpace) {
		return i - 1
	}
	return i
}

// lineStart says whether nothing stands before token i on its line.
func (p *pass) lineStart(i int) bool {
	for i--; i >= 0; i-- {
		switch p.toks[i].kind {
		case tokSpace:
		case tokLine:
			return true
		default:
			return false
		}
	}
	return true
}

// glued says whether a letter or digit touches token i on its left.
func (p *pass) glued(i int) bool { return p.is(i-1, tokWord) || p.is(i-1, tokDigits) }

// lookAround is how many tokens a rule looks back or ahead for its context, so
// that a text of any shape is read in time linear in its length.
const lookAround = 32

// before returns the n-th word before token i in small letters, 0 being the
// nearest; "" where the sentence or the line begins.
func (p *pass) before(i, n int) string {
	for far := max(0, i-lookAround); i > far; {
		i--
		switch p.toks[i].kind {
		case tokWord:
			if n == 0 {
				return placeTone(p.lower(i))
			}
			n--
		case tokLine:
			return ""
		case tokSymbol:
			if s := p.str(i); s == ";" || s == "!" || s == "?" || s == "." && p.is(i+1, tokSpace) && !p.short(i-1) {
				return ""
			}
		}
	}
	return ""
}

// short says whether token i is an abbreviation that ends in a full stop.
func (p *pass) short(i int) bool {
	return p.is(i, tokWord) && (p.toks[i].upper || len(p.str(i)) <= 2)
}

// near says whether one of the n words before token i is in the set.
func (p *pass) near(i, n int, in func(string) bool) bool {
	for k := range n {
		w := p.before(i, k)
		if w == "" {
			return false
		}
		if in(w) {
			return true
		}
	}
	return false
}

// governor returns the word that rules token i through an enumeration such as
// "thứ 2, 4 và 6": the first word before it that is no number, numeral or joint.
func (p *pass) governor(i int) string {
	for far := max(0, i-lookAround); i > far; {
		i--
		switch p.toks[i].kind {
		case tokDigits, tokSpace:
		case tokSymbol:
			if s := p.str(i); s != "," && s != "-" && s != "–" && s != "/" && s != "." {
				return ""
			}
		case tokWord:
			switch w := placeTone(p.lower(i)); w {
			case "và", "hoặc", "hay", "đến", "tới":
			default:
				if roman(p.str(i)) == 0 {
					return w
				}
			}
		default:
			return ""
		}
	}
	return ""
}

// following returns the first word at or after token i, past one space, in small
// letters.
func (p *pass) following(i int) string {
	i = p.skip(i)
	if p.is(i, tokWord) {
		return placeTone(p.lower(i))
	}
	return ""
}

// dash returns the token after a dash at i with optional spaces around, and
// whether there were spaces; 0 if there is no dash.
func (p *pass) dash(i int) (int, bool) {
	j := p.skip(i)
	if !isDash(p.str(j)) {
		return 0, false
	}
	k := p.skip(j + 1)
	return k, j != i || k != j+1
}

func isDash(s string) bool {
	switch s {
	case "-", "–", "—", "−", "~", "‑", "‒":
		return true
	}
	return false
}
