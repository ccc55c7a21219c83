package normalise

import (
	"strings"
	"unicode/utf8"
)

// word takes what begins with letters.
func (p *pass) word(i int) int {
	for _, rule := range [...]func(*pass, int) int{
		(*pass).listLetter, (*pass).web, (*pass).boatPlate, (*pass).weekday, (*pass).abbreviation, (*pass).numeralWord, (*pass).foreign, (*pass).letters,
	} {
		if next := rule(p, i); next > 0 {
			return next
		}
	}
	p.plainWord(i)
	return i + 1
}

// plainWord says token i as it is written.
func (p *pass) plainWord(i int) {
	w := p.lower(i)
	if p.continues(i) && extends(w) {
		p.value.end = i + 1
		p.value.kind = valueMeasure
		if w == "giờ" || w == "phút" {
			p.value.kind = valueHour
		}
	}
	p.emit(placeTone(w), "")
}

// continues says whether token i stands one space after the number last said.
func (p *pass) continues(i int) bool {
	return p.value.end > 0 && p.value.end == i-1 && p.is(i-1, tokSpace) &&
		(p.value.kind == valuePlain || p.value.kind == valueMeasure || p.value.kind == valueHour)
}

// listLetter takes "a)" and "a." at the beginning of a line.
func (p *pass) listLetter(i int) int {
	s := p.str(i)
	if placeAbbreviation(s+".") != "" && p.sym(i+1, ".") || roman(s) > 0 {
		return 0
	}
	if len(s) > 2 || letterName(p.lower(i)) == "" || !p.lineStart(i) || !p.sym(i+1, ")") && !p.sym(i+1, ".") || !p.is(i+2, tokSpace) {
		return 0
	}
	next := p.say(i, i+2, letterName(p.lower(i)), KindList)
	p.setPause(',')
	return next
}

// abbreviation takes the longest abbreviation that begins at i. It may hold
// points, hyphens, slashes, ampersands and digits.
func (p *pass) abbreviation(i int) int {
	t := p.toks[i]
	if p.is(i-1, tokDigits) {
		return 0
	}
	joined := p.is(i+1, tokSymbol) || p.is(i+1, tokDigits)
	if !t.upper && !joined && len(p.str(i)) > 8 {
		return 0
	}
	ends := [8]int{}
	n := 0
	for j := i; j < len(p.toks) && n < len(ends); j++ {
		if p.is(j, tokSymbol) && !strings.ContainsAny(p.str(j), ".-/&–") || p.is(j, tokLine) ||
			p.is(j, tokSpace) && !(p.sym(j-1, ".") || p.sym(j-1, "&") || p.sym(j+1, "&")) {
			break
		}
		ends[n] = j
		n++
	}
	for n--; n >= 0; n-- {
		j := ends[n]
		if p.is(j, tokSpace) || p.is(j+1, tokWord) && !p.place(i, j) || p.is(j, tokWord) && p.is(j+1, tokDigits) && j > i {
			continue
		}
		written := p.text[t.start:p.toks[j].end]
		if next := p.expand(i, j+1, written); next > 0 {
			return next
		}
	}
	if t.upper && len(p.str(i)) > 1 && (p.sym(i+1, "-") || p.sym(i+1, "/")) && documentKind(p.str(i)) {
		if words, next, known := p.documentCode(i); next > i+1 && known {
			return p.say(i, next, words, KindDocument)
		}
	}
	return 0
}

// place says whether the tokens from i to j are the abbreviation of a kind of place
// that touches the place's name: P.Tân Định.
func (p *pass) place(i, j int) bool {
	if j != i+1 || !p.sym(j, ".") {
		return false
	}
	if p.str(i) == "P" && known(p.str(j+1)) { // P.KT
		return true
	}
	return !p.toks[j+1].lower && !p.toks[j+1].upper && len(p.str(j+1)) > 2 && placeAbbreviation(p.str(i)+".") != ""
}

// expand says the abbreviation written in the tokens from i up to next, if it is
// one.
func (p *pass) expand(i, next int, written string) int {
	if strings.IndexByte(written, ' ') >= 0 {
		written = strings.ReplaceAll(written, " ", "")
	}
	small := lowerCase(written)         // cty, đ/c and tp are read in any case
	if next-i >= 3 && dotted(written) { // T.Ư, U.B.N.D.
		if words := abbreviation(strings.ReplaceAll(written, ".", "")); words != "" {
			return p.say(i, next, words, KindAbbreviation)
		}
	}
	if kind := roadKind(strings.TrimSuffix(written, ".")); kind != "" && p.before(i, 1)+" "+p.before(i, 0) == kind {
		return p.say(i, next, "", KindAbbreviation) // đường huyện ĐH.12: said already
	}
	if words := p.role(i, next, written, small); words != "" {
		return p.say(i, next, words, KindAbbreviation)
	}
	for _, form := range [...]string{written, small} {
		if words := abbreviation(form); words != "" {
			return p.say(i, next, words, KindAbbreviation)
		}
		if words := placeAbbreviation(form); words != "" && p.beforePlace(next, written) {
			return p.say(i, next, words, KindAbbreviation)
		}
		if form == small {
			break
		}
	}
	if options := doubtful(written); len(options) > 0 && !p.shouting(i) {
		words, sure := p.choose(i, next, written, options)
		if !sure && p.is(next, tokDigits) {
			return 0 // a name with a number: BC15
		}
		if !sure {
			p.doubt(i, next, words, DoubtAbbreviation, others(options, words)...)
		}
		return p.say(i, next, words, KindAbbreviation)
	}
	if len(written) > 2 && p.toks[i].upper && !p.is(next, tokDigits) && !p.shouting(i) {
		if words := documentPart(written); words != "" { // BYT, SNV
			return p.say(i, next, words, KindAbbreviation)
		}
	}
	return 0
}

// role reads abbreviations whose place decides: those before a signature, đ/c
// before an address, P. before the name of an office.
func (p *pass) role(i, next int, written, small string) string {
	after := p.skip(next)
	switch {
	case (small == "đ/c" || small == "đc") && p.sym(after, ":"):
		return "địa chỉ"
	case (written == "P." || written == "P") && p.is(after, tokWord) && p.toks[after].upper && len(p.str(after)) > 1:
		if known(p.str(after)) || p.sym(after+1, "-") || p.sym(after+1, "&") {
			return "phòng"
		}
	case written == "BS" && len(p.digits(after)) == 2 && p.is(after+1, tokWord): // 23B1-456.78
		return "biển số"
	case (small == "am" || small == "pm") && p.value.kind == valueHour && p.value.end >= i-1:
		return partOfDay(p.value.plain, small == "pm")
	case landUse(written) != "":
		if p.before(i, 0) == "đất" {
			return strings.TrimPrefix(landUse(written), "đất ")
		}
		return landUse(written)
	case p.before(i, 0) == "đường" && (written == "ĐT." || written == "ĐH.") && p.is(after, tokDigits):
		if written == "ĐH." {
			return "huyện"
		}
		return "tỉnh" // "đường" is said already
	case p.is(after, tokWord) && (p.lineStart(i) && p.toks[after].upper || post(p.following(next))):
		return signature(written)
	case bearing(p.before(i, 0)):
		return compass(written)
	}
	return ""
}

// roadKind returns the kind of road that stands before its number in short.
func roadKind(s string) string {
	switch s {
	case "QL":
		return "quốc lộ"
	case "TL":
		return "tỉnh lộ"
	case "HL":
		return "hương lộ"
	case "ĐT":
		return "đường tỉnh"
	case "ĐH":
		return "đường huyện"
	case "ĐX":
		return "đường xã"
	}
	return ""
}

// known says whether s is an abbreviation, be it of several meanings.
func known(s string) bool { return abbreviation(s) != "" || len(doubtful(s)) > 0 }

// partOfDay reads AM and PM after an hour.
func partOfDay(hour int, pm bool) string {
	switch hour %= 12; {
	case !pm && hour == 0:
		return "đêm"
	case !pm:
		return "sáng"
	case hour == 0:
		return "trưa"
	case hour < 6:
		return "chiều"
	case hour < 10:
		return "tối"
	}
	return "đêm"
}

// post says whether w begins the name of a post, before which KT. is "ký thay".
func post(w string) bool {
	switch w {
	case "chủ", "phó", "giám", "trưởng", "hiệu", "viện", "tổng":
		return true
	}
	return false
}

// bearing says whether letters after w are points of the compass.
func bearing(w string) bool { return w == "hướng" || w == "phía" || w == "gió" || w == "mùa" }

// compass reads two or three points of the compass, "" if s is none: ĐN, TTB.
func compass(s string) string {
	if n := len([]rune(s)); n < 2 || n > 3 {
		return ""
	}
	var b wordList
	for _, c := range s {
		switch c {
		case 'Đ':
			b.add("đông")
		case 'T':
			b.add("tây")
		case 'N':
			b.add("nam")
		case 'B':
			b.add("bắc")
		default:
			return ""
		}
	}
	return b.String()
}

// dotted says whether s is single capitals with points between them.
func dotted(s string) bool {
	letter := false
	for _, c := range s {
		if c == '.' && !letter || c != '.' && (letter || !isUpper(c)) {
			return false
		}
		letter = c != '.'
	}
	return strings.IndexByte(s, '.') > 0
}

func others(options []string, words string) []string {
	var out []string
	for _, o := range options {
		if o != words {
			out = append(out, o)
		}
	}
	return out
}

// beforePlace says whether what stands at next can be the name or the number of
// a place: P. Tân Định, Q.1, TX Sơn Tây.
func (p *pass) beforePlace(next int, written string) bool {
	j := p.skip(next)
	if p.is(j, tokDigits) {
		return strings.HasSuffix(written, ".") || len(written) > 1
	}
	return p.is(j, tokWord) && !p.toks[j].lower
}

// shouting says whether token i stands among words in capitals, so that capitals
// say nothing about it.
func (p *pass) shouting(i int) bool {
	capitals, small := 0, 0
	for _, step := range [...]int{-1, 1} {
		for j, seen := i+step, 0; j >= max(0, i-lookAround) && j < min(len(p.toks), i+lookAround) && seen < 2; j += step {
			if p.toks[j].kind == tokLine {
				break
			}
			if p.toks[j].kind != tokWord {
				continue
			}
			seen++
			if p.toks[j].upper && len(p.str(j)) > 1 && isSyllable(p.lower(j)) {
				capitals++
			} else {
				small++
			}
		}
	}
	return capitals > small
}

// numeralWord takes Roman numerals in their contexts: quý I, cấp III, thế kỷ XXI,
// Đại hội XIV, mục IV; and at the beginning of a line as the number of a point.
func (p *pass) numeralWord(i int) int {
	t := p.toks[i]
	if !t.upper || p.glued(i) || p.is(i+1, tokDigits) {
		return 0
	}
	n := roman(p.str(i))
	if n == 0 {
		return 0
	}
	digits := decimalText(n)
	if p.lineStart(i) && (p.sym(i+1, ".") || p.sym(i+1, ")") || p.sym(i+1, "/") || p.sym(i+1, "-")) && p.is(i+2, tokSpace) {
		next := p.say(i, i+2, p.cardinal(digits), KindList)
		p.setPause(',')
		return next
	}
	prev := p.governor(i)
	words := p.cardinal(digits)
	switch {
	case prev == "thứ":
		words = p.ordinal(digits)
	case prev == "tháng":
		words = p.month(digits)
	case prev == "điểm" && len(p.str(i)) == 1:
		p.doubt(i, i+1, words, DoubtRoman, spell(p.str(i)))
	case romanContext(prev) || prev == "thể" && p.before(i, 1) == "cụ" || prev == "động" && p.before(i, 1) == "báo":
	case p.str(i) == "I" && p.is(i-1, tokSpace) && p.is(i-2, tokWord) && !p.toks[i-2].lower && !p.toks[i-2].upper: // Tiên Sơn I
		p.doubt(i, i+1, words, DoubtRoman, "i")
	case p.sym(i+1, "-") && p.is(i+2, tokDigits) && !isYear(p.str(i+2)): // gói thầu XL-01
		return 0
	case len(p.str(i)) > 1 && !isSyllable(p.lower(i)) && !p.shouting(i):
		p.doubt(i, i+1, words, DoubtRoman, spell(p.str(i)))
	default:
		return 0
	}
	next := i + 1
	kind := KindRoman
	if p.sym(next, "/") && isYear(p.digits(next+1)) || p.sym(next, "-") && isYear(p.digits(next+1)) {
		words += " năm " + p.cardinal(p.str(next+1))
		next += 2
	}
	p.value = value{end: next, kind: valuePlain, plain: n}
	return p.say(i, next, words, kind)
}

func decimalText(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return string(rune('0'+n/10)) + string(rune('0'+n%10))
}

// foreign takes words of the table, alone or joined: COVID-19, Wi-Fi, H5N1.
func (p *pass) foreign(i int) int {
	if s := p.str(i); p.is(i-1, tokDigits) || s == "MR" || s == "MRS" { // vắc xin MR is no mister
		return 0
	}
	end := i
	for range 4 {
		j := end + 1
		if (p.sym(j, "-") || p.sym(j, ".") || p.sym(j, "/")) && (p.is(j+1, tokWord) || p.is(j+1, tokDigits)) {
			j++
		}
		if !p.is(j, tokWord) && !p.is(j, tokDigits) {
			break
		}
		end = j
	}
	for ; end >= i; end-- {
		if p.is(end, tokSymbol) || p.is(end, tokWord) && p.is(end+1, tokWord) || p.is(end, tokDigits) && p.is(end+1, tokDigits) {
			continue
		}
		written := lowerCase(p.text[p.toks[i].start:p.toks[end].end])
		words := foreignWord(written)
		if words == "" && end == i {
			words = foreignMore(written)
		}
		if words != "" {
			return p.say(i, end+1, words, KindForeign)
		}
	}
	return 0
}

// letters takes words that can't be said as they are written: single letters,
// units on their own, unknown abbreviations, mixtures of letters and digits.
func (p *pass) letters(i int) int {
	s := p.str(i)
	if (s == "x" || s == "X") && p.times(i) {
		p.value = value{}
		return p.say(i, i+1, "nhân", KindSymbol)
	}
	if p.continues(i) && scale(p.before(i, 0)) { // 1,2 triệu m3
		if w, end, money := p.unit(i); end > 0 {
			kind := KindUnit
			if money {
				kind = KindMoney
			}
			p.value.end, p.value.kind = end, valueMeasure
			return p.say(i, end, w, kind)
		}
	}
	if unit := lengthUnit(s); unit != "" && !p.glued(i) {
		switch {
		case lowerCase(s) == "km" && p.is(i+1, tokDigits) && (power(p.str(i+1)) == "" || p.sym(i+2, "+")): // Km12+300
			return p.say(i, i+1, unit, KindUnit)
		case p.toks[i].lower && power(p.str(i+1)) != "" && !p.is(i+2, tokWord) && !p.is(i+2, tokDigits):
			return p.say(i, i+2, unit+power(p.str(i+1)), KindUnit)
		}
	}
	if p.is(i+1, tokDigits) && (p.toks[i].upper || len(s) <= 2) || p.is(i-1, tokDigits) {
		return p.mixture(i)
	}
	if isLetterAlone(s) {
		return p.letterAlone(i)
	}
	low := p.lower(i)
	if isSyllable(low) {
		return 0
	}
	if p.toks[i].lower || !p.toks[i].upper {
		if w := unitWord(s); w != "" && !hasVowel(low) {
			next := i + 1
			for n := 0; n < maxRates && p.sym(next, "/"); n++ {
				below, end, _ := p.oneUnit(next+1, false)
				if end == 0 {
					break
				}
				w += " " + rateJoint(false, p.lower(next+1)) + " " + below
				next = end
			}
			return p.say(i, next, w, KindUnit)
		}
	}
	if words := abbreviation(strings.ToUpper(s)); words != "" { // ubnd, Bhyt
		return p.say(i, i+1, words, KindAbbreviation)
	}
	if !hasVowel(low) || p.toks[i].upper && allUpper(s) && utf8.RuneCountInString(s) <= 6 {
		words := spell(s)
		if words == "" {
			return 0
		}
		p.doubt(i, i+1, words, DoubtUnknownLetters)
		return p.say(i, i+1, words, KindLetters)
	}
	if !localName(placeTone(low)) {
		p.doubt(i, i+1, low, DoubtForeign)
	}
	return 0
}

// times says whether the x at i stands between two numbers.
func (p *pass) times(i int) bool {
	j := i - 1
	if p.is(j, tokSpace) {
		j--
	}
	if p.is(j-2, tokDigits) && p.is(j, tokWord) && p.is(i-1, tokSpace) && p.is(i+1, tokSpace) && p.is(i+2, tokDigits) {
		return true // 2 lớp x 25 cháu
	}
	return p.value.end == j+1 && p.value.kind != valueNone &&
		(p.is(p.skip(i+1), tokDigits) || p.is(i-1, tokSpace) && p.is(i+1, tokSpace) && p.is(i+2, tokWord))
}

// weekday takes T2 to T7 as days of the week and T1/2026 to T12/2026 as months.
func (p *pass) weekday(i int) int {
	s, d := p.str(i), p.digits(i+1)
	if s != "T" && s != "t" || d == "" || len(d) > 2 || p.glued(i) || p.is(i+2, tokWord) {
		return 0
	}
	n := number(d)
	if n >= 1 && n <= 12 && (p.sym(i+2, "/") || p.sym(i+2, "-")) && isYear(p.digits(i+3)) && !p.is(i+4, tokWord) {
		p.value = value{end: i + 4, kind: valueDate}
		return p.say(i, i+4, "tháng "+p.month(d)+" năm "+p.cardinal(p.str(i+3)), KindDate)
	}
	if n < 2 || n > 7 || len(d) != 1 {
		return 0
	}
	words := "thứ " + p.ordinal(d)
	j, _ := p.dash(i + 2)
	listed := p.sym(i+2, ",") && p.lower(p.skip(i+3)) == "t" || p.value.end > 0 && p.value.kind == valueDate && p.value.end >= i-3
	if !listed && !dateWord(p.before(i, 0)) && !(j > 0 && (p.lower(j) == "t" || p.lower(j) == "cn")) {
		p.doubt(i, i+2, words, DoubtAbbreviation, "tháng "+p.month(d), "tê "+p.cardinal(d))
	}
	p.value = value{end: i + 2, kind: valueDate}
	return p.say(i, i+2, words, KindDate)
}

// letterAlone takes a single letter: "lớp A", "điểm đ", "vitamin C".
func (p *pass) letterAlone(i int) int {
	s := p.str(i)
	if p.toks[i].lower && isSyllable(s) && s != "a" && s != "e" && s != "o" && s != "i" && s != "y" {
		return 0
	}
	name := letterName(p.lower(i))
	if name == "" {
		return 0
	}
	if p.before(i, 0) == "độ" && p.lower(i) == "c" {
		name = "xê"
		if p.continues(i) {
			p.value.end = i + 1
		}
	}
	if name == p.lower(i) {
		return 0
	}
	return p.say(i, i+1, name, KindLetters)
}

// mixture takes letters and digits that touch: 9A, B12, H5N1, A4.
func (p *pass) mixture(i int) int {
	var b wordList
	j := i
	named := p.near(i, 4, identityContext)
	joint := func(j int) bool {
		return named && (p.sym(j, "-") || p.sym(j, ".") || p.sym(j, "/")) && (p.is(j+1, tokDigits) || p.is(j+1, tokWord))
	}
	for ; p.is(j, tokWord) || p.is(j, tokDigits) || joint(j); j++ {
		s := p.str(j)
		switch {
		case p.is(j, tokSymbol):
		case named && p.is(j, tokDigits):
			b.add(digitByDigit(s))
		case p.is(j, tokDigits) && s[0] == '0':
			b.add(digitByDigit(s))
		case p.is(j, tokDigits):
			b.add(p.cardinal(s))
		case j == i && p.toks[j].upper && p.letterWords(s) != "":
			b.add(p.letterWords(s))
		case p.lower(j) == "in" && p.is(j-1, tokDigits) && p.is(j+1, tokDigits): // 5in1
			b.add("trong")
		case isSyllable(p.lower(j)) && len(s) > 2 && !(allUpper(s) && len(s) <= 3):
			b.add(placeTone(p.lower(j)))
		default:
			b.add(spell(s))
		}
	}
	if p.str(i) == "T" && j == i+1 { // 8T
		p.doubt(i, j, b.String(), DoubtUnknownLetters, "tấn")
	}
	p.value = value{end: j, kind: valueOther}
	return p.say(i, j, b.String(), KindLetters)
}

// letterWords reads an abbreviation by the table, "" if it is not there.
func (p *pass) letterWords(s string) string { return abbreviation(s) }

// spell names each letter of s; digits and letters without a name are left out.
func spell(s string) string {
	var b wordList
	for _, c := range lowerCase(s) {
		if c == 'o' { // in a spelt word it is called like ô: OTP
			c = 'ô'
		}
		b.add(letterName(string(c)))
	}
	return b.String()
}
