package normalise

import "slices"

// choose picks the meaning of an abbreviation that has several from the words
// around it. sure is false where they don't decide.
func (p *pass) choose(i, next int, written string, options []string) (words string, sure bool) {
	prev, prev2 := p.before(i, 0), p.before(i, 1)
	after := p.following(next)
	colon := p.sym(p.skip(next), ":")
	if d := p.skip(next); documentKind(written) && (p.is(d, tokDigits) && (p.sym(d+1, "/") || p.sym(d+1, "-")) ||
		p.lower(d) == "số" && p.is(p.skip(d+1), tokDigits)) {
		return documentPart(written), true
	}
	pick := func(s string) (string, bool) { return s, slices.Contains(options, s) }
	switch written {
	case "AI":
		return pick("ây ai")
	case "BĐ":
		if d := p.skip(next); p.is(d, tokDigits) || roman(p.str(d)) > 0 || prev == "mức" {
			return pick("báo động")
		}
	case "CK":
		if prev == "với" {
			return pick("cùng kỳ")
		}
	case "ND":
		if prev == "hội" {
			return pick("nông dân")
		}
	case "VT":
		if prev == "lưu" {
			return pick("văn thư")
		}
	case "HT":
		if prev == "vụ" || prev == "lúa" {
			return pick("hè thu")
		}
	case "ĐT":
		if prev == "đường" && p.is(p.skip(next), tokDigits) {
			return "tỉnh", true // "đường" is said already
		}
		if prev2 == "gd" {
			return pick("đào tạo")
		}
		if d := p.digits(p.skip(next)); len(d) == 3 && !colon {
			return pick("đường tỉnh")
		}
		if colon || p.is(p.skip(next), tokDigits) || prev == "số" {
			return pick("điện thoại")
		}
	case "KT":
		if p.isDashed(next, "XH", "HT", "CT") {
			return pick("kinh tế")
		}
	case "XH":
		if prev == "kt" || prev == "ct" || prev == "vh" || prev == "tb" || prev == "đtb" {
			return pick("xã hội")
		}
	case "NN":
		if office(prev) {
			return pick("nông nghiệp")
		}
	case "KS":
		if j := p.skip(next); p.is(j, tokWord) && !p.toks[j].lower {
			return pick("kỹ sư")
		}
	case "KH":
		if office(prev) {
			return pick("khoa học")
		}
	case "TN":
		if office(prev) {
			return pick("tài nguyên")
		}
	case "GD":
		if office(prev) {
			return pick("giáo dục")
		}
	case "CĐ":
		if prev == "viên" || prev == "ban" || after == "cơ" {
			return pick("công đoàn")
		}
	case "CN":
		if j := p.skip(next + 1); p.sym(next, ".") && p.is(j, tokWord) && !p.toks[j].lower {
			return "cử nhân", true
		}
		if prev2 == "kh" {
			return pick("công nghệ")
		}
		if prev == "sáng" || prev == "chiều" || prev == "tối" || prev == "ngày" || prev == "đến" || prev == "thứ" {
			return pick("chủ nhật")
		}
		if prev == "khu" || prev == "cụm" {
			return pick("công nghiệp")
		}
	case "CA":
		if after == "xã" || after == "phường" || after == "tỉnh" || after == "huyện" || after == "tp" || after == "thành" {
			return pick("công an")
		}
	case "SN":
		if isYear(p.digits(p.skip(next))) {
			return pick("sinh năm")
		}
	case "ĐK":
		if prev == "viện" || prev == "khám" {
			return pick("đa khoa")
		}
	case "ĐH":
		if p.is(p.skip(next), tokDigits) {
			return pick("đường huyện")
		}
		if prev == "trường" || prev == "thi" || prev == "học" {
			return pick("đại học")
		}
	case "KP":
		if p.is(p.skip(next), tokDigits) {
			return pick("khu phố")
		}
	case "TT":
		if prev2 == "tt" { // TT và TT
			return "truyền thông", true
		}
		if office(prev) {
			return pick("thông tin")
		}
	case "CP":
		if prev == "ty" || prev2 == "công" {
			return pick("cổ phần")
		}
	case "HĐ":
		if prev == "chủ" || prev2 == "chủ" {
			return pick("hội đồng")
		}
	case "BV":
		if !p.isLowerAt(p.skip(next)) {
			return pick("bệnh viện")
		}
	case "LS":
		if prev == "gia" || prev == "mộ" || prev == "tưởng" || prev == "niệm" {
			return pick("liệt sĩ")
		}
	case "MT":
		if prev == "sinh" || prev == "vệ" || prev2 == "tn" || prev2 == "nn" {
			return pick("môi trường")
		}
	case "TL":
		if p.is(p.skip(next), tokDigits) {
			return pick("tỉnh lộ")
		}
	}
	return options[0], false
}

func (p *pass) isLowerAt(i int) bool { return p.is(i, tokWord) && p.toks[i].lower }

// isDashed says whether a dash and one of the words stand at i: KT - XH.
func (p *pass) isDashed(i int, words ...string) bool {
	j, _ := p.dash(i)
	return j > 0 && slices.Contains(words, p.str(j))
}

// office says whether an abbreviation after w is the field of an office.
func office(w string) bool { return w == "sở" || w == "bộ" || w == "phòng" }
