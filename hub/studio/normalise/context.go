package normalise

// The sets below are words in small letters, with the tone mark on the main vowel (khoá),
// as pass.before and pass.following give them.

func phoneContext(w string) bool {
	switch w {
	case "hotline", "thoại", "đt", "sđt", "đtdđ", "zalo", "nóng", "fax", "đài", "tel", "viber", "máy", "phone":
		return true
	}
	return false
}

func emergencyCode(s string) bool {
	switch s {
	case "111", "112", "113", "114", "115", "116", "117", "118", "119", "156", "1022", "1080", "5656":
		return true
	}
	return false
}

// afterNumber says whether w may follow a number to call: 113 khi có trộm, 115 cấp cứu.
func afterNumber(w string) bool {
	switch w {
	case "", "để", "hoặc", "khi", "và", "nếu", "hay", "ngay", "của", "miễn", "được", "gặp", "là", "cấp", "bảo", "tiếp", "tư",
		"hỗ", "cảnh", "chữa", "cứu", "phản", "trực", "nhờ", "báo", "trong", "thì", "đến", "tới", "với", "tại", "ở", "trước", "sau", "giúp", "kịp":
		return true
	}
	return false
}

func emergencyContext(w string) bool {
	switch w {
	case "gọi", "đài", "sát", "cứu", "hoả", "nóng", "hotline", "thoại", "khẩn", "bấm", "điện", "quay", "báo":
		return true
	}
	return false
}

// counted says whether w is something that is counted, so that a number before it
// is no name.
func counted(w string) bool {
	switch w {
	case "người", "hộ", "thôn", "xã", "đồng", "ca", "cháu", "em", "trường", "lượt", "ngày", "năm", "tháng", "xe", "nghìn",
		"triệu", "tỷ", "nhân", "gia", "vụ", "lần", "trẻ", "học", "cán", "đoàn", "hội", "suất", "căn", "ha", "km", "m", "tấn":
		return true
	}
	return false
}

func plateContext(w string) bool {
	switch w {
	case "biển", "bks", "xe", "kiểm", "soát", "số":
		return true
	}
	return false
}

func identityContext(w string) bool {
	switch w {
	case "mã", "cccd", "cmnd", "khoản", "stk", "cước", "imei", "mst", "otp", "pin":
		return true
	}
	return false
}

// dateBefore says whether d/m after w is a date.
func dateBefore(w string) bool {
	switch w {
	case "lễ", "tết", "khánh", "đường", "dịp", "phố", "trước", "sau", "hết", "kể", "cúng", "nghỉ", "hạn", "nữ", "động",
		"binh", "em", "giáo", "thương", "nhập", "sinh", "vào", "lúc", "khai":
		return true
	}
	return dateWord(w)
}

// namedDay says whether w begins the name of a day: Ngày Pháp luật 9/11.
func namedDay(w string) bool { return w == "ngày" || w == "dịp" || w == "lễ" }

// dayWord says whether 30-6 or 30.6 after w is a date.
func dayWord(w string) bool {
	switch w {
	case "sắp", "hạn", "trước", "sau", "hết", "lễ", "dịp", "sáng", "chiều", "tối", "đêm", "hôm":
		return true
	}
	return false
}

func dateWord(w string) bool {
	switch w {
	case "ngày", "sáng", "trưa", "chiều", "tối", "đêm", "hôm", "nay", "mai", "mùng", "mồng", "từ", "đến", "tới", "hai", "ba",
		"tư", "năm", "sáu", "bảy", "nhật", "qua", "cn", "và", "rạng", "khuya":
		return true
	}
	return false
}

// shareBefore says whether a/b after w is a fraction or a ratio.
func shareBefore(w string) bool {
	switch w {
	case "chiếm", "khoảng", "hơn", "gần", "bằng", "lệ", "giảm", "tăng", "quá", "ít", "được", "trên", "còn", "có", "đạt", "thu", "mất",
		"thiểu", "đủ", "uống", "pha", "dùng", "nộp", "hỗ", "tán", "với", "nhất":
		return true
	}
	return false
}

// shareAfter says whether a/b before w is a fraction or a ratio.
func shareAfter(w string) bool {
	switch w {
	case "số", "diện", "dân", "hộ", "thành", "đại", "thôn", "xã", "tổ", "chỉ", "giá", "tổng", "khối", "sản", "quãng",
		"thời", "lượng", "mức", "phường", "trường", "đoàn", "chi", "cử", "nhân", "phần", "huyện", "tỉnh", "khu", "tấn", "ha",
		"lần", "đảng", "ý", "buổi", "bước", "môn", "câu", "đội", "cháu", "hồ", "dự", "tuyến", "tiêu", "cơ", "sở", "đơn", "phiếu",
		"bài", "mục", "trận", "viên", "gói", "thìa", "muỗng", "cốc", "chén", "lít", "quả", "sào", "mẫu", "héc", "cân", "kg", "ống", "liều", "vòng", "ao", "cây", "con", "chuồng", "nhiệm", "điểm", "người", "nội", "công", "gia", "học", "suất", "vụ", "ứng":
		return true
	}
	return false
}

// span says whether w after a/b is a stretch of time of which a/b is a part.
func span(w string) bool { return w == "tháng" || w == "ngày" || w == "giờ" }

// loadContext says whether T after a number near w is a tonne.
func loadContext(w string) bool {
	switch w {
	case "tải", "trọng", "cầu", "xe", "cân":
		return true
	}
	return false
}

// sectionContext says whether 2.1 after w is the number of a part or a version.
func sectionContext(w string) bool {
	switch w {
	case "mục", "điểm", "bảng", "hình", "phần", "khoản", "bản", "số", "biểu", "phụ", "chương", "mẫu", "điều":
		return true
	}
	return false
}

func serviceContext(w string) bool {
	switch w {
	case "trực", "vụ", "động", "tục", "gian", "ngơi", "cửa":
		return true
	}
	return false
}

func ratioContext(w string) bool {
	switch w {
	case "lệ", "đồ", "số", "pha", "loãng":
		return true
	}
	return false
}

func scoreContext(w string) bool {
	switch w {
	case "tỉ", "tỷ", "thắng", "thua", "hoà":
		return true
	}
	return false
}

// yearAfter says whether n/yyyy after w is the n-th of its kind in that year.
func yearAfter(w string) bool {
	switch w {
	case "quý", "tuần", "kỳ", "kì", "đợt", "số", "định", "tư", "quyết", "lệnh", "luật", "khoá", "nđ", "tt", "qđ", "nq", "ct", "lần":
		return true
	}
	return false
}

// romanContext says whether a Roman numeral may follow w, even a single letter.
func romanContext(w string) bool {
	switch w {
	case "quý", "cấp", "kỷ", "kỉ", "khoá", "chương", "phần", "mục", "hội", "lần", "kỳ", "kì", "hạng", "loại", "nhóm",
		"vùng", "vực", "tập", "quyển", "đợt", "đoạn", "bậc", "độ", "lục", "hiệp", "giải", "khối", "bảng", "điểm", "điều", "nhiệm",
		"số", "khu", "đô", "chiến", "tuyến", "tầng", "vua", "tiểu", "ngạch", "năm", "ron", "bđ", "vòng", "lớp", "thi", "đông":
		return true
	}
	return false
}

// measured says whether w follows a number with decimals.
func measured(w string) bool {
	switch w {
	case "nghìn", "ngàn", "triệu", "tỷ", "tỉ", "trăm", "vạn", "lần", "mét", "độ", "tấn", "tạ", "yến", "lít", "gam", "sào",
		"mẫu", "ki", "héc", "giờ", "phút", "giây", "điểm", "người", "hộ", "cân":
		return true
	}
	return currency(w)
}

func currency(w string) bool {
	switch w {
	case "đồng", "đ", "vnđ", "vnd", "đô", "usd", "eur", "euro", "xu", "nghìn", "ngàn", "triệu", "tỷ", "tỉ", "trđ":
		return true
	}
	return false
}

// scale says whether w multiplies the number before it.
func scale(w string) bool {
	switch w {
	case "trăm", "nghìn", "ngàn", "vạn", "triệu", "tỷ", "tỉ":
		return true
	}
	return false
}

// people says whether w counts those who live in a household.
func people(w string) bool { return w == "khẩu" || w == "nhân" || w == "người" }

// extends says whether w after a number belongs to its value, so that a dash after
// it is a range: 7 giờ - 10 giờ, 500 nghìn - 1 triệu.
func extends(w string) bool {
	switch w {
	case "giờ", "phút", "giây", "tuổi", "ngày", "tháng", "tuần", "mươi", "chục", "hộ", "phần":
		return true
	}
	return scale(w) || measured(w)
}

// wholeNumber says whether a/b before w counts b whole things, a of them: 5/7 thôn.
func wholeNumber(w string) bool {
	switch w {
	case "thôn", "xã", "phường", "tổ", "ấp", "bản", "làng", "chi", "đơn", "tiêu", "trường", "đội", "câu", "bài", "môn", "trận", "điểm", "buổi",
		"ứng":
		return true
	}
	return false
}

// roughly says whether what follows w is a share, not a count.
func roughly(w string) bool {
	switch w {
	case "khoảng", "gần", "hơn", "quá", "chiếm", "bằng", "giảm", "tăng", "trên", "dưới", "ít", "nhất":
		return true
	}
	return false
}

// addressAfter says whether a/b before w is the number of a house.
func addressAfter(w string) bool {
	switch w {
	case "ngõ", "ngách", "hẻm", "kiệt", "đường", "phố", "ấp", "khu", "tổ", "thôn", "xóm", "quốc", "tỉnh":
		return true
	}
	return false
}

// namedByNumber says whether numbers after w name things one by one.
func namedByNumber(w string) bool {
	switch w {
	case "thôn", "tổ", "xóm", "ấp", "khối", "lớp", "khóm", "khu", "phố", "đội", "ngày", "tháng", "quý", "thứ", "điều", "khoản", "cụm",
		"buôn", "nhóm", "câu", "bài", "chương", "đợt", "cống", "trạm", "tiểu":
		return true
	}
	return false
}

// placed says whether a number and a letter after w are the name of a place or a
// class: lớp 5 V.
func placed(w string) bool {
	switch w {
	case "lớp", "nhà", "lô", "khu", "phòng", "tổ", "điều", "chương", "mục", "phần", "khoá", "khối", "tầng", "cửa":
		return true
	}
	return false
}

// adviceContext says whether w stands before the name of an advice, not before a price:
// thông điệp 5K, thực hiện tốt 5K.
func adviceContext(w string) bool {
	return w == "điệp" || w == "hiện" || w == "tắc" || w == "cáo" || w == "chấp"
}
