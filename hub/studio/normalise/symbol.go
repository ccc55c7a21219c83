package normalise

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// symbol takes what is neither letter nor digit nor space.
func (p *pass) symbol(i int) int {
	s := p.str(i)
	switch s {
	case ",":
		p.setPause(',')
		return i + 1
	case ".", "…":
		return p.stop(i)
	case ";", ":", "!", "?":
		p.setPause(s[0])
		return i + 1
	case "(", ")", "[", "]", "{", "}", "|":
		p.setPause(',')
		return i + 1
	case "\"", "“", "”", "«", "»", "'", "‘", "’", "`", "*", "_", "\\", "^", "•", "●", "▪", "■", "◦", "·", "→", "§":
		return p.mark(i)
	case "/":
		return p.slash(i)
	case "$", "€":
		return p.moneyBefore(i)
	}
	if isDash(s) {
		return p.dashSymbol(i)
	}
	if two := s + p.str(i+1); p.is(i+1, tokSymbol) {
		switch two {
		case ">=", "=>":
			if two == ">=" {
				return p.say(i, i+2, "lớn hơn hoặc bằng", KindSymbol)
			}
			p.record(i, i+2, "", KindSymbol)
			p.setPause(',')
			return i + 2
		case "<=":
			return p.say(i, i+2, "nhỏ hơn hoặc bằng", KindSymbol)
		}
	}
	if s == "#" && p.is(i-1, tokDigits) { // bê tông mác 250#
		p.record(i, i+1, "", KindSymbol)
		return i + 1
	}
	if w := symbolWord(s); w != "" {
		if s == "+" && (p.lineStart(i) || p.sym(i-1, "(")) && !p.is(i+1, tokDigits) {
			return p.mark(i)
		}
		p.value = value{}
		return p.say(i, i+1, w, KindSymbol)
	}
	return p.other(i)
}

// mark takes a sign that is not said; at the beginning of a line it is a bullet.
func (p *pass) mark(i int) int {
	s := p.str(i)
	if p.lineStart(i) {
		p.record(i, i+1, "", KindList)
		p.setPause('.')
		return i + 1
	}
	switch s {
	case "'", "’", "‘", "\"", "“", "”", "«", "»", "`":
	default:
		p.record(i, i+1, "", KindSymbol)
		p.setPause(',')
	}
	return i + 1
}

// stop takes full stops and dots.
func (p *pass) stop(i int) int {
	next := i + 1
	for p.sym(next, ".") {
		next++
	}
	if next > i+1 || p.str(i) == "…" {
		p.setPause(',')
		if !p.is(next, tokSpace) || next >= len(p.toks) {
			p.setPause('.')
		}
		return next
	}
	p.setPause('.')
	return next
}

// dashSymbol takes hyphens and dashes: part of a word, "đến" between two values,
// "âm" before a number, a bullet, or a pause.
func (p *pass) dashSymbol(i int) int {
	if p.sym(i+1, ">") { // an arrow
		p.record(i, i+2, "", KindSymbol)
		p.setPause(',')
		return i + 2
	}
	if p.lineStart(i) {
		if p.is(i+1, tokDigits) && p.degrees(i+1) {
			return p.say(i, i+1, "âm", KindNumber)
		}
		return p.mark(i)
	}
	spaced := p.is(i-1, tokSpace)
	next := p.skip(i + 1)
	if p.sym(i, "~") && p.is(i+1, tokDigits) && !p.glued(i) && !(spaced && p.value.end == i-1 && p.value.kind != valueNone) {
		return p.say(i, i+1, "khoảng", KindSymbol) // ~45%
	}
	if p.is(next, tokDigits) || roman(p.str(next)) > 0 {
		if w, known := p.rangeDash(i, next, spaced); known {
			if w != "" {
				p.value = value{}
				return p.say(i, i+1, w, KindRange)
			}
			p.setPause(',')
			return i + 1
		}
		if spaced && next == i+1 && p.degrees(next) {
			return p.say(i, i+1, "âm", KindNumber)
		}
	}
	if p.value.end > 0 && p.value.end == i && p.value.kind == valueDate && (p.lower(next) == "cn" || p.lower(next) == "t" && p.is(next+1, tokDigits)) ||
		p.value.kind == valueDate && p.value.end == i-1 && spaced && p.lower(next) == "t" && p.is(next+1, tokDigits) {
		return p.say(i, i+1, "đến", KindRange) // T2-T6
	}
	if p.is(i-1, tokDigits) && p.is(i-2, tokWord) && p.toks[i-2].upper && p.is(i+2, tokDigits) && p.str(i+1) == p.str(i-2) &&
		number(p.str(i-1)) < number(p.str(i+2)) && !p.is(i+3, tokWord) { // A12-A15
		return p.say(i, i+1, "đến", KindRange)
	}
	if spaced && p.toDay(i, next) {
		return p.say(i, i+1, "đến", KindRange)
	}
	if w := p.before(i, 0); spaced && p.value.end == i-1 && p.value.kind != valueNone && p.is(next, tokWord) &&
		p.lower(next) == w && p.is(p.skip(next+1), tokDigits) {
		return p.say(i, i+1, "đến", KindRange) // thứ 2 - thứ 6
	}
	if !spaced && !p.is(i+1, tokSpace) {
		return i + 1 // a hyphen: the words around it are said one after the other
	}
	p.setPause(',')
	return i + 1
}

// toDay says whether the dash at i stands between two days: thứ Hai - thứ Sáu,
// 28 tháng 5 - ngày 3 tháng 6.
func (p *pass) toDay(i, next int) bool {
	switch p.lower(next) {
	case "thứ":
		return p.before(i, 1) == "thứ" && p.is(p.skip(next+1), tokWord)
	case "chủ":
		return p.before(i, 1) == "thứ" && p.following(next+1) == "nhật"
	case "ngày", "mùng", "mồng":
		if p.before(i, 1) == "tháng" && p.is(i-2, tokWord) && p.is(p.skip(next+1), tokDigits) {
			return true // 27 tháng Chạp - mùng 6
		}
		dated := p.value.kind == valueDate || p.value.kind == valuePlain && p.before(i, 0) == "tháng"
		return dated && p.value.end == i-1 && p.is(p.skip(next+1), tokDigits)
	}
	return false
}

// degrees says whether the number at i is a temperature.
func (p *pass) degrees(i int) bool {
	_, next, _ := p.numeralQuiet(i)
	next = p.skip(next)
	return p.sym(next, "°") || p.sym(next, "º") || p.sym(next, "℃") || p.lower(next) == "độ"
}

// numeralQuiet is numeral without doubts.
func (p *pass) numeralQuiet(i int) (string, int, int) {
	n := len(p.doubts)
	w, next, plain := p.numeral(i)
	p.doubts = p.doubts[:n]
	return w, next, plain
}

// rangeDash says what a dash at i between two numbers is.
func (p *pass) rangeDash(i, next int, spaced bool) (words string, known bool) {
	end := i
	if spaced {
		end--
	}
	if p.value.end != end || p.value.kind == valueNone {
		return "", false
	}
	switch p.value.kind {
	case valueOther:
		return "", true
	case valueHour, valueDate, valueMeasure:
		if !spaced && p.value.kind == valueMeasure && p.is(i-1, tokWord) && p.sym(next+1, "/") && p.is(next+2, tokDigits) {
			return "", true // 250kVA-10/0,4kV
		}
		if d := p.digits(next); len(d) >= 9 || spaced && p.value.kind == valueMeasure && len(p.groups(next)) > 2 {
			return "", true
		}
		return "đến", true
	}
	if p.near(i, 4, scoreContext) {
		return "", true
	}
	other := roman(p.str(next))
	if other > 0 && p.is(end-1, tokDigits) {
		return "", true
	}
	if other == 0 {
		_, _, other = p.numeralQuiet(next)
	}
	switch {
	case other < 0:
		return "đến", true
	case p.value.plain < other:
		return "đến", true
	}
	if _, end, _ := p.numeralQuiet(next); p.sym(p.skip(end), "=") {
		return "trừ", true
	}
	p.doubt(i, i+1, "", DoubtRangeOrScore, "đến", "trừ")
	return "", true
}

// slash takes a slash that is no part of a number: a rate, or a choice.
func (p *pass) slash(i int) int {
	if p.is(i+1, tokDigits) && p.before(i, 0) == "hộ" && people(p.following(i+2)) { // 45 hộ/172 khẩu are not a rate
		p.record(i, i+1, "", KindSymbol)
		p.setPause(',')
		return i + 1
	}
	if next := p.slashRate(i); next > 0 {
		return next
	}
	if p.value.kind == valueOther && p.value.end == i && p.is(i-1, tokWord) && p.is(i+1, tokDigits) { // số 9B/2
		return p.say(i, i+1, "trên", KindSymbol)
	}
	p.record(i, i+1, "", KindSymbol)
	p.setPause(',')
	return i + 1
}

// moneyBefore takes $50 and €50.
func (p *pass) moneyBefore(i int) int {
	j := p.skip(i + 1)
	word, _, _ := p.symbolUnit(i)
	if !p.is(j, tokDigits) {
		return p.say(i, i+1, word, KindSymbol)
	}
	words, next, _ := p.numeral(j)
	for range 2 { // $2 triệu, $3 nghìn tỷ
		if w := p.following(next); scale(w) && p.is(next, tokSpace) {
			words += " " + w
			next = p.skip(next) + 1
		}
	}
	p.value = value{end: next, kind: valueMeasure, ratio: true}
	return p.say(i, next, words+" "+word, KindMoney)
}

// other takes any other character: digits of other scripts and fractions are
// read, pictures and invisible characters are left out.
func (p *pass) other(i int) int {
	s := p.str(i)
	c, _ := utf8.DecodeRuneInString(s)
	if w := vulgar(c); w != "" {
		return p.say(i, i+1, w, KindFraction)
	}
	if unicode.IsNumber(c) {
		if w := p.plainForm(c); w != "" {
			return p.say(i, i+1, w, KindNumber)
		}
	}
	p.record(i, i+1, "", KindSymbol)
	if unicode.Is(unicode.So, c) || unicode.IsPunct(c) {
		p.setPause(',')
	}
	return i + 1
}

// plainForm reads a character that stands for digits (２, ②, ٣).
func (p *pass) plainForm(c rune) string {
	ascii := ""
	for _, d := range norm.NFKC.String(string(c)) {
		if d >= '0' && d <= '9' {
			ascii += string(d)
		}
	}
	if ascii != "" {
		return p.cardinal(ascii)
	}
	if unicode.Is(unicode.Nd, c) {
		n := 0
		for n < 9 && unicode.Is(unicode.Nd, c-rune(n)-1) {
			n++
		}
		return digitWord(byte('0' + n))
	}
	return ""
}

func vulgar(c rune) string {
	switch c {
	case '½':
		return "một phần hai"
	case '¼':
		return "một phần tư"
	case '¾':
		return "ba phần tư"
	case '⅓':
		return "một phần ba"
	case '⅔':
		return "hai phần ba"
	case '²':
		return "bình phương"
	case '³':
		return "lập phương"
	}
	return ""
}

func symbolWord(s string) string {
	switch s {
	case "&":
		return "và"
	case "+":
		return "cộng"
	case "=":
		return "bằng"
	case "<":
		return "nhỏ hơn"
	case ">":
		return "lớn hơn"
	case "≤":
		return "nhỏ hơn hoặc bằng"
	case "≥":
		return "lớn hơn hoặc bằng"
	case "±":
		return "cộng trừ"
	case "×":
		return "nhân"
	case "÷":
		return "chia"
	case "≈":
		return "xấp xỉ"
	case "%":
		return "phần trăm"
	case "‰":
		return "phần nghìn"
	case "°", "º":
		return "độ"
	case "℃":
		return "độ xê"
	case "@":
		return "a còng"
	case "#":
		return "thăng"
	case "₫":
		return "đồng"
	case "£":
		return "bảng"
	case "¥":
		return "yên"
	case "№":
		return "số"
	}
	return ""
}
