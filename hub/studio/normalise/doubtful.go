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
	case "CT":
		switch {
		case after == "ubnd" || after == "hđnd" || after == "hội" || after == "uỷ" || after == "nước":
			return pick("chủ tịch")
		case after == "mtqg" || after == "mục":
			return pick("chương trình")
		case after == "tnhh" || after == "cp" || after == "cổ":
			return pick("công ty")
		}
	case "NV":
		if p.is(next, tokDigits) {
			return pick("nguyện vọng")
		}
	case "KK":
		if prev == "giải" {
			return pick("khuyến khích")
		}
	case "MN":
		if prev == "trường" || prev == "lớp" {
			return pick("mầm non")
		}
	case "GS":
		if j := p.skip(next); p.is(j, tokWord) && !p.toks[j].lower && prev != "ban" && prev != "bộ" {
			return pick("giáo sư")
		}
	case "HK":
		if d := p.skip(next); p.is(d, tokDigits) || roman(p.str(d)) > 0 {
			return pick("học kỳ")
		}
	case "LH":
		if j := p.skip(next); colon || p.is(j, tokDigits) || p.lower(j) == "sđt" || p.lower(j) == "đt" || title(after) {
			return pick("liên hệ")
		}
	case "DL":
		if p.value.kind == valueDate && p.value.end == i-1 || prev == "ngày" {
			return pick("dương lịch")
		}
	case "TB":
		if p.sym(next, ",") && p.lower(p.skip(next+1)) == "ls" {
			return pick("thương binh")
		}
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
		if p.isDashed(next, "XH", "HT", "CT") || office(prev) || prev == "p" {
			return pick("kinh tế")
		}
	case "XH":
		if prev == "kt" || prev == "ct" || prev == "vh" || prev == "tb" || prev == "đtb" {
			return pick("xã hội")
		}
	case "NN":
		if office(prev) || prev == "phi" {
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
		if prev == "bhxh" {
			return "tự nguyện", true
		}
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
		if p.is(i-2, tokDigits) { // 2 CN
			return "công nhân", false
		}
	case "CA":
		if after == "xã" || after == "phường" || after == "tỉnh" || after == "huyện" || after == "tp" || after == "thành" {
			return pick("công an")
		}
	case "NSX":
		if colon || prev == "kể" || prev == "từ" || prev == "có" || prev == "không" || prev == "ghi" || prev == "hạn" || prev == "rõ" || after == "hsd" || prev == "hsd" {
			return pick("ngày sản xuất")
		}
		return pick("ngân sách xã")
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
		if after == "đbtq" || after == "đảng" || after == "chi" || after == "lần" || after == "đoàn" {
			return pick("đại hội")
		}
	case "NH":
		if isYear(p.digits(p.skip(next))) {
			return pick("năm học")
		}
	case "CB":
		if prev == "thư" {
			return "chi bộ", true
		}
	case "ĐB":
		if prev == "giải" || prev == "hạng" || prev == "loại" {
			return pick("đặc biệt")
		}
		if prev == "qh" || prev == "hđnd" || prev == "hội" {
			return pick("đại biểu")
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
		if centre(after) {
			return pick("trung tâm")
		}
	case "CP":
		if prev == "ty" || prev2 == "công" {
			return pick("cổ phần")
		}
	case "HĐ":
		if prev == "chủ" || prev2 == "chủ" || board(after) {
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

// title says whether w stands before the name of a person.
func title(w string) bool {
	switch w {
	case "anh", "chị", "ông", "bà", "cô", "chú", "bác", "em", "thầy", "trực", "qua", "số":
		return true
	}
	return false
}

// centre says whether w after TT is the work of a centre.
func centre(w string) bool {
	switch w {
	case "thương", "y", "dịch", "hành", "giáo", "hội", "học", "phục", "kiểm", "bảo", "dạy", "văn", "nuôi", "khuyến":
		return true
	}
	return false
}

// board says whether w after HĐ is the work of a board.
func board(w string) bool {
	switch w {
	case "nvqs", "gpmb", "thi", "bồi", "xét", "tđkt", "tuyển", "giám", "quản", "trường":
		return true
	}
	return false
}

// office says whether an abbreviation after w is the field of an office.
func office(w string) bool { return w == "sở" || w == "bộ" || w == "phòng" }
