package normalise

import "strings"

// clock takes hours: 17h30, 17h, 17 h 30, 17g30, 17:30, 17:30:15.
func (p *pass) clock(i int) int {
	hour := p.str(i)
	n := number(hour)
	if len(hour) > 2 || n > 24 || p.glued(i) {
		return 0
	}
	if p.sym(i+1, ":") {
		return p.clockColon(i)
	}
	if p.sym(i+1, ".") {
		return p.clockPoint(i)
	}
	j := p.skip(i + 1)
	switch p.str(j) {
	case "h", "H":
	case "g", "G":
		if len(p.digits(j+1)) != 2 && (j > i+1 || p.is(j+1, tokDigits) || !p.hourContext(i)) {
			return 0 // grams
		}
	default:
		return 0
	}
	if p.sym(j+1, "/") && !p.dayAndMonth(j+2) {
		return 0 // 8h/ngày
	}
	var b wordList
	b.add(p.cardinal(hour))
	b.add("giờ")
	next := j + 1
	k := next
	if p.is(k, tokSpace) && (j > i+1 || p.minuteMark(k+2)) {
		k++
	}
	if m := p.digits(k); m != "" && len(m) <= 2 && number(m) < 60 {
		next = k + 1
		next = p.minutes(&b, m, next)
	}
	if p.sym(next, "/") && p.dayAndMonth(next+1) { // 19h/22/9, 6h30/1/12/2026
		b.add("ngày")
		next++
	}
	p.value = value{end: next, kind: valueHour, plain: number(p.str(i))}
	return p.say(i, next, b.String(), KindHour)
}

// dayAndMonth says whether a day and a month stand at i, as 22/9.
func (p *pass) dayAndMonth(i int) bool {
	day, month := number(p.digits(i)), number(p.digits(i+2))
	return p.sym(i+1, "/") && day >= 1 && day <= 31 && month >= 1 && month <= 12
}

// hourContext says whether the number at i is an hour though it is written like a
// weight: từ 7g đến 11g.
func (p *pass) hourContext(i int) bool {
	if p.value.kind == valueHour && p.value.end >= i-3 {
		return true
	}
	switch p.before(i, 0) {
	case "lúc", "hồi", "từ", "trước":
		return true
	}
	return false
}

// minuteMark says whether token i says that minutes stood before it.
func (p *pass) minuteMark(i int) bool {
	switch p.lower(i) {
	case "'", "’", "′", "p", "ph", "phút":
		return true
	}
	return false
}

// minutes adds the minutes m, and "phút" if a mark for it stands at next, and
// returns the token after it.
func (p *pass) minutes(b *wordList, m string, next int) int {
	mark := p.minuteMark(next)
	named := p.following(next) == "phút"
	switch {
	case number(m) == 0 && !mark && !named:
	default:
		b.add(p.minute(m))
	}
	if mark {
		b.add("phút")
		next++
	}
	return next
}

// minute reads minutes as they are written: 05 is "không năm".
func (p *pass) minute(m string) string {
	if len(m) == 2 && m[0] == '0' && m[1] != '0' {
		return "không " + p.cardinal(m)
	}
	return p.cardinal(m)
}

// minuteAfter takes the minutes of "8 giờ 05" and "8 giờ 00".
func (p *pass) minuteAfter(i int) int {
	m := p.str(i)
	if len(m) != 2 || m[0] != '0' || !p.is(i-1, tokSpace) || p.lower(i-2) != "giờ" || !p.is(i-4, tokDigits) ||
		p.sym(i+1, "/") || p.sym(i+1, ",") && p.is(i+2, tokDigits) {
		return 0
	}
	words := p.minute(m)
	if m == "00" && p.following(i+1) != "phút" {
		words = ""
	}
	p.value = value{end: i + 1, kind: valueHour}
	return p.say(i, i+1, words, KindHour)
}

// clockPoint takes 5.30 where an hour is awaited: lúc 5.30, 5.30 sáng.
func (p *pass) clockPoint(i int) int {
	m, next := p.digits(i+2), i+3
	if len(m) != 2 || number(m) > 59 || p.is(next, tokWord) || p.is(next, tokSymbol) && p.is(next+1, tokDigits) {
		return 0
	}
	prev, after := p.before(i, 0), p.following(next)
	awaited := prev == "lúc" || prev == "hồi"
	if !awaited && !partWord(after) {
		return 0
	}
	words := p.cardinal(p.str(i)) + " giờ"
	if m != "00" {
		words += " " + p.minute(m)
	}
	if !awaited || !partWord(after) {
		p.doubt(i, next, words, DoubtDecimalPoint, p.cardinal(p.str(i))+" phẩy "+p.decimals(m))
	}
	p.value = value{end: next, kind: valueHour, plain: number(p.str(i))}
	return p.say(i, next, words, KindHour)
}

// partWord says whether w is a part of the day.
func partWord(w string) bool {
	return w == "sáng" || w == "trưa" || w == "chiều" || w == "tối" || w == "đêm"
}

func (p *pass) clockColon(i int) int {
	m := p.digits(i + 2)
	if len(m) != 2 || number(m) > 59 || p.near(i, 2, ratioContext) || p.before(i, 0) == "npk" {
		return 0
	}
	if s := p.digits(i + 4); p.sym(i+3, ":") && s != "" && len(s) != 2 { // 5:10:3
		return 0
	}
	var b wordList
	b.add(p.cardinal(p.str(i)))
	b.add("giờ")
	next := i + 3
	if s := p.digits(i + 4); p.sym(next, ":") && len(s) == 2 && number(s) < 60 {
		b.add(p.minute(m))
		b.add("phút")
		b.add(p.cardinal(s))
		b.add("giây")
		next = i + 5
	} else {
		next = p.minutes(&b, m, next)
	}
	if f := p.following(next); f == "h" || f == "giờ" { // "17:30 giờ" says the hour twice
		next = p.skip(next) + 1
	}
	p.value = value{end: next, kind: valueHour, plain: number(p.str(i))}
	return p.say(i, next, b.String(), KindHour)
}

// date takes 21/6/2026, 21-6-2026, 21.6.2026, 21/6, 6/2026 and, after "ngày",
// 21-6 and 21.6.
func (p *pass) date(i int) int {
	a, sep, m := p.str(i), p.str(i+1), p.digits(i+2)
	if p.glued(i) || len(a) > 2 || m == "" || sep != "/" && sep != "-" && sep != "." {
		return p.lunarOrMonth(i)
	}
	day, month := number(a), number(m)
	if len(m) > 2 || month < 1 || month > 12 || day < 1 || day > 31 {
		return p.lunarOrMonth(i)
	}
	if p.str(i+3) == sep && p.is(i+4, tokDigits) {
		y := p.str(i + 4)
		if len(y) != 4 && !(len(y) == 2 && sep == "/") || sep == "." && len(y) != 4 || p.is(i+5, tokWord) {
			return 0
		}
		var b wordList
		b.add(p.cardinal(a))
		b.add("tháng")
		b.add(p.month(m))
		b.add("năm")
		b.add(p.cardinal(y))
		return p.sayDate(i, i+5, b.String())
	}
	if p.is(i+3, tokWord) || p.str(i+3) == sep && p.is(i+4, tokWord) || p.sym(i+3, "%") {
		return 0
	}
	words := p.cardinal(a) + " tháng " + p.month(m)
	prev := p.governor(i)
	if sep != "/" {
		return p.dayHyphen(i, sep, words, prev)
	}
	if special := p.allDay(i, a, m); special > 0 {
		return special
	}
	if span(p.following(i+3)) && day < month { // sau 1/2 tháng
		return 0
	}
	if dateBefore(prev) || prev == "" && day > 12 && p.value.kind == valueDate {
		return p.sayDate(i, i+3, words)
	}
	if shareBefore(prev) || shareBefore(p.before(i, 1)) && !dateWord(prev) || shareAfter(p.following(i+3)) {
		return 0 // a fraction or a ratio
	}
	switch prev {
	case "độ": // cấp độ 3/5
		if p.before(i, 1) == "cấp" {
			return 0
		}
	case "ngõ", "ngách", "hẻm", "kiệt", "nhà", "lớp", "phòng", "ô", "lô", "thửa", "tổ", "tờ":
		return 0
	case "số":
		j := i + 3
		if p.sym(j, ",") {
			j++
		}
		if p.before(i, 1) == "nhà" || addressAfter(p.following(j)) {
			return 0
		}
	}
	if p.before(i, 0) == "chỉ" && p.before(i, 1) == "địa" {
		return 0
	}
	if day < month && !p.near(i, 8, namedDay) { // could be a fraction; more than the whole could not
		p.doubt(i, i+3, words, DoubtDateOrFraction, p.cardinal(a)+" phần "+p.parts(m), p.cardinal(a)+" trên "+p.cardinal(m))
	}
	return p.sayDate(i, i+3, words)
}

func (p *pass) sayDate(i, next int, words string) int {
	p.value = value{end: next, kind: valueDate}
	return p.say(i, next, words, KindDate)
}

// allDay takes 24/7 and 7/7 as a service without a pause.
func (p *pass) allDay(i int, a, b string) int {
	if a == "24" && b == "7" && !dateWord(p.before(i, 0)) || a == "7" && b == "7" && p.following(i+3) == "ngày" {
		p.value = value{end: i + 3, kind: valueOther}
		words := p.cardinal(a) + " trên " + p.cardinal(b)
		if !p.near(i, 3, serviceContext) && p.following(i+3) != "giờ" {
			p.doubt(i, i+3, words, DoubtDateOrFraction, p.cardinal(a)+" tháng "+p.cardinal(b))
		}
		return p.say(i, i+3, words, KindFraction)
	}
	return 0
}

// dayHyphen takes "ngày 30-4" and "ngày 30.4", but not "ngày 5-7 tháng 6" or
// "ngày 21-25/6", which are ranges of days.
func (p *pass) dayHyphen(i int, sep, words, prev string) int {
	day, month := number(p.str(i)), number(p.str(i+2))
	if prev != "ngày" && !(day > month && dayWord(prev)) || p.sym(i+3, "/") || p.following(i+3) == "tháng" || p.sym(i+3, ",") && sep == "." {
		return 0
	}
	if sep == "-" && day < month {
		p.doubt(i, i+3, words, DoubtRangeOrScore, p.cardinal(p.str(i))+" đến "+p.cardinal(p.str(i+2)))
	}
	return p.sayDate(i, i+3, words)
}

// lunarOrMonth takes what "tháng", "quý", "tuần" and "thứ" rule, and a month with
// its year.
func (p *pass) lunarOrMonth(i int) int {
	s := p.str(i)
	if p.glued(i) || len(s) > 3 || p.is(i+1, tokWord) {
		return 0
	}
	if p.sym(i+1, ",") && p.is(i+2, tokDigits) && !p.is(i+3, tokSymbol) && !p.listed(i, i+1) {
		return 0 // a decimal
	}
	prev := p.governor(i)
	n := number(s)
	year := ""
	if sep := p.str(i + 1); (sep == "/" || sep == "-") && isYear(p.digits(i+2)) &&
		!p.is(i+3, tokWord) && !p.sym(i+3, "/") {
		year = p.str(i + 2)
	}
	switch {
	case prev == "tháng" && n >= 1 && n <= 12 && len(s) <= 2:
		if year != "" {
			words := p.month(s) + " năm " + p.cardinal(year)
			k := p.skipBack(i - 1)
			if (p.sym(k, "-") || p.sym(k, "–") || p.lower(k) == "và") && isYear(p.digits(p.skipBack(k-1))) { // 10/2026-3/2027
				words = "tháng " + words
			}
			return p.sayDate(i, i+3, words)
		}
		if p.sym(i+1, "/") && p.is(i+2, tokDigits) {
			return 0
		}
		p.value = value{end: i + 1, kind: valuePlain, plain: n}
		return p.say(i, i+1, p.month(s), KindDate)
	case prev == "thứ" && len(s) <= 3:
		p.value = value{end: i + 1, kind: valuePlain, plain: n}
		return p.say(i, i+1, p.ordinal(s), KindOrdinal)
	case year == "" || p.str(i+1) == "-" && !yearAfter(prev) || prev == "lệ" || prev == "đồ":
		return 0
	case yearAfter(prev) || len(s) == 3 || n > 12:
		return p.sayDate(i, i+3, p.documentNumber(s)+" năm "+p.cardinal(year))
	case n >= 1 && n <= 12 && len(s) <= 2:
		return p.sayDate(i, i+3, "tháng "+p.month(s)+" năm "+p.cardinal(year))
	}
	return 0
}

// fraction takes a/b that is no date: a fraction up to ten parts, else a ratio;
// and a:b as a ratio.
func (p *pass) fraction(i int) int {
	a, b := p.str(i), p.digits(i+2)
	if b == "" || p.glued(i) && !p.is(i-1, tokDigits) || p.is(i+3, tokWord) && !p.is(i+3, tokSpace) && p.sym(i+1, "/") {
		return 0
	}
	if ratio := p.near(i, 3, ratioContext); p.sym(i+1, ":") && (ratio || p.wideRatio(i)) {
		next := p.thousandsEnd(i + 2)
		if !ratio {
			p.doubt(i, next, p.cardinal(a)+" trên "+p.cardinal(p.digitsOf(i+2, next)), DoubtRangeOrScore,
				p.cardinal(a)+" "+p.cardinal(p.digitsOf(i+2, next)))
		}
		p.value = value{end: next, kind: valueOther}
		return p.say(i, next, p.cardinal(a)+" trên "+p.cardinal(p.digitsOf(i+2, next)), KindFraction)
	}
	if !p.sym(i+1, "/") {
		return 0
	}
	joint := "trên"
	x, y := number(a), number(b)
	small := x > 0 && x < y && y <= 10 && len(a) == 1
	after := p.following(i + 3)
	about := shareBefore(p.governor(i)) || shareBefore(p.before(i, 1))
	if small && !p.sym(i+3, "/") && (about || shareAfter(after) || span(after)) && (!wholeNumber(after) || roughly(p.before(i, 0))) {
		joint = "phần"
	}
	next := p.thousandsEnd(i + 2)
	var words wordList
	words.add(p.cardinal(a))
	words.add(joint)
	if d := p.digits(next + 1); p.sym(next, ",") && d != "" && joint == "trên" && p.value.kind != valueDate { // 10/0,4 kV
		words.add(p.cardinal(p.digitsOf(i+2, next)) + " phẩy " + p.decimals(d))
		next += 2
	} else if joint == "phần" {
		words.add(p.parts(p.digitsOf(i+2, next)))
	} else {
		words.add(p.cardinal(p.digitsOf(i+2, next)))
	}
	for p.sym(next, "/") && p.is(next+1, tokDigits) {
		words.add("trên")
		words.add(p.cardinal(p.str(next + 1)))
		next += 2
	}
	if unit, end, _ := p.unit(next); end > 0 {
		words.add(unit)
		next = end
	}
	p.value = value{end: next, kind: valueOther, ratio: true}
	if joint == "phần" {
		p.value.kind = valueMeasure // 1/2 - 1 viên
	}
	return p.say(i, next, words.String(), KindFraction)
}

// wideRatio says whether a:b at i can only be a ratio: 1:1000, but not 2:1.
func (p *pass) wideRatio(i int) bool {
	return len(p.str(i)) == 1 && len(p.digits(i+2)) >= 3 && !p.sym(i-1, ":") && !p.sym(i+3, ":") && !p.is(i+3, tokWord)
}

// parts reads the lower number of a fraction: a quarter is "phần tư".
func (p *pass) parts(digits string) string {
	if digits == "4" {
		return "tư"
	}
	return p.cardinal(digits)
}

// thousandsEnd returns the token after the number with points at i.
func (p *pass) thousandsEnd(i int) int {
	next := i + 1
	for len(p.str(i)) <= 3 && p.sym(next, ".") && len(p.digits(next+1)) == 3 {
		next += 2
	}
	return next
}

// digitsOf joins the digits of the tokens from i up to next.
func (p *pass) digitsOf(i, next int) string {
	if next == i+1 {
		return p.digits(i)
	}
	var b strings.Builder
	for ; i < next; i++ {
		b.WriteString(p.digits(i))
	}
	return b.String()
}
