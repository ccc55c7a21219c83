package normalise

import "strings"

// maxAddress bounds an address, in tokens.
const maxAddress = 128

// web takes addresses of the web and of mail.
func (p *pass) web(i int) int {
	s := p.str(i + 1)
	if s != "." && s != "@" && s != ":" && s != "_" && s != "-" && !p.is(i+1, tokDigits) && !p.is(i+1, tokWord) {
		return 0
	}
	if p.glued(i) || p.sym(i-1, "@") {
		return 0
	}
	end := i
	at, dots := false, false
	for end < min(len(p.toks), i+maxAddress) && !p.is(end, tokSpace) && !p.is(end, tokLine) {
		if p.is(end, tokSymbol) && !strings.ContainsAny(p.str(end), ".@:/_-?=&%+#~") {
			break
		}
		at = at || p.sym(end, "@")
		dots = dots || p.sym(end, ".")
		end++
	}
	for end > i+1 && p.is(end-1, tokSymbol) && !p.sym(end-1, "/") {
		end--
	}
	run := lowerCase(p.text[p.toks[i].start:p.toks[end-1].end])
	if !dots || !at && !strings.HasPrefix(run, "http") && !strings.HasPrefix(run, "www.") && !domain(run) {
		return 0
	}
	for j := i; j < end; j++ {
		for _, c := range p.str(j) {
			if c > 127 { // words joined by a point, not an address
				return 0
			}
		}
	}
	var b wordList
	j := i
	if strings.HasPrefix(run, "http://") || strings.HasPrefix(run, "https://") {
		j += 4
	}
	for ; j < end; j++ {
		b.add(p.webPart(j))
	}
	p.value = value{end: end, kind: valueOther}
	return p.say(i, end, b.String(), KindWeb)
}

func (p *pass) webPart(j int) string {
	s := p.lower(j)
	if p.is(j, tokDigits) {
		if len(s) > 2 || s[0] == '0' {
			return digitByDigit(s)
		}
		return p.cardinal(s)
	}
	if w := webWord(s); w != "" {
		return w
	}
	if p.is(j, tokSymbol) {
		return symbolWord(s)
	}
	if w := foreignWord(s); w != "" {
		return w
	}
	if w := siteName(s); w != "" {
		return w
	}
	if !hasVowel(s) || abbreviation(strings.ToUpper(s)) != "" {
		return spell(s)
	}
	for _, office := range [...]string{"ubnd", "hdnd", "mttq", "thcs", "thpt", "bhxh"} {
		if rest, ok := strings.CutPrefix(s, office); ok && hasVowel(rest) { // ubndxabinhan
			return spell(office) + " " + rest
		}
	}
	return s
}

// siteName reads the names of the state's best known sites, which are written
// without marks.
func siteName(s string) string {
	switch s {
	case "dichvucong":
		return "dịch vụ công"
	case "chinhphu":
		return "chính phủ"
	case "baochinhphu":
		return "báo chính phủ"
	case "quochoi":
		return "quốc hội"
	case "baohiemxahoi":
		return "bảo hiểm xã hội"
	case "bocongan":
		return "bộ công an"
	case "congan":
		return "công an"
	case "thuedientu":
		return "thuế điện tử"
	case "dangcongsan":
		return "đảng cộng sản"
	case "nhandan":
		return "nhân dân"
	case "thuvienphapluat":
		return "thư viện pháp luật"
	case "phapluat":
		return "pháp luật"
	case "tracuu":
		return "tra cứu"
	case "tinnhiemmang":
		return "tín nhiệm mạng"
	case "vietnam":
		return "việt nam"
	case "hanoi":
		return "hà nội"
	case "hochiminhcity", "tphcm":
		return "thành phố hồ chí minh"
	}
	return ""
}

func webWord(s string) string {
	switch s {
	case ".":
		return "chấm"
	case "/":
		return "gạch chéo"
	case "-":
		return "gạch ngang"
	case "_":
		return "gạch dưới"
	case ":":
		return "hai chấm"
	case "?":
		return "hỏi"
	case "~":
		return "ngã"
	case "id":
		return "i đê"
	case "vn":
		return "vê en"
	case "com":
		return "com"
	case "gov":
		return "gốp"
	case "org":
		return "o rờ gờ"
	case "net":
		return "nét"
	case "edu":
		return "e đu"
	}
	return ""
}

// domain says whether run begins with a name under a usual top-level domain.
func domain(run string) bool {
	host, _, _ := strings.Cut(run, "/")
	at := strings.LastIndexByte(host, '.')
	if at <= 0 {
		return false
	}
	switch host[at+1:] {
	case "vn", "com", "org", "net", "edu", "gov", "info", "io", "asia":
		return true
	}
	return false
}
