package normalise

import "strings"

// digitWord returns the word of one ASCII digit.
func digitWord(d byte) string {
	switch d {
	case '0':
		return "không"
	case '1':
		return "một"
	case '2':
		return "hai"
	case '3':
		return "ba"
	case '4':
		return "bốn"
	case '5':
		return "năm"
	case '6':
		return "sáu"
	case '7':
		return "bảy"
	case '8':
		return "tám"
	}
	return "chín"
}

// digitByDigit reads each digit of s, which may be empty.
func digitByDigit(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(digitWord(s[i]))
	}
	return b.String()
}

// cardinal reads a run of ASCII digits as a number. Leading zeros are not said;
// a number of more than 18 digits is read digit by digit.
func (r *reader) cardinal(digits string) string {
	n := strings.TrimLeft(digits, "0")
	if n == "" {
		return "không"
	}
	if len(n) > 18 {
		return digitByDigit(n)
	}
	var b wordList
	r.appendNumber(&b, n, false)
	return b.String()
}

// appendNumber appends a number of at most 18 digits. After a higher group
// (full) the hundreds are said even when they are zero.
func (r *reader) appendNumber(b *wordList, n string, full bool) {
	if len(n) > 9 {
		r.appendNumber(b, n[:len(n)-9], full)
		b.add("tỷ")
		r.appendNumber(b, n[len(n)-9:], true)
		return
	}
	for len(n) > 0 {
		size := (len(n)-1)%3 + 1
		group := n[:size]
		n = n[size:]
		if strings.Trim(group, "0") != "" {
			r.appendTriple(b, group, full)
			switch len(n) {
			case 6:
				b.add("triệu")
			case 3:
				b.add(r.thousand())
			}
		}
		full = true
	}
}

func (r *reader) thousand() string {
	if r.south {
		return "ngàn"
	}
	return "nghìn"
}

func (r *reader) appendTriple(b *wordList, group string, full bool) {
	for len(group) < 3 {
		group = "0" + group
	}
	h, t, u := group[0], group[1], group[2]
	hundreds := h != '0' || full
	if hundreds {
		b.add(digitWord(h))
		b.add("trăm")
	}
	switch {
	case t == '0' && u == '0':
		return
	case t == '0':
		if hundreds {
			if r.south {
				b.add("lẻ")
			} else {
				b.add("linh")
			}
		}
		b.add(digitWord(u))
		return
	case t == '1':
		b.add("mười")
	default:
		b.add(digitWord(t))
		b.add("mươi")
	}
	switch {
	case u == '0':
	case u == '5':
		b.add("lăm")
	case u == '1' && t > '1':
		b.add("mốt")
	case u == '4' && t > '1' && !r.south:
		b.add("tư")
	default:
		b.add(digitWord(u))
	}
}

// decimals reads the digits after a decimal comma: as a number up to three
// digits, digit by digit beyond; leading zeros are said.
func (r *reader) decimals(digits string) string {
	if len(digits) > 3 {
		return digitByDigit(digits)
	}
	rest := strings.TrimLeft(digits, "0")
	zeros := digitByDigit(digits[:len(digits)-len(rest)])
	switch {
	case rest == "":
		return zeros
	case zeros == "":
		return r.cardinal(rest)
	}
	return zeros + " " + r.cardinal(rest)
}

// ordinal reads n after "thứ": nhất, hai, ba, tư; then as the cardinal.
func (r *reader) ordinal(digits string) string {
	switch strings.TrimLeft(digits, "0") {
	case "1":
		return "nhất"
	case "4":
		return "tư"
	}
	return r.cardinal(digits)
}

// month reads the number of a month: the fourth is "tư".
func (r *reader) month(digits string) string {
	if strings.TrimLeft(digits, "0") == "4" {
		return "tư"
	}
	return r.cardinal(digits)
}

// number returns the value of a short run of digits, -1 if it has more than 9.
func number(digits string) int {
	if len(digits) == 0 || len(digits) > 9 {
		return -1
	}
	n := 0
	for i := range len(digits) {
		n = n*10 + int(digits[i]-'0')
	}
	return n
}

// roman returns the value of s as a well-formed Roman numeral of 1 to 89 in
// capitals I, V, X, L; 0 if it is none.
func roman(s string) int {
	if s == "" || len(s) > 8 {
		return 0
	}
	total, previous := 0, 0
	for i := len(s) - 1; i >= 0; i-- {
		var v int
		switch s[i] {
		case 'I':
			v = 1
		case 'V':
			v = 5
		case 'X':
			v = 10
		case 'L':
			v = 50
		default:
			return 0
		}
		if v < previous {
			total -= v
		} else {
			total += v
			previous = v
		}
	}
	if total < 1 || total > 89 || writeRoman(total) != s {
		return 0
	}
	return total
}

func writeRoman(n int) string {
	var b strings.Builder
	for _, step := range [...]struct {
		value int
		text  string
	}{{50, "L"}, {40, "XL"}, {10, "X"}, {9, "IX"}, {5, "V"}, {4, "IV"}, {1, "I"}} {
		for n >= step.value {
			b.WriteString(step.text)
			n -= step.value
		}
	}
	return b.String()
}

// wordList joins words with single spaces.
type wordList struct{ strings.Builder }

func (b *wordList) add(word string) {
	if word == "" {
		return
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	b.WriteString(word)
}
