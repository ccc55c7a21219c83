package page

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// hold says how firmly a word stays on the line of the one before it.
type hold uint8

const (
	free   hold = iota // a line may end between them
	near               // a line had better not: a number and the word before it, a name
	weakly             // parts of one date or span: "21 tháng 6 | năm 2026"
	firmly             // a number and its unit, a phone number's groups
)

// word is what stands between two spaces.
type word struct {
	letters string
	field   Field
	pos     int // of its first letter
	held    hold
	fair    bool // its paragraph's lines are chosen together
}

// words splits a paragraph at its spaces and decides what stays together, as a version
// of the layout does.
func (p paragraph) words(version uint64) []word {
	var ws []word
	start, next := -1, free
	for i := 0; i <= len(p.letters); i++ {
		if i < len(p.letters) && p.letters[i] != ' ' && p.letters[i] != noBreak {
			if start < 0 {
				start = i
			}
			continue
		}
		if start >= 0 {
			ws = append(ws, word{letters: string(p.letters[start:i]), field: p.field, pos: p.pos[start], held: next, fair: version >= 4})
			start, next = -1, free
		}
		if i < len(p.letters) && p.letters[i] == noBreak {
			next = firmly
		}
	}
	name := false // the word before belongs to one
	for i := 1; i < len(ws); i++ {
		if version >= 4 {
			prev, cur := ws[i-1].letters, ws[i].letters
			name = (name || takesName(strings.ToLower(prev))) && startsWithCapital(cur) && !pauses(prev)
			if name || isHour(prev) && cur == "ngày" || prev == "báo" && cur == "động" || startsWithDigit(cur) && (!pauses(prev) || isPhone(prev, cur)) {
				ws[i].held = max(ws[i].held, near)
			}
		}
		if version >= 2 && isHour(ws[i-1].letters) && ws[i].letters == "ngày" {
			continue // an hour is no amount of days
		}
		ws[i].held = max(ws[i].held, held(i == 1, ws[i-1].letters, ws[i].letters))
	}
	if len(ws) > 0 {
		ws[0].held = free
	}
	return ws
}

// held decides how firmly cur stays with prev, which is first in its paragraph or not.
func held(first bool, prev, cur string) hold {
	bare := strings.ToLower(strings.TrimRight(cur, ".,;:!?)”\"…"))
	unit, _, _ := strings.Cut(bare, "/") // "đồng/hộ"
	switch {
	case first && (isDash(prev) || prev == "•" || prev == "+"):
		return firmly // an item's mark
	case isDash(cur):
		return firmly
	case isDash(prev) && startsWithDigit(cur):
		return weakly
	case isNumber(prev) && (bare == "tháng" || bare == "năm"):
		return weakly
	case isNumber(prev) && (isUnit(bare) || isUnit(unit)):
		return firmly
	case isDigits(prev) && isDigits(bare) && (len(prev) > 1 || len(bare) > 1):
		return firmly
	case announcesNumber(strings.ToLower(strings.TrimLeft(prev, "(“\""))) && (startsWithDigit(cur) || isRoman(cur)):
		return firmly
	}
	return free
}

func isDash(s string) bool { return s == "-" || s == "–" || s == "—" }

func startsWithCapital(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsUpper(r)
}

// takesName: what a place's name follows, lower case.
func takesName(s string) bool {
	switch s {
	case "thôn", "xóm", "xã", "ấp", "bản", "buôn", "làng", "phường", "phố", "khu", "huyện", "tỉnh", "sông", "suối", "núi", "cầu", "đường":
		return true
	}
	return false
}

func startsWithDigit(s string) bool { return s != "" && s[0] >= '0' && s[0] <= '9' }

// isNumber: digits with the marks of amounts, hours, dates and phone numbers between them.
func isNumber(s string) bool {
	s = strings.TrimLeft(s, "(+-“\"")
	if !startsWithDigit(s) || !startsWithDigit(s[len(s)-1:]) {
		return false
	}
	return strings.Trim(s, "0123456789.,:/-–") == ""
}

// isHour: "16:05".
func isHour(s string) bool {
	hour, minute, ok := strings.Cut(strings.TrimRight(s, ","), ":")
	return ok && hour != "" && isDigits(hour) && len(minute) == 2 && isDigits(minute)
}

// isDigits: a group of a number that is written in groups.
func isDigits(s string) bool {
	s = strings.TrimLeft(s, "(+")
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// isPhone: "Điện thoại: 0912", "Gọi: 114".
func isPhone(prev, cur string) bool {
	return strings.HasSuffix(prev, ":") && len(cur) >= 3 && isDigits(cur[:3])
}

// isRoman: "III", "IV/2026".
func isRoman(s string) bool {
	head, _, _ := strings.Cut(strings.TrimRightFunc(s, unicode.IsPunct), "/")
	return head != "" && strings.Trim(head, "IVX") == ""
}

// isUnit: what follows an amount in official texts, lower case.
func isUnit(s string) bool {
	switch s {
	case "km", "m", "cm", "mm", "m2", "m²", "m3", "m³", "km2", "km²", "ha", "sào", "mẫu",
		"kg", "g", "mg", "tấn", "tạ", "yến", "lạng", "lít", "ml", "l",
		"kw", "kwh", "kv", "kva", "w", "v", "mw", "km/h", "m/s", "m3/s", "m³/s", "mm/h",
		"°c", "độ", "%", "‰", "đ", "₫", "đồng", "vnđ", "usd", "€",
		"nghìn", "ngàn", "triệu", "tỷ", "tỉ", "trăm",
		"giờ", "phút", "giây", "h", "ngày", "đêm", "tuần", "tuổi",
		"người", "hộ", "khẩu", "cháu", "con", "cây", "liều", "suất", "lần", "ca":
		return true
	}
	return false
}

// announcesNumber: what a number belongs to that comes after it, lower case.
func announcesNumber(s string) bool {
	switch s {
	case "ngày", "tháng", "năm", "giờ", "phút", "lúc", "thứ", "mùng", "quý", "khóa", "khoá", "kỳ",
		"số", "cấp", "động", "lớp", "khối", "tổ", "đội", "khu", "điều", "khoản", "mục", "đt", "sđt", "đt:", "sđt:", "số:":
		return true
	}
	return false
}
