package normalise

import "strings"

// quantity takes a number with what belongs to it: thousands, decimals, a unit.
func (p *pass) quantity(i int) int {
	words, next, plain := p.numeral(i)
	if d := p.cardinal(p.str(i)); p.glued(i) && next == i+1 {
		words = d
	}
	kind := KindNumber
	v := value{kind: valuePlain, plain: plain, ratio: true}
	if unit, end, money := p.unit(next); end > 0 {
		words += " " + unit
		next = end
		v.kind, kind = valueMeasure, KindUnit
		if money {
			kind = KindMoney
		}
	}
	if rest, end := p.rest(next); end > 0 {
		words += " " + rest
		next = end
		v.kind, kind = valueMeasure, KindUnit
	}
	if v.kind == valuePlain && p.lower(i-2) == "giờ" && p.is(i-4, tokDigits) { // 7 giờ 30
		v.kind = valueHour
	}
	v.end = next
	p.value = v
	return p.say(i, next, words, kind)
}

// rest reads a unit with more digits behind it, which touch: 1m65, 12tr500, 2tỷ3.
func (p *pass) rest(i int) (words string, next int) {
	d := p.digits(i + 1)
	if p.lower(i) == "tr" && d != "" && len(d) <= 3 && p.lower(i+2) == "k" { // 1tr500k
		return "triệu " + p.cardinal(d) + " " + p.thousand(), i + 3
	}
	if d == "" || len(d) > 3 || p.is(i+2, tokWord) || p.is(i+2, tokSymbol) && p.is(i+3, tokDigits) {
		return "", 0
	}
	switch s := p.lower(i); s {
	case "m":
		if len(d) > 2 || power(d) != "" {
			return "", 0
		}
		words = "mét "
	case "km":
		words = "ki lô mét "
	case "kg":
		words = "ki lô gam "
	case "tr", "triệu":
		words = "triệu "
	case "tỷ", "tỉ":
		words = s + " "
	default:
		return "", 0
	}
	if d[0] == '0' {
		return words + digitByDigit(d), i + 2
	}
	return words + p.cardinal(d), i + 2
}

// numeral reads the number at i: digits, thousands with points (or with spaces
// before a currency), a decimal comma. plain is its value if it has neither.
func (p *pass) numeral(i int) (words string, next, plain int) {
	next = p.thousandsEnd(i)
	if strings.HasPrefix(p.str(i), "0") && next > i+1 { // 0.500 is no thousand
		next = i + 1
	}
	if next == i+1 {
		next = p.spacedThousands(i)
	}
	if next == i+1 {
		if w, end := p.foreignNumeral(i); end > 0 {
			return w, end, -1
		}
	}
	digits := p.digitsOf(i, next)
	words = p.cardinal(digits)
	plain = number(digits)
	if d := p.digits(next + 1); p.sym(next, ",") && d != "" && !p.listed(i, next) {
		words += " phẩy " + p.decimals(d)
		if len(d) == 3 && digits != "0" && next == i+1 {
			p.doubt(i, next+2, words, DoubtDecimalPoint, p.cardinal(digits+d))
		}
		next += 2
		plain = -1
	}
	return words, next, plain
}

// listed says whether the comma at next, after the number at i, parts the members of
// a list: thôn 1,2; lớp 6,7,8; ngày 5,6/10.
func (p *pass) listed(i, next int) bool {
	if p.sym(next+2, ",") && p.is(next+3, tokDigits) || p.sym(i-1, ",") && p.is(i-2, tokDigits) {
		return true
	}
	if len(p.str(i)) > 2 || next != i+1 || len(p.str(next+1)) > 2 || !namedByNumber(p.before(i, 0)) {
		return false
	}
	if _, end, _ := p.unit(next + 2); end > 0 || measured(p.following(next+2)) {
		return false
	}
	return p.str(next + 1)[0] != '0' || p.str(i)[0] == '0'
}

// spacedThousands returns the token after a number such as 50 000 before a
// currency.
func (p *pass) spacedThousands(i int) int {
	next := i + 1
	for len(p.str(i)) <= 3 && p.str(next) == " " && len(p.digits(next+1)) == 3 {
		next += 2
	}
	if next > i+1 && currency(p.following(next)) {
		return next
	}
	return i + 1
}

// foreignNumeral reads numbers with points for decimals (1.5), with several
// points (1.2.3) and with commas for thousands (1,250,000).
func (p *pass) foreignNumeral(i int) (string, int) {
	if p.sym(i+1, ",") && len(p.digits(i+2)) == 3 && p.sym(i+3, ",") && len(p.digits(i+4)) == 3 && len(p.str(i)) <= 3 {
		next := i + 1
		for p.sym(next, ",") && len(p.digits(next+1)) == 3 {
			next += 2
		}
		return p.cardinal(p.digitsOf(i, next)), next
	}
	d := p.digits(i + 2)
	if !p.sym(i+1, ".") || d == "" {
		return "", 0
	}
	if p.sym(i+3, ".") && p.is(i+4, tokDigits) {
		var words wordList
		words.add(p.cardinal(p.str(i)))
		next := i + 1
		for p.sym(next, ".") && p.is(next+1, tokDigits) {
			words.add("chấm")
			words.add(p.cardinal(p.str(next + 1)))
			next += 2
		}
		return words.String(), next
	}
	next := i + 3
	unit, end, _ := p.unit(next)
	if end > 0 || measured(p.following(next)) {
		words := p.cardinal(p.str(i)) + " phẩy " + p.decimals(d)
		if !strings.HasSuffix(unit, "héc") { // radio: 98.9 MHz
			p.doubt(i, next, words, DoubtDecimalPoint, p.cardinal(p.str(i)+d))
		}
		return words, next
	}
	words := p.cardinal(p.str(i)) + " chấm " + p.decimals(d)
	if d != "0" && !p.lineStart(i) && !p.is(i-1, tokWord) && !p.near(i, 2, sectionContext) {
		p.doubt(i, next, words, DoubtDecimalPoint, p.cardinal(p.str(i))+" phẩy "+p.decimals(d))
	}
	return words, next
}

// maxRates bounds how many units one rate has: đồng/người/tháng.
const maxRates = 4

// unit reads the unit at i, one space allowed before it, with its own rate
// (km/h, mg/m3). next is 0 if there is none.
func (p *pass) unit(i int) (words string, next int, money bool) {
	words, next, money = p.oneUnit(i, true)
	if next == 0 {
		return "", 0, false
	}
	for n := 0; n < maxRates && p.sym(next, "/"); n++ {
		w, end, _ := p.oneUnit(next+1, false)
		if end == 0 {
			break
		}
		words += " " + rateJoint(money, p.lower(next+1)) + " " + w
		next = end
	}
	return words, next, money
}

// oneUnit reads one unit without a rate.
func (p *pass) oneUnit(i int, spaces bool) (words string, next int, money bool) {
	j := i
	if spaces {
		j = p.skip(i)
	}
	s := p.str(j)
	switch {
	case p.is(j, tokSymbol):
		return p.symbolUnit(j)
	case !p.is(j, tokWord):
		return "", 0, false
	}
	// A power touches its unit: m2, km², dm3.
	if area := power(p.str(j + 1)); area != "" && !p.is(j+2, tokWord) && !p.is(j+2, tokDigits) {
		if base := lengthUnit(s); base != "" {
			return base + area, j + 2, false
		}
	}
	if p.is(j+1, tokDigits) || j > i && p.sym(j+1, ".") && p.is(j+2, tokWord) {
		return "", 0, false
	}
	if j > i && len(s) == 1 && (s == "A" || s == "k" || s == "K" || s == "s" || (s == "V" || s == "W") && placed(p.before(i, 0))) {
		return "", 0, false
	}
	if p.sym(j+1, "/") && p.lower(j) == "đ" && p.lower(j+2) == "c" { // 3 đ/c
		return "", 0, false
	}
	if s == "K" && j == i && p.str(i-1) == "5" && p.near(i-1, 3, adviceContext) { // thông điệp 5K
		return "ca", j + 1, false
	}
	if w := currencyWord(s); w != "" {
		return w, j + 1, true
	}
	if s == "T" && j == i && p.near(i, 6, loadContext) { // tải trọng 8T
		return "tấn", j + 1, false
	}
	if w := unitWord(s); w != "" {
		return w, j + 1, w == "nghìn" // 85k/kg
	}
	return "", 0, false
}

func (p *pass) symbolUnit(j int) (words string, next int, money bool) {
	switch p.str(j) {
	case "%":
		return "phần trăm", j + 1, false
	case "‰":
		return "phần nghìn", j + 1, false
	case "₫":
		return "đồng", j + 1, true
	case "$":
		return "đô la", j + 1, true
	case "€":
		return "ơ rô", j + 1, true
	case "℃":
		return "độ xê", j + 1, false
	case "°", "º":
		k := p.skip(j + 1)
		switch {
		case p.str(k) == "C" && !p.is(k+1, tokDigits):
			return "độ xê", k + 1, false
		case p.str(k) == "F" && !p.is(k+1, tokDigits):
			return "độ ép", k + 1, false
		}
		if w := pole(p.str(j + 1)); w != "" {
			return "độ " + w, j + 2, false
		}
		return "độ", j + 1, false
	case "'", "’", "′":
		switch {
		case p.is(j+1, tokWord):
			return "", 0, false
		case p.str(j+1) == p.str(j): // 30''
			return "giây", j + 2, false
		}
		return "phút", j + 1, false
	case "\"", "”", "″":
		if p.value.kind == valueHour && p.value.end == j-1 { // 1h05'30"
			return "giây", j + 1, false
		}
	}
	return "", 0, false
}

// pole reads the letter of a place on the globe: 15,8°N, 113,2°Đ.
func pole(s string) string {
	switch s {
	case "N", "B":
		return "bắc"
	case "S":
		return "nam"
	case "E", "Đ":
		return "đông"
	case "W", "T":
		return "tây"
	}
	return ""
}

func power(s string) string {
	switch s {
	case "2", "²":
		return " vuông"
	case "3", "³":
		return " khối"
	}
	return ""
}

// rateJoint is how the slash of a rate is said: money and what people or times
// get is "một", physical rates are "trên".
func rateJoint(money bool, below string) string {
	if money {
		return "một"
	}
	switch below {
	case "người", "ngày", "tháng", "năm", "tuần", "hộ", "khẩu", "lần", "suất", "lượt", "đợt", "vụ", "con",
		"buổi", "ca", "xã", "thôn", "trẻ", "cháu", "em", "học", "gia", "nhà", "bữa", "đêm", "quý", "kỳ", "lứa",
		"đội", "nhóm", "lớp", "trường", "phường", "ấp", "bàn", "phòng", "lượng", "chỉ", "bản", "hội", "chốt", "điểm",
		"nhân", "đầu", "cây", "bao", "thửa", "xe", "chiếc", "cái", "bộ", "cặp", "mũi", "liều", "tổ", "cụm", "đơn":
		return "một"
	}
	return "trên"
}

// slashRate takes the slash of a rate between words: đồng/kg, lần/ngày, người/km2.
func (p *pass) slashRate(i int) int {
	if !p.is(i+1, tokWord) && !p.is(i+1, tokDigits) || p.is(i-1, tokSpace) {
		return 0
	}
	counted := p.value.ratio && p.value.end >= i-4 && p.value.end > 0 && i >= p.value.end
	if !counted {
		return 0
	}
	money := false
	for k := range 3 {
		money = money || currency(p.before(i, k))
	}
	joint := rateJoint(money, p.lower(i+1))
	p.say(i, i+1, joint, KindUnit)
	if w, end, _ := p.oneUnit(i+1, false); end > 0 {
		p.say(i+1, end, w, KindUnit)
		p.value.end = end
		return end
	}
	p.value.end = i + 2
	return i + 1
}
