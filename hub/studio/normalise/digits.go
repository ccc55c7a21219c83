package normalise

import (
	"strings"
	"unicode/utf8"
)

// number takes what begins with digits.
func (p *pass) number(i int) int {
	for _, rule := range [...]func(*pass, int) int{
		(*pass).listNumber, (*pass).web, (*pass).phone, (*pass).plate, (*pass).document, (*pass).clock, (*pass).minuteAfter,
		(*pass).date, (*pass).fraction, (*pass).identity, (*pass).quantity,
	} {
		if next := rule(p, i); next > 0 {
			return next
		}
	}
	return p.say(i, i+1, p.cardinal(p.str(i)), KindNumber)
}

// listNumber takes "1." and "1)" at the beginning of a line.
func (p *pass) listNumber(i int) int {
	if len(p.str(i)) > 2 || !p.lineStart(i) || !p.sym(i+1, ".") && !p.sym(i+1, ")") ||
		!p.is(i+2, tokSpace) || p.is(i+3, tokDigits) {
		return 0
	}
	next := p.say(i, i+2, p.cardinal(p.str(i)), KindList)
	p.setPause(',')
	p.value = value{}
	return next
}

// groups collects digits that are joined by single spaces, points or hyphens.
func (p *pass) groups(i int) []int {
	out := []int{i}
	total := len(p.str(i))
	for j := i; ; {
		k := j + 2
		switch {
		case p.sym(j+1, ")") && j == i && (p.sym(i-1, "(") || p.sym(i-1, "+") && p.sym(i-2, "(")):
			k = p.skip(j + 2)
		case p.str(j+1) == " " || p.sym(j+1, ".") || p.sym(j+1, "-"):
		default:
			return out
		}
		total += len(p.digits(k))
		if p.digits(k) == "" || total > 13 {
			return out
		}
		out = append(out, k)
		j = k
	}
}

// phone takes telephone numbers, which are said digit by digit with a pause after
// each group.
func (p *pass) phone(i int) int {
	first := p.str(i)
	if p.glued(i) || len(first) < 2 {
		return 0
	}
	if c := first[0]; c != '0' && c != '1' && c != '8' && !p.phoneBefore(i) {
		return 0
	}
	if next := p.masked(i); next > 0 {
		return next
	}
	groups := p.groups(i)
	for n := len(groups); n > 0; n-- {
		var b strings.Builder
		for _, g := range groups[:n] {
			b.WriteString(p.str(g))
		}
		after := groups[n-1] + 1
		if p.is(after, tokWord) || p.is(after, tokDigits) {
			continue
		}
		if p.isPhone(i, b.String(), n) {
			return p.sayGroups(i, groups[:n], KindPhone)
		}
	}
	return 0
}

// maxMasked bounds a number with hidden digits, in tokens.
const maxMasked = 12

// masked takes a number of which a part is not shown: 0912.xxx.345, 0912345xxx.
func (p *pass) masked(i int) int {
	var b wordList
	hidden := false
	next := i
	for j := i; j < min(i+maxMasked, len(p.toks)); j++ {
		s := p.str(j)
		if p.is(j, tokDigits) {
			b.add(digitByDigit(s))
		} else if p.is(j, tokWord) && strings.Trim(s, "xX") == "" {
			b.add(spell(s))
			hidden = true
		} else {
			break
		}
		next = j + 1
		if p.sym(j+1, ".") || p.sym(j+1, "-") || p.str(j+1) == " " && hidden && p.is(j+2, tokDigits) {
			j++
		}
	}
	if !hidden || len(p.str(i)) < 3 || p.str(i)[0] != '0' && !p.phoneBefore(i) {
		return 0
	}
	p.value = value{end: next, kind: valueOther}
	return p.say(i, next, b.String(), KindPhone)
}

func (p *pass) isPhone(i int, s string, groups int) bool {
	if len(s) >= 4 && (s[:4] == "1800" || s[:4] == "1900") {
		return (len(s) == 8 || len(s) == 10) && p.before(i, 0) != "năm" && (groups == 1 || len(p.str(i)) != 4 || len(p.str(i+2)) >= 3)
	}
	switch {
	case len(s) == 10 && s[0] == '0' && strings.IndexByte("35789", s[1]) >= 0:
		return true
	case (len(s) == 10 || len(s) == 11) && s[:2] == "02":
		return true
	case (len(s) == 11 || len(s) == 12) && s[:2] == "84":
		return p.sym(i-1, "+")
	case emergencyCode(s) && groups == 1:
		return p.emergency(i, s)
	}
	return p.phoneBefore(i) && len(s) >= 5 && len(s) <= 12
}

// emergency says whether the short number at i is one to call. Before a noun it
// counts: gọi 115 thanh niên nhập ngũ.
func (p *pass) emergency(i int, s string) bool {
	if !p.near(i, 8, emergencyContext) && !(p.before(i, 0) == "sự" && p.before(i, 1) == "hình") {
		return false
	}
	after := p.following(i + 1)
	switch {
	case !p.isLowerAt(p.skip(i+1)) || afterNumber(after):
		return true
	case !counted(after):
		p.doubt(i, i+1, p.cardinal(s), DoubtLongNumber, digitByDigit(s))
	}
	return false
}

func (p *pass) phoneBefore(i int) bool { return p.near(i, 3, phoneContext) }

func (p *pass) sayGroups(i int, groups []int, kind Kind) int {
	var words, spoken strings.Builder
	for n, g := range groups {
		if n > 0 {
			words.WriteByte(' ')
			spoken.WriteString(", ")
		}
		d := digitByDigit(p.str(g))
		words.WriteString(d)
		spoken.WriteString(d)
	}
	next := groups[len(groups)-1] + 1
	p.record(i, next, words.String(), kind)
	p.emit(words.String(), spoken.String())
	p.value = value{end: next, kind: valueOther}
	return next
}

// plate takes the numbers of vehicles: 29A-123.45, 29-H1 123.45, 80B 1234.
func (p *pass) plate(i int) int {
	if len(p.str(i)) != 2 || p.glued(i) {
		return 0
	}
	j := i + 1
	if p.sym(j, "-") {
		j++
	}
	series := p.str(j)
	if !p.is(j, tokWord) || !p.toks[j].upper || len(series) > 3 || !allUpper(series) {
		return 0
	}
	j++
	digit := ""
	if len(p.digits(j)) == 1 {
		digit = p.str(j)
		j++
	}
	if !p.sym(j, "-") && !p.sym(j, ".") && p.str(j) != " " {
		return 0
	}
	spaced := p.str(j) == " "
	j++
	tail := p.digits(j)
	if len(tail) == 3 && p.sym(j+1, ".") && len(p.digits(j+2)) == 2 {
		tail += p.str(j + 2)
		j += 2
	}
	if len(tail) < 4 || len(tail) > 5 || p.is(j+1, tokWord) || spaced && !p.near(i, 4, plateContext) {
		return 0
	}
	var b wordList
	b.add(p.cardinal(p.str(i)))
	b.add(spell(series))
	b.add(digitByDigit(digit))
	b.add(digitByDigit(tail))
	p.value = value{}
	return p.say(i, j+1, b.String(), KindPlate)
}

// identity takes runs of digits that are names, not numbers: codes, accounts.
func (p *pass) identity(i int) int {
	s := p.str(i)
	if p.glued(i) || p.is(i+1, tokWord) {
		return 0
	}
	named := p.near(i, 3, identityContext) && !(isYear(s) && p.before(i, 0) == "cước") // Luật Căn cước 2023
	if named && len(s) >= 3 {
		return p.sayGroups(i, p.groups(i), KindDigits)
	}
	if p.sym(i+1, ".") && p.is(i+2, tokDigits) || p.sym(i+1, ",") && p.is(i+2, tokDigits) {
		return 0
	}
	if emergencyCode(s) && p.before(i, 0) == "số" {
		p.doubt(i, i+1, p.cardinal(s), DoubtLongNumber, digitByDigit(s))
	}
	if p.serial(i) {
		return p.sayGroups(i, []int{i}, KindDigits)
	}
	if s[0] == '0' && (len(s) >= 3 || len(s) == 2 && p.numbered(i) && !counted(p.following(i+1))) {
		return p.sayGroups(i, []int{i}, KindDigits)
	}
	if len(s) >= 8 && !measured(p.following(i+1)) {
		p.doubt(i, i+1, digitByDigit(s), DoubtLongNumber, p.cardinal(s))
		return p.sayGroups(i, []int{i}, KindDigits)
	}
	return 0
}

// serial says whether the digits at i are part of a name: BX 123456, LK-05, máy lẻ
// 102, BCĐ 389.
func (p *pass) serial(i int) bool {
	s := p.str(i)
	switch prev := p.before(i, 0); {
	case prev == "lẻ":
		return p.before(i, 1) == "máy"
	case prev == "bcđ" || prev == "đạo" && p.before(i, 1) == "chỉ" && p.before(i, 2) == "ban":
		return len(s) == 3
	}
	if !p.is(i-2, tokWord) || !p.toks[i-2].upper || !allUpper(p.str(i-2)) {
		return false
	}
	return p.sym(i-1, "-") && len(s) == 2 && s[0] == '0' ||
		p.is(i-1, tokSpace) && len(s) >= 5 && currencyWord(p.str(i-2)) == "" && !known(p.str(i-2))
}

// numbered says whether the number at i names a document of the state: đề án 06.
func (p *pass) numbered(i int) bool {
	n := 0
	if p.before(i, 0) == "số" {
		n = 1
	}
	switch p.before(i, n+1) + " " + p.before(i, n) {
	case "đề án", "chỉ thị", "nghị quyết", "nghị định", "thông tư", "công điện", "kết luận":
		return true
	}
	return false
}

// document takes the codes of documents: 49/2024/NĐ-CP, 12/TB-UBND, 05-CT/TW.
func (p *pass) document(i int) int {
	if p.glued(i) || len(p.str(i)) > 6 {
		return 0
	}
	var b wordList
	b.add(p.documentNumber(p.str(i)))
	j := i + 1
	if p.sym(j, "/") && isYear(p.digits(j+1)) {
		b.add("năm")
		b.add(p.cardinal(p.str(j + 1)))
		j += 2
	}
	if w, next := p.standard(i); next > 0 {
		p.value = value{end: next, kind: valueOther}
		return p.say(i, next, w, KindDocument)
	}
	if !p.sym(j, "/") && !p.sym(j, "-") {
		return 0
	}
	code, next, known := p.documentCode(j + 1)
	if next == 0 {
		return 0
	}
	b.add(code)
	if !known {
		p.doubt(i, next, b.String(), DoubtUnknownLetters)
	}
	p.value = value{end: next, kind: valueOther}
	return p.say(i, next, b.String(), KindDocument)
}

// standard takes the number of a technical standard: QCVN 01-1:2024/BYT.
func (p *pass) standard(i int) (string, int) {
	if prev := p.before(i, 0); prev != "qcvn" && prev != "tcvn" {
		return "", 0
	}
	var b wordList
	b.add(p.documentNumber(p.str(i)))
	next := i + 1
	if p.sym(next, "-") && p.is(next+1, tokDigits) {
		b.add("gạch ngang")
		b.add(p.cardinal(p.str(next + 1)))
		next += 2
	}
	if p.sym(next, ":") && isYear(p.digits(next+1)) {
		b.add("năm")
		b.add(p.cardinal(p.str(next + 1)))
		next += 2
	}
	if p.sym(next, "/") {
		if code, end, known := p.documentCode(next + 1); end > 0 && known {
			b.add(code)
			next = end
		}
	}
	return b.String(), next
}

// documentNumber reads the number of a document; its leading zeros are said.
func (p *pass) documentNumber(s string) string {
	if s[0] == '0' && len(s) == 2 {
		return digitByDigit(s)
	}
	return p.cardinal(s)
}

// boatPlate takes the numbers of fishing boats: QN-90123-TS, BĐ 96123 TS.
func (p *pass) boatPlate(i int) int {
	letters := p.str(i)
	if !p.toks[i].upper || !allUpper(letters) || utf8.RuneCountInString(letters) > 3 || p.glued(i) {
		return 0
	}
	number, end := p.digits(i+2), i+4
	if sep := p.str(i + 1); sep != "-" && sep != " " || p.str(i+3) != sep || len(number) < 4 || len(number) > 5 || p.str(end) != "TS" {
		return 0
	}
	p.value = value{}
	return p.say(i, end+1, spell(letters)+" "+digitByDigit(number)+" "+spell("TS"), KindPlate)
}

// maxCode bounds the letters of a document's code, in tokens.
const maxCode = 16

// documentCode reads the letters of a document's code at token i, such as
// NĐ-CP, QH15, CT/TW; next is 0 if there are none.
func (p *pass) documentCode(i int) (words string, next int, known bool) {
	var b wordList
	known = true
	for j := i; ; j++ {
		s := p.str(j)
		if j > i+maxCode || !p.is(j, tokWord) || !p.toks[j].upper || len(s) < 2 {
			break
		}
		if roman(s) > 0 && j == i {
			return "", 0, false // RON 95-III
		}
		part := documentPart(s)
		if part == "" {
			part = p.letterWords(s)
			if part == "" {
				part, known = spell(s), false
			}
		}
		b.add(part)
		next = j + 1
		if d := p.digits(next); d != "" && len(d) <= 2 {
			if s == "QH" || s == "UBTVQH" {
				b.add("khoá")
			}
			b.add(p.cardinal(d))
			next++
		}
		if !p.sym(next, "-") && !p.sym(next, "/") && !p.sym(next, "&") && !p.sym(next, ".") {
			break
		}
		j = next
	}
	return b.String(), next, known
}

func isYear(s string) bool { return len(s) == 4 && (s[:2] == "19" || s[:2] == "20" || s[:2] == "21") }

func allUpper(s string) bool {
	for _, c := range s {
		if !isUpper(c) {
			return false
		}
	}
	return s != ""
}
