package normalise

// foreignWord reads a foreign word or name, in small letters, as it is said in
// Vietnamese.
func foreignWord(s string) string {
	switch s {
	case "covid":
		return "cô vít"
	case "covid-19", "covid19":
		return "cô vít mười chín"
	case "sars-cov-2":
		return "xa cô vi hai"
	case "internet":
		return "in tơ nét"
	case "website":
		return "oép xai"
	case "web":
		return "oép"
	case "email", "e-mail":
		return "i meo"
	case "gmail":
		return "gi meo"
	case "facebook":
		return "phây búc"
	case "fanpage":
		return "phan pết"
	case "zalo":
		return "da lô"
	case "youtube":
		return "diu túp"
	case "tiktok":
		return "tích tốc"
	case "google":
		return "gu gồ"
	case "messenger":
		return "mét xen giơ"
	case "wifi", "wi-fi":
		return "oai phai"
	case "online":
		return "on lai"
	case "offline":
		return "óp lai"
	case "livestream":
		return "lai xtrim"
	case "video":
		return "vi đê ô"
	case "clip":
		return "clíp"
	case "camera":
		return "ca mê ra"
	case "smartphone":
		return "xmát phôn"
	case "iphone":
		return "ai phôn"
	case "tivi":
		return "ti vi"
	case "radio":
		return "ra đi ô"
	case "micro":
		return "mi crô"
	case "karaoke":
		return "ca ra ô kê"
	case "app":
		return "áp"
	case "hotline":
		return "hót lai"
	case "fax":
		return "phắc"
	case "vaccine", "vaccin", "vắc-xin":
		return "vắc xin"
	case "virus":
		return "vi rút"
	case "vitamin":
		return "vi ta min"
	case "oxy":
		return "ô xy"
	case "gas":
		return "ga"
	case "container":
		return "công ten nơ"
	case "logo":
		return "lô gô"
	case "festival":
		return "phét ti van"
	case "marketing":
		return "ma két tinh"
	case "logistics":
		return "lô gít tích"
	case "asean":
		return "a xê an"
	case "unesco":
		return "u nét xcô"
	case "unicef":
		return "u ni xép"
	case "apec":
		return "a péc"
	case "vneid":
		return "vê nờ e i đê"
	case "vnedu":
		return "vê nờ e đu"
	case "vssid":
		return "vê ét ét i đê"
	case "vietgap":
		return "việt gáp"
	case "globalgap":
		return "glô ban gáp"
	case "ocop":
		return "ô cốp"
	case "iso":
		return "i xô"
	case "qr":
		return "quy a"
	case "qr-code":
		return "quy a cốt"
	case "code":
		return "cốt"
	case "pin":
		return "pin"
	case "blog":
		return "bờ lóc"
	case "fake":
		return "phếch"
	case "news":
		return "niu"
	case "chip":
		return "chíp"
	case "robot":
		return "rô bốt"
	case "laptop":
		return "láp tốp"
	case "server":
		return "xơ vơ"
	case "drone":
		return "đrôn"
	case "flycam":
		return "phlai cam"
	case "dioxin":
		return "đi ô xin"
	case "photocopy":
		return "phô tô cóp pi"
	case "file":
		return "phai"
	case "pdf":
		return "pê đê ép"
	case "word":
		return "uốt"
	case "excel":
		return "ếch xeo"
	case "usb":
		return "u ét bê"
	case "sim":
		return "xim"
	case "led":
		return "lét"
	case "gps":
		return "giê pê ét"
	case "pm2.5":
		return "pê em hai phẩy năm"
	case "co2":
		return "xê ô hai"
	case "so2":
		return "ét ô hai"
	case "no2":
		return "en nờ ô hai"
	case "h2o":
		return "hát hai ô"
	case "ph":
		return "pê hát"
	case "n95":
		return "en nờ chín mươi lăm"
	case "paracetamol":
		return "pa ra xê ta mon"
	case "glyphosate":
		return "gly phô xát"
	case "biogas":
		return "bi ô ga"
	case "compost":
		return "com pốt"
	case "homestay":
		return "hôm xtây"
	case "shipper":
		return "síp pơ"
	case "ship":
		return "síp"
	case "taxi":
		return "tắc xi"
	case "bus":
		return "buýt"
	case "canada":
		return "ca na đa"
	case "singapore":
		return "xinh ga po"
	case "malaysia":
		return "ma lai xi a"
	case "indonesia":
		return "in đô nê xi a"
	case "campuchia":
		return "cam pu chia"
	case "philippines":
		return "phi líp pin"
	case "australia":
		return "ô xtrây li a"
	case "samsung":
		return "xam xung"
	}
	return foreignName(s)
}

// foreignMore reads foreign words that are only read so when they stand alone.
func foreignMore(s string) string {
	switch s {
	case "qrcode":
		return "quy a cốt"
	}
	return ""
}
