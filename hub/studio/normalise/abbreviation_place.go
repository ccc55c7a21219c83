package normalise

// documentPart reads one part of the code of a document, where letters have other
// meanings than in a sentence.
func documentPart(s string) string {
	switch s {
	case "CT":
		return "chỉ thị"
	case "TT":
		return "thông tư"
	case "XD":
		return "xây dựng"
	case "CP":
		return "chính phủ"
	case "BC":
		return "báo cáo"
	case "CV":
		return "công văn"
	case "TB":
		return "thông báo"
	case "TTr", "TTR":
		return "tờ trình"
	case "GM":
		return "giấy mời"
	case "HD":
		return "hướng dẫn"
	case "KH":
		return "kế hoạch"
	case "PA":
		return "phương án"
	case "BB":
		return "biên bản"
	case "HĐ":
		return "hợp đồng"
	case "NQ":
		return "nghị quyết"
	case "NĐ":
		return "nghị định"
	case "QĐ":
		return "quyết định"
	case "QC":
		return "quy chế"
	case "QyĐ", "QYĐ":
		return "quy định"
	case "KL":
		return "kết luận"
	case "CTr", "CTR":
		return "chương trình"
	case "CĐ":
		return "công điện"
	case "ĐA":
		return "đề án"
	case "GP":
		return "giấy phép"
	case "LN":
		return "liên ngành"
	case "SL":
		return "sắc lệnh"
	case "TL":
		return "trích lục"
	case "VB":
		return "văn bản"
	case "TW", "TƯ":
		return "trung ương"
	case "ĐU":
		return "đảng uỷ"
	case "TU":
		return "tỉnh uỷ"
	case "HU":
		return "huyện uỷ"
	case "VP":
		return "văn phòng"
	case "VPCP":
		return "văn phòng chính phủ"
	case "VX":
		return "văn xã"
	case "NVY":
		return "nghiệp vụ y"
	case "NVD":
		return "nghiệp vụ dược"
	case "NC":
		return "nội chính"
	case "QH":
		return "quốc hội"
	case "DP":
		return "dự phòng"
	case "TCCB":
		return "tổ chức cán bộ"
	case "PC":
		return "pháp chế"
	case "TCT":
		return "tổng cục thuế"
	case "BTGTW":
		return "ban tuyên giáo trung ương"
	case "BTCTW":
		return "ban tổ chức trung ương"
	case "UBKTTW":
		return "uỷ ban kiểm tra trung ương"
	case "BTGDVTU":
		return "ban tuyên giáo và dân vận tỉnh uỷ"
	case "HĐBC":
		return "hội đồng bầu cử"
	case "ĐTN":
		return "đoàn thanh niên"
	case "ĐUBND":
		return "đảng uỷ uỷ ban nhân dân"
	case "XP":
		return "xử phạt"
	case "XPHC":
		return "xử phạt hành chính"
	case "XPVPHC":
		return "xử phạt vi phạm hành chính"
	case "BYT":
		return "bộ y tế"
	case "BTC":
		return "bộ tài chính"
	case "BNV":
		return "bộ nội vụ"
	case "BCA":
		return "bộ công an"
	case "BQP":
		return "bộ quốc phòng"
	case "BCT":
		return "bộ công thương"
	case "BXD":
		return "bộ xây dựng"
	case "BTP":
		return "bộ tư pháp"
	case "BNG":
		return "bộ ngoại giao"
	case "BGDĐT":
		return "bộ giáo dục và đào tạo"
	case "BTTTT":
		return "bộ thông tin và truyền thông"
	case "BKHCN":
		return "bộ khoa học và công nghệ"
	case "BKHĐT":
		return "bộ kế hoạch và đầu tư"
	case "BNN":
		return "bộ nông nghiệp"
	case "BNNPTNT":
		return "bộ nông nghiệp và phát triển nông thôn"
	case "BNNMT":
		return "bộ nông nghiệp và môi trường"
	case "BTNMT":
		return "bộ tài nguyên và môi trường"
	case "BGTVT":
		return "bộ giao thông vận tải"
	case "BLĐTBXH":
		return "bộ lao động thương binh và xã hội"
	case "BVHTTDL":
		return "bộ văn hoá thể thao và du lịch"
	case "BDTTG":
		return "bộ dân tộc và tôn giáo"
	case "NHNN":
		return "ngân hàng nhà nước"
	case "TTCP":
		return "thanh tra chính phủ"
	case "SYT":
		return "sở y tế"
	case "STC":
		return "sở tài chính"
	case "SNV":
		return "sở nội vụ"
	case "SXD":
		return "sở xây dựng"
	case "STP":
		return "sở tư pháp"
	case "SGDĐT":
		return "sở giáo dục và đào tạo"
	case "STTTT":
		return "sở thông tin và truyền thông"
	case "SKHCN":
		return "sở khoa học và công nghệ"
	case "SNNMT":
		return "sở nông nghiệp và môi trường"
	case "SVHTTDL":
		return "sở văn hoá thể thao và du lịch"
	case "CAT":
		return "công an tỉnh"
	case "CAX":
		return "công an xã"
	case "BCĐ":
		return "ban chỉ đạo"
	case "BTGTU":
		return "ban tuyên giáo tỉnh uỷ"
	case "MTTQ":
		return "mặt trận tổ quốc"
	case "PVHCC":
		return "phục vụ hành chính công"
	case "KT":
		return "kinh tế"
	case "VHXH":
		return "văn hoá xã hội"
	case "BHXH":
		return "bảo hiểm xã hội"
	case "UBBC":
		return "uỷ ban bầu cử"
	case "VPUB":
		return "văn phòng uỷ ban"
	}
	return ""
}

// documentKind says whether s may begin the code of a document without a number.
func documentKind(s string) bool {
	switch s {
	case "NĐ", "QĐ", "NQ", "TT", "CT", "TB", "KH", "BC", "TTr", "HD", "CV", "KL", "TTLT", "QC", "CTr", "ĐA", "PA":
		return true
	}
	return false
}

// placeAbbreviation reads an abbreviation that stands before the name or number of a
// place.
func placeAbbreviation(s string) string {
	switch s {
	case "P.", "P":
		return "phường"
	case "Q.", "Q":
		return "quận"
	case "H.":
		return "huyện"
	case "X.":
		return "xã"
	case "T.":
		return "tỉnh"
	case "TX.", "TX", "Tx.", "Tx":
		return "thị xã"
	case "TP.", "Tp.", "Tp", "tp.", "tp":
		return "thành phố"
	case "TT.", "Tt.":
		return "thị trấn"
	case "Đ.":
		return "đường"
	case "KP.", "KP", "Kp.":
		return "khu phố"
	case "QL.":
		return "quốc lộ"
	case "TL.":
		return "tỉnh lộ"
	case "ĐT.":
		return "đường tỉnh"
	case "ĐH.":
		return "đường huyện"
	case "Ng.":
		return "ngõ"
	}
	return ""
}

// signature reads what stands before the office of the one who signs.
func signature(s string) string {
	switch s {
	case "TM.", "T/M":
		return "thay mặt"
	case "KT.", "K/T":
		return "ký thay"
	case "TL.", "T/L":
		return "thừa lệnh"
	case "TUQ.":
		return "thừa uỷ quyền"
	case "Q.":
		return "quyền"
	}
	return ""
}
